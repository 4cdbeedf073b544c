"""GTINs: the check digit that GS1 puts at the end of every article number.

What belongs here: the arithmetic. What does not: finding a variant by its GTIN (`backroom.store.catalogue`), drawing
barcodes (`backroom.printing`). A GTIN is a string, since its leading zeros count.

Source: GS1 General Specifications, section 7.9, "Standard check digit calculations": from the right, digits weigh
3, 1, 3, 1 …, and the check digit fills the sum up to a multiple of ten.
"""

from __future__ import annotations

from itertools import cycle

GTIN_LENGTHS = (8, 12, 13, 14)


def check_digit(body: str) -> str:
    """The digit that follows `body`, a GTIN-8, -12, -13 or -14 without its last digit; ValueError for anything else."""
    if not (body.isascii() and body.isdigit() and len(body) + 1 in GTIN_LENGTHS):
        raise ValueError(f"a GTIN without its check digit has 7, 11, 12 or 13 digits, not {len(body)} characters")
    total = sum(int(digit) * weight for digit, weight in zip(reversed(body), cycle((3, 1)), strict=False))
    return str(-total % 10)


def valid_gtin(text: str) -> bool:
    """Whether `text` is a GTIN-8, -12, -13 or -14 with a right check digit: digits alone, no spaces."""
    if not (text.isascii() and text.isdigit() and len(text) in GTIN_LENGTHS):
        return False
    return check_digit(text[:-1]) == text[-1]
