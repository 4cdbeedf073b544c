"""Where something stands in JSON: the paths that a mapping in the shop file is written in.

What belongs here: the language, and finding values by it. What does not: what a value means (`backroom.channels`), and
which fields a mapping has (`mapping`). Why it is our own: docs/adr/0017.

    customer.email           a name in an object, and a name in that
    lines[0]  lines[-1]      the first of a list, the last
    lines[*]                 every one of a list
    meta[key=engraving]      those of a list whose `key` says so; an object alone, if its own does
    "gift.note"              a name that holds dots or brackets, in quotes

A `Source` says where a field comes from: one path or several, of which the first that has something counts; paths
joined by ` + `, whose texts stand side by side; or `=EUR`, a fixed text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

# A name as most JSON has it; whatever else it holds, it stands in quotes.
_NAME = re.compile(r'[^\s.\[\]"+={}]+|"[^"]+"')
_INDEX = re.compile(r"\[(-?[0-9]{1,6})\]")
_WHERE = re.compile(r'\[([^\s.\[\]"+={}]+)=([^\[\]]*)\]')
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
JOINT = " + "


class BadPath(ValueError):
    """A path that cannot be read; the text says what is wrong, and how it is written."""


@dataclass(frozen=True, slots=True)
class Name:
    key: str


@dataclass(frozen=True, slots=True)
class Item:
    index: int


@dataclass(frozen=True, slots=True)
class Every:
    pass


@dataclass(frozen=True, slots=True)
class Where:
    """Those of a list whose `key` says `value`, or an object whose own does; a value such as `{tracking}` is told by
    whoever asks."""

    key: str
    value: str


Step = Name | Item | Every | Where


@dataclass(frozen=True, slots=True)
class Path:
    """`text` as it was written; no steps mean the document itself."""

    text: str
    steps: tuple[Step, ...] = ()

    @property
    def single(self) -> bool:
        """Whether it leads to one place at the most."""
        return not any(isinstance(step, Every | Where) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text that stands in the mapping itself."""

    value: str


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the path that leads to it in this document: `lines[2].sku`."""

    value: object
    path: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field comes from: alternatives, each of terms that are joined."""

    alternatives: tuple[tuple[Path | Fixed, ...], ...]

    @property
    def text(self) -> str:
        """As it was written, alternatives with `or` between them."""
        return " or ".join(
            JOINT.join(term.text if isinstance(term, Path) else f"={term.value}" for term in terms)
            for terms in self.alternatives
        )

    @property
    def paths(self) -> Iterator[Path]:
        return (term for terms in self.alternatives for term in terms if isinstance(term, Path))


def parse_path(text: str) -> Path:
    """Read a path; BadPath where it is none. An empty one is the document itself."""
    if text.startswith("$"):
        raise BadPath("begins with $: a path begins with the first name")
    steps: list[Step] = []
    place = 0
    while place < len(text):
        if text[place] == "[":
            step, place = _bracket(text, place)
        else:
            if steps:
                if text[place] != ".":
                    raise BadPath(f"has no dot or bracket before {text[place:][:20]!r}")
                place += 1
            name = _NAME.match(text, place)
            if name is None:
                raise BadPath(f"has no name where {text[place:][:20]!r} stands" if text[place:] else "ends with a dot")
            step, place = Name(name[0].strip('"')), name.end()
        steps.append(step)
    return Path(text, tuple(steps))


def _bracket(text: str, place: int) -> tuple[Step, int]:
    if text.startswith("[*]", place):
        return Every(), place + 3
    if found := _INDEX.match(text, place):
        return Item(int(found[1])), found.end()
    if found := _WHERE.match(text, place):
        return Where(found[1], found[2]), found.end()
    raise BadPath(f"has {text[place:][:20]!r}, which is none of [0], [*] and [name=word]")


def parse_source(written: str | Sequence[str]) -> Source:
    """Read where a field comes from; BadPath where it cannot be read."""
    texts = [written] if isinstance(written, str) else list(written)
    if not texts:
        raise BadPath("names no path")
    return Source(tuple(_terms(text) for text in texts))


def _terms(text: str) -> tuple[Path | Fixed, ...]:
    if text.startswith("="):
        return (Fixed(text[1:]),)
    terms = tuple(parse_path(term.strip()) for term in text.split(JOINT))
    if not all(term.steps for term in terms):
        raise BadPath("is empty")
    return terms


def find(document: object, path: Path, told: Mapping[str, str] | None = None) -> list[Found]:
    """Every value that the path leads to, in the document's order; null counts as a value. Never raises.

    `told` are the words for placeholders in `[name={word}]`.
    """
    found = [Found(document, "")]
    for step in path.steps:
        found = [inner for one in found for inner in _inner(one, step, told or {})]
    return found


def _inner(one: Found, step: Step, told: Mapping[str, str]) -> Iterator[Found]:
    value = one.value
    if isinstance(step, Name):
        if isinstance(value, dict) and step.key in value:
            key = step.key if _NAME.fullmatch(step.key) else f'"{step.key}"'
            yield Found(value[step.key], f"{one.path}.{key}" if one.path else key)
        return
    if isinstance(step, Where) and isinstance(value, dict):
        if _is(value, step, told):
            yield one
        return
    if not isinstance(value, list):
        return
    if isinstance(step, Item):
        if -len(value) <= step.index < len(value):
            yield Found(value[step.index], f"{one.path}[{step.index % len(value)}]")
        return
    for index, item in enumerate(value):
        if isinstance(step, Every) or _is(item, step, told):
            yield Found(item, f"{one.path}[{index}]")


def _is(item: object, where: Where, told: Mapping[str, str]) -> bool:
    wanted = _PLACEHOLDER.sub(lambda name: told.get(name[1], ""), where.value)
    return isinstance(item, dict) and said(item.get(where.key)) == wanted


def said(value: object) -> str:
    """A plain value as the text that it would be compared by: `true`, `12`, `paid`; empty for all others."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int) else ""


def read(document: object, source: Source) -> Found | None:
    """The first that says something, by the order of the alternatives; None where none does."""
    for terms in source.alternatives:
        if len(terms) == 1 and isinstance(terms[0], Path):
            found = next((one for one in find(document, terms[0]) if _says(one.value)), None)
            if found is not None:
                return found
            continue
        parts = [term if isinstance(term, Fixed) else _first(document, term) for term in terms]
        joined = " ".join(text for part in parts if part is not None and (text := said(part.value)))
        if joined:
            return Found(joined, JOINT.join(one.path for one in parts if isinstance(one, Found)))
    return None


def read_all(document: object, source: Source) -> list[Found]:
    """All values of the first alternative that has any that says something."""
    for terms in source.alternatives:
        found = [
            one
            for term in terms
            for one in ([Found(term.value, "")] if isinstance(term, Fixed) else find(document, term))
            if _says(one.value)
        ]
        if found:
            return found
    return []


def _first(document: object, path: Path) -> Found | None:
    return next((one for one in find(document, path) if said(one.value)), None)


def _says(value: object) -> bool:
    return value is not None and value != [] and value != {} and not (isinstance(value, str) and not value.strip())
