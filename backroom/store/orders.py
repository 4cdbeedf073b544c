"""Orders: writing new ones, applying news to them, and loading what the next step needs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from backroom.domain.model import IncomingOrder, OrderState, PaymentStatus
from backroom.domain.own_artwork import is_own
from backroom.store import selling
from backroom.store.batches import chunks, insert_each, insert_new
from backroom.store.contacts import Contact, open_contact, seal_contact
from backroom.store.moves import moving
from backroom.store.order_rows import NewOrder, consent_rows, line_rows, order_row, seal_token
from backroom.store.seals import Seals
from backroom.store.tables import consents, counters, order_lines, orders
from backroom.store.waiting import HEALTHY

FIRST_NUMBER = 1000


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """What intake must know of an order that is there already, to apply news to it."""

    id: int
    number: str
    state: OrderState
    source_at: datetime
    fingerprint: str
    person_id: int
    payment: PaymentStatus
    amended: frozenset[str]

    def corrected(self, *fields: str) -> bool:
        """Whether a person corrected one of these here: `email`, `phone`, `address`, `line`."""
        return any(field.partition(".")[0] in fields for field in self.amended)


def fingerprint(seals: Seals, incoming: IncomingOrder, contact: Contact) -> str:
    """A keyed hash of what matters for making and sending: a change of it means work to be done again."""
    what = {
        "lines": [
            [line.sku, line.quantity, line.personalisation, *([line.artwork_url] if line.artwork_url else [])]
            for line in incoming.lines
        ],
        "address": asdict(contact.address) if contact.address else None,
        "delivery": incoming.delivery,
    }
    return seals.digest("order", json.dumps(what, sort_keys=True, ensure_ascii=False))


def known_orders(connection: Connection, identities: Iterable[tuple[str, str]]) -> dict[tuple[str, str], KnownOrder]:
    """Orders by `(channel, external_id)`, those that exist; nobody else changes them until the commit."""
    found: dict[tuple[str, str], KnownOrder] = {}
    by_channel: dict[str, set[str]] = defaultdict(set)
    for channel, external_id in identities:
        by_channel[channel].add(external_id)
    # Channel by channel: for a list of pairs SQLite uses no index, and read all orders there ever were.
    for channel, batch in ((name, batch) for name, ids in sorted(by_channel.items()) for batch in chunks(sorted(ids))):
        query = select(
            orders.c.id,
            orders.c.number,
            orders.c.state,
            orders.c.source_at,
            orders.c.fingerprint,
            orders.c.person_id,
            orders.c.payment,
            orders.c.amended,
            orders.c.channel,
            orders.c.external_id,
        ).where(orders.c.channel == channel, orders.c.external_id.in_(batch))
        for row in connection.execute(query.order_by(orders.c.id).with_for_update()):
            found[row.channel, row.external_id] = KnownOrder(
                row.id,
                row.number,
                OrderState(row.state),
                row.source_at,
                row.fingerprint,
                row.person_id,
                PaymentStatus(row.payment),
                frozenset(row.amended),
            )
    return found


def with_corrections(connection: Connection, known: KnownOrder, news: NewOrder) -> IncomingOrder:
    """A source's newer words, except where a person corrected here what it says, or its picture was fetched: that
    stays as it is here.

    An address is corrected as a whole. A line stays corrected as long as the source's order is the same: where the
    source changed it, nobody knows which line is which.
    """
    here = open_contact(
        news.key, connection.execute(select(orders.c.contact).where(orders.c.id == known.id)).scalar_one()
    )
    incoming = news.incoming
    if known.corrected("email"):
        incoming = replace(incoming, email=here.email)
    if known.corrected("phone"):
        incoming = replace(incoming, phone=here.phone)
    if known.corrected("address"):
        incoming = replace(incoming, address=here.address)
    pictures = any(line.artwork_url for line in incoming.lines)
    if (known.corrected("line") or pictures) and news.fingerprint == known.fingerprint:
        here_now = {
            row["line_no"]: row
            for row in lines_of(connection, [known.id])[known.id]
            if f"line.{row['line_no']}.sku" in known.amended or is_own(row["sku"])
        }
        lines = (
            # A picture that was fetched, or that a person put another piece in the place of, is not fetched again.
            replace(line, sku=row["sku"], artwork_url=line.artwork_url if row["artwork_url"] else "")
            if (row := here_now.get(number))
            else line
            for number, line in enumerate(incoming.lines, start=1)
        )
        incoming = replace(incoming, lines=tuple(lines))
    return incoming


def add_orders(
    connection: Connection, new: Sequence[NewOrder], *, prefix: str, token: str, at: datetime
) -> list[tuple[int, str]]:
    """Write orders with their lines and consents; returns `(id, number)` in the order given.

    Accepted orders carry the wave's token, so that its next step finds them; held and cancelled ones do not.
    """
    if not new:
        return []
    first = take_numbers(connection, len(new))
    rows = [order_row(order, f"{prefix}-{first + i}", token, at) for i, order in enumerate(new)]
    ids = insert_each(connection, orders, rows, "number")
    lines = [line for id_, order in zip(ids, new, strict=True) for line in line_rows(id_, order)]
    if lines:
        connection.execute(insert(order_lines), lines)
    sold = ((order.incoming.channel, line.sku, line.quantity) for order in new for line in order.incoming.lines)
    selling.count_arrived(connection, sold)
    insert_new(connection, consents, [row for order in new for row in consent_rows(order.person_id, order.incoming)])
    return [(id_, row["number"]) for id_, row in zip(ids, rows, strict=True)]


def apply_news(
    connection: Connection,
    known: KnownOrder,
    order: NewOrder,
    *,
    state: OrderState,
    token: str | None,
    held_from: str = "",
) -> None:
    """Write the newer words of the source over an order that nobody has begun to make; it starts again from `state`.

    `held_from` is where one that stays held goes on.
    """
    row = order_row(order, "", token or "", order.incoming.updated_at)
    keep = {"number", "channel", "external_id", "accepted_at", "person_id"}
    if row["payment_token"] is None:
        # A webhook had it, and the source's interface does not give it.
        keep.add("payment_token")
    changed = {name: value for name, value in row.items() if name not in keep}
    again = update(orders) if state is known.state else moving(orders, known.state, state, by_source=True)
    started = {"state": state, "held_from": held_from, "claim_token": token, "next_attempt_at": None, **HEALTHY}
    connection.execute(again.where(orders.c.id == known.id).values(**changed | started))
    connection.execute(delete(order_lines).where(order_lines.c.order_id == known.id))
    if order.incoming.lines:
        connection.execute(insert(order_lines), line_rows(known.id, order))
    insert_new(connection, consents, consent_rows(order.person_id, order.incoming))


def note_news(connection: Connection, order_id: int, order: NewOrder) -> None:
    """Write what does not touch the making: the source's timestamp, payment and contact. What does touch it is kept as
    a fingerprint only: a person is told of it by now, and the same words again are no other change."""
    token = seal_token(order.key, order.incoming)
    connection.execute(
        update(orders)
        .where(orders.c.id == order_id)
        .values(
            source_at=order.incoming.updated_at,
            payment=order.incoming.payment,
            fingerprint=order.fingerprint,
            contact=seal_contact(order.key, order.contact),
            **({"payment_token": token} if token else {}),
        )
    )
    insert_new(connection, consents, consent_rows(order.person_id, order.incoming))


def date_news(connection: Connection, order_id: int, at: datetime) -> None:
    """Write of which moment the newest word of the source is, where that is all that it says."""
    connection.execute(update(orders).where(orders.c.id == order_id).values(source_at=at))


def note_late_news(connection: Connection, order_id: int, order: NewOrder) -> None:
    """Write what still matters of an order that has ended: nothing of its customer, who may be erased."""
    incoming = order.incoming
    connection.execute(
        update(orders)
        .where(orders.c.id == order_id)
        .values(source_at=incoming.updated_at, payment=incoming.payment, fingerprint=order.fingerprint)
    )


def claimed(connection: Connection, token: str, state: OrderState) -> list[RowMapping]:
    """The wave's orders in one state, best priority first."""
    return list(
        connection.execute(
            select(orders)
            .where(orders.c.claim_token == token, orders.c.state == state)
            .order_by(orders.c.priority, orders.c.id)
        ).mappings()
    )


