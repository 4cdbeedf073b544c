"""The booth's vault: sealed payloads that were fetched ahead, on this machine's disk, and the keys that open them.

What belongs here: keeping, opening and destroying them. What does not: sealing (`sealed`), and which jobs are fetched
(`kept`). Each payload is one file, its once-key another, and what is destroyed is first its key: written over, then
removed. What opens a payload besides is the machine's own key (`device`).

What a disk keeps of blocks that were written over is beyond this program: a booth's disk should be encrypted whole. So
is a backup of it, which would hold all that opens what lives just then: the folder says by a tag that it is nothing to
keep (bford.info/cachedir), and backup programs that know the tag leave it out.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backroom.durable import flush, write_durably
from backroom.printing.device import SIZE, Device
from backroom.printing.sealed import PayloadBroken, PayloadDead, Sealed, open_sealed, unpack

FOLDER = "sealed"
KEY, PAYLOAD = ".key", ".sealed"
TAG = "CACHEDIR.TAG"
TAG_SAYS = b"""Signature: 8a477f597d28d172789f06886806bc55
# What a booth fetched to print, and the keys that open it: of use for hours, and in no backup. See bford.info/cachedir.
"""
_NAME = re.compile(r"(\d+)-(\d+)")

Try = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Opened:
    """What is to be printed: the description as the gateway tells of a job, and the document."""

    described: dict[str, Any]
    document: bytes


class Vault:
    """The vault of one bench, for whoever holds it; its threads may share it. A payload is known by its job and
    attempt."""

    def __init__(self, folder: Path, device: Device) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._device = device
        # Nobody tidies while somebody keeps: what lacks its key is a crash's, or not whole yet.
        self._guard = threading.RLock()
        self._tag()

    def keep(self, sealed: Sealed, once: X25519PrivateKey) -> None:
        """Keep a payload and its key, on the disk when this returns: the key last, without which there is none."""
        which = (sealed.bound.job, sealed.bound.attempt)
        with self._guard:
            write_durably(self._path(which, PAYLOAD), sealed.pack())
            write_durably(self._path(which, KEY), once.private_bytes_raw())
            flush(self._folder)

    def tries(self) -> list[Try]:
        """Jobs and attempts of which a payload is here, those fetched first in front."""
        with self._guard:
            there = [(path.stat().st_mtime_ns, found) for path, found in self._named(KEY)]
        return [found for _, found in sorted(there)]

    def has(self, which: Try) -> bool:
        return self._path(which, KEY).exists()

    def open(self, which: Try, at: datetime) -> Opened | None:
        """What is to be printed; None where it is not here, or cannot be opened any more: then it is destroyed."""
        try:
            raw = self._path(which, KEY).read_bytes()
            once = X25519PrivateKey.from_private_bytes(raw)
            sealed = unpack(self._path(which, PAYLOAD).read_bytes())
            described, document = open_sealed(sealed, self._device, once, at)
        except FileNotFoundError:
            return None
        except (PayloadDead, PayloadBroken, ValueError):
            self.destroy(which)
            return None
        return Opened(json.loads(described), document)

    def destroy(self, which: Try) -> None:
        """Destroy a payload: its key is written over and removed, then the payload. Safe to do again."""
        key, payload = self._path(which, KEY), self._path(which, PAYLOAD)
        with self._guard:
            if not key.exists() and not payload.exists():
                return
            if key.exists():
                descriptor = os.open(key, os.O_WRONLY)
                try:
                    os.write(descriptor, bytes(SIZE))
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                key.unlink(missing_ok=True)
            payload.unlink(missing_ok=True)
            flush(self._folder)

    def clear(self, at: datetime) -> list[Try]:
        """Destroy what is past its moment, and what a crash left without its key; returns what was destroyed."""
        with self._guard:
            gone = [which for path, which in self._named(PAYLOAD) if not self.has(which) or _is_dead(path, at)]
            for which in gone:
                self.destroy(which)
            for path, which in list(self._named(KEY)):
                if not path.with_suffix(PAYLOAD).exists():
                    self.destroy(which)
            for draft in self._folder.glob("*.new"):
                draft.unlink()
        return gone

    def _tag(self) -> None:
        path = self._folder / TAG
        with suppress(FileNotFoundError):
            if path.read_bytes() == TAG_SAYS:
                return
        # A disk that is full keeps nobody from printing what is here; the next start writes it.
        with suppress(OSError):
            write_durably(path, TAG_SAYS, mode=0o644)

    def _named(self, suffix: str) -> Iterator[tuple[Path, Try]]:
        for path in self._folder.glob(f"*{suffix}"):
            if found := _NAME.fullmatch(path.stem):
                yield path, (int(found[1]), int(found[2]))

    def _path(self, which: Try, suffix: str) -> Path:
        return self._folder / f"{which[0]}-{which[1]}{suffix}"


def _is_dead(path: Path, at: datetime) -> bool:
    """Whether a payload is past its moment, or none; its first line says so."""
    with path.open("rb") as file:
        try:
            return at >= unpack(file.readline()).bound.expires_at
        except PayloadBroken:
            return True
