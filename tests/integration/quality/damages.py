"""Kinds of damage, each planted into an honest shop by plain SQL, as a hand, a restore or a bug would leave it.

Each names every check that must find it among the subjects that it touches, and no other may. The SQL runs on SQLite
and PostgreSQL alike.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import text

from backroom.store.database import Database

_DONE = "(SELECT min(id) FROM orders WHERE state = 'fulfilled')"
_LAST = "(SELECT max(id) FROM orders WHERE state = 'fulfilled')"
_CANCELLED = "(SELECT min(id) FROM orders WHERE state = 'cancelled')"
_OPEN = "(SELECT max(id) FROM orders WHERE state = 'released')"
_DONE_PART = f"(SELECT min(id) FROM fulfilment_orders WHERE order_id = {_DONE})"
_PACKED = "(SELECT min(id) FROM reservations WHERE state = 'consumed')"
_PRINTING = "(SELECT id FROM fulfilment_orders WHERE state = 'making' AND location = 'booth')"
_PARCEL = "(SELECT min(id) FROM shipments)"
_WAITING_JOB = "(SELECT max(id) FROM print_jobs WHERE state = 'waiting')"
_DONE_JOB = "(SELECT min(id) FROM print_jobs WHERE state = 'done')"
_NOWHERE = 999_999


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to the rows, and the checks that find it."""

    name: str
    found_by: frozenset[str]
    statements: tuple[str, ...]

    @property
    def subjects(self) -> frozenset[str]:
        return frozenset(code.partition(".")[0] for code in self.found_by)

    def plant(self, database: Database) -> None:
        """Do it with every constraint off, as a hand in the database does."""
        if database.is_sqlite:
            # A connection of its own: within a transaction of ours, SQLite does not let go of foreign keys.
            with closing(sqlite3.connect(str(database.engine.url.database))) as connection, connection:
                connection.execute("PRAGMA ignore_check_constraints = ON")
                for statement in self.statements:
                    assert connection.execute(statement).rowcount > 0, statement
            return
        with database.engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("ALTER TABLE stock_levels DROP CONSTRAINT ck_stock_levels_never_below_zero"))
            for statement in self.statements:
                assert connection.execute(text(statement)).rowcount > 0, statement


def _damage(name: str, found_by: str, *statements: str) -> Damage:
    return Damage(name, frozenset(found_by.split()), statements)