def lines_of(connection: Connection, order_ids: Iterable[int]) -> dict[int, list[RowMapping]]:
    """Lines by order id, in the order's own order."""
    found: dict[int, list[RowMapping]] = defaultdict(list)
    for batch in chunks(sorted(set(order_ids))):
        query = select(order_lines).where(order_lines.c.order_id.in_(batch)).order_by(order_lines.c.line_no)
        for row in connection.execute(query).mappings():
            found[row["order_id"]].append(row)
    return found


def move(
    connection: Connection,
    token: str,
    ids: Iterable[int],
    old: OrderState,
    new: OrderState,
    *,
    keep_claim: bool = True,
    **values: object,
) -> list[int]:
    """Move the wave's orders from one state to the next; returns those that moved, the others were taken away.

    Moving is progress, so an order's attempts start again.
    """
    changes: dict[str, object] = {
        "attempts": 1 if keep_claim else 0,
        "next_attempt_at": None,
        **HEALTHY,
    } | values
    if not keep_claim:
        changes["claim_token"] = None
    moved: list[int] = []
    for batch in chunks(ids):
        wanted = moving(orders, old, new).where(orders.c.id.in_(batch), orders.c.claim_token == token)
        moved.extend(connection.execute(wanted.values(**changes).returning(orders.c.id)).scalars())
    return moved


def lock_claimed(connection: Connection, token: str, state: OrderState) -> set[int]:
    """Ids of the wave's orders in one state, locked until the commit, so that nobody takes them away in between."""
    query = select(orders.c.id).where(orders.c.claim_token == token, orders.c.state == state)
    return set(connection.execute(query.order_by(orders.c.id).with_for_update()).scalars())


def take_numbers(connection: Connection, count: int) -> int:
    """Take so many order numbers, one after the other; returns the first."""
    insert_new(connection, counters, [{"name": "order", "value": FIRST_NUMBER}])
    last = connection.execute(
        update(counters)
        .where(counters.c.name == "order")
        .values(value=counters.c.value + count)
        .returning(counters.c.value)
    ).scalar_one()
    return int(last) - count + 1


def count_by_state(connection: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(select(orders.c.state, func.count()).group_by(orders.c.state))}
