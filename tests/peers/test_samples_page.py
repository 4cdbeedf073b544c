"""Samples and bad prints in a real browser, on a tablet at night: one is approved with a photo, one came out bad."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from backroom.cli.processes import ROOT
from backroom.shop.catalogue import read_catalogue
from backroom.store import catalogue, print_attempts, samples
from backroom.store.booth_wakes import claim_jobs
from tests.browser import Browser
from tests.integration.gateway.conftest import Gateway, gateway, make_order, room
from tests.peers.conftest import PHONE, TABLET
from tests.sqlite_only import database_url

__all__ = ["database_url", "gateway", "room"]

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]


@pytest.fixture
def tablet(window: Browser, gateway: Gateway) -> Browser:
    """A tablet without scripts, logged in at a booth that prints some of the demo shop's things."""
    shutil.copytree(ROOT / "data" / "artwork", gateway.room.artwork(), ignore=shutil.ignore_patterns("*.py"))
    names = ("TEE-MOTH-INK-", "TOTE-", "BLANK-")
    things = [one for one in read_catalogue(ROOT / "data" / "catalogue.csv") if one.sku.startswith(names)]
    gateway.room.database.write(lambda c: catalogue.save_variants(c, things))
    window.window(*TABLET)
    window.colours("dark")
    window.scripts(False)
    window.open(f"{gateway.url}/login")
    window.type("#key", gateway.key("staff"))
    window.click("button", "Log in")
    return window


def fits(browser: Browser, width: int) -> bool:
    return bool(browser.run("return document.documentElement.scrollWidth") <= width)


def test_a_sample_is_approved_with_a_photo_from_the_tablet(
    tablet: Browser, gateway: Gateway, tmp_path: Path, pictures: Path
) -> None:
    photo = tmp_path / "IMG_0412.JPG"
    Image.effect_noise((2000, 1500), 90).convert("RGB").save(photo, "JPEG", quality=95)
    tablet.open(f"{gateway.url}/samples/booth-a")
    tablet.see("Nothing waits.")
    assert fits(tablet, TABLET[0])
    tablet.click("button", "It was printed")
    tablet.find(".card", "Sample 1, press-1")
    tablet.type("#photo-1", str(photo))
    tablet.type(".card input[name=note]", "deep black")
    tablet.picture(pictures / "samples-waiting.png")
    tablet.click(".card button", "It is good", exact=True)
    tablet.see("approved")
    with gateway.room.database.read() as connection:
        row = samples.find(connection, 1)
    assert (row["state"], row["note"]) == ("approved", "deep black")
    with Image.open(gateway.room.home / "samples" / row["photo"]) as kept:
        assert kept.size == (1600, 1200)
    assert fits(tablet, TABLET[0])
    tablet.picture(pictures / "samples-approved.png")
    tablet.type("#batch", "K-2231")
    tablet.click("button", "In use from now on")
    tablet.see("the batch of ink is K-2231")
    tablet.window(*PHONE, phone=True)
    assert fits(tablet, PHONE[0])
    assert tablet.complaints() == []


def test_a_bad_print_is_said_so_with_two_taps(tablet: Browser, gateway: Gateway, pictures: Path) -> None:
    number = make_order(gateway.room)
    write = gateway.room.database.write
    [job] = write(lambda c: claim_jobs(c, "booth-a", "bench", 1))
    write(lambda c: print_attempts.start(c, job.id, 1, "bench", "press-1"))
    write(lambda c: print_attempts.settle(c, job.id, 1, "bench", "done", ""))
    tablet.open(f"{gateway.url}/booths/booth-a")
    tablet.click("a", "Bad print")
    tablet.see(number)
    tablet.click("summary", "It is bad")
    tablet.type(f"#pieces-{job.id}", "1")
    tablet.picture(pictures / "print-bad.png")
    assert fits(tablet, TABLET[0])
    tablet.click("button", "Bad: print it again")
    tablet.see("Nothing came out in the last hours.")
    tablet.see("came out bad: colour")
