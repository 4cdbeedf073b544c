"""The booth API: what a booth's worker sees of its own jobs, and nothing of anybody's else."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image
from sqlalchemy import Connection, RowMapping, select

from backroom.domain.events import Event, Session
from backroom.gateway import booth as booth_door
from backroom.printing.device import Device
from backroom.printing.sealed import (
    PayloadBroken,
    PayloadDead,
    Sealed,
    new_once,
    once_public,
    open_sealed,
    opens_with,
    unpack,
)
from backroom.store import booth_devices, event_desk, events, print_seals
from backroom.store.booth_calls import is_silent
from backroom.store.booth_wakes import claim_jobs
from backroom.store.database import now
from backroom.store.story import story
from backroom.store.tables import metadata, print_jobs
from tests.integration.gateway.conftest import SKU, Gateway, make_order
from tests.running import wait_until
from tests.together import held_up, run_together

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
    assert not any(word in told for word in ("byron", "weg 1", "10115", "@"))


def test_a_job_of_another_booth_is_not_handed_out(gateway: Gateway, key: dict[str, str]) -> None:
    make_order(gateway.room, location="booth-b")
    assert claim(gateway, key) == []


def test_whoever_calls_for_work_is_heard_though_there_is_none(gateway: Gateway, key: dict[str, str]) -> None:
    def silent(after: timedelta) -> bool:
        with gateway.room.database.read() as connection:
            return is_silent(connection, "booth-a", now(connection) + after)

    assert not silent(timedelta(hours=1))  # it never called
    assert gateway.client.get("/booth/booth-a/wake", params={"wait": 0}, headers=key).status_code == 200
    gateway.room.database.write_grouped(lambda connection: None).result(20)  # behind what was written down
    assert silent(timedelta(hours=1))
    assert not silent(timedelta())


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


def test_doors_that_share_a_commit_answer_after_it_and_each_for_itself(gateway: Gateway, key: dict[str, str]) -> None:
    numbers = [make_order(gateway.room) for _ in range(3)]
    database = gateway.room.database
    jobs = {job["order_number"]: job for job in claim(gateway, key)}
    first, other, last = (jobs[number] for number in numbers)
    with ThreadPoolExecutor(3) as pool, held_up(database) as gate:
        begun = pool.submit(tell, gateway, key, first, "start", printer="press-1")
        refused = pool.submit(tell, gateway, key, other, "start", printer="press-1", holder="w2")
        over = pool.submit(tell, gateway, key, last, "outcome", outcome="returned")
        if database.is_sqlite:
            wait_until(lambda: database._jobs.qsize() == 3, "all three to wait", 20)
            assert not any(answer.done() for answer in (begun, refused, over))
        gate.set()
        assert (begun.result(20), refused.result(20), over.result(20)) == (200, 409, 200)
    with database.read() as connection:
        states = dict(connection.execute(select(print_jobs.c.order_number, print_jobs.c.state)).tuples().all())
    assert [states[number] for number in numbers] == ["printing", "handed", "waiting"]


def test_a_job_of_another_location_is_409_even_for_its_holder(gateway: Gateway) -> None:
    make_order(gateway.room, location="booth-b")
    [job] = gateway.room.database.write(lambda connection: claim_jobs(connection, "booth-b", "w1", 1))
    key = gateway.bearer("booth", "booth-a")
    as_dict = {"id": job.id}
    assert tell(gateway, key, as_dict, "start", printer="press-1") == 409
    assert tell(gateway, key, as_dict, "outcome", outcome="returned") == 409
    assert Laptop(gateway, key).ask(as_dict | {"attempt": 1}, new_once()).status_code == 409


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


@dataclass
class Laptop:
    """A machine beside the printers, as its two keys."""

    gateway: Gateway
    headers: dict[str, str]
    device: Device = field(default_factory=Device)

    def ask(self, job: JSON, once: X25519PrivateKey, holder: str = "w1", place: str = "booth-a") -> httpx.Response:
        words = {"holder": holder, "attempt": job["attempt"], "device": self.device.public, "once": once_public(once)}
        return self.gateway.client.post(f"/booth/{place}/jobs/{job['id']}/payload", json=words, headers=self.headers)

    def fetch(self, job: JSON) -> tuple[Sealed, X25519PrivateKey]:
        once = new_once()
        answer = self.ask(job, once)
        assert answer.status_code == 200, answer.text
        assert b"%PDF" not in answer.content
        return unpack(answer.content), once


@pytest.fixture
def laptop(gateway: Gateway, key: dict[str, str]) -> Laptop:
    gateway.room.artwork().mkdir()
    Image.new("RGB", (400, 400), "black").save(gateway.room.artwork() / "tee.png")
    return Laptop(gateway, key)


def seals(gateway: Gateway, job: JSON) -> list[RowMapping]:
    with gateway.room.database.read() as connection:
        return print_seals.of_job(connection, job["id"])


def test_only_the_holder_gets_the_payload_and_only_its_machine_opens_it(gateway: Gateway, laptop: Laptop) -> None:
    number = make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    sealed, once = laptop.fetch(job)
    described, document = open_sealed(sealed, laptop.device, once, datetime.now(UTC))
    assert document.startswith(b"%PDF-")
    assert json.loads(described)["order_number"] == number
    assert (sealed.bound.job, sealed.bound.booth, sealed.bound.device) == (job["id"], "booth-a", laptop.device.name)
    with pytest.raises(PayloadBroken):
        open_sealed(sealed, Device(), once, datetime.now(UTC))
    assert laptop.ask(job, new_once(), holder="w2").status_code == 409
    assert laptop.ask(job | {"attempt": 2}, new_once()).status_code == 409


def test_of_many_that_a_machine_asks_for_at_once_it_gets_so_many_and_is_told_to_ask_again(
    gateway: Gateway, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booth_door, "FETCHED_AHEAD", 2)
    for _ in range(7):
        make_order(gateway.room)
    dead, *jobs = claim(gateway, laptop.headers, most=500)
    with monkeypatch.context() as brief:
        brief.setattr(print_seals, "LIFE", timedelta(seconds=-1))
        laptop.fetch(dead)  # what is past its moment takes nobody's room
    answers = run_together([lambda job=job: laptop.ask(job, new_once()) for job in jobs])
    got = [job for job, answer in zip(jobs, answers, strict=True) if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(got) == 3, "two ahead, and one for its printer"
    assert {(answer.status_code, answer.json()["cause"]) for answer in refused} == {(503, "enough_fetched")}
    assert "Ask again when one of them has." in refused[0].json()["detail"]
    others = [job for job in jobs if job not in got]
    assert [len(seals(gateway, job)) for job in others] == [0, 0, 0]

    assert tell(gateway, laptop.headers, got[0], "outcome", outcome="returned") == 200
    for job in (others[0], others[0], got[1]):
        laptop.fetch(job)
    assert laptop.ask(others[1], new_once()).json()["cause"] == "enough_fetched"


def test_a_place_that_is_no_booth_prints_as_many_as_it_has_machines(
    gateway: Gateway, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booth_door, "FETCHED_AHEAD", -1)
    make_order(gateway.room, location="hub")
    [job] = gateway.room.database.write(lambda connection: claim_jobs(connection, "hub", "w1", 1))
    at_hub = Laptop(gateway, gateway.bearer("booth", "hub"))
    assert at_hub.ask({"id": job.id, "attempt": 1}, new_once(), place="hub").status_code == 200


def test_a_missing_artwork_is_409_and_says_what_to_do(gateway: Gateway, laptop: Laptop) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    (gateway.room.artwork() / "tee.png").unlink()
    answer = laptop.ask(job, new_once())
    assert (answer.status_code, answer.json()["cause"]) == (409, "artwork_missing")
    assert "tee.png" in answer.json()["detail"]


def test_a_booths_key_works_from_one_machine_until_that_is_forgotten(gateway: Gateway, laptop: Laptop) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    laptop.fetch(job)
    other = Laptop(gateway, laptop.headers)
    answer = other.ask(job, new_once())
    assert (answer.status_code, answer.json()["cause"]) == (409, "key_of_another_machine")
    gateway.room.database.write(lambda c: booth_devices.forget(c, "booth-a"))
    assert [row["destroyed_why"] for row in seals(gateway, job)] == ["forgotten"]
    other.fetch(job)
    assert laptop.ask(job, new_once()).json()["cause"] == "key_of_another_machine"
    other_key = Laptop(gateway, gateway.bearer("booth"), laptop.device)
    other_key.fetch(job)


@pytest.mark.parametrize("outcome", ["done", "failed", "unknown"])
def test_what_was_sealed_is_destroyed_with_the_jobs_outcome(gateway: Gateway, laptop: Laptop, outcome: str) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    laptop.fetch(job)
    [row] = seals(gateway, job)
    assert (row["destroyed_at"], row["once"] is None) == (None, False)
    assert tell(gateway, laptop.headers, job, "start", printer="press-1") == 200
    assert tell(gateway, laptop.headers, job, "outcome", outcome=outcome) == 200
    [row] = seals(gateway, job)
    assert (row["destroyed_why"], row["once"]) == (outcome, None)


def test_what_was_sealed_is_destroyed_when_its_order_is_held_and_when_it_is_asked_for_anew(
    gateway: Gateway, laptop: Laptop
) -> None:
    number = make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    laptop.fetch(job)
    laptop.fetch(job)
    assert [row["destroyed_why"] for row in seals(gateway, job)] == ["asked for anew", ""]
    staff = gateway.bearer("staff")
    assert gateway.client.post(f"/orders/{number}/hold", data={"note": "wait"}, headers=staff).status_code == 303
    assert [row["destroyed_why"] for row in seals(gateway, job)] == ["asked for anew", "taken back"]


def test_what_is_past_its_moment_is_destroyed_by_the_sweep(gateway: Gateway, laptop: Laptop) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    sealed, _ = laptop.fetch(job)
    write = gateway.room.database.write
    assert write(lambda c: print_seals.expire(c, sealed.bound.expires_at - timedelta(seconds=1))) == 0
    assert write(lambda c: print_seals.expire(c, sealed.bound.expires_at)) == 1
    assert [row["destroyed_why"] for row in seals(gateway, job)] == ["expired"]


def live_event(gateway: Gateway, ends_in: timedelta) -> datetime:
    """An event at the booth that is live, and so long before its end; when that is."""

    def work(connection: Connection) -> datetime:
        at = now(connection)
        event = Event("fair", "Fair", "street", "booth-a", "", (Session(at - timedelta(hours=1), at + ends_in),))
        events.add(connection, event, (), at, "Ada")
        event_desk.open_event(connection, "fair", "hub", "Ada")
        return event.ends_at

    return gateway.room.database.write(work)


def test_what_is_handed_out_at_a_live_event_dies_at_its_end(gateway: Gateway, laptop: Laptop) -> None:
    ends = live_event(gateway, timedelta(hours=2))
    make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    sealed, once = laptop.fetch(job)
    assert (sealed.bound.expires_at, seals(gateway, job)[0]["expires_at"]) == (ends, ends)
    assert open_sealed(sealed, laptop.device, once, ends - timedelta(microseconds=1))[1].startswith(b"%PDF-")
    with pytest.raises(PayloadDead):
        open_sealed(sealed, laptop.device, once, ends)
    assert gateway.room.database.write(lambda c: print_seals.expire(c, ends)) == 1


def test_an_event_that_is_closed_early_destroys_what_nobody_has_begun_and_leaves_what_is_at_a_printer(
    gateway: Gateway, laptop: Laptop
) -> None:
    ends = live_event(gateway, timedelta(hours=2))
    for _ in range(2):
        make_order(gateway.room)
    begun, unbegun = claim(gateway, laptop.headers)
    for job in (begun, unbegun):
        laptop.fetch(job)
    assert tell(gateway, laptop.headers, begun, "start", printer="press-1") == 200
    before = datetime.now(UTC)
    gateway.room.database.write(lambda c: event_desk.close_event(c, "fair", "hub", "Ada"))
    assert [row["destroyed_why"] for row in seals(gateway, unbegun)] == ["its event is over"]
    assert laptop.ask(unbegun, new_once()).status_code == 409
    # Its moment is sealed into it: nobody can change that afterwards. It ends with its outcome; asked for anew, sooner.
    [row] = seals(gateway, begun)
    assert (row["expires_at"], row["destroyed_at"]) == (ends, None)
    again, _ = laptop.fetch(begun)
    assert before < again.bound.expires_at - print_seals.AFTER_THE_END < datetime.now(UTC)
    assert tell(gateway, laptop.headers, begun, "outcome", outcome="done") == 200
    assert [row["destroyed_why"] for row in seals(gateway, begun)] == ["asked for anew", "done"]


def test_a_revoked_booth_is_out_at_once_with_its_till(gateway: Gateway, laptop: Laptop) -> None:
    make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    laptop.fetch(job)
    till, elsewhere = gateway.bearer("pos"), gateway.bearer("booth", "booth-b")
    assert gateway.room.database.write(lambda c: booth_devices.revoke(c, "booth-a")) == (2, 1)
    assert [row["destroyed_why"] for row in seals(gateway, job)] == ["revoked"]
    assert laptop.ask(job, new_once()).status_code == 401
    assert gateway.client.get("/booth/booth-a/printers", headers=laptop.headers).status_code == 401
    assert gateway.client.post("/pos/sales", json={}, headers=till).status_code == 401
    assert gateway.client.get("/booth/booth-b/printers", headers=elsewhere).status_code == 200


def test_neither_the_database_nor_its_files_hold_what_was_sealed(gateway: Gateway, laptop: Laptop) -> None:
    number = make_order(gateway.room)
    [job] = claim(gateway, laptop.headers)
    sealed, once = laptop.fetch(job)
    [row] = seals(gateway, job)
    assert hashlib.sha256(sealed.document).hexdigest() == row["document_digest"]
    assert number.encode() not in row["description"]
    held = [bytes(range(32)), b64decode(row["once"]), laptop.device.private.private_bytes_raw()]
    assert opens_with(sealed.bound, row["description"], held) == 0
    described, document = open_sealed(sealed, laptop.device, once, datetime.now(UTC))
    with gateway.room.database.read() as connection:
        for table in metadata.sorted_tables:
            for stored in connection.execute(select(table)):
                assert not any(isinstance(one, bytes) and (document in one or described in one) for one in stored)
    if not gateway.room.database.is_sqlite:
        return
    path = Path(str(gateway.room.database.engine.url.database))
    files = [one for one in (path, path.with_name(f"{path.name}-wal")) if one.exists()]
    raw = b"".join(one.read_bytes() for one in files)
    assert [one.name for one in files] == ["shop.db", "shop.db-wal"]
    assert row["description"] in raw, "what is there is found"
    secrets = [laptop.device.private.private_bytes_raw(), once.private_bytes_raw()]
    assert [one for one in (described, *secrets, *parts_of(document)) if one in raw] == []


def parts_of(document: bytes) -> list[bytes]:
    """Its bytes a few at a time: what is long lies on several pages of a database's file, not one after the other."""
    parts = [document[start : start + 48] for start in range(0, len(document) - 48, 48)]
    # A run of one byte may stand anywhere.
    telling = [part for part in parts if len(set(part)) > 16]
    assert len(telling) > 5
    return telling


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
