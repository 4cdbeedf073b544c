"""One order's whole story, read in one snapshot: for its page, its artifact and `backroom order show`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, ScalarSelect, Select, Table, func, or_, select

from backroom.domain.model import OrderState
from backroom.store.tables import (
    channel_news,
    effects,
    fulfilment_lines,
    fulfilment_orders,
    history,
    labels,
    messages,
    order_lines,
    orders,
    parcels,
    print_jobs,
    rate_choices,
    refunds,
    returns,
    routing_decisions,
    sheets,
    shipments,
    tracking_events,
)

# What of an order is sealed: no list shows it.
SEALED = ("contact", "payment_token")


@dataclass(frozen=True, slots=True)
class OrderStory:
    """Rows as they stand, each list oldest first. Only `order` holds something sealed (`contact`, `payment_token`).

    `effects` holds the sheets its labels were printed on as well, which it shares with other orders.
    """

    order: RowMapping
    lines: Sequence[RowMapping]
    decisions: Sequence[RowMapping]
    parts: Sequence[RowMapping]
    part_lines: Sequence[RowMapping]
    print_jobs: Sequence[RowMapping]
    rates: Sequence[RowMapping]
    shipments: Sequence[RowMapping]
    labels: Sequence[RowMapping]
    parcels: Sequence[RowMapping]
    tracking: Sequence[RowMapping]
    messages: Sequence[RowMapping]
    effects: Sequence[RowMapping]
    history: Sequence[RowMapping]
    returns: Sequence[RowMapping]
    news: Sequence[RowMapping]
    refunds: Sequence[RowMapping]

    @property
    def breakers(self) -> list[int]:
        """The ids of the breakers that it waits for, or that something of it waits for."""
        rows = (self.order, *self.parts, *self.parcels, *self.returns, *self.news, *self.refunds)
        return sorted({row["breaker_id"] for row in rows if row["breaker_id"] is not None})


def story(connection: Connection, number: str) -> OrderStory | None:
    """The story of the order with this number, None when there is none."""
    order = connection.execute(select(orders).where(orders.c.number == number)).mappings().one_or_none()
    if order is None:
        return None
    id_ = order["id"]
    parts = select(fulfilment_orders.c.id).where(fulfilment_orders.c.order_id == id_)
    shipment_ids = select(shipments.c.id).where(shipments.c.fulfilment_order_id.in_(parts))
    message_columns = tuple(column for column in messages.c if column.name != "content")
    sheet_keys = (
        select(sheets.c.key)
        .join(shipments, shipments.c.sheet_id == sheets.c.id)
        .where(shipments.c.fulfilment_order_id.in_(parts))
    )
    label_columns = (labels.c.id, labels.c.shipment_id, labels.c.kind, labels.c.at)

    def rows(query: Select[tuple[object, ...]]) -> Sequence[RowMapping]:
        return connection.execute(query).mappings().all()

    return OrderStory(
        order=order,
        lines=rows(select(order_lines).where(order_lines.c.order_id == id_).order_by(order_lines.c.line_no)),
        decisions=rows(
            select(routing_decisions).where(routing_decisions.c.order_id == id_).order_by(routing_decisions.c.round)
        ),
        parts=rows(
            select(fulfilment_orders).where(fulfilment_orders.c.order_id == id_).order_by(fulfilment_orders.c.id)
        ),
        part_lines=rows(
            select(fulfilment_lines)
            .where(fulfilment_lines.c.fulfilment_order_id.in_(parts))
            .order_by(fulfilment_lines.c.fulfilment_order_id, fulfilment_lines.c.line_no)
        ),
        print_jobs=rows(
            select(print_jobs).where(print_jobs.c.fulfilment_order_id.in_(parts)).order_by(print_jobs.c.id)
        ),
        rates=rows(
            select(rate_choices).where(rate_choices.c.fulfilment_order_id.in_(parts)).order_by(rate_choices.c.id)
        ),
        shipments=rows(select(shipments).where(shipments.c.fulfilment_order_id.in_(parts)).order_by(shipments.c.id)),
        labels=rows(select(*label_columns).where(labels.c.shipment_id.in_(shipment_ids)).order_by(labels.c.id)),
        parcels=rows(select(parcels).where(parcels.c.order_id == id_).order_by(parcels.c.id)),
        tracking=rows(
            select(tracking_events)
            .join(parcels, (parcels.c.carrier == tracking_events.c.carrier) & _names(parcels, tracking_events))
            .where(parcels.c.order_id == id_)
            .order_by(tracking_events.c.at, tracking_events.c.id)
        ),
        messages=rows(select(*message_columns).where(messages.c.order_id == id_).order_by(messages.c.id)),
        effects=rows(
            select(effects).where(or_(effects.c.order_id == id_, effects.c.key.in_(sheet_keys))).order_by(effects.c.id)
        ),
        history=rows(select(history).where(history.c.order_id == id_).order_by(history.c.id)),
        returns=rows(select(returns).where(returns.c.order_id == id_).order_by(returns.c.id)),
        news=rows(select(channel_news).where(channel_news.c.order_id == id_).order_by(channel_news.c.id)),
        refunds=rows(select(refunds).where(refunds.c.order_id == id_).order_by(refunds.c.id)),
    )


def _names(of: Table, event: Table) -> ColumnElement[bool]:
    """Whether an event is about a parcel, or about its way back."""
    return event.c.reference.in_([of.c.reference, of.c.return_reference])


def recent(connection: Connection, most: int = 100, state: str | None = None) -> Sequence[RowMapping]:
    """The newest orders, without what is sealed."""
    columns = [column for column in orders.c if column.name not in SEALED]
    query = select(*columns).order_by(orders.c.id.desc()).limit(most)
    if state is not None:
        query = query.where(orders.c.state == state)
    return connection.execute(query).mappings().all()


def waiting_for_person(connection: Connection, most: int = 200) -> Sequence[RowMapping]:
    """Orders that go no further without somebody's hand: held ones, and sick ones at any stage, oldest first.

    `sick_cause` and `sick_reason` are the order's own, or else those of the first of its parts, returns, refunds,
    parcels or news that is sick.
    """

    def of_what_is_sick(table: Table, column: str) -> ScalarSelect[str]:
        sick = select(table.c[column]).where(
            table.c.order_id == orders.c.id,
            table.c.sick_cause.is_not(None),
            # What is put off goes on by itself.
            table.c.next_attempt_at.is_(None),
        )
        return sick.order_by(table.c.id).limit(1).scalar_subquery()

    def anybodys(column: str) -> ColumnElement[str]:
        own: ColumnElement[str] = orders.c[column]
        return func.coalesce(
            own,
            *(of_what_is_sick(table, column) for table in (fulfilment_orders, returns, refunds, parcels, channel_news)),
        )

    columns = [column for column in orders.c if column.name not in (*SEALED, "sick_cause", "sick_reason")]
    cause, reason = anybodys("sick_cause"), anybodys("sick_reason")
    query = (
        select(*columns, cause.label("sick_cause"), reason.label("sick_reason"))
        .where(or_(orders.c.state == OrderState.HELD, cause.is_not(None)))
        .order_by(orders.c.id)
        .limit(most)
    )
    return connection.execute(query).mappings().all()
