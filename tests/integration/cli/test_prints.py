"""The commands about prints: what waits for a person and what they are told to do, what is proved of sealed ones."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, select, update

from backroom.domain.print_pace import ENOUGH
from backroom.printing.device import Device, public_key
from backroom.printing.sealed import Bound, new_once, once_public, seal
from backroom.privacy.backups import make
from backroom.shop.room import Room
from backroom.store import print_seals
from backroom.store.api_keys import find_key, make_key
from backroom.store.booth_devices import let_in
from backroom.store.booth_wakes import claim_jobs
from backroom.store.database import now
from backroom.store.offline_conflicts import Conflict, ConflictKind, note
from backroom.store.print_attempts import settle, start
from backroom.store.print_handing import HandedJob
from backroom.store.print_seals import NewSeal
from backroom.store.tables import orders, print_jobs
from backroom.store.till_numbers import hear
from tests.integration.cli.typing_in import answered, refused, typed
from tests.integration.gateway.conftest import make_order


def nobody_can_tell(room: Room, outcome: str = "unknown") -> tuple[int, str]:
    """A print at the booth that ended so, as its worker tells it; its id, and its name at the printer."""
    make_order(room, location="booth-a")
    [job] = room.database.write(lambda c: claim_jobs(c, "booth-a", "bench", 10))
    room.database.write(lambda c: start(c, job.id, job.attempt, "bench", "press-1"))
    room.database.write(lambda c: settle(c, job.id, job.attempt, "bench", outcome, "the power went"))
    return job.id, job.key


def test_an_unknown_print_says_where_to_look_for_what_and_how_to_answer(room: Room) -> None:
    job, key = nobody_can_tell(room)
    [row] = answered("print", "queue", "booth-a")
    assert (row["id"], row["state"], row["reason"]) == (job, "unknown", "the power went")
    assert row["to_do"].startswith(f"Look at press-1 for {key}")
    shown = " ".join(typed("print", "queue", "booth-a").stdout.split())
    assert "backroom print decide ID printed, or print_again" in shown
    assert typed("print", "decide", str(job), "printed").exit_code == 0
    assert answered("print", "queue", "booth-a") == []


def test_what_waits_for_its_turn_needs_nobody(room: Room) -> None:
    make_order(room, location="booth-a")
    [row] = answered("print", "queue", "booth-a")
    assert (row["state"], row["to_do"]) == ("waiting", "")
    assert "Say what you saw" not in typed("print", "queue", "booth-a").stdout


def sealed_for_a_booth(room: Room) -> tuple[HandedJob, Device, X25519PrivateKey]:
    """A job that a booth's machine has fetched, as the gateway notes it."""
    make_order(room, location="booth-a")
    [job] = room.database.write(lambda c: claim_jobs(c, "booth-a", "bench", 10))
    device, once, ends = Device(), new_once(), datetime.now(UTC) + timedelta(hours=1)
    bound = Bound(job.id, job.attempt, "booth-a", device.name, ends)
    made = seal(bound, b'{"order_number": "A-1"}', b"%PDF", device=device.public, once=once_public(once))
    new = NewSeal(job.id, 1, device.name, "booth-a", made.once, made.description, 4, "ab" * 32, ends)

    def note(c: Connection) -> None:
        info = find_key(c, make_key(c, "laptop of A", "booth", "booth-a"))
        assert info is not None
        print_seals.note(c, new, let_in(c, info, device.public, alone=True))

    room.database.write(note)
    return job, device, once


def proved(job: int, code: int = 0) -> Any:
    return answered("print", "proof", str(job), code=code)


def test_the_proof_tells_what_was_sealed_for_whom_and_that_nothing_here_opens_it(room: Room) -> None:
    job, device, _ = sealed_for_a_booth(room)
    [told] = proved(job.id)["payloads"]
    assert (told["device"], told["location"], told["destroyed_at"], told["our_half"]) == (
        device.name,
        "booth-a",
        None,
        "kept",
    )
    assert (told["tried_keys"], told["opened_with"]) == (2, 0)
    room.database.write(lambda c: start(c, job.id, job.attempt, "bench", "press-1"))
    room.database.write(lambda c: settle(c, job.id, job.attempt, "bench", "done", ""))
    [told] = proved(job.id)["payloads"]
    assert (told["destroyed_why"], told["our_half"], told["tried_keys"], told["opened_with"]) == ("done", "gone", 1, 0)
    shown = " ".join(typed("print", "proof", str(job.id)).stdout.split())
    assert "opened here with 0 of the 1 keys that are here" in shown
    assert "A-1" not in shown
    assert "ever sealed" in typed("print", "proof", "999999").stdout


def test_a_proof_fails_where_a_key_does_lie_about(room: Room) -> None:
    """A proof that cannot fail is none: here the shop's next master key is what the payload was sealed with."""
    job, device, once = sealed_for_a_booth(room)
    with room.database.read() as connection:
        [row] = print_seals.of_job(connection, job.id)
    theirs = public_key(row["once"])
    shared = device.private.exchange(theirs) + once.exchange(theirs)
    bound = Bound(job.id, 1, "booth-a", device.name, row["expires_at"])
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"backroom print payload 1\n" + bound.associated("key"))
    room.secrets.add({"master_key_next": b64encode(key.derive(shared)).decode()})
    assert typed("print", "proof", str(job.id)).exit_code == 1


