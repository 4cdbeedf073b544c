"""The audit of a shop at work, on both databases: what is stuck, what is wrong, what is late, and what never came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from backroom.domain.audit import LEAST_PASSAGES, Failure, Finding, Number, Stage
from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.returns import Reason, Wanted
from backroom.insight.audit.page import html_page, markdown, rows, wall_markdown, write_page
from backroom.insight.audit.reading import Audit, keep_numbers, read_audit
from backroom.insight.past.orders import past_of
from backroom.insight.past.paid import compare
from backroom.insight.plan.reading import read_plan
from backroom.insight.refresh import refresh_facts
from backroom.store import audit_days, audit_rows, cancelling, desk, paid_elsewhere, return_desk, return_opening
from backroom.store.database import now
from backroom.store.tables import (
    fulfilment_orders,
    history,
    inbox,
    orders,
    print_jobs,
    quarantine,
    routing_decisions,
    scans,
    variants,
)
from tests.shops import BOOTH, CANARIES, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor, an_order

MOMENTS = {
    orders: ("accepted_at", "placed_at", "ship_by", "ended_at"),
    fulfilment_orders: ("opened_at", "made_at", "packed_at", "labelled_at", "done_at"),
    history: ("at",),
    inbox: ("received_at",),
    quarantine: ("at",),
    routing_decisions: ("at",),
    scans: ("at",),
    print_jobs: ("created_at", "handed_at", "started_at", "ended_at"),
}


def later(floor: Floor, by: timedelta) -> None:
    """Time passes: the database's clock cannot be moved, so whatever happened is moved into the past instead."""

    def move(connection: Any) -> None:
        for table, names in MOMENTS.items():
            for row in connection.execute(table.select()).mappings().all():
                moved = {name: row[name] - by for name in names if row[name] is not None}
                connection.execute(update(table).where(table.c.id == row["id"]).values(**moved))

    floor.room.database.write(move)


def promise(floor: Floor, number: str, **moments: datetime) -> None:
    floor.room.database.write(lambda c: c.execute(update(orders).where(orders.c.number == number).values(**moments)))


def audit(floor: Floor) -> Audit:
    for _ in refresh_facts(floor.room):
        pass
    return read_audit(floor.room)


def by_subject(found: Audit, failure: Failure = Failure.LOST) -> dict[str, Finding]:
    return {finding.subject: finding for finding in found.of(failure)}


def test_a_shop_where_all_goes_well_has_nothing_to_do(floor: Floor) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    for _ in range(2):
        promise(floor, floor.taken_in((PLAIN, 1)), ship_by=soon)
        floor.fulfil(HUB)
    found = audit(floor)
    assert [number.count for number in found.numbers] == [0, 0, 0]
    assert found.findings == ()
    assert "Nothing to do." in markdown(found, "")


def test_what_stands_in_any_stage_too_long_is_lost_with_its_next_action(floor: Floor) -> None:
    picked = floor.taken_in((GTIN_TEE, 1), at=SOUTH)
    printed = floor.taken_in((PLAIN, 2), at=BOOTH)
    held = floor.taken_in((PLAIN, 1))
    floor.room.database.write(lambda c: desk.hold(c, held, desk.ASKED_BY_STAFF, "Ada"))
    short = floor.taken_in((GTIN_TEE, 500))
    floor.deliver(an_order(9001, [(PLAIN, 1)]))
    for place in (SOUTH, BOOTH):
        floor.fulfil(place)
    assert audit(floor).number(Failure.LOST).count == 0
    later(floor, timedelta(days=6))
    found = audit(floor)
    told = by_subject(found)
    assert {subject: finding.stage for subject, finding in told.items()} == {
        picked: Stage.MAKING,
        printed: Stage.MAKING,
        held: Stage.HELD,
        short: Stage.BACKORDER,
        "9001": Stage.ARRIVAL,
    }
    assert told[picked].why.startswith("1 of its pieces are not scanned. So for 6 d of open doors. Normal is 8 h")
    assert told[picked].action.page == "/scan/south"
    assert told[printed].action.command == "backroom print queue booth"
    assert told[held].action.command == f"backroom order release {held}"
    assert told[short].why.startswith(f"It waits for stock of {GTIN_TEE}. So for 6 d.")
    assert told["9001"].action.command == "backroom up"
    # 29.00 a piece: 1 + 2 + 1 + 500; nobody has read what the message says.
    assert found.number(Failure.LOST) == Number(Failure.LOST, 5, 5, 2900 * 504)


