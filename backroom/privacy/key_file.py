"""The file of keys beside the backups: who can be opened now, written whole each time, twice, and read with care.

Lines of JSON: a first one of the shop, one a person, a last one with the SHA-256 of all before it. Keys are wrapped by
the master key, as in the database; look-ups are keyed hashes. There is one such file and no older one: whoever is not
in it is forgotten in every backup.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from backroom.domain.errors import AskPerson
from backroom.durable import flush_names, write_durably
from backroom.store.backup_sqlite import with_zone
from backroom.store.keyring import Keyring, PersonKey

# The second is for the day on which the first cannot be read. Both are replaced each time.
NAMES = ("people.keys", "people.keys.copy")
_VERSION = 1
# A database numbers nobody beyond it.
_NUMBERS_END = 1 << 63


class KeyFileDamaged(AskPerson):
    """A file of keys was cut off, or changed by somebody else."""

    cause = "key_file_damaged"


def write(folder: Path, ring: Keyring) -> None:
    """Replace both files; returns once they are safe on the disk. Cut off anywhere, each is the old one or the new."""
    whole = b"".join(_lines(ring))
    for name in NAMES:
        write_durably(folder / name, whole)
        flush_names(folder)


def read(path: Path) -> Keyring:
    """What a file holds; raises KeyFileDamaged, or OSError."""
    lines = path.read_bytes().splitlines(keepends=True)
    whole = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    try:
        if json.loads(lines[-1])["sha256"] != whole:
            raise damaged(path)
        shop = json.loads(lines[0])
        people = [_person(json.loads(line)) for line in lines[1:-1]]
        return Keyring(
            with_zone(shop["at"]),
            _text(shop["state"]),
            _text(shop["key_id"]),
            base64.b64decode(_text(shop["hash_key"])),
            with_zone(shop["sealed_since"]),
            people,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    raise damaged(path)


def damaged(path: Path) -> KeyFileDamaged:
    remedy = f"Use the other one beside it ({' or '.join(NAMES)}), or those of another folder of backups."
    return KeyFileDamaged(f"{path} is damaged", remedy=remedy)


def state(path: Path) -> str | None:
    """Which erasures a file has behind it (`keyring.state`), from its first line; None where it tells nothing."""
    try:
        with path.open("rb") as file:
            return str(json.loads(file.readline())["state"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _lines(ring: Keyring) -> Iterator[bytes]:
    digest = hashlib.sha256()
    shop = {
        "backroom_keys": _VERSION,
        "at": ring.at.isoformat(),
        "state": ring.state,
        "key_id": ring.key_id,
        "hash_key": _coded(ring.hash_key),
        "sealed_since": ring.sealed_since.isoformat(),
    }
    for told in (shop, *map(_told, ring.people)):
        line = json.dumps(told).encode() + b"\n"
        digest.update(line)
        yield line
    yield json.dumps({"sha256": digest.hexdigest()}).encode() + b"\n"


def _told(one: PersonKey) -> list[object]:
    lost_at = one.lost_at.isoformat() if one.lost_at else None
    return [one.person_id, one.since.isoformat(), _coded(one.wrapped), one.key_id, one.lookups, lost_at]


def _person(told: list[object]) -> PersonKey:
    person_id, since, wrapped, key_id, lookups, lost_at = told
    if type(person_id) is not int or not 0 < person_id < _NUMBERS_END or not isinstance(lookups, list):
        raise ValueError("no person of ours")
    return PersonKey(
        person_id,
        with_zone(_text(since)),
        base64.b64decode(_text(wrapped)),
        _text(key_id) if key_id is not None else None,
        tuple((_text(kind), _text(digest)) for kind, digest in lookups),
        with_zone(_text(lost_at)) if lost_at else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    # Half a surrogate pair is none, and goes into no database.
    value.encode()
    return value


def _coded(value: bytes) -> str:
    return base64.b64encode(value).decode()
