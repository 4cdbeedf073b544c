"""The booth API: what a booth's worker sees of its own jobs, and nothing of anybody's else."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from PIL import Image

from backroom.store.booth_wakes import claim_jobs
from backroom.store.story import story
from tests.integration.gateway.conftest import SKU, Gateway, make_order

JSON = dict[str, Any]


@pytest.fixture
def key(gateway: Gateway) -> dict[str, str]:
    return gateway.bearer("booth")


def claim(gateway: Gateway, key: dict[str, str], holder: str = "w1", most: int = 10) -> list[JSON]:
    answer = gateway.client.post("/booth/booth-a/jobs/claim", json={"holder": holder, "most": most}, headers=key)
    assert answer.status_code == 200
    jobs: list[JSON] = answer.json()["jobs"]
    return jobs


def tell(gateway: Gateway, key: dict[str, str], job: JSON, what: str, **body: object) -> int:
    path = f"/booth/booth-a/jobs/{job['id']}/{what}"
    return gateway.client.post(path, json={"holder": "w1", "attempt": 1} | body, headers=key).status_code


def test_a_claimed_job_is_in_one_workers_hands_only(gateway: Gateway, key: dict[str, str]) -> None:
    number = make_order(gateway.room)
    [job] = claim(gateway, key)
    assert (job["order_number"], job["sku"], job["copies"], job["started"]) == (number, SKU, 2, False)
    assert claim(gateway, key) == [job]
    assert claim(gateway, key, "w2") == []


def test_nothing_of_the_customer_is_told_to_a_booth(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room)
    told = str(claim(gateway, key)).lower()
    assert not any(word in told for word in ("ada", "byron", "weg 1", "10115", "@"))


def test_a_job_of_another_booth_is_not_handed_out(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room, location="booth-b")
    assert claim(gateway, key) == []


def test_the_printers_of_the_booth_are_those_of_the_shop_file(gateway: Gateway, key: dict[str, str]) -> None:
    answer = gateway.client.get("/booth/booth-a/printers", headers=key).json()
    assert [(one["name"], one["prints"]) for one in answer["printers"]] == [("press-1", ["dtg"])]


def test_a_job_is_started_followed_and_done_and_wakes_fulfilment_once(gateway: Gateway, key: dict[str, str]) -> None:
    number = make_order(gateway.room)
    [job] = claim(gateway, key)
    assert tell(gateway, key, job, "start", printer="press-1") == 200
    assert tell(gateway, key, job, "progress", state="blocked", reason="media-empty", printer_job="7") == 200
    assert tell(gateway, key, job, "progress", state="printing", printer_job="7") == 200
    assert tell(gateway, key, job, "outcome", outcome="done") == 200
    assert tell(gateway, key, job, "outcome", outcome="done") == 200
    assert gateway.waker.told == [("fulfilment", "booth-a", 0)]
    with gateway.room.database.read() as connection:
        told = story(connection, number)
    assert told is not None
    assert [part["state"] for part in told.parts] == ["made"]
    assert [line["printed"] for line in told.part_lines] == [2]


def test_a_job_in_other_hands_is_409(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, key)
    for what, body in (
        ("start", {"printer": "press-1"}),
        ("progress", {"state": "printing"}),
        ("outcome", {"outcome": "done"}),
    ):
        assert tell(gateway, key, job, what, holder="w2", **body) == 409


def test_a_job_of_another_location_is_409_even_for_its_holder(gateway: Gateway) -> None:
    make_order(gateway.room, location="booth-b")
    [job] = gateway.room.database.write(lambda connection: claim_jobs(connection, "booth-b", "w1", 1))
    key = gateway.bearer("booth", "booth-a")
    as_dict = {"id": job.id}
    assert tell(gateway, key, as_dict, "start", printer="press-1") == 409
    assert tell(gateway, key, as_dict, "outcome", outcome="returned") == 409
    document = gateway.client.get(f"/booth/booth-a/jobs/{job.id}/document?holder=w1", headers=key)
    assert document.status_code == 409


@pytest.mark.parametrize("job", ["0", "-1", "x", "9" * 30])
def test_an_id_that_cannot_be_one_is_422(gateway: Gateway, key: dict[str, str], job: str) -> None:
    assert tell(gateway, key, {"id": job}, "start", printer="press-1") == 422


@pytest.mark.parametrize(
    "body", [{}, {"holder": "", "most": 1}, {"holder": "a\x00b", "most": 1}, {"holder": "w", "most": 0}, [], "x"]
)
def test_a_body_of_another_shape_is_422(gateway: Gateway, key: dict[str, str], body: object) -> None:
    assert gateway.client.post("/booth/booth-a/jobs/claim", json=body, headers=key).status_code == 422


@pytest.mark.parametrize("body", [rb'{"holder": "secret \ud800", "most": 1}', rb'{"secret \udfff": 1}'])
def test_half_a_surrogate_pair_is_422(gateway: Gateway, key: dict[str, str], body: bytes) -> None:
    headers = key | {"Content-Type": "application/json"}
    answer = gateway.client.post("/booth/booth-a/jobs/claim", content=body, headers=headers)
    assert (answer.status_code, answer.json()["cause"]) == (422, "malformed")
    assert answer.json()["detail"].startswith("body")


def test_an_outcome_that_is_none_is_409(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, key)
    assert tell(gateway, key, job, "outcome", outcome="perhaps") == 409


def test_only_the_holder_gets_the_document(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, key)
    gateway.room.artwork().mkdir()
    Image.new("RGB", (400, 400), "black").save(gateway.room.artwork() / "tee.png")
    path = f"/booth/booth-a/jobs/{job['id']}/document"
    given = gateway.client.get(path, params={"holder": "w1"}, headers=key)
    assert (given.status_code, given.headers["Content-Type"]) == (200, "application/pdf")
    assert given.content.startswith(b"%PDF-")
    assert gateway.client.get(path, params={"holder": "w2"}, headers=key).status_code == 409


def test_a_missing_artwork_is_409_and_says_what_to_do(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, key)
    path = f"/booth/booth-a/jobs/{job['id']}/document"
    answer = gateway.client.get(path, params={"holder": "w1"}, headers=key)
    assert (answer.status_code, answer.json()["cause"]) == (409, "artwork_missing")
    assert "tee.png" in answer.json()["detail"]


def test_scanning_counts_the_right_piece_and_refuses_the_wrong_one(gateway: Gateway, key: dict[str, str]) -> None:
    number = make_order(gateway.room, from_stock=2, to_print=0)

    def scan(code: str) -> JSON:
        answer = gateway.client.post("/booth/booth-a/scan", json={"order": number, "code": code}, headers=key)
        assert answer.status_code == 200
        result: JSON = answer.json()
        return result

    assert scan("4006381333931") == {"accepted": True, "reason": "", "left": 1}
    wrong = scan("NOT-A-SKU")
    assert (wrong["accepted"], wrong["left"]) == (False, 1)
    assert wrong["reason"]
    assert scan(SKU) == {"accepted": True, "reason": "", "left": 0}
    assert gateway.waker.told == [("fulfilment", "booth-a", 0)]


class Poll(threading.Thread):
    """A long poll in the background, and when it was answered."""

    def __init__(self, gateway: Gateway, key: dict[str, str], after: int, wait: float) -> None:
        super().__init__()
        self._gateway = gateway
        self._key = key
        self._asked = {"after": after, "wait": wait}
        self.generation = -1
        self.seconds = 0.0
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        answer = self._gateway.client.get("/booth/booth-a/wake", params=self._asked, headers=self._key)
        self.generation = answer.json()["generation"]
        self.seconds = time.monotonic() - began


def test_a_poll_without_work_is_answered_after_its_time(gateway: Gateway, key: dict[str, str]) -> None:
    poll = Poll(gateway, key, 0, 1)
    poll.join(10)
    assert poll.generation == 0
    assert 0.9 < poll.seconds < 5


def test_work_that_waits_already_answers_at_once(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room)
    poll = Poll(gateway, key, 0, 25)
    poll.join(10)
    assert poll.seconds < 5


def test_work_that_another_process_commits_answers_within_a_second(gateway: Gateway, key: dict[str, str]) -> None:
    polls = [Poll(gateway, key, 0, 25) for _ in range(20)]
    time.sleep(0.5)
    assert all(poll.is_alive() for poll in polls)
    committed = time.monotonic()
    make_order(gateway.room)
    for poll in polls:
        poll.join(10)
    assert time.monotonic() - committed < 2


def test_a_claim_raises_the_generation_so_that_later_work_wakes_a_run_of_a_new_name(
    gateway: Gateway, key: dict[str, str]
) -> None:
    claim(gateway, key)
    poll = Poll(gateway, key, 0, 25)
    poll.join(10)
    assert (poll.generation, poll.seconds < 5) == (1, True)


def test_a_returned_job_wakes_the_booth_again(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, key)
    poll = Poll(gateway, key, 1, 25)
    assert tell(gateway, key, job, "outcome", outcome="returned", reason="the worker stops") == 200
    poll.join(10)
    assert poll.seconds < 5
    assert gateway.waker.told == [("print", "booth-a", 1)]


def test_a_held_orders_job_wakes_nobody(gateway: Gateway, key: dict[str, str]) -> None:
    number = make_order(gateway.room)
    staff = gateway.bearer("staff")
    assert gateway.client.post(f"/orders/{number}/hold", data={"note": "wait"}, headers=staff).status_code == 303
    poll = Poll(gateway, key, 0, 1)
    poll.join(10)
    assert poll.seconds > 0.9
