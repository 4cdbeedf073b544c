"""A file of the shop as text or as TOML: whatever is wrong with it becomes a problem that names the line.

What belongs here: bytes to text, text to TOML. What does not: what stands in them (`section`, `table`).
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from backroom.shop.check import Report

# More than any number or nesting that somebody means; what Python itself refuses is far above both.
LONGEST_NUMBER, DEEPEST = 1_000, 64

# PostgreSQL stores no NUL, and nobody means the others; tabs and line breaks are text.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_LONG_NUMBER = re.compile(rf"[0-9_]{{{LONGEST_NUMBER},}}")


def read_text(path: Path, report: Report, remedy: str) -> str | None:
    """The file's text, which is UTF-8; None, and reported, where there is none. `remedy` is for a missing file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        report.add("", "there is no such file", remedy)
        return None
    except OSError as error:
        report.add("", f"cannot be read: {error.strerror}", "Make it a file that you may read.")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        report.add(f"line {line}", "is not UTF-8", "Save the file again as UTF-8.")
        return None
    if found := CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        report.add(f"line {line}", "holds a control character", "Save the file again as plain text.")
        return None
    return text


def read_toml(path: Path, report: Report, remedy: str) -> dict[str, Any]:
    """The file's tables, its fractions as Decimal; empty, and reported, where it is no TOML that we read."""
    text = read_text(path, report, remedy)
    if text is None:
        return {}
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        report.add("", f"is not TOML: {error}", "Mend that line, or the one before it.")
    except RecursionError:
        report.add(f"line {_too_deep(text)}", f"is nested deeper than {DEEPEST}", "Look for a bracket too many.")
    except ValueError:
        # tomllib leaves one to int(), which refuses thousands of digits.
        found = _LONG_NUMBER.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        report.add(f"line {line}", f"holds a number of more than {LONGEST_NUMBER} digits", "Mend that number.")
    return {}


def _too_deep(text: str) -> int:
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "[{") - (character in "]}")
        if depth > DEEPEST:
            return text.count("\n", 0, place) + 1
    return 1