def test_every_order_that_has_not_ended_stands_in_exactly_one_stage(floor: Floor) -> None:
    numbers = [floor.taken_in((PLAIN, 1)) for _ in range(3)]
    for state in OrderState:
        floor.room.database.write(
            lambda c, state=state: c.execute(update(orders).where(orders.c.number == numbers[0]).values(state=state))
        )
        with floor.room.database.read() as connection:
            seen = [one.subject for one in audit_rows.standings(connection, HUB, "EUR")]
        ended = state in (OrderState.FULFILLED, OrderState.CANCELLED)
        assert seen.count(numbers[0]) == (0 if ended else 1), state
    for part_state in FulfilmentState:
        floor.room.database.write(lambda c, state=part_state: c.execute(update(fulfilment_orders).values(state=state)))
        with floor.room.database.read() as connection:
            stages = {one.subject: one.stage for one in audit_rows.standings(connection, HUB, "EUR")}
        ended = part_state in (FulfilmentState.DONE, FulfilmentState.CANCELLED)
        assert stages[numbers[1]] is (Stage.NOWHERE if ended else audit_rows.STAGE_OF_PART[part_state])


def test_an_order_that_is_not_paid_is_not_lost(floor: Floor) -> None:
    floor.taken_in((PLAIN, 1), financial_status="pending")
    later(floor, timedelta(days=6))
    assert audit(floor).number(Failure.LOST).count == 0


def test_a_message_in_quarantine_is_a_lost_order_until_it_is_taken_in(floor: Floor) -> None:
    floor.deliver(an_order(9002, [(PLAIN, 1)], currency="XXX"))
    floor.deliver(an_order(9003, [(PLAIN, 1)], test=True))
    floor.intake()
    later(floor, timedelta(days=1))
    told = by_subject(audit(floor))
    assert list(told) == ["9002"]
    assert told["9002"].stage is Stage.QUARANTINE
    assert told["9002"].action.page == "/quarantine"


def test_normal_is_measured_from_the_shops_own_past(floor: Floor) -> None:
    for _ in range(LEAST_PASSAGES):
        floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    slow = floor.taken_in((PLAIN, 1))
    later(floor, timedelta(hours=3))
    told = by_subject(audit(floor))
    # Twenty orders took seconds; three hours are more than a quarter of the usual eight.
    assert told[slow].normal_s == 2 * 3600
    assert f"(measured from {LEAST_PASSAGES})" in told[slow].why


