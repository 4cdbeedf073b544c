"""`/conflicts`: what a booth did without network is listed with what was done about it, until somebody has seen it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from backroom.store import offline_conflicts
from backroom.store.database import now
from backroom.store.offline_conflicts import Conflict, ConflictKind
from backroom.store.tables import orders
from tests.integration.gateway.conftest import SKU, Gateway, make_order


def a_conflict(gateway: Gateway, kind: ConflictKind, key: str = "one") -> str:
    number = make_order(gateway.room)

    def work(c: Connection) -> None:
        order = c.execute(select(orders.c.id).where(orders.c.number == number)).scalar_one()
        conflict = Conflict(key, kind, "booth-a", SKU, 2, order)
        assert offline_conflicts.note(c, conflict, now(c))
        assert not offline_conflicts.note(c, conflict, now(c)), "it is listed once"

    gateway.room.database.write(work)
    return number


def test_each_kind_is_told_in_words_with_its_order_and_leaves_the_list_when_it_was_seen(gateway: Gateway) -> None:
    numbers = [a_conflict(gateway, kind, kind) for kind in ConflictKind]
    staff = gateway.bearer("staff")
    page = gateway.client.get("/conflicts", headers=staff).text
    for number in numbers:
        assert number in page
    assert "carried out, and the books had none" in page
    with gateway.room.database.read() as connection:
        rows = offline_conflicts.listing(connection)
    for row in rows:
        assert gateway.client.post(f"/conflicts/{row['id']}/seen", headers=staff).status_code == 303
    assert gateway.client.post(f"/conflicts/{rows[0]['id']}/seen", headers=staff).status_code == 404
    assert "Nothing that nobody has looked at" in gateway.client.get("/conflicts", headers=staff).text
    with gateway.room.database.read() as connection:
        assert {row["seen_by"] for row in offline_conflicts.listing(connection, seen=True)} == {"Ada"}


def test_it_is_for_staff_only(gateway: Gateway) -> None:
    a_conflict(gateway, ConflictKind.DISPLACED)
    assert gateway.client.get("/conflicts", headers=gateway.bearer("booth")).status_code == 403
