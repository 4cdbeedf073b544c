"""A new master key while everything runs: from the secrets file into the database, person by person, and back.

The order is what makes it safe to stop anywhere, and to go on by asking again:

1. the new key is written into the secrets, beside the old one, before anything is sealed with it;
2. the database names it as the current one: from that commit on new people are sealed under it, by every process, each
   of which finds it in the secrets when it first meets it;
3. everybody's key is wrapped anew, in batches;
4. the secrets name it as the shop's own, and keep the old one as `master_key_before`, which opens older backups.

What a process that was started long ago needs it has in memory, or finds in the secrets: nothing is restarted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from backroom.domain.errors import AskPerson, Retry
from backroom.durable import locked
from backroom.privacy import key_keeping
from backroom.shop.room import MASTER_KEY, MASTER_KEY_BEFORE, MASTER_KEY_NEXT, Room
from backroom.shop.secrets import Secrets, variable_of
from backroom.store import sealing, spool
from backroom.store.seals import MasterKey, new_master_key, read_master_key

_LOCK = "master-key.lock"


class SecretsElsewhere(AskPerson):
    """The master key comes from the environment, which a command cannot change."""

    cause = "secrets_elsewhere"


class Busy(Retry):
    """Another process is changing the master key at this moment."""

    cause = "being_worked_on"


class StillNeeded(AskPerson):
    """The old master key still opens something that the new one does not."""

    cause = "still_needed"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the shop stands: the id of the current master key, how many people are under another one, whether a change
    is under way, and whether an old key is kept."""

    key_id: str
    left: int
    changing: bool
    before: bool


def standing(room: Room) -> Standing:
    """Look, and note the master key where nobody has yet."""
    key_id = room.database.write(lambda c: sealing.register(c, room.seals))
    secrets = _secrets(room)
    with room.database.read() as connection:
        left = sealing.left(connection, key_id)
    return Standing(
        key_id=key_id,
        left=left,
        changing=secrets.find(MASTER_KEY_NEXT) is not None or _id(secrets.get(MASTER_KEY)) != key_id,
        before=secrets.find(MASTER_KEY_BEFORE) is not None,
    )


def prepare(room: Room) -> str:
    """Write a new key into the secrets as `master_key_next` and do nothing else, so that the file can be copied to
    other machines first; returns its id. Raises as `rotate` does."""
    with _alone(room):
        return _id(_wanted(room))


def rotate(room: Room) -> Iterator[int]:
    """Begin a new master key, or go on with one that was begun; yields how many people were brought under it so far.

    Raises SecretsElsewhere where the secrets are not a file, with the key to put there, StillNeeded while the key
    before the present one is kept, and Busy while somebody else is at it.
    """
    with _alone(room):
        text = _wanted(room)
        wanted = _id(text)
        if room.database.write(lambda c: sealing.register(c, room.seals)) != wanted:
            room.database.write(lambda c: sealing.change(c, room.seals, wanted))
        done = 0
        while _left(room, wanted):
            # From the start each time: whoever was made between two looks has a small id or a large one.
            after, count = 0, 1
            while count:
                after, count = room.database.write(
                    partial(sealing.rewrap, seals=room.seals, key_id=wanted, after=after)
                )
                done += count
                yield done
        # Before the old key is the old one: a file of keys under it opens nobody once it is retired.
        key_keeping.keep(room, always=True)
        _settle(room, text)


def retire(room: Room) -> None:
    """Forget the key before the present one: backups from before the change can then be opened by nobody.

    Raises StillNeeded while anything in the database, or in the spool beside it, needs it.
    """
    now = standing(room)
    if now.changing or now.left:
        raise StillNeeded("a new master key is just taking over", remedy="Let `backroom master-key rotate` end first.")
    if spool.is_needed(room.home, room.seals, now.key_id):
        raise StillNeeded(
            "messages that were acknowledged are on their way into the database under that key",
            remedy="Start `backroom up`, which brings them in, then try again; `backroom doctor` tells what stays.",
        )
    if variable_of(MASTER_KEY_BEFORE) in os.environ:
        raise SecretsElsewhere(
            f"{variable_of(MASTER_KEY_BEFORE)} is in the environment, and nothing in the database needs it",
            remedy="Take it out there.",
        )
    if left := key_keeping.keep(room, always=True):
        raise StillNeeded(
            "; ".join(left),
            remedy="Those keys may still be under the old master key. See to that folder, then try again.",
        )
    _secrets(room).add({}, without=[MASTER_KEY_BEFORE])


def _wanted(room: Room) -> str:
    """The master key that everybody is to be under: one that was begun, or a new one, safe in the secrets."""
    now, secrets = standing(room), _secrets(room)
    begun = secrets.find(MASTER_KEY_NEXT)
    if begun is not None:
        return begun
    if now.changing or now.left:
        # Put back from a backup, or between the last batch and the end: the secrets' own key is the one to go to.
        return secrets.get(MASTER_KEY)
    if now.before:
        raise StillNeeded(
            "the master key before the present one is still kept, for backups from before the last change",
            remedy="Once you need those backups no more, run `backroom master-key retire`, then this again.",
        )
    made = new_master_key()
    if variable_of(MASTER_KEY) in os.environ:
        raise SecretsElsewhere(
            f"the master key comes from the environment; a new one is {made}",
            remedy=f"Give it to every process as {variable_of(MASTER_KEY_NEXT)}, start them again one by one, then run "
            "this again.",
        )
    secrets.add({MASTER_KEY_NEXT: made})
    return made


def _settle(room: Room, text: str) -> None:
    """Name the new key as the shop's own in the secrets. From memory: whatever became of the file, it is not lost."""
    secrets = _secrets(room)
    own = secrets.get(MASTER_KEY)
    if own == text:
        secrets.add({}, without=[MASTER_KEY_NEXT])
        return
    if variable_of(MASTER_KEY_NEXT) in os.environ:
        raise SecretsElsewhere(
            f"everybody is under the new master key, and {variable_of(MASTER_KEY_NEXT)} is still in the environment",
            remedy=f"Now give the new key to every process as {variable_of(MASTER_KEY)}, the old one as "
            f"{variable_of(MASTER_KEY_BEFORE)} for as long as you keep older backups, and start them again.",
        )
    secrets.add({MASTER_KEY: text, MASTER_KEY_BEFORE: own}, without=[MASTER_KEY_NEXT])


def _alone(room: Room) -> AbstractContextManager[None]:
    """Two at once would each make a key, and the secrets hold one."""
    return locked(room.home / _LOCK, Busy("somebody else is changing the master key", remedy="Let that end first."))


def _left(room: Room, key_id: str) -> int:
    with room.database.read() as connection:
        return sealing.left(connection, key_id)


def _secrets(room: Room) -> Secrets:
    return Secrets.read(room.home / "secrets.toml")


def _id(text: str) -> str:
    return MasterKey(read_master_key(text)).id
