"""The part of the model of the whole lifecycle in which pieces come back, and money goes back, in any order.

What belongs here: what customers, the return station, the till and whoever looks after refunds may do. What does not:
orders before they are sent (`test_lifecycle`), and the sums (`money`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlalchemy import Connection, RowMapping, select

from backroom.domain.errors import Refuse
from backroom.domain.returns import Disposition, Lane, PieceState, Reason, ReturnState, Wanted, Word
from backroom.outgoing.circuit import close_all
from backroom.store import cancelled_refunds, decisions, desk, effects, refunds, return_desk, return_opening, returns
from backroom.store.return_opening import Asked
from backroom.store.tables import orders, return_lines
from backroom.store.tables import refunds as refund_rows
from backroom.store.tables import returns as return_rows
from tests.faults.money import BY_HAND, SOURCE, Till
from tests.shops import GTIN_TEE, HUB, PLAIN, SCARCE, Floor

DAYS = st.sampled_from(["fine", "fine", "fine", "lost", "away", "refuses"])
WAYS = st.sampled_from([one for one in Disposition if one is not Disposition.REPAIR])
WHO = "Ada"


class TakingBack(RuleBasedStateMachine):
    """Rules about returns and refunds; whoever builds on this opens `floor` and `till`, and keeps the customers."""

    floor: Floor
    till: Till

    @rule(data=st.data(), reason=st.sampled_from(Reason), other=st.sampled_from(["", PLAIN, SCARCE]))
    def a_customer_asks_to_return_a_piece(self, data: st.DataObject, reason: Reason, other: str) -> None:
        wanted = Wanted.EXCHANGE if other else Wanted.REFUND
        if number := self._one(data, self._numbers("fulfilled")):
            asked = [Asked(1, reason, wanted, other)]
            self._try(lambda c: return_opening.request(c, self._shop, number, asked, Lane.LABEL, WHO))

    @rule(data=st.data(), granted=st.booleans())
    def somebody_answers_a_return(self, data: st.DataObject, granted: bool) -> None:
        if number := self._one(data, self._returns(ReturnState.REQUESTED)):
            answer = return_desk.approve if granted else return_desk.decline
            self._try(lambda c: answer(c, self._shop, number, WHO))

    @rule(data=st.data())
    def a_customer_keeps_it_after_all(self, data: st.DataObject) -> None:
        if number := self._one(data, self._returns()):
            self._try(lambda c: return_desk.cancel(c, self._shop, number, WHO))

    @rule(data=st.data(), pieces=st.integers(1, 4), way=WAYS, reason=st.sampled_from(Reason), all_in=st.booleans())
    def a_parcel_comes_back(
        self, data: st.DataObject, pieces: int, way: Disposition, reason: Reason, all_in: bool
    ) -> None:
        """It is opened, and of its pieces so many are taken in and put away; not all of a parcel, now and then."""
        if number := self._one(data, self._numbers("fulfilled")):
            opened = self._try(lambda c: return_opening.open_by_code(c, self._shop, number, HUB, WHO))
            for _ in range(pieces if opened is not None else 0):
                self._take_in(opened.number, way, reason)
            if opened is not None and all_in:
                self._try(lambda c: return_desk.that_is_all(c, self._shop, opened.number, WHO))

    @rule(data=st.data(), way=WAYS, reason=st.sampled_from(Reason))
    def a_piece_is_scanned(self, data: st.DataObject, way: Disposition, reason: Reason) -> None:
        if number := self._one(data, self._returns()):
            self._take_in(number, way, reason)

    @rule(data=st.data())
    def nothing_more_comes(self, data: st.DataObject) -> None:
        if number := self._one(data, self._returns()):
            self._try(lambda c: return_desk.that_is_all(c, self._shop, number, WHO))

    @rule(day=DAYS)
    def returns_are_seen_to(self, day: str) -> None:
        self._pay_back(day)

    @rule(data=st.data())
    def a_person_pays_back_by_hand(self, data: st.DataObject) -> None:
        with self.floor.room.database.read() as connection:
            due = [one.number for one in refunds.waiting(connection, self.floor.room.seals)]
        if number := self._one(data, due):
            self._pay_by_hand(number)

    @rule()
    def a_person_looks_at_the_till(self) -> None:
        self._decide_refunds()

    @rule(data=st.data())
    def the_source_pays_back_all_that_is_left(self, data: st.DataObject) -> None:
        """Somebody does so in the channel's own pages, of which we hear."""
        open_ = [external_id for external_id in self.till.shop.orders if self.till.left(external_id)]
        if open_:
            external_id = data.draw(st.sampled_from(open_))
            self.till.gives(external_id, self.till.left(external_id), SOURCE)
            self.news(external_id, financial_status="refunded")

    def news(self, external_id: int, **changes: Any) -> None:
        """Deliver what the channel says of an order now."""
        raise NotImplementedError

    def settle_returns(self) -> None:
        """Everything that waits for a person of a return is said, and everything owed is paid."""
        for number in self._returns(ReturnState.REQUESTED):
            self._try(lambda c, number=number: return_desk.decline(c, self._shop, number, WHO))
        for number in self._returns():
            self._try(lambda c, number=number: return_desk.that_is_all(c, self._shop, number, WHO))
            for line in self._lines(number):
                self._put(line["id"], Disposition.DISCARD, Reason.SIZE)
        for day in ("refuses", "fine"):
            self._pay_back(day)
            self._decide_refunds()
        self._pay_back("fine")
        with self.floor.room.database.read() as connection:
            due = [one.number for one in refunds.waiting(connection, self.floor.room.seals)]
        for number in due:
            self._pay_by_hand(number)
        self._pay_back("fine")
        assert self._returns() == [], "a return has no end"

    def _take_in(self, number: str, way: Disposition, reason: Reason) -> None:
        sku = next((line["sku"] for line in self._lines(number) if line["state"] == PieceState.EXPECTED), "")
        with self.floor.room.database.read() as connection:
            order = returns.find(connection, number)["order_number"]
        sku = sku or self.floor.story(order).lines[0]["sku"]
        taken = self._try(lambda c: return_desk.receive(c, self._shop, number, HUB, sku, WHO))
        if taken is not None and taken.line_id is not None:
            self._put(taken.line_id, way, reason)

    def _put(self, line_id: int, way: Disposition, reason: Reason) -> None:
        with self.floor.room.database.read() as connection:
            line = returns.line(connection, line_id)
        if line["state"] != PieceState.RECEIVED or line["disposition"]:
            return
        if not line["reason"]:
            self._try(
                lambda c: return_desk.say(c, self._shop, line_id, reason, Wanted(line["wanted"]), _other(line), WHO)
            )
        with self.floor.room.database.read() as connection:
            word = returns.line(connection, line_id)["word"]
        if word == Word.ASK:
            self._try(lambda c: return_desk.decide(c, self._shop, line_id, granted=True, actor=WHO))
        ways = (way, Disposition.DISCARD) if word != Word.DECLINED else (Disposition.HAND_BACK,)
        for one in ways:
            if self._try(lambda c, one=one: return_desk.dispose(c, self._shop, line_id, one, WHO)) is not None:
                return

    def _pay_back(self, day: str) -> None:
        """A wave of returns, and one of cancelled orders. Whoever is sick is retried first, and the process is a fresh
        one, to which no channel's failures are known."""
        close_all()
        self.till.has_a_day(day)
        for number in self._sick():
            self.floor.room.database.write(lambda c, number=number: desk.retry(c, number, WHO, HUB))
        try:
            self.floor.take_back()
            self.floor.pay_cancelled()
        finally:
            self.till.has_a_day("fine")

    def _decide_refunds(self) -> None:
        """Of a refund whose outcome nobody knows a person looks at the till, and says what it says."""
        with self.floor.room.database.read() as connection:
            unknown = [row["key"] for row in effects.unknown(connection) if row["kind"] == refunds.KIND]
        there = {key for external_id in self.till.shop.orders for key in self.till.given(external_id)}
        for key in unknown:
            self._try(lambda c, key=key: decisions.decide(c, key, happened=key in there, actor=WHO))

    def _pay_by_hand(self, number: str) -> None:
        """A person looks at the till, says what was paid back there, and pays what was not."""
        with self.floor.room.database.read() as connection:
            found = [one for one in refunds.waiting(connection, self.floor.room.seals) if one.number == number]
        for one in found:
            external_id = int(one.external_id)
            paid = self.till.given(external_id).get(one.key)
            minor = min(one.amount_minor, self.till.left(external_id)) if paid is None else paid
            of_return = partial(return_desk.confirm_refund, shop=self._shop)
            confirm = of_return if one.of_return else cancelled_refunds.confirm
            words = {"number": number, "paid_minor": minor, "reference": "by-hand", "actor": WHO}
            said = self._try(lambda c, confirm=confirm, words=words: confirm(c, **words))
            if said is not None and paid is None and minor:
                self.till.gives(external_id, minor, BY_HAND)

    def _try(self, work: Callable[[Connection], Any]) -> Any:
        """Its answer; None where the shop says that this cannot be, and why."""
        with contextlib.suppress(Refuse, refunds.BeingPaid):
            return self.floor.room.database.write(work)
        return None

    def _one(self, data: st.DataObject, numbers: Iterable[str]) -> str:
        found = sorted(numbers)
        return data.draw(st.sampled_from(found)) if found else ""

    def _numbers(self, *states: str) -> list[str]:
        query = select(orders.c.number).order_by(orders.c.id)
        with self.floor.room.database.read() as connection:
            return list(connection.execute(query.where(orders.c.state.in_(states)) if states else query).scalars())

    def _returns(self, *states: ReturnState) -> list[str]:
        """Those in these states, or all that have no end yet."""
        which = return_rows.c.state.in_(states) if states else return_rows.c.state.not_in(returns.ENDED)
        with self.floor.room.database.read() as connection:
            return list(connection.execute(select(return_rows.c.number).where(which)).scalars())

    def _sick(self) -> list[str]:
        """The orders of which a return, or paying them back, failed or was put off."""
        found: set[str] = set()
        with self.floor.room.database.read() as connection:
            for rows in (return_rows, refund_rows):
                ill = rows.c.sick_cause.is_not(None) | rows.c.next_attempt_at.is_not(None)
                query = select(orders.c.number).join(rows, rows.c.order_id == orders.c.id)
                found.update(connection.execute(query.where(ill)).scalars())
        return sorted(found)

    def _lines(self, number: str) -> list[RowMapping]:
        query = select(return_lines).join(return_rows, return_rows.c.id == return_lines.c.return_id)
        with self.floor.room.database.read() as connection:
            return list(connection.execute(query.where(return_rows.c.number == number)).mappings())

    @property
    def _shop(self) -> Any:
        return self.floor.room.shop


def _other(line: RowMapping) -> str:
    """What a piece is exchanged for: what was asked for, as far as anything was."""
    return str(line["exchange_sku"]) or (GTIN_TEE if line["sku"] == PLAIN else PLAIN)
