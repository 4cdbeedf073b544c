"""Reading what a channel sent without trusting its shape: every oddity becomes a Problem, and reading goes on.

What belongs here: look-ups that cannot raise, and the exact readings of money, time and counts that all channels
share. What does not: the names of any channel's fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from math import isfinite
from typing import Any

from backroom.channels.base import NotAnOrder
from backroom.domain.model import Problem
from backroom.domain.money import EXPONENTS, exponent, to_minor

LARGEST_MINOR = 10**12
LARGEST_QUANTITY = 100_000
LONGEST_ID = 100
LONGEST_URL = 2000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Of the year 2100, in seconds of Unix time.
LATEST = 4_102_444_800

# Control characters print nothing, and PostgreSQL cannot store NUL.
_UNPRINTED = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")
_UNPRINTED_IN_TEXT = {code: space for code, space in _UNPRINTED.items() if chr(code) not in "\n\t"}


def mapping(value: object) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[dict[str, Any]]:
    """The objects of a list; what is no object in it, and what is no list, counts as not there."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object, longest: int = 500) -> str:
    """One line of text: ids may come as numbers, everything else but text is empty; no control characters."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).translate(_UNPRINTED).strip()[:longest].rstrip()


def long_text(value: object, longest: int = 5_000) -> str:
    """Free text with its line breaks."""
    return value.translate(_UNPRINTED_IN_TEXT).strip()[:longest].rstrip() if isinstance(value, str) else ""


def first_text(*values: object) -> str:
    """The first that is text and not empty."""
    return next((found for found in map(text, values) if found), "")


def is_named(field: dict[str, Any], name: str, *keys: str) -> bool:
    """Whether a line's field calls itself so under one of `keys`; none does without a name."""
    return bool(name) and name in (text(field.get(key)) for key in keys)


def named_address(fields: object, name: str, *keys: str) -> str:
    """The first address among a line's fields that call themselves so; empty where there is none."""
    named = (one for one in items(fields) if is_named(one, name, *keys))
    return next((found for one in named if (found := text(one.get("value"), LONGEST_URL))), "")


def degrees(value: object, most: float) -> float | None:
    """WGS 84 degrees between -most and most, None where there are none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) and abs(number) <= most else None


def yes_or_no(value: object) -> bool | None:
    """A tick as tills, spreadsheets and plug-ins write it; None for silence."""
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in {"1", "true", "yes", "y", "on", "x", "ja", "oui", "si", "sí"}:
        return True
    return False if word in {"0", "false", "no", "n", "off", "nein", "non"} else None


def place_id(value: object) -> str:
    """A place's name as the shop file writes ids: "Harbour Hub" is "harbour-hub"."""
    return re.sub(r"[^\w]+", "-", text(value, 100).lower()).strip("-")


def language(value: object) -> str:
    """The ISO 639 part of a locale ("de-AT" is "de"); "en" where there is none."""
    code = text(value).replace("_", "-").split("-")[0].lower()
    return code if code.isascii() and code.isalpha() and len(code) in (2, 3) else "en"


def country(value: object) -> str:
    """An ISO 3166-1 alpha-2 code in capitals, as far as its form tells; else empty."""
    code = text(value).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


@dataclass(slots=True)
class Reading:
    """One message being read. Readings that fail return a harmless value and leave a Problem behind."""

    problems: list[Problem] = field(default_factory=list)

    def wrong(self, code: str, path: str, detail: str) -> None:
        self.problems.append(Problem(code, path, detail))

    def identifier(self, value: object, path: str, *, needed: bool = True) -> str:
        """An id or SKU: one printable word of at most 100 characters."""
        found = text(value, LONGEST_ID + 1)
        if not found and needed:
            self.wrong("missing", path, "is missing")
        if len(found) > LONGEST_ID or not found.isprintable():
            self.wrong("identifier", path, f"is no id of at most {LONGEST_ID} printable characters")
            return ""
        return found

    def currency(self, value: object, path: str) -> str:
        """An ISO 4217 code; with a Problem and EUR, so that reading can go on, where it is none."""
        code = text(value).upper()
        if code in EXPONENTS:
            return code
        self.wrong("currency", path, "is not an ISO 4217 currency code" if code else "is missing")
        return "EUR"

    def money(self, value: object, path: str, currency: str, *, needed: bool = True) -> int:
        """An amount in major units, exactly, as minor units; 0 where it is not needed and not there."""
        if value is None or value == "":
            if needed:
                self.wrong("missing", path, "is missing")
            return 0
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.wrong("amount", path, "is not an amount")
            return 0
        try:
            minor = to_minor(value.strip() if isinstance(value, str) else value, currency)
        except ValueError:
            self.wrong("amount", path, f"is not an amount that {currency} can hold exactly")
            return 0
        if abs(minor) > LARGEST_MINOR:
            self.wrong("amount", path, "is larger than any order")
            return 0
        return minor

    def minor(self, value: object, path: str, *, needed: bool = True) -> int:
        """An amount that its source gives in minor units, as a whole number; 0 where it is not needed and not there."""
        if value is None and not needed:
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong("missing" if value is None else "amount", path, "is no whole number of minor units")
            return 0
        if abs(value) > LARGEST_MINOR:
            self.wrong("amount", path, "is larger than any order")
            return 0
        return value

    def rounded_money(self, value: object, path: str, currency: str, *, needed: bool = True) -> int:
        """As `money`, for sources that carry more decimals than the currency has; halves are rounded away from 0."""
        if isinstance(value, str) and "." in value and len(value) <= 40:
            try:
                step = Decimal(1).scaleb(-exponent(currency))
                value = f"{Decimal(value.strip()).quantize(step, ROUND_HALF_UP):f}"
            except InvalidOperation:
                pass  # `money` says what is wrong with it.
        return self.money(value, path, currency, needed=needed)

    def quantity(self, value: object, path: str, *, least: int = 1) -> int:
        """A count of pieces; `least` where it is none."""
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal() and len(value) < 20:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST_QUANTITY:
            self.wrong("quantity", path, f"is not a whole number from {least} to {LARGEST_QUANTITY}")
            return least
        return value

    def time(self, value: object, path: str, *, utc: bool = False) -> datetime:
        """An ISO 8601 instant in UTC; `utc` says that one without a zone is meant so."""
        if not isinstance(value, str) or not value.strip():
            self.wrong("missing", path, "is missing")
            return EPOCH
        try:
            when = datetime.fromisoformat(value.strip())
            if when.tzinfo is None:
                if not utc:
                    self.wrong("time", path, "has no time zone")
                    return EPOCH
                when = when.replace(tzinfo=UTC)
            return when.astimezone(UTC)
        except (ValueError, OverflowError):
            self.wrong("time", path, "is not an ISO 8601 date and time")
            return EPOCH

    def epoch(self, value: object, path: str) -> datetime:
        """An instant that its source gives in seconds of Unix time."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LATEST:
            self.wrong("missing" if value is None else "time", path, "is no time in seconds since 1970")
            return EPOCH
        return datetime.fromtimestamp(value, UTC)

    def settle(self) -> None:
        """Raise NotAnOrder with everything that was found wrong."""
        if self.problems:
            raise NotAnOrder(self.problems)
