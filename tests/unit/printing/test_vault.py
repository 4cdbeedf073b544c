"""The vault: what is dead goes, what is being kept stays, and a backup that knows the tag leaves it all out."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backroom.printing.device import FILE, Device, hold_device
from backroom.printing.sealed import Bound, new_once, once_public, seal
from backroom.printing.vault import FOLDER, TAG, Vault

AT = datetime(2026, 11, 20, 18, tzinfo=UTC)
OWL = b"%PDF-1.7 an owl"


def keep(vault: Vault, device: Device, job: int, dies_at: datetime) -> None:
    once = new_once()
    bound = Bound(job, 1, "booth-a", device.name, dies_at)
    vault.keep(seal(bound, b'{"sku": "TEE"}', OWL, device=device.public, once=once_public(once)), once)


def test_only_what_is_dead_is_destroyed_to_the_moment(tmp_path: Path) -> None:
    device = hold_device(tmp_path)
    vault = Vault(tmp_path, device)
    for job, minutes in ((1, -1), (2, 0), (3, 1)):
        keep(vault, device, job, AT + timedelta(minutes=minutes))
    assert sorted(vault.clear(AT)) == [(1, 1), (2, 1)]
    assert vault.tries() == [(3, 1)]
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["3-1.key", "3-1.sealed", TAG]
    opened = vault.open((3, 1), AT)
    assert opened is not None
    assert opened.document == OWL


def test_what_is_no_payload_is_destroyed(tmp_path: Path) -> None:
    device = hold_device(tmp_path)
    vault = Vault(tmp_path, device)
    keep(vault, device, 1, AT)
    (tmp_path / FOLDER / "1-1.sealed").write_bytes(b"\0" * 40)
    assert vault.clear(AT - timedelta(days=1)) == [(1, 1)]
    assert vault.tries() == []


def test_clearing_takes_nothing_that_is_being_kept_meanwhile(tmp_path: Path) -> None:
    device = hold_device(tmp_path)
    vault, over = Vault(tmp_path, device), threading.Event()

    def clear() -> None:
        while not over.is_set():
            vault.clear(AT)

    with ThreadPoolExecutor(1) as beside:
        clearing = beside.submit(clear)
        try:
            for job in range(1, 41):
                keep(vault, device, job, AT + timedelta(hours=1))
        finally:
            over.set()
        clearing.result(20)
    assert len(vault.tries()) == 40


def test_the_folder_is_tagged_as_the_specification_says_and_a_torn_tag_is_mended(tmp_path: Path) -> None:
    tag = tmp_path / FOLDER / TAG
    signature = b"Signature: " + hashlib.md5(b".IsCacheDirectory", usedforsecurity=False).hexdigest().encode()
    assert len(signature) == 43
    for torn in (None, b"", signature[:20]):
        if torn is not None:
            tag.write_bytes(torn)
        Vault(tmp_path, hold_device(tmp_path))
        assert tag.read_bytes()[:43] == signature
        assert tag.is_file()
        assert not tag.is_symlink()


@pytest.mark.parametrize("told", [True, False])
def test_a_backup_that_honours_the_tag_has_no_payload_and_no_key_of_one(tmp_path: Path, told: bool) -> None:
    bench = tmp_path / "bench"
    device = hold_device(bench)
    keep(Vault(bench, device), device, 7, AT)
    archive = tmp_path / "backup.tar"
    words = ["--exclude-caches"] if told else []
    subprocess.run(["tar", *words, "-cf", str(archive), "-C", str(tmp_path), "bench"], check=True)
    with tarfile.open(archive) as opened:
        names = {name.removeprefix("bench").lstrip("/") for name in opened.getnames()}
    payload = set() if told else {f"{FOLDER}/7-1.key", f"{FOLDER}/7-1.sealed"}
    assert names == {"", FILE, FOLDER, f"{FOLDER}/{TAG}"} | payload
