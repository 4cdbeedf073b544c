"""Repairs with replay: a finding whose repair is certain is repaired, and its row is checked again by the same suite.

What belongs here: which repair a finding gets, and the check behind it. What does not: the changes themselves
(`backroom.store.quality.mending`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import AskPerson
from backroom.domain.quality import FindingState
from backroom.domain.shop import Shop
from backroom.quality.batch import completed
from backroom.quality.suites import BY_SUBJECT, RULES
from backroom.quality.validate import Inspector
from backroom.store.claims import Wakeup
from backroom.store.database import Database, now
from backroom.store.quality import findings, mending, quarantine
from backroom.store.quality.windows import Rows, Window

Repair = Callable[[Connection, str, datetime, str], bool]


class NotCertain(AskPerson):
    """Nobody can say from the rows alone what is right."""

    cause = "not_certain"


def _at_place(recount: Callable[[Connection, str, str], bool]) -> Repair:
    def repair(connection: Connection, row_key: str, _at: datetime, _actor: str) -> bool:
        location, _, sku = row_key.partition("/")
        return recount(connection, location, sku)

    return repair


# By the name that rules give them; each takes the row's key, the time and who asked for it.
REPAIRS: Mapping[str, Repair] = {
    "recount_on_hand": _at_place(mending.recount_on_hand),
    "recount_reserved": _at_place(mending.recount_reserved),
    "finish_order": lambda connection, key, at, actor: mending.finish_order(connection, int(key), at, actor),
    "end_by_history": lambda connection, key, _at, _actor: mending.end_by_history(connection, int(key)),
    "free_pieces": lambda connection, key, _at, _actor: mending.free_pieces(connection, int(key)),
    "day_is_due": lambda connection, key, _at, _actor: mending.day_is_due(connection, key.partition("/")[0]),
}


@dataclass(frozen=True, slots=True)
class Workshop:
    """Repairs findings of one shop. `inspector` checks what was repaired, in the same thread.

    What comes out of quarantine goes on: `owed` are the wake-ups for it, sent by the caller.
    """

    database: Database
    shop: Shop
    inspector: Inspector
    owed: list[Wakeup] = field(default_factory=list)

    def repair(self, finding_id: int, actor: str) -> str:
        """Repair an open finding and check its row again; returns what became of it, in a sentence.

        NotCertain where a person has to decide, or where the repair left the row as it was.
        """
        with self.database.read() as connection:
            found = findings.finding(connection, finding_id)
        rule = RULES[found["code"]]
        if not rule.repair:
            raise NotCertain(f"finding {finding_id} has no certain repair", remedy=rule.person)
        if not self._still_fails(found):
            return self._settle(found, FindingState.GONE, actor, "was well already")
        changed = self.database.write(
            lambda connection: REPAIRS[rule.repair](connection, found["row_key"], now(connection), actor)
        )
        if not changed or self._still_fails(found):
            raise NotCertain(f"finding {finding_id} is as it was: its repair is not certain here", remedy=rule.person)
        return self._settle(found, FindingState.REPAIRED, actor, "is repaired, and passes its check again")

    def replay(self, finding_id: int, actor: str) -> str:
        """Check a row again after somebody mended it; NotCertain when it still fails."""
        with self.database.read() as connection:
            found = findings.finding(connection, finding_id)
        if self._still_fails(found):
            raise NotCertain(f"finding {finding_id} still fails its check", remedy=RULES[found["code"]].person)
        return self._settle(found, FindingState.GONE, actor, "passes its check now")

    def _still_fails(self, found: RowMapping) -> bool:
        suite = BY_SUBJECT[found["subject"]]
        with self.database.read() as connection:
            at = now(connection)
            window = Window(ids=[int(found["row_key"])]) if suite.walked else Window()
            rows: Rows = completed(suite.subject, suite.read(connection, window, at, self.shop), self.shop, at)
        checked = next(one for one in self.inspector.check(suite, rows) if one.rule.code == found["code"])
        return found["row_key"] in {str(rows[place]["key"]) for place in checked.failed}

    def _settle(self, found: RowMapping, state: FindingState, actor: str, said: str) -> str:
        def commit(connection: Connection) -> list[Wakeup]:
            at = now(connection)
            findings.settle(connection, found["id"], state, actor, at)
            return quarantine.let_out(connection, self.shop.hub, at, actor)[1]

        self.owed.extend(self.database.write(commit))
        return f"finding {found['id']} {said}"
