"""A booth's laptop is stolen: its disk is copied whole, with its keys. What can be read of it, and what of the shop."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pypdfium2 import PdfDocument

from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import BackroomError
from backroom.domain.locations import PrinterSpec
from backroom.gateway import pos, tills
from backroom.printing import sealed
from backroom.printing.booth import KeyRefused
from backroom.printing.device import Device, hold_device
from backroom.printing.sealed import Sealed, new_once, open_sealed, unpack
from backroom.store import booth_devices, desk, print_seals
from backroom.store.api_keys import make_key
from backroom.till.sales_box import SalesBox
from backroom.till.sealed_sale import public_of
from tests.benches import Bench, open_bench
from tests.laptops import Laptop
from tests.lines import Line
from tests.printers import wait_for
from tests.shops import BOOTH, CANARIES, PLAIN, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]


@pytest.fixture
def bench(floor: Floor) -> Iterator[Bench]:
    till = ChannelSpec("till", "pos", 1, "standard", location=BOOTH)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(*floor.room.shop.channels, till)))
    with open_bench(floor, [PrinterSpec("left", "folder:left", ("dtg",))]) as bench:
        yield bench


@dataclass
class Thief:
    """Has every file of the machine, its API keys, and all the time there is: his clock stands where he likes."""

    disk: Path
    opened: dict[int, bytes] = field(default_factory=dict)

    def files(self) -> Iterator[tuple[Path, bytes]]:
        for path in sorted(self.disk.rglob("*")):
            # What lies in a printer's tray is paper.
            if path.is_file() and not path.name.startswith("tray-"):
                yield path, path.read_bytes()

    def read(self) -> None:
        """Try every secret that lies on the disk on every payload that lies there, dead ones too."""
        raw = [content for _, content in self.files()]
        secrets = [X25519PrivateKey.from_private_bytes(one) for one in raw if len(one) == 32]
        for content in raw:
            try:
                sealed = unpack(content)
            except BackroomError:
                continue
            for machine in secrets:
                for once in secrets:
                    self._try(sealed, machine, once)

    def _try(self, sealed: Sealed, machine: X25519PrivateKey, once: X25519PrivateKey) -> None:
        long_ago = sealed.bound.expires_at - timedelta(days=400)
        try:
            described, document = open_sealed(sealed, Device(machine), once, long_ago)
        except BackroomError:
            return
        text = "".join(page.get_textpage().get_text_range() for page in PdfDocument(document))
        self.opened[sealed.bound.job] = described + document + text.encode()

    def finds(self, *words: str) -> list[str]:
        """Those of these words that stand anywhere on the disk or in what was opened."""
        seen = [content for _, content in self.files()] + list(self.opened.values())
        return [word for word in words if any(word.encode() in content for content in seen)]


def test_of_a_stolen_laptop_only_the_jobs_that_it_had_fetched_and_are_not_dead_can_be_read(
    bench: Bench, floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = floor.room.database.write
    with Line(urlsplit(bench.url).port or 0) as line:
        laptop = Laptop(bench, line.url, tmp_path / "laptop")
        finished = bench.orders(1, 1, 1)
        assert laptop.run() == {"done": 3}
        alone = bench.orders(1)
        laptop.fetch()
        line.cut(silent=False)
        laptop.run_alone()  # finished without network, and not yet told

        line.mend()
        held = bench.orders(1, 1)
        laptop.fetch()
        for number in held:
            write(lambda c, number=number: desk.hold(c, number, desk.ASKED_BY_STAFF, "Ada"))
        ours = bench.orders(1, 1, 1)
        laptop.fetch()  # it hears that what is held is not its own any more
        with monkeypatch.context() as brief:
            brief.setattr(print_seals, "LIFE", timedelta(milliseconds=200))
            expired = bench.orders(1, 1)
            laptop.fetch()
        line.cut(silent=False)
        wait_for(lambda: still_there(laptop) <= len(ours))
        others = bench.orders(1, 1)
        box = SalesBox(laptop.folder / "till")
        sale = {"email": CANARIES[2], "address": {"name": f"{CANARIES[0]} {CANARIES[1]}", "line1": CANARIES[4]}}
        box.add(public_of(floor.room.seals.till_secrets()[0]), sale)
        box.close()

        thief = Thief(tmp_path / "copy")
        shutil.copytree(laptop.folder, thief.disk)
        thief.read()

    jobs = {number: row["id"] for number, row in bench.jobs().items()}
    assert set(thief.opened) == {jobs[number] for number in ours}
    assert thief.finds(*ours) == ours, "a search that finds nothing must be able to find something"
    assert thief.finds(*finished, *alone, *held, *expired, *others) == []
    assert thief.finds(*CANARIES) == []
    address = floor.room.database.url
    assert thief.finds(address, address.removeprefix("sqlite:///"), "sqlite:", "postgresql:", "postgresql+") == []
    for content in thief.opened.values():
        assert not re.search(rb'"(address|name|email|phone)"', content.split(b"%PDF")[0])


def still_there(laptop: Laptop) -> int:
    """How many payloads lie on its disk, after it has looked at what is dead."""
    with laptop.open() as booth:
        return booth.kept.remaining()


def _seals(bench: Bench, job_ids: set[int]) -> list[dict[str, object]]:
    with bench.floor.room.database.read() as connection:
        return [dict(row) for job in job_ids for row in print_seals.of_job(connection, job)]


def test_what_dies_while_the_machine_runs_is_gone_from_its_disk_before_anybody_copies_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = Laptop(bench, bench.url, tmp_path / "laptop")
    monkeypatch.setattr(print_seals, "LIFE", timedelta(milliseconds=400))
    numbers = bench.orders(1, 1)
    laptop.fetch()
    with laptop.open() as booth:
        dies = max(row["expires_at"] for row in _seals(bench, {row["id"] for row in bench.jobs().values()}))
        booth.kept.vault.clear(dies)  # type: ignore[arg-type]
    thief = Thief(laptop.folder)
    thief.read()
    assert thief.opened == {}
    assert thief.finds(*numbers) == []


def dead(bench: Bench) -> bool:
    """Whether all that was sealed is past its moment."""
    rows = _seals(bench, {row["id"] for row in bench.jobs().values()})
    return bool(rows) and all(row["expires_at"] <= datetime.now(UTC) for row in rows)  # type: ignore[operator]


@pytest.mark.parametrize("next_step", ["claim", "print"])
def test_what_dies_during_a_run_is_destroyed_with_its_next_step_though_its_turn_has_not_come(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, next_step: str
) -> None:
    laptop = Laptop(bench, bench.url, tmp_path / "laptop")
    numbers = bench.orders(1, 1, 1)
    with laptop.open() as booth:
        with monkeypatch.context() as brief:
            brief.setattr(print_seals, "LIFE", timedelta(milliseconds=300))
            booth.printers()
            jobs = booth.claim(1)
            assert booth.fetcher is not None
            booth.fetcher.join()
            assert booth.kept.remaining() == 3
            wait_for(lambda: dead(bench))
        if next_step == "claim":
            booth.claim(1)
        else:
            assert booth.document(jobs[0]).startswith(b"%PDF")
        booth.fetcher.join()
        assert booth.kept.remaining() == 0, "nor is it fetched ahead again"
        thief = Thief(laptop.folder)
        thief.read()
    assert thief.opened == {}
    assert thief.finds(*numbers) == []
    assert laptop.run() == {"done": 3}


def test_a_laptop_that_was_switched_off_when_it_died_keeps_it_until_it_is_started(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No clock runs in a machine that is off: the guide says so, and what helps."""
    laptop = Laptop(bench, bench.url, tmp_path / "laptop")
    monkeypatch.setattr(print_seals, "LIFE", timedelta(milliseconds=300))
    bench.orders(1)
    laptop.fetch()
    wait_for(lambda: dead(bench))
    off, started = Thief(laptop.folder), Thief(laptop.folder)
    off.read()
    assert len(off.opened) == 1
    with laptop.open():
        started.read()
    assert started.opened == {}


