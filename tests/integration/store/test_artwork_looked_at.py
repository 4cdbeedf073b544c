"""An artwork is looked at in each size that is printed of it, before its job is opened, and its digest is kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from PIL import Image
from sqlalchemy import select

from backroom.store import catalogue
from backroom.store.tables import print_jobs
from tests.shops import CATALOGUE, HUB, PLAIN, SCARCE, Floor


def test_a_job_is_opened_with_the_digest_of_what_was_looked_at(floor: Floor) -> None:
    floor.taken_in((SCARCE, 2))
    floor.fulfil(HUB)
    with floor.room.database.read() as connection:
        (sha256,) = connection.execute(select(print_jobs.c.artwork_sha256)).scalars()
    assert sha256 == hashlib.sha256((floor.room.artwork() / "owl.png").read_bytes()).hexdigest()


def test_a_design_that_is_fine_enough_small_and_too_coarse_large_stops_only_what_is_large(floor: Floor) -> None:
    large = [
        replace(one, printed_width_mm=900, printed_height_mm=900) if one.sku == SCARCE else one for one in CATALOGUE
    ]
    floor.room.database.write(lambda c: catalogue.save_variants(c, large))
    Image.new("RGB", (400, 400), "black").save(floor.room.artwork() / "owl.png")
    small, coarse = floor.taken_in((PLAIN, 101)), floor.taken_in((SCARCE, 2))
    outcomes = {one.subject: (one.result, one.cause) for one in floor.fulfil(HUB)}
    assert outcomes[coarse] == ("sick", "artwork_unreadable")
    assert outcomes[small][0] == "waiting"
