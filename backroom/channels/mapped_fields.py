"""One field of a mapped shop's order: found by its path, read exactly, and remembered with the place it came from.

What belongs here: texts, ids, times and amounts. What does not: which fields an order has (`mapped_order`).

Every value that is wrong becomes a Problem that names its place in the message: `order.lines[2].quantity`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from backroom.channels.reading import EPOCH, LARGEST_MINOR, Reading, long_text, text
from backroom.domain.json_path import JOINT, Found, Source, read, read_all, said
from backroom.domain.mapping import ShopMapping

LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_MILLI = {"epoch_ms": ", times a thousand"}


@dataclass(frozen=True, slots=True)
class Traced:
    """A field of ours, what it became, and where in the message it came from; no place is a value of the mapping."""

    field: str
    value: object
    place: str


@dataclass(slots=True)
class FieldReader:
    """Reads below `root`, or below another place that is given. `traces` says where each field came from."""

    mapping: ShopMapping
    root: Found
    reading: Reading = field(default_factory=Reading)
    traces: list[Traced] = field(default_factory=list)

    def plain(self, source: Source | None) -> str:
        """A text, quickly and without a trace; empty where there is none."""
        found = read(self.root.value, source) if source else None
        return text(found.value) if found else ""

    def has(self, source: Source) -> bool:
        """Whether anything stands there."""
        return read(self.root.value, source) is not None

    def value(self, source: Source | None, below: Found | None = None) -> tuple[object, str]:
        """What stands there and its place in the message; None, and where it was looked for, where nothing does."""
        if source is None:
            return None, ""
        holder = below or self.root
        found = read(holder.value, source)
        if found is None:
            return None, joined(holder.path, source.text)
        return found.value, joined(holder.path, found.path) if found.path else ""

    def trace(self, name: str, value: object, place: str) -> None:
        self.traces.append(Traced(name, value, place))

    def text(self, name: str, source: Source | None, longest: int = 500, below: Found | None = None) -> str:
        value, place = self.value(source, below)
        if value is not None and not isinstance(value, str | int):
            self.reading.wrong("text", place, "is not a text")
        found = text(value, longest)
        if found:
            self.trace(name, found, place)
        return found

    def long_text(self, name: str, source: Source | None) -> str:
        value, place = self.value(source)
        if value is not None and not isinstance(value, str):
            self.reading.wrong("text", place, "is not a text")
        found = long_text(value)
        if found:
            self.trace(name, found, place)
        return found

    def identifier(self, name: str, source: Source, *, needed: bool = True, below: Found | None = None) -> str:
        value, place = self.value(source, below)
        found = self.reading.identifier(value, place, needed=needed)
        self.trace(name, found, place)
        return found

    def time(self, name: str, source: Source) -> datetime:
        value, place = self.value(source)
        when = self._moment(value, place)
        self.trace(name, when, place)
        return when

    def _moment(self, value: object, place: str) -> datetime:
        form = self.mapping.times
        if form in ("iso", "utc"):
            return self.reading.time(value, place, utc=form == "utc")
        if value is None:
            self.reading.wrong("missing", place, "is missing")
            return EPOCH
        told = said(value).split(".")[0]
        if isinstance(value, bool) or not (told.isascii() and told.isdecimal() and len(told) < 16):
            self.reading.wrong("time", place, "is not a number of seconds since 1970" + _MILLI.get(form, ""))
            return EPOCH
        seconds = int(told) / (1000 if form == "epoch_ms" else 1)
        if seconds > LATEST.timestamp():
            self.reading.wrong("time", place, "lies thousands of years ahead: are these milliseconds?")
            return EPOCH
        return datetime.fromtimestamp(seconds, UTC)

    def _amount(self, value: object, place: str, currency: str, *, needed: bool) -> int:
        if self.mapping.amounts == "major" or value is None or value == "":
            return self.reading.rounded_money(value, place, currency, needed=needed)
        told = said(value)
        digits = told.removeprefix("-")
        if isinstance(value, bool) or not (digits.isascii() and digits.isdecimal() and len(digits) < 16):
            self.reading.wrong("amount", place, "is not a whole number of minor units")
            return 0
        minor = int(told)
        if abs(minor) > LARGEST_MINOR:
            self.reading.wrong("amount", place, "is larger than any order")
            return 0
        return minor

    def money(
        self, name: str, source: Source | None, currency: str, *, needed: bool = False, below: Found | None = None
    ) -> int:
        """An amount in minor units; several are added up."""
        if source is None:
            return 0
        holder = below or self.root
        found = read_all(holder.value, source)
        if not found:
            if needed:
                self.reading.wrong("missing", joined(holder.path, source.text), "is missing")
            return 0
        minor = 0
        for one in found:
            minor += self._amount(one.value, joined(holder.path, one.path), currency, needed=needed)
        self.trace(name, minor, " + ".join(joined(holder.path, one.path) for one in found if one.path))
        return minor


def joined(before: str, path: str) -> str:
    """The place of what stands at `path` below another place."""
    if not before or not path:
        return before or path
    if JOINT in path:
        return JOINT.join(joined(before, part) for part in path.split(JOINT))
    return f"{before}{path}" if path.startswith("[") else f"{before}.{path}"
