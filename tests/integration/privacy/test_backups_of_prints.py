"""A backup of the hub and the prints that were sealed for a booth: it has them, and nothing that opens one."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import RowMapping, make_url

from backroom.domain.locations import PrinterSpec
from backroom.printing import sealed as sealing_of_prints
from backroom.printing.device import Device, public_key
from backroom.printing.sealed import PayloadBroken, Sealed, open_sealed, opens_with, unpack
from backroom.privacy.backups import make
from backroom.store import print_seals, sealing
from tests.benches import Bench, open_bench
from tests.integration.privacy.test_backups import folder_of, unpacked
from tests.laptops import Laptop
from tests.searching import holding, places
from tests.shops import MASTER_KEY as FLOORS_KEY
from tests.shops import Floor


@dataclass(frozen=True)
class Fetched:
    """One job that a booth's machine has fetched: what lies on its disk, and the shop's row."""

    bench: Bench
    laptop: Laptop
    payload: Sealed
    once: X25519PrivateKey
    device: Device
    row: RowMapping

    @property
    def key(self) -> bytes:
        """What the payload is sealed with, as its machine alone can make it."""
        theirs = public_key(self.payload.once)
        shared = self.device.private.exchange(theirs) + self.once.exchange(theirs)
        return sealing_of_prints._key(shared, self.payload.bound)


@pytest.fixture
def fetched(floor: Floor, tmp_path: Path) -> Iterator[Fetched]:
    floor.room.database.write(lambda c: sealing.register(c, floor.room.seals))
    with open_bench(floor, [PrinterSpec("left", "folder:left", ("dtg",))]) as bench:
        laptop = Laptop(bench, bench.url, tmp_path / "laptop")
        [number] = bench.orders(1)
        assert laptop.fetch() == 1
        [payload] = (laptop.bench_folder / "sealed").glob("*.sealed")
        [once] = (laptop.bench_folder / "sealed").glob("*.key")
        private = X25519PrivateKey.from_private_bytes
        with floor.room.database.read() as connection:
            [row] = print_seals.of_job(connection, bench.jobs()[number]["id"])
        device = Device(private((laptop.bench_folder / "device.key").read_bytes()))
        yield Fetched(bench, laptop, unpack(payload.read_bytes()), private(once.read_bytes()), device, row)


def ways(raw: bytes) -> list[bytes]:
    """How these bytes may stand in a backup."""
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), b64encode(raw)]


def has(folder: Path, raw: bytes) -> bool:
    return any(holding(folder, way) for way in ways(raw))


def every_key_in(folder: Path) -> list[bytes]:
    """All that may be a key in the backup and stands there as text."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found |= {b64decode(one) for one in re.findall(rb"[A-Za-z0-9+/]{43}=", content)}
            found |= {bytes.fromhex(one.decode()) for one in re.findall(rb"\b[0-9a-f]{64}\b", content)}
    return sorted(found)


def test_a_backup_has_nothing_that_opens_what_was_sealed_for_a_booth(
    floor: Floor, fetched: Fetched, tmp_path: Path
) -> None:
    described, document = open_sealed(fetched.payload, fetched.device, fetched.once, fetched.row["sealed_at"])
    assert make(floor.room).paths
    backup = unpacked(folder_of(floor), tmp_path / "laid-open")

    # It holds the shop's side of it, which is found, so the rest would be.
    assert has(backup, fetched.row["description"])
    assert places(backup, [fetched.row["device"], fetched.row["once"]])
    for secret in (fetched.key, fetched.once.private_bytes_raw(), fetched.device.private.private_bytes_raw()):
        assert not has(backup, secret)
    for plain in (described, document, document[:200]):
        assert not has(backup, plain)

    held = [FLOORS_KEY, *every_key_in(backup)]
    assert b64decode(fetched.row["once"]) in held
    assert opens_with(fetched.payload.bound, fetched.row["description"], held) == 0
    assert opens_with(fetched.payload.bound, fetched.row["description"], [*held, fetched.key]) == 1


def test_with_an_old_backup_and_the_machine_itself_nothing_opens_that_is_over(
    floor: Floor, fetched: Fetched, tmp_path: Path
) -> None:
    assert make(floor.room).paths
    assert fetched.laptop.run() == {"done": 1}
    stolen = [path.read_bytes() for path in fetched.laptop.folder.rglob("*") if path.is_file()]
    keys = [one for one in stolen if len(one) == 32]
    keys += [one for one in every_key_in(unpacked(folder_of(floor), tmp_path / "laid-open")) if len(one) == 32]
    assert fetched.device.private.private_bytes_raw() in keys
    # Even whoever kept the payload, as it went over the line.
    for key in keys:
        once = X25519PrivateKey.from_private_bytes(key)
        with pytest.raises(PayloadBroken):
            open_sealed(fetched.payload, fetched.device, once, fetched.row["sealed_at"])


def test_a_booths_machine_has_no_address_of_the_database(floor: Floor, fetched: Fetched) -> None:
    address = make_url(floor.room.database.url)
    assert address.database
    words = {address.render_as_string(hide_password=False), address.database, Path(address.database).name}
    words |= {"sqlite:", "postgresql", "psycopg"}
    assert places(fetched.laptop.folder, words) == []
    assert places(fetched.laptop.folder, [fetched.device.name]), "what is there is found"
