"""Blanks: what is printed on, and what becomes of it.

What belongs here: which blank becomes which printed thing. What does not: how many there are (`backroom.store.blanks`).

A blank is a thing in the catalogue with the tag `blank`. It becomes every printed thing of its colourway and size that
shares another tag with it: `blank tee` becomes every `tee`.
"""

from __future__ import annotations

from collections.abc import Collection

from backroom.domain.model import Variant

BLANK = "blank"


def is_blank(variant: Variant) -> bool:
    return BLANK in variant.tags


def blanks_of(variants: Collection[Variant]) -> dict[str, str]:
    """The SKU of the blank that each printed thing is printed on; one without a blank in the catalogue is missing."""
    blanks = [variant for variant in variants if is_blank(variant)]
    return {one.sku: blank.sku for blank in blanks for one in variants if becomes(blank, one)}


def becomes(blank: Variant, variant: Variant) -> bool:
    """Whether this blank is what that variant is printed on."""
    garments = set(blank.tags) - {BLANK}
    same = (blank.colourway, blank.size) == (variant.colourway, variant.size)
    return bool(variant.artwork) and not is_blank(variant) and same and bool(garments & set(variant.tags))
