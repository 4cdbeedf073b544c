"""The plan read out of a shop at work, on both databases, against what is counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backroom.domain.audit_money import failure_costs
from backroom.domain.cost_rates import CostRates
from backroom.domain.plan import EventDay, Rates, steps
from backroom.insight.audit.reading import keep_numbers, read_audit
from backroom.insight.past.figures import audit_past
from backroom.insight.past.orders import past_of
from backroom.insight.past.page import as_json, keep
from backroom.insight.plan.reading import known_without_shop, read_plan
from backroom.insight.refresh import refresh_facts
from backroom.store import plan_answers
from backroom.store.database import now
from tests.integration.insight.test_audit import later
from tests.shops import BOOTH, HUB, PLAIN, SOUTH, Floor

PAST = b"""order,placed,paid,shipped,sku,quantity,returned,reason
1,2026-01-05,yes,2026-01-06,TEE,7,,
2,2026-01-05,yes,2026-01-14,TEE,7,,
3,2026-01-05,yes,,TEE,7,,
4,2026-01-26,yes,2026-01-27,TEE,9,yes,wrong item
"""


def read_a_past(floor: Floor) -> None:
    found = past_of([("past.csv", PAST)], "UTC", "EUR")
    audited = audit_past(found, failure_costs(CostRates(), None, "EUR"))
    keep(floor.room.folder("reports"), "", as_json(audited, found.files, datetime(2026, 11, 2, 9, tzinfo=UTC)))


def test_the_plan_is_read_from_the_shops_own_data(floor: Floor) -> None:
    read_a_past(floor)
    for _ in range(3):
        floor.taken_in((PLAIN, 2))
    floor.taken_in((PLAIN, 1), at=BOOTH)
    for place in (HUB, BOOTH):
        floor.fulfil(place)
    for outcome in ("failed", "done"):
        (job,) = floor.hand_out(BOOTH)
        floor.print(job, outcome)
    floor.fulfil(BOOTH)
    later(floor, timedelta(minutes=10))
    for _ in refresh_facts(floor.room):
        pass
    keep_numbers(floor.room, read_audit(floor.room))
    known = read_plan(floor.room)
    assert known.started == "2026-11-02"
    assert (known.orders, known.lost_now) == (4, 0)
    assert known.routed == {"fair": 1, "else": 3}
    assert known.used == {HUB: 3, BOOTH: 1}
    assert known.channels == ("web",)
    (event,) = known.event_days
    assert event == EventDay(event.day, 1, event.median_s, 0.5)
    # Of four orders that were paid one was never sent and one came back wrong; of three sent one was late. Thirty
    # pieces in three weeks are ten a week.
    assert known.before == Rates(250.0, 250.0, 1 / 3, 1.0)
    assert known.week_of_a_sku == 10
    assert known.after.lost_in_1000 == 0
    told = {step.name: step.says for step in steps(known)}
    assert told["rules"].endswith(f"Never used: local. Nothing was made at {SOUTH}.")


def test_the_own_weeks_of_a_shop_tell_its_threshold_once_there_are_two(floor: Floor) -> None:
    read_a_past(floor)
    floor.taken_in((PLAIN, 9))
    assert read_plan(floor.room).week_of_a_sku == 10
    later(floor, timedelta(weeks=3))
    assert read_plan(floor.room).week_of_a_sku == 3


def test_what_is_told_and_what_was_compared_is_known_again(floor: Floor) -> None:
    with floor.room.database.read() as connection:
        at = now(connection)
    for name, when in (("compared.web", at), ("compared.till", at - timedelta(days=31)), ("partner", at)):
        floor.room.database.write(lambda c, name=name, when=when: plan_answers.save(c, name, "Nadel", "Ada", when))
    known = read_plan(floor.room)
    assert known.compared == {"web"}
    assert known.answers["partner"] == "Nadel"


def test_before_there_is_a_shop_the_past_is_known_already(floor: Floor) -> None:
    read_a_past(floor)
    known = known_without_shop(floor.room.home, "2026-11-05")
    assert replace(known, before=None) == replace(
        known_without_shop(floor.room.home.parent, "2026-11-05"), started="2026-11-02", week_of_a_sku=10
    )
    assert known.before is not None
    assert known.day == 4
