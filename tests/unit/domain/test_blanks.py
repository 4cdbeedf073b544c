"""Blanks: each becomes what shares its garment, its colourway and its size, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from backroom.domain.blanks import becomes
from tests.shops import a_variant

OWL = replace(a_variant("OWL-BLK-M"), tags=("tee",))
FOX = replace(a_variant("FOX-BLK-M"), tags=("tee", "new"))
MUG = a_variant("MUG-WHT-L", printable=False)
TEE = replace(a_variant("TEE-BLK-M", printable=False), tags=("blank", "tee"))


def test_a_blank_becomes_what_shares_its_garment_its_colourway_and_its_size() -> None:
    assert becomes(TEE, OWL)
    assert becomes(TEE, FOX)
    assert not becomes(TEE, MUG)
    assert not becomes(TEE, replace(OWL, size="L"))
    assert not becomes(TEE, replace(OWL, colourway="RED"))
    assert not becomes(TEE, replace(OWL, tags=("hoodie",)))
    assert not becomes(TEE, TEE)


def test_what_is_tagged_as_a_blank_is_printed_on_none() -> None:
    assert not becomes(TEE, replace(OWL, tags=("blank", "tee")))
