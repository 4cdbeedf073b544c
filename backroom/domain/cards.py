"""Payment card numbers in free text: found and masked before anything is stored.

What belongs here: what counts as a card number, and masking it in a text or in a channel's JSON. What does not: which
keys of one channel hold free text beyond the usual ones (its adapter says so), payment tokens (`validation`).

A card number is 13 to 19 digits, single spaces or dashes between them allowed, that begin as an issuer's numbers do
and pass the Luhn check (ISO/IEC 7812-1, annex B). It begins and ends where a group of digits does: a longer row of
digits without a break is an id. Its last four digits stay, so that a person can still tell which card it was.

Choices, where a number could be either:
- A GTIN or a tracking number that also begins like a card and passes Luhn is masked: a lost article number in a note
  costs a question, a stored card number costs more. One in ten GTIN-13 of the prefixes 3, 4, 5, 6 and 8 is such.
- `+` and up to 15 digits is a phone number (E.164) and stays.
- Fields that hold ids are never looked into: `mask_tree` masks below free-text keys alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection
from itertools import accumulate
from typing import Any

FREE_TEXT_KEYS = frozenset(
    {"note", "notes", "note_attributes", "customer_note", "message", "gift_message", "comment", "comments"}
    | {"instructions", "delivery_instructions", "custom_text", "engraving", "personalisation", "personalization"}
    | {"properties", "meta_data"}
)

_SHORTEST, _LONGEST, _KEPT = 13, 19, 4
_LONGEST_PHONE = 15

# The separators are the space, the no-break spaces and the dashes that word processors make of a hyphen.
_SEPARATOR = "[ \u00a0\u202f\u2010-\u2015-]"
_RUN = re.compile(rf"\d(?:{_SEPARATOR}?\d){{12,}}+")
_GROUP = re.compile(r"\d+")

# Visa; Mastercard 51 to 55 and 2221 to 2720; American Express; Discover 6011, 644 to 649, 65; Diners Club 300 to 305,
# 3095, 36, 38, 39; JCB 3528 to 3589; UnionPay 62, 81. Source: ISO/IEC 7812 issuer ranges as the schemes publish them.
_ISSUER = re.compile(
    r"4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|3[47]|6011|64[4-9]|65|30[0-5]|3095|36|3[89]|35(?:2[89]|[3-8])|62|81"
)
_PLAIN = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def passes_luhn(digits: str) -> bool:
    """The Luhn check of a row of digits, its check digit included."""
    raw = _ascii(digits)
    return (sum(raw[-1::-2].translate(_PLAIN)) + sum(raw[-2::-2].translate(_DOUBLED))) % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether a row of digits alone, without separators, is a card number."""
    return (
        digits.isdecimal()
        and _SHORTEST <= len(digits) <= _LONGEST
        and _ISSUER.match(digits) is not None
        and passes_luhn(digits)
    )


def mask_cards(text: str) -> tuple[str, int]:
    """The text with every card number masked but for its last four digits, and how many there were.

    Separators stay where they were. Takes time in proportion to the text.
    """
    count = 0

    def mask(found: re.Match[str]) -> str:
        nonlocal count
        run = found.group()
        phone = text.startswith("+", found.start() - 1) if found.start() else False
        blocks = _blocks(run, phone=phone)
        count += len(blocks)
        return _stars(run, blocks) if blocks else run

    return _RUN.sub(mask, text), count


def mask_tree(payload: Any, free_text_keys: Collection[str] = FREE_TEXT_KEYS) -> tuple[Any, int]:
    """A copy of parsed JSON with card numbers masked in whatever stands below a free-text key; and how many.

    Below such a key, texts and whole numbers are looked into (a masked number becomes a text), except under `id` and
    keys that end in `_id`. Works without recursion: JSON may be nested deeper than Python's stack.
    """
    count = 0
    holder: list[Any] = [None]
    waiting: list[tuple[Any, Any, Any, bool]] = [(holder, 0, payload, False)]
    while waiting:
        target, place, node, free = waiting.pop()
        if isinstance(node, dict):
            target[place] = branch = dict.fromkeys(node)
            for key, value in node.items():
                names_id = key == "id" or key.endswith("_id")
                waiting.append((branch, key, value, not names_id and (free or key in free_text_keys)))
        elif isinstance(node, list):
            target[place] = leaves = [None] * len(node)
            waiting.extend((leaves, index, value, free) for index, value in enumerate(node))
        elif free and isinstance(node, str | int) and not isinstance(node, bool):
            masked, found = mask_cards(str(node))
            target[place] = masked if found else node
            count += found
        else:
            target[place] = node
    return holder[0], count


def _blocks(run: str, *, phone: bool) -> list[tuple[int, int]]:
    """Where card numbers stand in a run of digits, as (first, behind the last) counted in digits; overlaps are joined.

    Every window from the start of one group to the end of another is tried. Prefix sums of the two ways to weigh the
    digits give each window's Luhn sum at once, so that a megabyte of single digits takes time by its length alone.
    """
    groups = _GROUP.findall(run)
    raw = _ascii("".join(groups))
    if phone and len(raw) <= _LONGEST_PHONE:
        return []
    digits = raw.decode()
    if is_card_number(digits):
        return [(0, len(digits))]
    ends = list(accumulate(map(len, groups)))
    starts = [
        (index, end - len(group))
        for index, (group, end) in enumerate(zip(groups, ends, strict=True))
        if len(group) <= _LONGEST and _ISSUER.match(digits, end - len(group))
    ]
    if not starts:
        return []
    plain, doubled = raw.translate(_PLAIN), raw.translate(_DOUBLED)
    # The first doubles the digits at even places, the second those at odd ones.
    sums = [
        list(accumulate(_alternate(doubled, plain), initial=0)),
        list(accumulate(_alternate(plain, doubled), initial=0)),
    ]
    blocks: list[tuple[int, int]] = []
    for index, start in starts:
        # The longest window hides the most; the digit before the last is doubled, and its parity is that of the end.
        shortest = bisect_left(ends, start + _SHORTEST, index)
        longest = bisect_right(ends, start + _LONGEST, index)
        for end in reversed(ends[shortest:longest]):
            weighed = sums[end % 2]
            if (weighed[end] - weighed[start]) % 10 == 0:
                if blocks and start < blocks[-1][1]:
                    blocks[-1] = (blocks[-1][0], max(end, blocks[-1][1]))
                else:
                    blocks.append((start, end))
                break
    return blocks


def _alternate(even: bytes, odd: bytes) -> bytearray:
    mixed = bytearray(even)
    mixed[1::2] = odd[1::2]
    return mixed


def _ascii(digits: str) -> bytes:
    """Digits of any script as ASCII ones: people paste full-width numbers too."""
    return digits.encode() if digits.isascii() else "".join(str(int(digit)) for digit in digits).encode()


def _stars(run: str, blocks: list[tuple[int, int]]) -> str:
    hidden = bytearray(len(run))
    for start, end in blocks:
        hidden[start : end - _KEPT] = b"\1" * (end - _KEPT - start)
    hides = iter(hidden)
    return "".join("*" if character.isdecimal() and next(hides) else character for character in run)
