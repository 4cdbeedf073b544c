"""Calls of a mapped shop's own interface, as its mapping writes them: HTTP with JSON, or GraphQL over HTTP.

What belongs here: filling words into a call, making it, and finding out whether its answer means yes. What does not:
which calls there are (`mapped_source`, `mapped_news`).

Words are filled into values, never into JSON or GraphQL as text: what a shop or a carrier wrote cannot change the shape
of a call. A text that is nothing but one word, `"{quantity}"`, becomes that word's value with its type.
GraphQL is spoken as graphql.org, "Serving over HTTP", has it: a POST of query and variables, and `errors` in a 200.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from backroom.domain.channels import ApiSpec, RefundsSpec
from backroom.domain.errors import AskPerson
from backroom.domain.json_path import find, said
from backroom.domain.mapping import Call, ShopMapping
from backroom.outgoing.answer import Answer
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused, ServiceSetup

_WORD = re.compile(r"\{([a-z_]+)\}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,60}")
# What GraphQL servers say in `extensions.code` of whoever may not ask: Apollo Server, "Built-in error codes".
_NOT_LET_IN = frozenset({"FORBIDDEN", "UNAUTHENTICATED", "UNAUTHORIZED"})


class LoginUnusable(AskPerson):
    """The secret of an interface is not in the form that its login asks for."""

    cause = "login_unusable"


def account_of(channel: str, api: ApiSpec | RefundsSpec, mapping: ShopMapping, secret: str) -> Account:
    """Our account there: the channel's id names it in sentences."""
    login = mapping.login
    if login.basic:
        user, colon, password = secret.partition(":")
        if not colon:
            raise LoginUnusable(
                f"the secret {api.secret} is no user:password.", remedy="Write it with a colon between them."
            )
        return Account(channel, api.url, login=(user, password))
    return Account(channel, api.url, headers={login.header: login.prefix + secret})


def make_call(
    client: Client,
    call: Call,
    told: Mapping[str, Any],
    *,
    about: str,
    again: bool | None = None,
    asks: bool = False,
) -> Answer:
    """Make one call and return its answer, once it means yes.

    `told` are the words for its braces; `again` says that doing it twice is harmless, as asking always is. `asks` says
    that it only asks, whatever its method: some shops are searched by POST.
    Errors are those of `backroom.outgoing`.
    """
    body: dict[str, Any] = {}
    if call.query:
        body["json"] = {"query": call.query, "variables": filled(call.variables, told)}
    elif call.body is not None:
        body["json"] = filled(call.body, told)
    if call.params:
        params = {name: filled(value, told) for name, value in call.params.items()}
        # One that has nothing to say is left out: no page asks for the first one.
        body["params"] = {name: value for name, value in params.items() if value not in ("", None)}
    path = _WORD.sub(lambda word: quote(said(told.get(word[1])), safe=""), call.path)
    reads = asks or call.reads_only
    answer = client.call(call.method, path, about=about, again=again or reads, changes=not reads, **body)
    service = client.account.service
    if call.query:
        _no_graphql_errors(service, answer, about)
    if call.failed is not None:
        word = next((text for one in find(answer.json(), call.failed) if (text := said(one.value))), "")
        if word and word not in call.fine:
            raise ServiceRefused(service, f"{service} refuses {about}{_coded(word)}.", answer)
    return answer


def kept_of(call: Call, answer: Answer, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the call keeps of its answer; a name that is not there is left out."""
    texts = {name: said(value) for name, value in told.items()}
    kept = {}
    for name, path in call.keep.items():
        found = next((one.value for one in find(answer.json(), path, texts) if said(one.value)), None)
        if found is not None:
            kept[name] = found
    return kept


def count_of(call: Call, answer: Answer, name: str, told: Mapping[str, Any]) -> int:
    """How many there are of what the call keeps under that name."""
    texts = {word: said(value) for word, value in told.items()}
    return len({said(one.value) for one in find(answer.json(), call.keep[name], texts) if said(one.value)})


def filled(part: Any, told: Mapping[str, Any]) -> Any:
    """A part of a call with its words filled in, as JSON takes it."""
    if isinstance(part, str):
        whole = _WORD.fullmatch(part)
        if whole and whole[1] in told:
            return told[whole[1]]
        return _WORD.sub(lambda word: said(told.get(word[1], "")), part)
    if isinstance(part, Mapping):
        return {name: filled(inner, told) for name, inner in part.items()}
    if isinstance(part, list):
        return [filled(inner, told) for inner in part]
    if isinstance(part, Decimal):
        return float(part)
    return part.isoformat() if isinstance(part, date) else part


def time_of(at: datetime, form: str) -> str | int:
    """A time as the shop takes it."""
    if form == "epoch":
        return int(at.timestamp())
    if form == "epoch_ms":
        return int(at.timestamp() * 1000)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _no_graphql_errors(service: str, answer: Answer, about: str) -> None:
    document = answer.json()
    if not isinstance(document, dict):
        raise AnswerUnreadable(service, f"{service} answers no JSON object ({about}).", remedy="Look at its address.")
    errors = document.get("errors")
    if not isinstance(errors, list) or not errors:
        return
    codes = {
        code
        for one in errors
        if isinstance(one, dict)
        and isinstance(one.get("extensions"), dict)
        and (code := said(one["extensions"].get("code")))
    }
    if codes & _NOT_LET_IN:
        raise ServiceSetup(
            service,
            f"{service} refuses our calls ({about}, {min(codes & _NOT_LET_IN)}).",
            remedy="Check our key there and what the key may do.",
        )
    raise ServiceRefused(service, f"{service} refuses {about}{_coded(min(codes, default=''))}.", answer)


def _coded(word: str) -> str:
    """The other side's code, where it is one: what somebody wrote may name a person."""
    return f" ({word})" if _CODE.fullmatch(word) else ""