def test_a_payload_that_was_being_made_while_its_booth_was_revoked_goes_nowhere_and_the_machine_forgets_the_others(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = Laptop(bench, bench.url, tmp_path / "laptop")
    bench.orders(1, 1)
    assert laptop.fetch() == 2
    real = sealed.seal

    def revoked_meanwhile(*told: Any, **more: Any) -> Any:
        made = real(*told, **more)
        bench.floor.room.database.write(lambda c: booth_devices.revoke(c, BOOTH))
        return made

    monkeypatch.setattr(sealed, "seal", revoked_meanwhile)
    with laptop.open() as booth:
        [job, _] = booth.kept.jobs()
        with pytest.raises(KeyRefused):
            booth.payload(job, new_once())
        assert booth.kept.remaining() == 0
    seals = _seals(bench, {row["id"] for row in bench.jobs().values()})
    assert len(seals) == 2, "what was being made is not noted"
    assert {row["destroyed_why"] for row in seals} == {"revoked"}


def test_after_it_is_revoked_nothing_at_all_is_to_be_had_from_the_gateway(bench: Bench, tmp_path: Path) -> None:
    laptop = Laptop(bench, bench.url, tmp_path / "laptop")
    bench.orders(1, 1)
    laptop.fetch()
    key = bench.key_at(laptop.folder)
    job = next(iter(bench.jobs().values()))["id"]
    device = hold_device(laptop.bench_folder)
    holder = (laptop.bench_folder / "holder").read_text()
    of_job = {"holder": holder, "attempt": 1}
    payload = of_job | {"device": device.public, "once": Device(new_once()).public}
    journal = {"holder": holder, "device": device.public, "lines": []}
    asked: list[tuple[str, str, object]] = [
        ("GET", f"/booth/{BOOTH}/printers", None),
        ("GET", f"/booth/{BOOTH}/wake?wait=0", None),
        ("POST", f"/booth/{BOOTH}/jobs/claim", {"holder": holder, "most": 1}),
        ("POST", f"/booth/{BOOTH}/jobs/{job}/payload", payload),
        ("POST", f"/booth/{BOOTH}/jobs/{job}/start", of_job | {"printer": "left"}),
        ("POST", f"/booth/{BOOTH}/jobs/{job}/outcome", of_job | {"outcome": "done"}),
        ("POST", f"/booth/{BOOTH}/journal", journal),
        ("POST", f"/booth/{BOOTH}/journal/shown", {"holder": holder}),
        ("POST", f"/booth/{BOOTH}/scan", {"order": "A-1001", "code": "X"}),
        ("GET", f"/booth/prefect/work_pools/{BOOTH}", None),
        ("POST", "/booth/prefect/flow_runs/filter", {}),
    ]
    write = bench.floor.room.database.write
    # The till's key lies on the same disk.
    till_key = write(lambda c: make_key(c, "till", "pos", BOOTH))
    sold: list[tuple[str, str, object]] = [
        ("GET", "/pos/catalogue", None),
        ("GET", "/pos/stock?device=till-1&last=0", None),
        ("POST", "/pos/sales", {"device": "till-1", "sales": [{"seq": 1}]}),
        ("POST", "/pos/sealed-sales", {"device": "till-1", "sales": [{"seq": 1, "sealed": "AAAA"}]}),
        ("POST", "/pos/sealed-wishes", {"device": "till-1", "wishes": [{"key": "0" * 32, "sealed": "AAAA"}]}),
    ]
    doors = {(method, route.path) for route in (*pos.router.routes, *tills.router.routes) for method in route.methods}
    assert {(method, path.partition("?")[0]) for method, path, _ in sold} == doors, "each door of a till is tried"

    def ask(method: str, path: str, body: object, key: str = key) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.request(method, bench.url + path, json=body, headers=headers, timeout=20).status_code

    assert ask(*asked[0]) == 200
    assert [ask(*one, till_key) for one in sold] == [200] * 5
    write(lambda c: booth_devices.revoke(c, BOOTH))
    assert {ask(*one) for one in asked} == {401}
    assert [ask(*one, till_key) for one in sold] == [401] * 5
    assert {row["destroyed_why"] for row in _seals(bench, {row["id"] for row in bench.jobs().values()})} == {"revoked"}


def test_a_tablets_session_at_the_booth_reads_that_place_and_no_customer_and_ends_with_the_revoke(bench: Bench) -> None:
    """The thief has the tablet too, its browser logged in as the guide says: with a staff key of the booth."""
    write = bench.floor.room.database.write
    [number] = bench.orders(1)
    ordered = bench.floor.order((PLAIN, 1))
    bench.floor.intake()
    elsewhere = bench.floor.number(ordered)
    key = write(lambda connection: make_key(connection, "tablet", "staff", BOOTH))
    ours = [f"/scan/{BOOTH}", f"/collect/{BOOTH}", f"/returns/at/{BOOTH}", f"/prints/{BOOTH}"]
    ours += ["/events", "/transfers"]
    shut = ["/orders", f"/orders/{number}", f"/orders/{elsewhere}", "/parcels", f"/courier/{BOOTH}", "/returns"]
    shut += ["/conflicts", "/effects", "/quarantine", "/samples", "/metrics", "/shipments/1/label.pdf"]
    with httpx.Client(base_url=bench.url, timeout=20) as browser:
        assert browser.post("/login", data={"key": key}).headers["Location"] in ours
        cookie = browser.cookies["backroom_session"]
        read = {path: browser.get(path) for path in ours}
        assert number in read[f"/prints/{BOOTH}"].text
        read |= {path: browser.get(path, headers={"Accept": "text/html"}) for path in shut}
        assert {path for path, answer in read.items() if answer.status_code == 200} == set(ours)
        assert {read[path].status_code for path in shut} == {401, 403}
        assert [path for path in shut if read[path].status_code == 401] == ["/metrics"], "no door for a browser"
        seen = "".join(answer.text for answer in read.values())
        assert [word for word in (*CANARIES, elsewhere) if word in seen] == []

        write(lambda c: booth_devices.revoke(c, BOOTH))
        assert browser.cookies["backroom_session"] == cookie, "he still has it"
        after = [browser.get(path) for path in (*ours, *shut)]
        after += [browser.get(path, headers={"Authorization": f"Bearer {key}"}) for path in (*ours, *shut)]
        assert {answer.status_code for answer in after} == {401}
        assert browser.post("/login", data={"key": key}).status_code == 401
