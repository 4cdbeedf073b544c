"""Poison as files: tables, shop files and lists of orders that a spreadsheet, an editor or a disk has spoilt.

What belongs here: the files, as strategies for Hypothesis, and trying many of one. What does not: what reads them, and
what must come of it (`test_poisoned_files`, `test_poisoned_commands`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.faults.poison import ENCODINGS, NUMBERS, TEXTS

# Longer than csv's own limit of a field.
CELLS = (*TEXTS, *(str(number) for number in NUMBERS), "x" * 140_000, '"', '"a', "a;b", "a,b", "-1", "1e3", " 1 ")
TOML = (
    *("nan", "-inf", "1e999999999", "-1", "0x7fffffffffffffff", "9" * 5_000, "1_0", "true", "1979-02-30", "1979-05-27"),
    *(
        "[]",
        "{}",
        "[[]]",
        "[1, 'a', {}]",
        "{ a = 1 }",
        "'''",
        '"""',
        '"\\ud800"',
        '"\\u0000"',
        '"\\U00110000"',
        "[" * 5_000,
    ),
    *("12.345", "1e400", "-0.0", "07:32:00", "''", "'a' 'b'"),
)
cells = st.sampled_from(CELLS) | st.text(max_size=20)
Rows = Sequence[Sequence[str]]


def table(rows: Rows, separator: str = ",") -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator="\n").writerows(rows)
    return written.getvalue()


@st.composite
def _spoilt_rows(draw: st.DrawFn, rows: Rows) -> str:
    changed = [list(row) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.sampled_from(changed))
        place = draw(st.integers(0, max(len(row) - 1, 0)))
        how = draw(st.sampled_from(("cell", "cell", "cell", "cell", "less", "more", "again", "move")))
        if how == "cell" and row:
            row[place] = draw(cells)
        elif how == "less" and row:
            del row[place]
        elif how == "more":
            row.insert(place, draw(cells))
        elif how == "again":
            changed.append(list(row))
        else:
            changed.insert(0, changed.pop())
    return table(changed, draw(st.sampled_from((",", ",", ",", ";", "\t", "|"))))


def _bytes(draw: st.DrawFn, text: str) -> bytes:
    """A text as bytes, and now and then not as they should be."""
    how = draw(st.sampled_from(("plain",) * 6 + ("encoded", "cut", "flipped", "binary", "quote")))
    whole = text.encode("utf-8", "surrogatepass")
    if how == "encoded":
        return text.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    if how == "cut":
        return whole[: draw(st.integers(0, len(whole)))]
    if how == "binary":
        return draw(st.binary(max_size=300))
    if how in ("flipped", "quote") and whole:
        place = draw(st.integers(0, len(whole) - 1))
        new = b'"' if how == "quote" else draw(st.binary(min_size=1, max_size=4))
        return whole[:place] + new + whole[place + 1 :]
    return whole


@st.composite
def tables(draw: st.DrawFn, rows: Rows) -> bytes:
    """A CSV file made from good rows, the header first."""
    return _bytes(draw, draw(_spoilt_rows(rows)))


@st.composite
def shop_files(draw: st.DrawFn, good: str) -> bytes:
    """A shop file with one to three of its lines changed, gone, or standing there twice."""
    lines = good.splitlines()
    places = [number for number, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places))
        name = lines[place].partition("=")[0]
        how = draw(st.sampled_from(("value", "value", "value", "text", "text", "gone", "again", "name")))
        if how == "value":
            lines[place] = f"{name}= {draw(st.sampled_from(TOML))}"
        elif how == "text":
            lines[place] = f"{name}= {_quoted(draw(cells))}"
        elif how == "gone":
            lines[place] = ""
        elif how == "again":
            lines[place] += "\n" + lines[place]
        else:
            lines[place] = f"{_quoted(draw(cells))} = 1"
    return _bytes(draw, "\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    """A basic string of TOML; half a surrogate pair as it is, which no TOML is."""
    escaped = "".join(f"\\u{ord(one):04x}" if ord(one) < 0x20 or one in '"\\\x7f' else one for one in text)
    return f'"{escaped}"'


def tried(strategy: st.SearchStrategy[Any], many: int, number: int, one: Callable[[Any], None]) -> None:
    """Try so many examples of a strategy; `number` replays them, and a failing one is made small before it is shown."""

    @seed(number)
    @settings(
        max_examples=many,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(example: Any) -> None:
        one(example)

    run()
