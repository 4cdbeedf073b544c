"""One table of a TOML file, read field by field: every wrong field is reported, and reading goes on with a stand-in.

What belongs here: types, ranges, unknown keys and values that look like secrets. What does not: which fields a shop
file has (`load`), or how its parts refer to each other (`check`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from backroom.shop.check import Report, suggest
from backroom.shop.reading import CONTROL
from backroom.shop.values import BadValue

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.-]+")
_SECRET_KEY = re.compile(
    r"(?i)(^|[_-])(password|passwd|passphrase|token|api_?key|private_?key|master_?key|secret_?key)$"
)
_SECRET_VALUE = re.compile(
    r"^(shpss_|shpat_|whsec_|sk_live_|sk_test_|rk_live_|c[ks]_[0-9a-f]{20}|AC[0-9a-f]{32}$|EZ[AT]K[0-9a-zA-Z]{16}|"
    r"xox[abp]-)|-----BEGIN |://[^/@\s]+:[^/@\s]+@"
)
MOVE_IT = (
    "Take it out, change it where it came from, and put the new one into secrets.toml or a BACKROOM_SECRET_ variable."
)


# In whole units of the currency: more is a slip, and what is counted in cents has to fit the database.
MOST_MONEY = 10_000_000


class Section:
    """A table and its path. Each reader takes a key once; `done` reports the keys that nobody took."""

    def __init__(self, table: Mapping[str, object], path: str, report: Report) -> None:
        self._table = table
        self.path = path
        self.report = report
        self._known: set[str] = set()

    def at(self, key: str) -> str:
        return _path(self.path, key)

    def problem(self, key: str, message: str, remedy: str) -> None:
        self.report.add(self.at(key), message, remedy)

    def has(self, key: str) -> bool:
        """Whether the key is there; asking makes it a known one."""
        self._known.add(key)
        return key in self._table

    def text(self, key: str, default: str | None = None, *, pattern: str = "", form: str = "") -> str:
        """A string; `pattern` is a regular expression it must match as a whole, `form` says so in words."""
        value = self._take(key, default is None, "a text in quotes")
        if value is None:
            return default or ""
        if not isinstance(value, str):
            self.problem(key, f"{_name(value)} is not a text", f'Write it in quotes: {key} = "…".')
            return default or ""
        value = value.strip()
        if CONTROL.search(value):
            self.problem(key, "holds a control character", f"Write {form or 'a text'} without it.")
            return default or ""
        if not value and default is None:
            self.problem(key, "is empty", f"Write {form or 'a text'}.")
        elif value and pattern and not re.fullmatch(pattern, value):
            self.problem(key, f"{value!r} is not {form}", f"Write {form}.")
            return default or ""
        return value

    def verbatim(self, key: str, default: str) -> str:
        """A text with the spaces around it, which belong to it."""
        found = self.text(key, default)
        value = self._table.get(key)
        return value if found and isinstance(value, str) else found

    def parsed(self, key: str, parse: Callable[[str], str], default: str | None = None) -> str:
        """A text in the normal form that `parse` gives it; what it refuses with BadValue is reported."""
        text = self.text(key, default)
        if not text:
            return default or ""
        try:
            return parse(text)
        except BadValue as error:
            self.problem(key, error.message, error.remedy)
            return default or ""

    def choice(self, key: str, options: Collection[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value and value not in options:
            self.problem(key, f"{value!r} is not known", suggest(value, options))
            return default or ""
        return value

    def whole(self, key: str, default: int | None = None, *, low: int = 0, high: int = 1_000_000) -> int:
        value = self._take(key, default is None, "a whole number")
        if value is None:
            return default or 0
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(key, f"{_name(value)} is not a whole number", f"Write a whole number, such as {key} = {low}.")
            return default or 0
        return int(self._within(key, value, low, high))

    def number(self, key: str, default: float | None = None, *, low: float, high: float) -> float:
        value = self._take(key, default is None, "a number")
        if value is None:
            return default or 0.0
        if not isinstance(value, int | Decimal) or isinstance(value, bool) or not Decimal(value).is_finite():
            self.problem(key, f"{_name(value)} is not a number", f"Write a number from {low:g} to {high:g}.")
            return default or 0.0
        return float(self._within(key, value, low, high))

    def money(self, key: str, exponent: int, default: int | None = None) -> int:
        """An amount in the shop's currency, such as 4.90, as minor units."""
        value = self._take(key, default is None, "an amount")
        if value is None:
            return default or 0
        if not isinstance(value, int | Decimal) or isinstance(value, bool) or not Decimal(value).is_finite():
            self.problem(key, f"{_name(value)} is not an amount", f"Write an amount without quotes: {key} = 4.90.")
            return default or 0
        # Compared as it is: arithmetic with a number that long overflows.
        if not -MOST_MONEY < value < MOST_MONEY:
            self.problem(key, "is too much", f"Write an amount below {MOST_MONEY:,}.")
            return default or 0
        minor = Decimal(value).scaleb(exponent)
        if minor < 0 or minor != minor.to_integral_value():
            self.problem(key, f"{value} is not an amount", f"Write an amount with at most {exponent} decimals.")
            return default or 0
        return int(minor)

    def flag(self, key: str, default: bool = False) -> bool:
        value = self._take(key, False, "true or false")
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(key, f"{_name(value)} is neither true nor false", "Write true or false, without quotes.")
            return default
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self._take(key, default is None, "a list of texts")
        if value is None:
            return default or ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.problem(key, "is not a list of texts", f'Write {key} = ["…", "…"].')
            return default or ()
        if any(CONTROL.search(item) for item in value):
            self.problem(key, "holds a control character", "Write its texts without it.")
            return default or ()
        if not value and default is None:
            self.problem(key, "is empty", "Name at least one.")
        return tuple(str(item).strip() for item in value)

    def one_or_more(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A text, or a list of texts, as texts; empty when it is absent."""
        if isinstance(self._table.get(key), str):
            text = self.text(key)
            return (text,) if text else ()
        return self.texts(key, None if required else ())

    def dates(self, key: str) -> tuple[date, ...]:
        """A list of dates as TOML writes them, without quotes; empty when it is absent."""
        value = self.rows(key)
        if not all(isinstance(item, date) and not isinstance(item, datetime) for item in value):
            self.problem(key, "is not a list of dates", f"Write them without quotes: {key} = [2026-12-25, 2026-12-26].")
            return ()
        return tuple(item for item in value if isinstance(item, date))

    def choices(self, key: str, options: Collection[str], default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        values = self.texts(key, default)
        for value in values:
            if value not in options:
                self.problem(key, f"{value!r} is not known", suggest(value, options))
        return tuple(value for value in values if value in options)

    def rows(self, key: str) -> list[object]:
        """A list of anything; empty when it is absent."""
        value = self._take(key, False, "a list")
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, "is not a list", f"Write {key} = [ … ].")
            return []
        return value

    def table(self, key: str) -> Mapping[str, object]:
        """A table as it stands; empty, and reported, when it is absent."""
        value = self._take(key, True, "a table")
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.problem(key, "is not a table", f"Write it as [{self.at(key)}].")
            return {}
        return value

    def section(self, key: str) -> Section:
        return Section(self.table(key), self.at(key), self.report)

    def sections(self, key: str, *, required: bool = True) -> Iterator[tuple[str, Section]]:
        """Tables by id, as in [locations.main-hub], in the order of the file."""
        if not required and not self.has(key):
            return
        inner = self.section(key)
        if self.has(key) and not inner._table:
            self.problem(key, "is empty", f"Add at least one [{self.at(key)}.NAME].")
        yield from inner.each_section()

    def each_section(self) -> Iterator[tuple[str, Section]]:
        """Every entry of this table as a table of its own."""
        for id_, table in self._table.items():
            path, report = self.at(id_), self.report
            if not _ID.fullmatch(id_):
                report.add(path, f"{id_!r} is not an id", "Use small letters, digits and hyphens, such as booth-a.")
            if isinstance(table, dict):
                yield id_, Section(table, path, report)
            else:
                report.add(path, "is not a table", f"Write it as [{path}].")

    def done(self) -> None:
        """Report the keys that are not known here; a key that is named like a secret was reported already."""
        for key in self._table:
            if key not in self._known and not _SECRET_KEY.search(key):
                self.problem(key, "is not known here", suggest(key, self._known))

    def _take(self, key: str, required: bool, what: str) -> object:
        self._known.add(key)
        value = self._table.get(key)
        if value is None and required:
            self.problem(key, "is missing", f"Add {key}, {what}.")
        return value

    def _within(self, key: str, value: int | Decimal, low: float, high: float) -> float | Decimal:
        # Compared and shown as it is: it may be longer than a float can be.
        if not low <= value <= high:
            self.problem(key, f"{value} is out of range", f"Write a number from {low:g} to {high:g}.")
            return low
        return value


def report_secrets(value: object, path: str, report: Report) -> None:
    """Report whatever looks like a secret, anywhere below `value`, by its name or its form; never quote it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            inner_path = _path(path, str(key))
            if isinstance(inner, str) and _SECRET_KEY.search(str(key)):
                report.add(inner_path, "is a secret, and secrets do not stand in this file", MOVE_IT)
            else:
                report_secrets(inner, inner_path, report)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            report_secrets(inner, f"{path}.{number}", report)
    elif isinstance(value, str) and _SECRET_VALUE.search(value):
        report.add(path, "looks like a secret, and secrets do not stand in this file", MOVE_IT)


def _path(path: str, key: str) -> str:
    """A key's path as it would be written in the file: one that is no plain word stands in quotes."""
    written = key if _PLAIN_PATH.fullmatch(key) else f'"{key}"'
    return f"{path}.{written}" if path else written


def _name(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return repr(value) if not isinstance(value, Decimal | bool) else str(value).lower()
