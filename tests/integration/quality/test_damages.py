"""Great Expectations finds every kind of damage that is planted into an honest shop, and nothing in the honest shop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pytest

from backroom.domain.quality import Scope
from backroom.quality.checking import Check
from backroom.quality.suites import SUITES
from backroom.quality.validate import Inspector
from backroom.store.database import Database
from backroom.store.quality import findings, runs
from tests.integration.quality.damages import DAMAGES, Damage
from tests.shops import a_shop

# On PostgreSQL one of each kind of query; there the rows are the same, and the SQL may not be.
ON_POSTGRES = (
    "all parcels are on the way and the order is not fulfilled",
    "a movement is lost",
    "a shipped line was never reserved",
    "a label has no shipment",
    "a print was marked done by hand",
    "a message was sent without a consent",
    "a key figure counts another number of orders than were shipped",
    "stock has moved where there is no level",
)


def look(
    database: Database, inspector: Inspector, subjects: Collection[str] | None = None, scope: Scope = Scope.FULL
) -> Counter[str]:
    """One run over some subjects (all without); how many open findings each check has after it."""
    suites = [suite for suite in SUITES if subjects is None or suite.subject in subjects]
    for _ in Check.begin(database, a_shop(), scope, inspector).steps(suites):
        pass
    with database.read() as connection:
        return Counter(row["code"] for row in findings.open_findings(connection, 1000))


def test_nothing_is_found_in_an_honest_shop(honest: Database, inspector: Inspector) -> None:
    assert look(honest, inspector) == Counter()
    with honest.read() as connection:
        (run,) = runs.last(connection, 10)
        results = runs.results(connection, run["id"])
    looked_at = {row["subject"]: row["rows"] for row in results}
    assert looked_at.keys() == {suite.subject for suite in SUITES}
    assert all(looked_at.values())


def test_there_are_at_least_thirty_kinds_of_damage_each_found_by_a_check_of_its_own() -> None:
    assert len(DAMAGES) >= 30
    assert len({damage.found_by for damage in DAMAGES}) >= 30


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_a_damage_is_found_by_its_checks_and_by_no_other(
    damage: Damage, shop_on_sqlite: Database, inspector: Inspector
) -> None:
    damage.plant(shop_on_sqlite)
    assert look(shop_on_sqlite, inspector, damage.subjects).keys() == damage.found_by


@pytest.mark.postgres
@pytest.mark.parametrize("damage", [one for one in DAMAGES if one.name in ON_POSTGRES], ids=lambda damage: damage.name)
def test_a_damage_is_found_on_postgresql_as_well(
    damage: Damage, shop_on_postgres: Database, inspector: Inspector
) -> None:
    damage.plant(shop_on_postgres)
    assert look(shop_on_postgres, inspector, damage.subjects).keys() == damage.found_by
