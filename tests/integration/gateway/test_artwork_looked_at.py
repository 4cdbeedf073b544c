"""What was looked at is what is printed: the digest stands in the job's row, and a file that was swapped is found."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import RowMapping, select, update

from backroom.printing.booth import LONGEST_REASON
from backroom.printing.sealed import new_once, open_sealed
from backroom.store import print_attempts, print_jobs
from backroom.store.tables import print_jobs as table
from tests.integration.gateway.conftest import Gateway, make_order
from tests.integration.gateway.test_booth import JSON, Laptop, claim, tell

NEW = (200, 30, 60)


@pytest.fixture
def laptop(gateway: Gateway) -> Laptop:
    gateway.room.artwork().mkdir()
    draw(gateway, (0, 0, 0))
    return Laptop(gateway, gateway.bearer("booth"))


def draw(gateway: Gateway, colour: tuple[int, int, int]) -> str:
    """The shop's artwork in a colour; returns the SHA-256 of its file."""
    path = gateway.room.artwork() / "tee.png"
    Image.new("RGB", (400, 400), colour).save(gateway.room.artwork() / "next.png")
    (gateway.room.artwork() / "next.png").replace(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def row(gateway: Gateway) -> RowMapping:
    with gateway.room.database.read() as connection:
        return connection.execute(select(table)).mappings().one()


def looked_at(gateway: Gateway, sha256: str) -> None:
    gateway.room.database.write(lambda c: c.execute(update(table).values(artwork_sha256=sha256)))


def colour(laptop: Laptop, job: JSON) -> object:
    """The colour in the middle of what is printed."""
    sealed, once = laptop.fetch(job)
    _, pdf = open_sealed(sealed, laptop.device, once, datetime.now(UTC))
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=1).to_pil().convert("RGB")
    return page.getpixel((page.width // 2, page.height // 3))


def test_a_file_that_was_swapped_after_it_was_looked_at_is_not_printed(gateway: Gateway, laptop: Laptop) -> None:
    make_order(gateway.room)
    looked_at(gateway, draw(gateway, (0, 0, 0)))
    [job] = claim(gateway, laptop.headers)
    draw(gateway, NEW)
    answer = laptop.ask(job, new_once())
    assert (answer.status_code, answer.json()["cause"]) == (409, "artwork_changed")
    assert "backroom artwork accept tee.png" in answer.json()["detail"]
    assert len(answer.json()["detail"]) <= LONGEST_REASON, "a booth tells that much"
    draw(gateway, (0, 0, 0))
    assert colour(laptop, job) == (0, 0, 0), "the old one was put back"


def test_who_says_that_it_was_replaced_on_purpose_gets_the_new_one(gateway: Gateway, laptop: Laptop) -> None:
    make_order(gateway.room)
    looked_at(gateway, draw(gateway, (0, 0, 0)))
    [job] = claim(gateway, laptop.headers)
    new = draw(gateway, NEW)
    assert laptop.ask(job, new_once()).status_code == 409
    assert tell(gateway, laptop.headers, job, "progress", state="blocked", reason="another file") == 200
    count, wakeups = gateway.room.database.write(lambda c: print_jobs.accept_artwork(c, "tee.png"))
    assert (count, [(one.stage, one.location) for one in wakeups]) == (1, [("print", "booth-a")])
    assert colour(laptop, job) == NEW
    assert row(gateway)["artwork_sha256"] == new


def test_what_a_bench_has_fetched_already_stays_as_it_was_looked_at(gateway: Gateway, laptop: Laptop) -> None:
    make_order(gateway.room)
    old = draw(gateway, (0, 0, 0))
    [job] = claim(gateway, laptop.headers)
    laptop.fetch(job)
    draw(gateway, NEW)
    assert gateway.room.database.write(lambda c: print_jobs.accept_artwork(c, "tee.png")) == (0, [])
    assert row(gateway)["artwork_sha256"] == old


def test_a_job_of_which_nothing_was_looked_at_yet_is_bound_by_its_first_payload(
    gateway: Gateway, laptop: Laptop
) -> None:
    """Prints to stock, and jobs from before there was such a column."""
    make_order(gateway.room)
    assert row(gateway)["artwork_sha256"] == ""
    [job] = claim(gateway, laptop.headers)
    laptop.fetch(job)
    assert row(gateway)["artwork_sha256"] == draw(gateway, (0, 0, 0))
    draw(gateway, NEW)
    assert laptop.ask(job, new_once()).json()["cause"] == "artwork_changed"


@pytest.mark.parametrize("by_person", [True, False])
def test_a_person_who_prints_it_again_gets_the_file_as_it_is_and_a_printer_that_fails_does_not(
    gateway: Gateway, laptop: Laptop, by_person: bool
) -> None:
    make_order(gateway.room)
    looked_at(gateway, draw(gateway, (0, 0, 0)))
    [job] = claim(gateway, laptop.headers)
    assert tell(gateway, laptop.headers, job, "start", printer="press-1") == 200
    draw(gateway, NEW)
    if by_person:
        assert tell(gateway, laptop.headers, job, "outcome", outcome="unknown") == 200
        gateway.room.database.write(lambda c: print_attempts.decide(c, job["id"], "print_again", "Ada"))
    else:
        assert tell(gateway, laptop.headers, job, "outcome", outcome="failed", reason="jam") == 200
    [again] = claim(gateway, laptop.headers)
    assert again["attempt"] == 2
    if by_person:
        assert colour(laptop, again) == NEW
    else:
        assert laptop.ask(again, new_once()).json()["cause"] == "artwork_changed"
