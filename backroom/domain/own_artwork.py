"""A piece that is printed with a picture of its buyer's own: the variant that it is made as.

What belongs here: how such a variant is named, and what it has from the one that was ordered. What does not: fetching
the picture (`tasks.own_artwork`), and its rows (`backroom.store.own_artworks`).

A line that brings an artwork by its address becomes a line of a variant of its own, which is all that the ordered one
is and has that picture: nothing of it lies in stock, so it is printed, and every step downstream knows it by its SKU.
"""

from __future__ import annotations

import re
from dataclasses import replace

from backroom.domain.model import Variant

PREFIX = "own-"
# In the artwork folder: what is fetched and not looked at yet, by its line.
DRAFTS = ".fetched"
_FILE = re.compile(PREFIX + r"[0-9a-f]{64}\.png")
_OWN = re.compile(r"(?P<base>.+)-own-[0-9a-f]{16}", re.DOTALL)


def own_variant(base: Variant, sha256: str) -> Variant:
    """The variant of a base with a picture of these bytes; the same bytes give the same one."""
    # A code in the shops is the base's: whoever scans it has that piece in hand, and not this one.
    sku = f"{base_of(base.sku)}-own-{sha256[:16]}"
    return replace(base, sku=sku, title=f"{base.title}, own picture", gtin="", artwork=f"{PREFIX}{sha256}.png")


def base_of(sku: str) -> str:
    """The SKU of the catalogue that a piece was ordered as; itself where it has no picture of its own."""
    found = _OWN.fullmatch(sku)
    return found["base"] if found else sku


def is_own(sku: str) -> bool:
    return _OWN.fullmatch(sku) is not None


def is_own_file(name: str) -> bool:
    """Whether a file of the artwork folder is a picture that a buyer brought, by its name."""
    return _FILE.fullmatch(name) is not None
