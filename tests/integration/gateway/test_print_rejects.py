"""The prints page: what came out lately may be bad, and is printed again with one form."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import select

from backroom.store import print_attempts
from backroom.store.booth_wakes import claim_jobs
from backroom.store.tables import print_jobs, print_rejects
from tests.integration.gateway.conftest import SKU, Gateway, make_order

PAGE = "/prints/booth-a"


@pytest.fixture
def staff(gateway: Gateway) -> httpx.Client:
    gateway.client.post("/login", data={"key": gateway.key("staff")})
    return gateway.client


def put_out(gateway: Gateway, outcome: str = "done") -> tuple[str, int]:
    """An order of two pieces that were printed; its number, and its job."""
    number = make_order(gateway.room)
    write = gateway.room.database.write
    [job] = write(lambda c: claim_jobs(c, "booth-a", "bench", 1))
    write(lambda c: print_attempts.start(c, job.id, 1, "bench", "press-1"))
    write(lambda c: print_attempts.settle(c, job.id, 1, "bench", outcome, ""))
    return number, job.id


def send(staff: httpx.Client, job: int, **fields: str) -> httpx.Response:
    page = staff.get(PAGE).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    given = {"csrf": csrf[1], "attempt": "1", "fault": "smeared"} | fields
    return staff.post(f"{PAGE}/{job}/bad", data=given)


def test_one_bad_piece_of_two_is_printed_again(gateway: Gateway, staff: httpx.Client) -> None:
    number, job = put_out(gateway)
    shown = staff.get(PAGE).text.partition("Came out lately")[2]
    for expected in (number, f"2 × {SKU}", "press-1", "It is bad", "How many of 2", "smeared, or a stain"):
        assert expected in shown
    told = len(gateway.waker.told)
    answer = send(staff, job, pieces="1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#out")
    assert [stage for stage, _, _ in gateway.waker.told[told:]] == ["print"]
    with gateway.room.database.read() as connection:
        row = connection.execute(select(print_jobs)).mappings().one()
        reject = connection.execute(select(print_rejects)).mappings().one()
    assert (row["state"], row["attempt"], row["remake"]) == ("waiting", 2, 1)
    assert (reject["printed"], reject["pieces"], reject["fault"], reject["actor"]) == (2, 1, "smeared", "Ada")
    told = gateway.client.get("/metrics", headers=gateway.bearer("metrics")).text
    assert 'backroom_print_rejects{location="booth-a",printer="press-1"} 1.0' in told
    shown = staff.get(PAGE).text
    assert f"1 × {SKU}" in shown
    assert "Nothing came out in the last hours." in shown


def test_what_nobody_could_tell_of_may_have_come_out_bad(gateway: Gateway, staff: httpx.Client) -> None:
    _, job = put_out(gateway, "unknown")
    assert "It came out, and is bad" in staff.get(PAGE).text
    assert send(staff, job).status_code == 303
    with gateway.room.database.read() as connection:
        assert connection.execute(select(print_rejects.c.pieces)).scalar_one() == 2


def test_a_second_tap_and_what_is_no_number_are_refused(gateway: Gateway, staff: httpx.Client) -> None:
    _, job = put_out(gateway)
    assert send(staff, job, pieces="two").status_code == 400
    assert send(staff, job, fault="ugly").status_code == 409
    assert send(staff, job, csrf="x").status_code == 403
    assert send(staff, job).status_code == 303
    assert send(staff, job).status_code == 409
    assert send(staff, 999).status_code == 404
    assert staff.post(f"/prints/hub/{job}/bad", data={}).status_code == 403
