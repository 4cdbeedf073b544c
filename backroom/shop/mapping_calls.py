"""`[channels.ID.mapping.login]`, `.poll` and `.tell.NEWS`: how a mapped shop is asked, and how news goes back to it.

What belongs here: the calls as they are written, and whether every word in braces is one that will be known. What does
not: making them (`backroom.channels.mapped_calls`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from backroom.domain.channels import NEWS
from backroom.domain.json_path import BadPath, Path, parse_path
from backroom.domain.mapping import (
    CANCELLED_WORDS,
    LINE_WORDS,
    LIST_WORDS,
    METHODS,
    ONE_WORDS,
    PAGE_SIZE,
    PAGINGS,
    PAY_BACK_WORDS,
    SHIPPED_WORDS,
    STOCK_WORDS,
    TIME_FORMS,
    Call,
    LoginMapping,
    PayBackMapping,
    PollMapping,
    TellMapping,
)
from backroom.shop.check import suggest
from backroom.shop.section import Section

WORDS: Mapping[str, frozenset[str]] = {"shipped": SHIPPED_WORDS, "cancelled": CANCELLED_WORDS, "stock": STOCK_WORDS}
_WORD = re.compile(r"\{([a-z_]+)\}")
_NAME = re.compile(r"[a-z][a-z_]{0,30}")
_HOW = "Write it like data.order, lines[0].id or items[sku={sku}].id."


def read_login(mapping: Section) -> LoginMapping:
    """How the secret of `[channels.ID.api]` is shown to the shop; as a bearer token if nothing is said."""
    if not mapping.has("login"):
        return LoginMapping()
    section = mapping.section("login")
    basic = section.flag("basic")
    login = LoginMapping(
        header=section.text("header", "Authorization", pattern="[A-Za-z0-9-]{1,60}", form="a header's name"),
        prefix=section.verbatim("prefix", "" if section.has("header") else "Bearer "),
        basic=basic,
    )
    if basic and section.has("header"):
        section.problem("header", "is Authorization where basic = true", "Remove it, or basic.")
    section.done()
    return login


def read_poll(mapping: Section) -> PollMapping | None:
    if not mapping.has("poll"):
        return None
    section = mapping.section("poll")
    paging = section.choice("paging", PAGINGS, "none")
    listed = _Calls(section, LIST_WORDS)
    poll = PollMapping(
        list=listed.call(section.section("list")),
        orders=listed.path(section, "orders"),
        one=_Calls(section, ONE_WORDS).call(section.section("one")),
        order=listed.path(section, "order"),
        paging=paging,
        size=section.whole("size", PAGE_SIZE, low=1, high=1000),
        first=section.whole("first", 1, high=1),
        cursor=listed.path(section, "cursor") if paging == "cursor" else None,
        times=section.choice("times", TIME_FORMS, "iso"),
    )
    word = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(paging)
    if word and word not in _words_of(poll.list):
        section.problem("paging", f"pages are asked for, and nothing in list says {{{word}}}", "Say where it goes.")
    if "since" not in _words_of(poll.list):
        section.problem("list", "says {since} nowhere", "Ask only for what changed since then, or it asks for all.")
    for name, call in (("list", poll.list), ("one", poll.one)):
        if not call.reads_only and not call.query and call.method != "POST":
            section.problem(name, f"{call.method} changes something", "Ask with GET, or POST.")
    section.done()
    return poll


def read_probe(mapping: Section) -> Call | None:
    """The call that tries the connection, which changes nothing."""
    if not mapping.has("probe"):
        return None
    section = mapping.section("probe")
    call = _Calls(section, frozenset()).call(section)
    if not call.reads_only:
        mapping.problem("probe", "changes something", "Name a call that only asks, by GET or by a query.")
    return call


def read_tell(mapping: Section) -> dict[str, TellMapping]:
    """By the kind of news."""
    if not mapping.has("tell"):
        return {}
    section, told = mapping.section("tell"), {}
    for news in NEWS:
        if section.has(news):
            told[news] = _read_news(news, section.section(news))
    section.done()
    return told


def read_pay_back(mapping: Section) -> PayBackMapping | None:
    """How refunds are paid; calls that ask may stand only before those that pay."""
    if not mapping.has("pay_back"):
        return None
    section = mapping.section("pay_back")
    calls = _Calls(section, PAY_BACK_WORDS)
    made = tuple(calls.all("calls"))
    result = section.text("result")
    if not any(not call.reads_only for call in made):
        section.problem("calls", "pay nothing", f"Add one that does to [[{section.at('calls')}]].")
    if [call.reads_only for call in made] != sorted((call.reads_only for call in made), reverse=True):
        section.problem("calls", "ask behind one that pays", "Put those that only ask first.")
    if result and result not in calls.kept:
        section.problem("result", f"no call keeps {result!r}", suggest(result, calls.kept))
    section.done()
    return PayBackMapping(made, result)


def _read_news(news: str, section: Section) -> TellMapping:
    calls = _Calls(section, WORDS[news])
    line: Mapping[str, Any] = {}
    if news == "shipped" and section.has("line"):
        line = section.table("line")
        _Calls(section, LINE_WORDS).check_words("line", line)
    tell = TellMapping(
        calls=tuple(calls.all("calls")),
        # A cancellation that comes twice is one, and so is a level.
        repeatable=section.flag("repeatable", news != "shipped"),
        line=line,
        result=section.text("result", "") if news == "shipped" else "",
        unknown=section.text("unknown", "") if news == "stock" else "",
        shows=section.text("shows", "") if news == "stock" else "",
        committed=section.text("committed", "") if news == "stock" else "",
        uncounted=section.text("uncounted", "") if news == "stock" else "",
        carriers=_names(section, "carriers") if news == "shipped" else {},
        reasons=_names(section, "reasons") if news == "cancelled" else {},
        pays_back=section.flag("pays_back", False) if news == "cancelled" else False,
    )
    if not tell.calls:
        section.problem("calls", "is missing", f"Begin each call with [[{section.at('calls')}]].")
    if "lines" in {word for call in tell.calls for word in _words_of(call)} and not line:
        section.problem("line", "is missing", 'Say how one of {lines} is written: line = { id = "{line_id}" }.')
    for key in ("result", "unknown", "shows", "committed", "uncounted"):
        word = getattr(tell, key)
        if word and word not in calls.kept:
            section.problem(key, f"no call keeps {word!r}", suggest(word, calls.kept))
    section.done()
    return tell


class _Calls:
    """Calls of one purpose: `known` are the words they may mention, `kept` what they have added to them so far."""

    def __init__(self, section: Section, known: frozenset[str]) -> None:
        self._section = section
        self._known = known
        self.kept: set[str] = set()

    def all(self, key: str) -> Iterator[Call]:
        for number, row in enumerate(self._section.rows(key), 1):
            if isinstance(row, dict):
                yield self.call(Section(row, f"{self._section.at(key)}.{number}", self._section.report))
            else:
                self._section.problem(key, "is not a list of tables", f"Begin each with [[{self._section.at(key)}]].")

    def call(self, section: Section) -> Call:
        query = section.text("query", "")
        body = section.table("body") if section.has("body") else None
        call = Call(
            method=section.choice("method", METHODS, "POST" if query or body is not None else "GET"),
            path=section.text("path", "", pattern=r"[A-Za-z0-9._~/{}-]*", form="a path below the api's url"),
            params=_names(section, "params"),
            body=body,
            query=query,
            variables=section.table("variables") if section.has("variables") else {},
            unless=section.text("unless", ""),
            failed=self.path(section, "failed") if section.has("failed") else None,
            fine=frozenset(section.one_or_more("fine")),
            keep=self._keep(section),
        )
        for key, part in (
            ("path", call.path),
            ("params", call.params),
            ("body", call.body),
            ("variables", call.variables),
        ):
            self.check_words(key, part, section)
        if query and body is not None:
            section.problem("body", "and query exclude each other", "A GraphQL query has variables.")
        if call.unless and call.unless not in self.kept:
            section.problem("unless", f"no call before this one keeps {call.unless!r}", suggest(call.unless, self.kept))
        self.kept |= set(call.keep)
        section.done()
        return call

    def path(self, section: Section, key: str) -> Path:
        text = section.text(key)
        try:
            found = parse_path(text)
        except BadPath as error:
            section.problem(key, str(error), _HOW)
            return Path("")
        self.check_words(key, text, section)
        return found

    def check_words(self, key: str, part: object, section: Section | None = None) -> None:
        """Report every word in braces that nobody will know."""
        known = self._known | self.kept
        for word in sorted(_words(part) - known):
            (section or self._section).problem(key, f"{{{word}}} is not known here", suggest(word, known))

    def _keep(self, section: Section) -> dict[str, Path]:
        if not section.has("keep"):
            return {}
        kept, inner = {}, section.section("keep")
        for name in section.table("keep"):
            if _NAME.fullmatch(name) and name not in self._known:
                kept[name] = self.path(inner, name)
            else:
                inner.problem(name, "cannot be its name", "Use small letters, and no word that is known already.")
                inner.has(name)
        inner.done()
        return kept


def _names(section: Section, key: str) -> dict[str, str]:
    """A table of texts."""
    if not section.has(key):
        return {}
    inner = section.section(key)
    named = {name: inner.verbatim(name, "") for name in section.table(key)}
    inner.done()
    return named


def _words_of(call: Call) -> set[str]:
    return _words(call.path) | _words(call.params) | _words(call.body) | _words(call.variables)


def _words(part: object) -> set[str]:
    if isinstance(part, str):
        return set(_WORD.findall(part))
    if isinstance(part, Mapping):
        return {word for inner in part.values() for word in _words(inner)}
    return {word for inner in part for word in _words(inner)} if isinstance(part, list) else set()