DAMAGES = (
    _damage(
        "an order has lost its history",
        "orders.history",
        f"DELETE FROM history WHERE order_id = {_DONE}",
    ),
    _damage(
        "an order is in a state that nobody knows",
        "orders.state orders.end",
        f"UPDATE orders SET state = 'shipped' WHERE id = {_DONE}",
    ),
    _damage("a currency is none", "orders.currency", f"UPDATE orders SET currency = 'EURO' WHERE id = {_DONE}"),
    _damage("a total is below zero", "orders.total", f"UPDATE orders SET total_minor = -1 WHERE id = {_DONE}"),
    _damage("a country is written out", "orders.country", f"UPDATE orders SET country = 'Spain' WHERE id = {_DONE}"),
    _damage(
        "an order has lost its lines",
        "orders.lines fulfilment_lines.order_line reservations.ordered",
        f"DELETE FROM order_lines WHERE order_id = {_DONE}",
    ),
    _damage(
        "a customer is gone",
        "orders.person",
        f"UPDATE orders SET person_id = {_NOWHERE} WHERE id = {_OPEN}",
    ),
    _damage(
        "a Hold has no reason",
        "orders.hold_reason",
        "UPDATE orders SET hold_reason = '' WHERE state = 'held'",
    ),
    _damage(
        "a fulfilled order has no end",
        "orders.end",
        f"UPDATE orders SET ended_at = NULL WHERE id = {_DONE}",
    ),
    _damage(
        "an order ended before it was accepted",
        "orders.order_of_times",
        f"UPDATE orders SET ended_at = placed_at WHERE id = {_LAST}",
    ),
    _damage(
        "a released order has no work anywhere",
        "orders.parts order_lines.assigned",
        f"UPDATE fulfilment_orders SET state = 'cancelled' WHERE order_id = {_OPEN}",
    ),
    _damage(
        "all parcels are on the way and the order is not fulfilled",
        "orders.unfinished",
        f"UPDATE orders SET state = 'released', ended_at = NULL WHERE id = {_DONE}",
    ),
    _damage(
        "a cancelled order is still being made",
        "orders.work_left orders.pieces_held",
        f"UPDATE orders SET state = 'cancelled', ended_at = accepted_at WHERE id = {_OPEN}",
    ),
    _damage(
        "a cancelled order keeps its pieces",
        "orders.pieces_held stock.reserved",
        f"UPDATE reservations SET state = 'held' WHERE order_id = {_CANCELLED}",
    ),
    _damage(
        "a line belongs to no order",
        "order_lines.order",
        f"UPDATE order_lines SET order_id = {_NOWHERE} WHERE id = (SELECT min(id) FROM order_lines)",
    ),
    _damage(
        "a line wants no piece",
        "order_lines.quantity order_lines.assigned",
        f"UPDATE order_lines SET quantity = 0 WHERE order_id = {_DONE}",
    ),
    _damage(
        "a discount is more than the price",
        "order_lines.discount_above",
        f"UPDATE order_lines SET discount_minor = 9999999 WHERE order_id = {_DONE}",
    ),
    _damage(
        "a piece that is being made is not in the catalogue",
        "order_lines.sku fulfilment_lines.sku reservations.ordered",
        f"UPDATE order_lines SET sku = 'TEE-NONE' WHERE order_id = {_DONE}",
    ),
    _damage(
        "what is reserved is not the sum of the reservations",
        "stock.reserved",
        "UPDATE stock_levels SET reserved = reserved + 2 WHERE location = 'hub' AND sku = 'TEE-BLK-M'",
    ),
    _damage(
        "what is on hand is not the sum of the movements",
        "stock.on_hand",
        "UPDATE stock_levels SET on_hand = on_hand + 3 WHERE location = 'hub' AND sku = 'TEE-BLK-M'",
    ),
    _damage(
        "more is promised than there is",
        "stock.promised stock.on_hand",
        "UPDATE stock_levels SET on_hand = 0 WHERE location = 'hub' AND sku = 'TEE-BLK-M'",
    ),
    _damage(
        "stock has moved where there is no level",
        "stock.level",
        "DELETE FROM stock_levels WHERE location = 'south' AND sku = 'TEE-BLK-M'",
    ),
    _damage(
        "a movement is lost",
        "reservations.moved stock.on_hand",
        "DELETE FROM stock_movements WHERE id = (SELECT min(id) FROM stock_movements WHERE reason = 'packed')",
    ),
    _damage(
        "a shipped line was never reserved",
        "fulfilment_lines.reserved stock_movements.reservation",
        f"DELETE FROM reservations WHERE id = {_PACKED}",
    ),
    _damage(
        "a reservation is for the work of another order",
        "reservations.part fulfilment_lines.reserved",
        f"UPDATE reservations SET fulfilment_order_id = (SELECT max(id) FROM fulfilment_orders) WHERE id = {_PACKED}",
    ),
    _damage(
        "a reservation never ends",
        "reservations.expiry fulfilment_lines.reserved",
        f"UPDATE reservations SET fulfilment_order_id = NULL, expires_at = NULL WHERE order_id = {_OPEN}",
    ),
    _damage(
        "a fulfilment line has no order line",
        "fulfilment_lines.order_line order_lines.assigned",
        f"UPDATE fulfilment_lines SET line_no = line_no + 50 WHERE fulfilment_order_id = {_DONE_PART}",
    ),
    _damage(
        "a parcel was made with a print too few",
        "fulfilment_lines.printed",
        "UPDATE fulfilment_lines SET printed = printed - 1 WHERE id = (SELECT min(id) FROM fulfilment_lines "
        "WHERE printed > 0)",
    ),
    _damage(
        "a step was passed and nobody knows when",
        "fulfilment_orders.moments",
        f"UPDATE fulfilment_orders SET made_at = NULL WHERE id = {_DONE_PART}",
    ),
    _damage(
        "it was packed before it was made",
        "fulfilment_orders.packed_before_made",
        f"UPDATE fulfilment_orders SET made_at = done_at WHERE id = {_DONE_PART}",
    ),
    _damage(
        "work waits for nothing",
        "fulfilment_orders.waits_for_nothing fulfilment_orders.print_unawaited fulfilment_orders.waits_without_print",
        f"UPDATE fulfilment_orders SET outstanding = 0 WHERE id = {_PRINTING}",
    ),
    _damage(
        "work waits for a print that nobody makes",
        "fulfilment_orders.waits_without_print fulfilment_lines.job",
        f"DELETE FROM print_jobs WHERE fulfilment_order_id = {_PRINTING}",
    ),
    _damage(
        "work is at a location that was closed",
        "fulfilment_orders.location print_jobs.names",
        f"UPDATE fulfilment_orders SET location = 'gone' WHERE id = {_PRINTING}",
    ),
    _damage(
        "a label was bought and its parcel is not written down",
        "fulfilment_orders.parcel labels.shipment",
        f"DELETE FROM shipments WHERE id = {_PARCEL}",
    ),
    _damage(
        "a label has no shipment",
        "labels.shipment shipments.label",
        f"UPDATE labels SET shipment_id = {_NOWHERE} WHERE shipment_id = {_PARCEL} AND kind = 'shipping'",
    ),
    _damage(
        "a label is addressed to somebody else",
        "labels.person",
        "UPDATE labels SET person_id = (SELECT max(id) FROM people) WHERE id = (SELECT min(id) FROM labels)",
    ),
    _damage(
        "a parcel was bought for what is not packed",
        "shipments.packed",
        f"UPDATE shipments SET fulfilment_order_id = {_PRINTING} WHERE id = {_PARCEL}",
    ),
    _damage(
        "a parcel goes and comes back under one number",
        "shipments.numbers",
        f"UPDATE shipments SET return_tracking = tracking WHERE id = {_PARCEL}",
    ),
    _damage("a parcel weighs nothing", "shipments.weight", f"UPDATE shipments SET weight_g = 0 WHERE id = {_PARCEL}"),
    _damage(
        "a print job makes more than its line needs",
        "print_jobs.copies",
        f"UPDATE print_jobs SET copies = copies + 1 WHERE id = {_WAITING_JOB}",
    ),
    _damage(
        "a print job has another order's number",
        "print_jobs.names",
        f"UPDATE print_jobs SET order_number = 'A-1' WHERE id = {_WAITING_JOB}",
    ),
    _damage(
        "a print was marked done by hand",
        "print_jobs.ledger print_jobs.end",
        f"UPDATE print_jobs SET state = 'done' WHERE id = {_WAITING_JOB}",
    ),
    _damage(
        "a print ended before it began",
        "print_jobs.ended_before_started",
        f"UPDATE print_jobs SET ended_at = created_at WHERE id = {_DONE_JOB}",
    ),
    _damage(
        "a message was sent without a consent",
        "messages.consent",
        "DELETE FROM consents WHERE medium = 'email' AND purpose = 'order_updates' AND person_id = "
        f"(SELECT person_id FROM orders WHERE id = {_DONE})",
    ),
    _damage(
        "a consent is of nobody",
        "consents.person",
        f"UPDATE consents SET person_id = {_NOWHERE} WHERE id = (SELECT min(id) FROM consents)",
    ),
    _damage(
        "a return is closed and was not paid back",
        "returns.paid",
        "UPDATE refunds SET state = 'waiting'",
    ),
    _damage(
        "a piece came back that was never sold",
        "return_lines.sold",
        "UPDATE return_lines SET sku = 'TEE-NONE' WHERE state = 'received'",
    ),
    _damage(
        "a piece went back to the shelf and the stock has not one more",
        "return_lines.shelf stock.on_hand",
        "DELETE FROM stock_movements WHERE reason = 'returned'",
    ),
    _damage(
        "more was paid back than the order cost",
        "refunds.too_much",
        "UPDATE refunds SET paid_minor = 99999",
    ),
    _damage(
        "a return is of another order's parcel",
        "returns.parcel",
        "UPDATE returns SET shipment_id = (SELECT min(id) FROM shipments) WHERE state = 'closed'",
    ),
    _damage(
        "a GTIN has a wrong check digit",
        "catalogue.gtin",
        "UPDATE variants SET gtin = '4006381333930' WHERE sku = 'TEE-WHT-L'",
    ),
    _damage(
        "two pieces have one GTIN",
        "catalogue.gtin_twice",
        "UPDATE variants SET gtin = '4006381333931' WHERE sku = 'TEE-BLK-M'",
    ),
    _damage(
        "nobody knows how large an artwork is printed",
        "catalogue.print",
        "UPDATE variants SET printed_width_mm = 0 WHERE sku = 'TEE-BLK-M'",
    ),
    _damage(
        "a key figure counts another number of orders than were shipped",
        "key_figures.shipped",
        "UPDATE kpi_figures SET value = value + 1 WHERE name = 'orders' AND way = 'online'",
    ),
    _damage(
        "a share is more than all",
        "key_figures.share",
        "UPDATE kpi_figures SET value = 1.5 WHERE name = 'oversold' AND way = 'all'",
    ),
    _damage(
        "the figures count an order that is not there",
        "order_facts.order",
        f"UPDATE order_facts SET order_id = {_NOWHERE} WHERE order_id = {_DONE}",
    ),
    _damage(
        "messages wait at the front door",
        "traffic.unread",
        "UPDATE inbox SET state = 'waiting', received_at = (SELECT min(placed_at) FROM orders) "
        "WHERE id = (SELECT min(id) FROM inbox)",
    ),
)
