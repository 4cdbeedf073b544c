"""Retention: what the shop file says is kept no longer is removed, kind by kind, in batches.

What belongs here: how long, files, and people of whom nothing was heard for so long. What does not: the rows
(`backroom.store.retention`). Stopped anywhere, it goes on when it is begun again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from backroom.domain.opt_in import UNCONFIRMED_FOR
from backroom.privacy.erasure import ForgetRuns, erase
from backroom.privacy.files import UNNAMED_FOR, drop_folders, label_folder, mail_folders, remove_pictures
from backroom.shop import photos
from backroom.shop.room import REPORTS, Room
from backroom.store import retention, samples
from backroom.store.database import now
from backroom.store.personal import Whose

ACTOR = "retention"
# What is the content of an effect of the last days may still be asked for after a crash.
FILES_AT_LEAST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed of one kind: how many, and before when it was made."""

    kind: str
    count: int
    before: datetime


def remove_old(room: Room, forget_runs: ForgetRuns | None) -> Iterator[Removed]:
    """Remove what was kept for long enough; yields what went, kind by kind, once that kind is done and noted."""
    kept = room.shop.retention
    days = {"raw": kept.raw, "labels": kept.labels, "messages": kept.messages}
    days |= {"replies": kept.messages, "keys": kept.keys, "opt-ins": UNCONFIRMED_FOR.days}
    days |= {"machines": kept.keys, "sealed prints": kept.booths, "booth lines": kept.booths}
    for kind, step in retention.STEPS.items():
        if days[kind]:
            yield _noted(room, kind, days[kind], partial(_in_batches, room, step))
    if kept.raw:
        yield _noted(room, "dropped files", kept.raw, lambda before: _dropped_files(room, before))
    if kept.labels:
        yield _noted(room, "label files", kept.labels, lambda before: _label_files(room, before))
    if kept.messages:
        yield _noted(room, "message files", kept.messages, lambda before: _message_files(room, before))
    if kept.reports:
        yield _noted(room, "report files", kept.reports, lambda before: _report_files(room, before))
    if kept.samples:
        yield _noted(room, "sample photos", kept.samples, lambda before: _sample_photos(room, before))
    if kept.customers:
        yield _noted(room, "customers", kept.customers, lambda before: _silent(room, before, forget_runs))
    strangers = partial(_strangers, room, forget_runs=forget_runs)
    yield _noted(room, "unconfirmed numbers", UNCONFIRMED_FOR.days, strangers)
    yield _noted(room, "own pictures", UNNAMED_FOR.days, lambda _: remove_pictures(room))
    yield _noted(room, "late news", 0, lambda _: _echoes(room, forget_runs))


def _noted(room: Room, kind: str, days: int, remove: Callable[[datetime], int]) -> Removed:
    with room.database.read() as connection:
        before = now(connection) - timedelta(days=days)
    count = remove(before)
    if count:
        room.database.write(lambda c: retention.note(c, kind, count, before))
    return Removed(kind, count, before)


def _in_batches(room: Room, step: Callable[[Connection, datetime], int], before: datetime) -> int:
    total = 0
    while count := room.database.write(lambda c: step(c, before)):
        total += count
    return total


def _dropped_files(room: Room, before: datetime) -> int:
    return sum(folder.remove_older(before) for folder in drop_folders(room))


def _sample_photos(room: Room, before: datetime) -> int:
    """Photos of samples that were good until then at the latest; who said so, and when, stays."""
    with room.database.read() as connection:
        old = samples.with_old_photo(connection, before)
    for row in old:
        if path := photos.find(room.home, row["photo"]):
            path.unlink(missing_ok=True)
    room.database.write(lambda c: samples.forget_photo(c, [row["id"] for row in old]))
    return len(old)


def _label_files(room: Room, before: datetime) -> int:
    folders = [label_folder(room, location.id) for location in room.shop.locations]
    return sum(folder.remove_older(_settled(before)) for folder in folders if folder is not None)


def _message_files(room: Room, before: datetime) -> int:
    return sum(folder.remove_older(_settled(before)) for folder in mail_folders(room))


def _settled(before: datetime) -> datetime:
    """A folder is asked whether something went out: what is younger than this may still be asked for."""
    return min(before, datetime.now(before.tzinfo) - FILES_AT_LEAST)


def _report_files(room: Room, before: datetime) -> int:
    folder = room.folder(REPORTS)
    old = [one for one in folder.glob("*") if one.is_file() and one.stat().st_mtime < before.timestamp()]
    for one in old:
        one.unlink(missing_ok=True)
    return len(old)


def _silent(room: Room, before: datetime, forget_runs: ForgetRuns | None) -> int:
    return _forget(room, lambda c, after: retention.silent(c, before, after), forget_runs)


def _strangers(room: Room, before: datetime, forget_runs: ForgetRuns | None) -> int:
    return _forget(room, lambda c, after: retention.strangers(c, before, after), forget_runs)


def _echoes(room: Room, forget_runs: ForgetRuns | None) -> int:
    return _forget(room, retention.echoes, forget_runs)


def _forget(room: Room, find: Callable[[Connection, int], list[int]], forget_runs: ForgetRuns | None) -> int:
    total, after = 0, 0
    while True:
        with room.database.read() as connection:
            ids = find(connection, after)
        if not ids:
            return total
        after = ids[-1]
        room.database.write(partial(retention.let_go, person_ids=ids, hub=room.shop.hub))
        total += len(erase(room, [Whose(id_) for id_ in ids], ACTOR, forget_runs).people)
