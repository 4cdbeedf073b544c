"""What comes while a partner is being asked: it is not answered by that answer, and waits for no later time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import RowMapping, select, update

from backroom.domain.partner_orders import PartnerOrderState, PartnerStatus, ToldLine
from backroom.partners.base import Partner
from backroom.store import cancelling, partner_orders
from backroom.store.database import now
from backroom.store.tables import partner_orders as table
from tasks import partner_news
from tests.shops import PLAIN, Floor
from tests.workshops import WORKSHOP, Partnership, Workshop, a_partner, a_place, with_partners

Read = Callable[[PartnerStatus], PartnerStatus]


class Slow:
    """A partner whose answer is on its way for a while, in which something else happens."""

    def __init__(self, partner: Partner, meanwhile: Iterator[Read]) -> None:
        self._partner, self._meanwhile = partner, meanwhile

    def status(self, reference: str, partner_id: str) -> PartnerStatus:
        answer = self._partner.status(reference, partner_id)
        return next(self._meanwhile, lambda same: same)(answer)

    def cancel(self, reference: str, partner_id: str) -> PartnerStatus:
        return self._partner.cancel(reference, partner_id)

    def close(self) -> None:
        self._partner.close()


@pytest.fixture
def partnership(floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Partnership:
    return with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen while the next answer is on its way."""

    def let(happen: Callable[[], object]) -> None:
        def read(answer: PartnerStatus) -> PartnerStatus:
            told = happen()
            return told if isinstance(told, PartnerStatus) else answer

        meanwhile = iter([read])
        partner_from = partner_news.partner_from
        monkeypatch.setattr(partner_news, "partner_from", lambda *where: Slow(partner_from(*where), meanwhile))

    return let


def row_of(floor: Floor) -> RowMapping:
    with floor.room.database.read() as connection:
        return connection.execute(select(table)).mappings().one()


def all_due(floor: Floor) -> None:
    floor.room.database.write(
        lambda c: c.execute(update(table).values(next_attempt_at=now(c) - timedelta(seconds=1))).rowcount
    )


def cancel(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "changed_mind"))


def woken(floor: Floor) -> int:
    return [stage for stage, _, _ in floor.waker.woken].count("partner")


def test_a_cancellation_that_comes_while_a_partner_is_asked_reaches_it_at_once(
    partnership: Partnership, workshop: Workshop, slowly: Callable[[Callable[[], object]], None]
) -> None:
    floor = partnership.floor
    number = partnership.placed((PLAIN, 1))
    slowly(lambda: cancel(floor, number))
    before = woken(floor)
    partnership.ask_about(number)
    assert woken(floor) == before + 1, "the run that the person woke found it taken"
    partnership.ask()
    assert floor.state(number)[0] == "cancelled"
    assert workshop.order(partnership.reference(number))["state"] == "cancelled"


def test_a_signed_word_that_comes_while_a_partner_is_asked_is_read_and_not_lost(
    partnership: Partnership, workshop: Workshop, slowly: Callable[[Callable[[], object]], None]
) -> None:
    floor = partnership.floor
    number = partnership.placed((PLAIN, 1))
    reference = partnership.reference(number)

    def told() -> None:
        workshop.press(reference, "accepted", cost="12.90")
        word, revision = workshop.order(reference), 99
        floor.room.database.write(
            lambda c: partner_orders.tell(c, WORKSHOP, reference, word | {"revision": revision}, revision)
        )

    slowly(told)
    partnership.ask_about(number)
    assert row_of(floor)["told"]["state"] == "accepted"
    workshop.kill()
    partnership.ask()
    row = row_of(floor)
    assert (row["state"], row["told"], row["revision"]) == ("accepted", None, 99)
    assert row["next_attempt_at"] > row["asked_at"] + timedelta(minutes=1)


def test_a_hint_that_comes_while_a_partner_is_asked_has_it_asked_again_soon(
    partnership: Partnership, slowly: Callable[[Callable[[], object]], None]
) -> None:
    floor = partnership.floor
    number = partnership.placed((PLAIN, 1))
    names = [partnership.reference(number)]
    slowly(lambda: floor.room.database.write(lambda c: partner_orders.hint(c, WORKSHOP, names)))
    partnership.ask_about(number)
    row = row_of(floor)
    assert row["next_attempt_at"] == row["asked_at"] + partner_orders.HINTS_EVERY
    # The next time it is left to its own.
    partnership.ask_about(number)
    row = row_of(floor)
    assert row["next_attempt_at"] > row["asked_at"] + timedelta(minutes=1)


def test_an_order_that_is_cancelled_before_its_turn_in_a_wave_is_not_asked_about(
    partnership: Partnership, slowly: Callable[[Callable[[], object]], None]
) -> None:
    floor = partnership.floor
    numbers = [partnership.placed((PLAIN, 1)) for _ in range(2)]
    slowly(lambda: cancel(floor, numbers[1]))
    all_due(floor)
    outcomes = partnership.ask()
    assert [one.subject for one in outcomes] == numbers, "one wave, each once"
    assert [floor.state(number)[0] for number in numbers] == ["released", "cancelled"]


def test_what_differs_and_was_accepted_in_one_word_is_cancelled_there_at_once(
    partnership: Partnership, workshop: Workshop, slowly: Callable[[Callable[[], object]], None]
) -> None:
    floor = partnership.floor
    number = partnership.placed((PLAIN, 2))
    reference = partnership.reference(number)

    def accepted_in_part() -> PartnerStatus:
        (line,) = partner_orders.asked_lines(row_of(floor))
        lines = (ToldLine(line.line_no, line.code, 1),)
        return PartnerStatus(reference, reference, PartnerOrderState.ACCEPTED, lines=lines)

    slowly(accepted_in_part)
    partnership.ask_about(number)
    row = row_of(floor)
    assert (row["state"], row["cancel_wanted"]) == ("accepted", True)
    partnership.ask()
    assert workshop.order(reference)["state"] == "cancelled"


def test_what_was_put_off_goes_on_with_a_hint_or_a_cancellation_and_what_waits_for_a_person_does_not(
    partnership: Partnership, workshop: Workshop
) -> None:
    floor = partnership.floor
    number = partnership.placed((PLAIN, 1))
    workshop.kill()
    partnership.ask_about(number)
    assert row_of(floor)["sick_cause"]
    with floor.room.database.read() as connection:
        assert partner_orders.due(connection, now(connection)) == []
    names = [partnership.reference(number)]
    floor.room.database.write(lambda c: partner_orders.hint(c, WORKSHOP, names))
    with floor.room.database.read() as connection:
        assert partner_orders.due(connection, now(connection)) == [WORKSHOP]
    # A person's cancellation as well; what waits for a person goes on waiting.
    partnership.ask_about(number)
    cancel(floor, number)
    with floor.room.database.read() as connection:
        assert partner_orders.due(connection, now(connection)) == [WORKSHOP]
    floor.room.database.write(lambda c: c.execute(update(table).values(next_attempt_at=None)).rowcount)
    floor.room.database.write(lambda c: partner_orders.hint(c, WORKSHOP, names))
    with floor.room.database.read() as connection:
        assert partner_orders.due(connection, now(connection)) == []