def test_a_past_hold_is_measured_until_somebody_let_it_go(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.room.database.write(lambda c: desk.hold(c, number, desk.ASKED_BY_STAFF, "Ada"))
    later(floor, timedelta(hours=2))
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    with floor.room.database.read() as connection:
        since = now(connection) - timedelta(days=1)
        holds = [one for one in audit_rows.passages(connection, [HUB], HUB, since) if one.stage is Stage.HELD]
    (hold,) = holds
    assert timedelta(hours=2) <= hold.end - hold.begin < timedelta(hours=2, minutes=1)


@pytest.fixture
def mixed_up(floor: Floor) -> Floor:
    """An order at the local hub for which a wrong piece was scanned twice, an unknown code once, then the right one."""
    number = floor.taken_in((GTIN_TEE, 1), at=SOUTH)
    floor.fulfil(SOUTH)
    for code in (PLAIN, PLAIN, CANARIES[4], GTIN_TEE, GTIN_TEE):
        floor.scan(SOUTH, number, code)
    floor.fulfil(SOUTH)
    return floor


def test_wrong_pieces_are_counted_by_pair_and_unknown_codes_are_not_repeated(mixed_up: Floor) -> None:
    found = audit(mixed_up)
    pair, unknown = found.of(Failure.WRONG)
    assert (pair.kind, pair.subject, pair.times) == ("wrong_piece", PLAIN, 2)
    assert f"{PLAIN} was taken for {GTIN_TEE} 2 times" in pair.why
    assert (unknown.kind, unknown.times) == ("unknown_code", 1)
    assert CANARIES[4] not in html_page(found)
    # The second scan of the right piece was one too many; it is in the order. Two minutes at 20.00 are 0.67.
    assert (found.number(Failure.WRONG).count, found.number(Failure.WRONG).minor) == (3, 3 * 67)
    later(mixed_up, timedelta(days=9))
    assert audit(mixed_up).number(Failure.WRONG).count == 0


@pytest.fixture
def came_back(floor: Floor) -> tuple[Floor, str]:
    """An order of a plain tee that is shipped, and its return, opened by its label."""
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    code = floor.story(number).shipments[0]["return_tracking"]
    shop = floor.room.shop
    back = floor.room.database.write(lambda c: return_opening.open_by_code(c, shop, code, HUB, "Ada")).number
    return floor, back


def take(floor: Floor, back: str, code: str, instead_of: int = 0) -> int | None:
    shop = floor.room.shop
    return floor.room.database.write(lambda c: return_desk.receive(c, shop, back, HUB, code, "Ada", instead_of)).line_id


def test_what_came_back_because_another_piece_was_sent_is_wrong(came_back: tuple[Floor, str]) -> None:
    floor, back = came_back
    assert take(floor, back, SCARCE, instead_of=1) is not None
    later(floor, timedelta(minutes=10))
    found = audit(floor)
    (sent,) = found.of(Failure.WRONG)
    assert (sent.kind, sent.subject, sent.place, sent.times) == ("sent_wrong", PLAIN, HUB, 1)
    assert f"From Hub {SCARCE} was sent for {PLAIN} once" in sent.why
    assert "scan = true in [locations.hub]" in sent.action.words
    # Two parcels of 4.90, and a quarter of an hour at 20.00.
    assert found.number(Failure.WRONG).minor == 2 * 490 + 500
    assert read_plan(floor.room).after.wrong_in_1000 == 1000


def test_what_came_back_for_another_reason_is_not_wrong(came_back: tuple[Floor, str]) -> None:
    floor, back = came_back
    line = take(floor, back, PLAIN)
    assert line is not None
    shop = floor.room.shop
    floor.room.database.write(lambda c: return_desk.say(c, shop, line, Reason.SIZE, Wanted.REFUND, "", "Ada"))
    assert audit(floor).of(Failure.WRONG) == []


def test_a_piece_in_another_orders_parcel_is_a_swapped_label_until_it_is_taken_in(
    came_back: tuple[Floor, str],
) -> None:
    floor, back = came_back
    for _ in range(2):
        assert take(floor, back, GTIN_TEE) is None
    (swapped,) = audit(floor).of(Failure.WRONG)
    assert (swapped.kind, swapped.subject, swapped.times) == ("label_mismatch", GTIN_TEE, 1)
    assert swapped.action.command == f"backroom return show {back}"
    take(floor, back, GTIN_TEE, instead_of=1)
    assert [finding.kind for finding in audit(floor).of(Failure.WRONG)] == ["sent_wrong"]


def test_a_gtin_of_two_variants_is_told(floor: Floor) -> None:
    floor.room.database.write(
        lambda c: c.execute(update(variants).where(variants.c.sku.in_([PLAIN, SCARCE])).values(gtin="4006381333948"))
    )
    (found,) = audit(floor).of(Failure.WRONG)
    assert (found.kind, found.subject) == ("shared_code", PLAIN)


def test_late_orders_tell_who_carries_their_delay(floor: Floor) -> None:
    slow = floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    later(floor, timedelta(hours=10))
    (job,) = floor.hand_out(BOOTH)
    floor.print(job)
    floor.fulfil(BOOTH)
    later(floor, timedelta(minutes=10))
    with floor.room.database.read() as connection:
        ended = floor.story(slow).order["ended_at"]
        at = now(connection)
    promise(floor, slow, ship_by=ended - timedelta(hours=5), placed_at=ended - timedelta(hours=10, minutes=1))
    waiting = floor.taken_in((PLAIN, 1))
    promise(floor, waiting, ship_by=at - timedelta(hours=1))
    found = audit(floor)
    assert (found.number(Failure.SLOW).count, found.number(Failure.SLOW).of) == (2, 2)
    first = found.of(Failure.SLOW)[0]
    assert (first.kind, first.place, first.times) == ("slow_making", BOOTH, 1)
    assert "(press)" in first.why
    assert found.delay[0].share > 0.99
    assert abs(sum(one.seconds for one in found.delay) - 5 * 3600) < 1
    late_now = by_subject(found, Failure.SLOW)[waiting]
    assert late_now.kind == "late_now"
    assert late_now.why.startswith("It was promised for 1 h ago.")


def test_an_order_that_is_lost_and_late_is_told_once(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    later(floor, timedelta(days=6))
    found = audit(floor)
    assert [finding.subject for finding in found.findings] == [number]


LISTED = b"Id,Name,Financial Status,Fulfillment Status,Total,Currency,Created at,Refunded Amount\n"


def listed(*rows: str) -> Any:
    return past_of([("orders.csv", LISTED + "\n".join(rows).encode())], "UTC", "EUR")


def test_what_a_channel_lists_as_paid_and_never_came_is_lost_until_it_comes(floor: Floor) -> None:
    here, gone = floor.order((PLAIN, 1)), floor.order((PLAIN, 1))
    floor.intake()
    number = floor.number(gone)
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", desk.CANCELLED_BY_STAFF))
    floor.deliver(an_order(9002, [(PLAIN, 1)], currency="XXX"))
    floor.intake()
    past = listed(
        f"{here},#1,paid,unfulfilled,29.00,EUR,2026-11-01 10:00:00 +0000,0.00",
        f"{gone},#2,paid,unfulfilled,29.00,EUR,2026-11-01 10:00:00 +0000,0.00",
        "9002,#3,paid,unfulfilled,29.00,EUR,2026-11-01 10:00:00 +0000,0.00",
        "9100,#4,paid,unfulfilled,58.00,EUR,2026-11-01 10:00:00 +0000,0.00",
        "9101,#5,refunded,unfulfilled,29.00,EUR,2026-11-01 10:00:00 +0000,29.00",
        "9102,#6,pending,unfulfilled,29.00,EUR,2026-11-01 10:00:00 +0000,0.00",
    )
    with floor.room.database.read() as connection:
        found = compare(connection, "web", past, "EUR")
        at = now(connection)
    assert (found.paid, found.here) == (4, 1)
    assert [order.external_id for order in found.cancelled] == [str(gone)]
    assert [order.external_id for order in found.waiting] == ["9002"]
    assert [(order.external_id, order.name, order.total_minor) for order in found.missing] == [("9100", "4", 5800)]
    for known in (1, 0):
        assert floor.room.database.write(lambda c: paid_elsewhere.report(c, "web", found.missing, at)) == known
    audited = audit(floor)
    told = by_subject(audited)["4"]
    assert (told.kind, told.place, told.minor) == ("never_came", "web", 5800)
    assert told.action.command == "backroom audit settle web 9100 --because paid_back"
    floor.deliver(an_order(9100, [(PLAIN, 2)]))
    floor.intake()
    audited = audit(floor)
    assert audited.number(Failure.LOST).count == 0
    assert keep_numbers(floor.room, audited) == 1
    with floor.room.database.read() as connection:
        assert paid_elsewhere.missing(connection) == []


def test_a_person_settles_what_will_not_come(floor: Floor) -> None:
    with floor.room.database.read() as connection:
        at = now(connection)
    missing = [paid_elsewhere.PaidOrder("9100", "4", None, 2900, "EUR")]
    floor.room.database.write(lambda c: paid_elsewhere.report(c, "web", missing, at))
    floor.room.database.write(lambda c: paid_elsewhere.settle(c, "web", "4", "paid_back", "Ada", at))
    assert audit(floor).findings == ()
    # The list of the next week has it again.
    floor.room.database.write(lambda c: paid_elsewhere.report(c, "web", missing, at))
    assert audit(floor).findings == ()
    with pytest.raises(paid_elsewhere.NothingToSettle):
        floor.room.database.write(lambda c: paid_elsewhere.settle(c, "web", "4", "paid_back", "Ada", at))


def test_the_numbers_of_a_day_are_kept_for_the_wall_as_they_last_stood(mixed_up: Floor) -> None:
    for _ in range(2):
        found = audit(mixed_up)
        keep_numbers(mixed_up.room, found)
    with mixed_up.room.database.read() as connection:
        kept = {row["failure"]: (row["count"], row["minor"]) for row in audit_days.last(connection)}
    assert kept == {number.failure: (number.count, number.minor) for number in found.numbers}
    assert "# Wrong piece: 3" in wall_markdown(found)


def test_the_page_loads_nothing_and_names_nobody(mixed_up: Floor, tmp_path: Path) -> None:
    mixed_up.taken_in((GTIN_TEE, 1), at=SOUTH)
    mixed_up.fulfil(SOUTH)
    later(mixed_up, timedelta(days=3))

    today = datetime.now(UTC)
    for day in (1, 2):
        when = (today - timedelta(days=day)).date().isoformat()
        numbers = [Number(Failure.LOST, day, 5, 0)]
        mixed_up.room.database.write(lambda c, when=when, numbers=numbers: audit_days.save(c, when, numbers, today))
    found = audit(mixed_up)
    page = write_page(found, tmp_path)
    written = page.read_text(encoding="utf-8")
    assert "http://" not in written.replace("http://www.w3.org", "")
    assert "https://" not in written
    assert "data:image/svg+xml;base64," in written
    told = written + markdown(found, page.name) + f"{rows(found.findings, 'EUR')}"
    assert not [canary for canary in CANARIES if canary in told]
    assert [path.name for path in tmp_path.glob("audit-*")] == [page.name]