def test_the_proof_looks_into_the_backups_and_ends_with_1_where_one_could_not_be_looked_at(room: Room) -> None:
    job, _, _ = sealed_for_a_booth(room)
    [path] = make(room).paths
    assert proved(job.id)["backups"] == {"looked_at": 1, "holding": [str(path)], "opened": [], "not_looked_at": []}
    shown = " ".join(typed("print", "proof", str(job.id)).stdout.split())
    assert "looked at 1 holding it 1 opened here in none of them" in shown
    assert "Not to be seen from here: copies elsewhere" in shown
    assert "opened here nothing is there to be opened" in " ".join(typed("print", "proof", "999999").stdout.split())

    damaged, away = path.with_name("shop-1.db"), path.parents[1] / "usb" / "backups"
    damaged.write_bytes(b"no database")
    with (room.home / "shop.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[backups]\nfolders = ["backups", "{away}"]\n')
    away.parent.symlink_to("/nowhere/at/all")
    told = proved(job.id, code=1)["backups"]
    assert (told["looked_at"], told["holding"], told["opened"]) == (1, [str(path)], [])
    assert [one.partition(": ")[0] for one in told["not_looked_at"]] == [str(away), str(damaged)]
    assert f"not seen {damaged}: shop-1.db is no backup of ours" in " ".join(
        typed("print", "proof", str(job.id)).stdout.split()
    )
    assert refused("print", "proof", str(job.id)).startswith("2 could not be looked at")


def test_a_booth_is_revoked_with_one_command_and_its_machine_is_listed_as_such(room: Room) -> None:
    job, device, _ = sealed_for_a_booth(room)
    [listed] = answered("booth", "list")
    assert (listed["device"], listed["location"], listed["revoked_at"]) == (device.name, "booth-a", None)
    assert typed("booth", "revoke", "booth-a").exit_code == 0
    assert answered("booth", "list")[0]["revoked_at"] is not None
    assert proved(job.id)["payloads"][0]["destroyed_why"] == "revoked"


def test_kinds_of_printers_are_listed_with_what_they_would_use_up(room: Room) -> None:
    rows = answered("print", "profiles", "--pieces", "120")
    small = next(row for row in rows if row["profile"] == "pocketprint-2")
    assert small["uses"].startswith("3 × ribbon and paper pack")
    assert "assumption" in small["source"]


def test_kinds_of_printers_say_their_sizes_formats_resolution_and_how_long_they_warm_up(room: Room) -> None:
    small = next(row for row in answered("print", "profiles") if row["profile"] == "pocketprint-2")
    assert small["formats"] == ["image/pwg-raster", "image/jpeg"]
    assert small["sizes"][0] == "iso_a6_105x148mm"
    assert (small["dots_per_inch"], small["warm_up_seconds"]) == (300, 120)
    shown = " ".join(typed("print", "profiles").stdout.split())
    for expected in ("sizes A6, A5, 5 × 7 in", "takes PWG Raster, JPEG, at 300 dots an inch", "warm after 2 min"):
        assert expected in shown
    assert "ribbon" not in shown
    assert "120 pieces 3 × ribbon and paper pack; 1 × cleaning sheet" in " ".join(
        typed("print", "profiles", "--pieces", "120").stdout.split()
    )


def test_how_fast_each_printer_prints_what_is_told_for_one_place_or_all(room: Room) -> None:
    before = answered("print", "pace", "booth-a")
    assert {(row["printer"], row["measured"], row["goes_by"]) for row in before} == {
        ("booth-left", 0, "a guess"),
        ("booth-right", 0, "a guess"),
    }
    for _ in range(ENOUGH):
        make_order(room, location="booth-a", to_print=1)

    def printed(c: Connection) -> None:
        took = {"started_at": now(c) - timedelta(seconds=42), "ended_at": now(c)}
        c.execute(update(print_jobs).values(state="done", printer="booth-left", **took))

    room.database.write(printed)
    rows = {(row["printer"], row["piece"]): row for row in answered("print", "pace", "booth-a")}
    own = rows["booth-left", "tee black"]
    assert (own["measured"], own["goes_by"]) == (ENOUGH, "its own prints")
    assert own["seconds"] == pytest.approx(42, abs=1)
    assert rows["booth-right", "any dtg"]["goes_by"] == "other printers here"
    assert {row["location"] for row in answered("print", "pace")} > {"main-hub", "booth-a"}
    shown = typed("print", "pace", "booth-a").stdout
    assert "one in five over" in shown
    assert "location" not in shown
    assert "nowhere" in refused("print", "pace", "nowhere")


def test_conflicts_and_gaps_are_listed_and_seen(room: Room) -> None:
    number = make_order(room, location="booth-a")

    def work(c: Connection) -> None:
        order = c.execute(select(orders.c.id).where(orders.c.number == number)).scalar_one()
        note(c, Conflict("one", ConflictKind.TAKEN_BACK, "booth-a", "SKU-1", 1, order), now(c))
        hear(c, "till-1", "booth-a", [1, 4])

    room.database.write(work)
    [row] = answered("booth", "conflicts")
    assert (row["order_number"], row["kind"]) == (number, "taken_back")
    assert "the booth's piece counts" in " ".join(typed("booth", "conflicts").stdout.split())
    assert typed("booth", "seen", str(row["id"])).exit_code == 0
    assert typed("booth", "seen", str(row["id"])).exit_code == 1
    assert answered("booth", "conflicts") == []
    assert len(answered("booth", "conflicts", "--all")) == 1
    assert answered("booth", "gaps") == [{"till": "till-1", "location": "booth-a", "missing": [2, 3]}]
