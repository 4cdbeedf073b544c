"""Forgetting a person everywhere: in the database, in the shop's folders, in what the disk keeps, and in Prefect.

The order: first the key is destroyed, in one commit that also notes the erasure. What lies outside the database
follows, each step noted when it is done; whatever was cut off is taken up again by the next erasure, by the flow
`retention`, and at every start. Backups forget with it: the keys of their people lie beside them in one file, which is
replaced first of all. The journal beside the database makes a backup that is put back forget the rows as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import RowMapping

from backroom.privacy import journal, key_keeping
from backroom.privacy.files import remove_files, remove_pictures
from backroom.shop.room import Room
from backroom.store import erased, keyring
from backroom.store.forgetting import Forgotten, NoSuchPerson, StillServed, forget
from backroom.store.personal import Whose
from backroom.store.scrubbing import scrub

# Removes what Prefect shows of these orders, by number; raises when it cannot be asked now.
ForgetRuns = Callable[[Sequence[str]], None]


@dataclass(slots=True)
class Report:
    """What one round of erasing did, by number: no word of anybody."""

    people: list[int] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    still: list[StillServed] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def add(self, whose: Whose, done: Forgotten) -> None:
        self.people.append(whose.person_id)
        for name, count in done.rows.items():
            self.rows[name] = self.rows.get(name, 0) + count


def erase(room: Room, people: Iterable[Whose], actor: str, forget_runs: ForgetRuns | None) -> Report:
    """Forget these people. Who is still served stands in the report's `still`, and is left as they are.

    What could not be done at once outside the database stands in its `left`, and is done later.
    """
    report, destroyed = Report(), list[bytes]()
    for whose in people:
        try:
            done = room.database.write(partial(forget, whose=whose, actor=actor))
        except StillServed as error:
            report.still.append(error)
        except NoSuchPerson:
            # Forgotten meanwhile, by somebody else.
            continue
        else:
            report.add(whose, done)
            destroyed += done.destroyed
    _finish(room, report, destroyed, forget_runs)
    return report


def finish(room: Room, forget_runs: ForgetRuns | None) -> Report:
    """Do what earlier erasures left to do outside the database."""
    report = Report()
    _finish(room, report, None, forget_runs)
    return report


def replay(room: Room, forget_runs: ForgetRuns | None = None) -> Report:
    """Forget again whom the journal names and the database does not know as forgotten, and whoever has no key any more:
    a backup was put back.

    What the backup shows as open of theirs is closed: it had ended when they were forgotten. Their files go again, for
    a folder that was put back, too.
    """
    noted = journal.read(room.home)
    with room.database.read() as connection:
        known = {entry.identity: entry for entry in map(_entry, erased.known(connection))}
        again = [
            entry
            for entry in noted
            if entry.identity not in known and erased.is_that_person(connection, entry.person_id, entry.since)
        ]
        without_key = keyring.keyless(connection)
    # The other way round: the file was lost, or put back from before.
    journal.append(room.home, (known[identity] for identity in known.keys() - {entry.identity for entry in noted}))
    report = Report()
    for whose in [*(Whose(entry.person_id, entry.channel) for entry in again), *(Whose(id_) for id_, _ in without_key)]:
        report.add(whose, room.database.write(partial(forget, whose=whose, actor="journal", close=True)))
    _finish(room, report, None if again or without_key else [], forget_runs)
    return report


def remove_all_files(room: Room) -> int:
    """Remove the files of everybody who was ever forgotten, for folders that were put back from a backup."""
    with room.database.read() as connection:
        everybody = [Whose(row["person_id"], row["channel"]) for row in erased.known(connection)]
    return sum(remove_files(room, whose) for whose in everybody) + remove_pictures(room, everybody)


def _entry(row: RowMapping) -> journal.Entry:
    return journal.Entry(row["person_id"], row["person_since"], row["channel"], row["erased_at"])


def _finish(room: Room, report: Report, destroyed: Sequence[bytes] | None, forget_runs: ForgetRuns | None) -> None:
    """`destroyed` are the keys that this round destroyed, None where some were by a round that was cut off."""
    report.left += key_keeping.keep(room)
    while True:
        with room.database.read() as connection:
            rows = erased.unfinished(connection)
        todo = [row for row in rows if row[erased.FILES] is None]
        if not todo:
            break
        forgotten = [Whose(row["person_id"], row["channel"]) for row in todo]
        report.files += sum(remove_files(room, whose) for whose in forgotten) + remove_pictures(room, forgotten)
        journal.append(room.home, map(_entry, todo))
        room.database.write(partial(erased.settle, ids=[row["id"] for row in todo], step=erased.FILES))
    _scrub(room, report, destroyed)
    _forget_runs(room, report, forget_runs)


def _scrub(room: Room, report: Report, destroyed: Sequence[bytes] | None) -> None:
    with room.database.read() as connection:
        todo = [row for row in erased.unfinished(connection) if row[erased.SCRUBBED] is None]
    if not todo:
        return
    # An earlier round's keys are known to nobody any more. What one channel brought had no key of its own.
    keys = sum(1 for row in todo if not row["channel"])
    known = destroyed if destroyed is not None and len(destroyed) >= keys else None
    if scrub(room.database, known):
        room.database.write(lambda c: erased.settle(c, (row["id"] for row in todo), erased.SCRUBBED))
    else:
        report.left.append("the database's own files: somebody was reading them")


def _forget_runs(room: Room, report: Report, forget_runs: ForgetRuns | None) -> None:
    with room.database.read() as connection:
        todo = [row for row in erased.unfinished(connection) if row[erased.PREFECT] is None]
        numbers = [
            number
            for row in todo
            for number in erased.order_numbers(connection, Whose(row["person_id"], row["channel"]))
        ]
    if not todo:
        return
    try:
        if forget_runs is None:
            report.left.append("Prefect: it is not asked here")
            return
        forget_runs(numbers)
    except Exception as error:  # noqa: BLE001 - whatever Prefect's trouble is, the erasure stands, and it is asked again
        report.left.append(f"Prefect: it did not answer ({type(error).__name__})")
        return
    room.database.write(lambda c: erased.settle(c, (row["id"] for row in todo), erased.PREFECT))
