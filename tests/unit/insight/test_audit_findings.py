"""Findings from rows that are made up: wrong pieces by pair, and who carries the delay of late orders."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.audit import Stage
from backroom.domain.audit_money import failure_costs
from backroom.domain.cost_rates import CostRates
from backroom.domain.kpi import STAGES
from backroom.insight.audit import slow, wrong
from backroom.insight.audit.norms import Norms
from backroom.store.audit_late import LateOrder
from backroom.store.audit_wrong import RefusedScan
from tests.shops import HUB, SOUTH, a_shop

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
COSTS = failure_costs(CostRates(wage_per_hour=3000), 490, "EUR")
NAMES = {"south": "South"}


def refused(number: str, sku: str, *wanted: str, code: str = "") -> RefusedScan:
    return RefusedScan(AT, SOUTH, number, code or sku, sku, wanted)


def test_a_pair_that_is_mixed_up_again_and_again_is_told_once_with_its_orders() -> None:
    scans = [refused(f"A-{n}", "TEE-BLK-M", "TEE-BLK-L", "MUG-RED-S") for n in range(1, 6)]
    (found,) = wrong.refused(scans, COSTS, NAMES)
    assert (found.kind, found.times, found.minor) == ("wrong_piece", 5, 5 * 100)
    assert found.why == (
        "At South TEE-BLK-M was taken for TEE-BLK-L 5 times (A-1, A-2, A-3 and 2 more); a scan caught it."
    )
    assert "TEE-BLK-M and TEE-BLK-L" in found.action.words


def test_a_piece_scanned_once_too_often_is_not_wrong() -> None:
    assert wrong.refused([refused("A-1", "TEE-BLK-M", "TEE-BLK-M")], COSTS, NAMES) == []


def test_what_an_unknown_code_says_is_not_repeated() -> None:
    (found,) = wrong.refused([refused("A-1", "", "TEE-BLK-M", code="Zaphrodel, Wurbelgasse 4")], COSTS, NAMES)
    assert found.kind == "unknown_code"
    assert "Zaphrodel" not in f"{found}"


def test_where_several_pieces_may_have_been_meant_none_is_named() -> None:
    (found,) = wrong.refused([refused("A-1", "TEE-BLK-M", "MUG-RED-S", "CAP-RED-S")], COSTS, NAMES)
    assert "for a piece that was not ordered once" in found.why


def test_a_code_of_two_variants_is_found_in_the_catalogue() -> None:
    (found,) = wrong.shared([("4006381333931", ("TEE-BLK-M", "TEE-BLK-L"))])
    assert (found.kind, found.place, found.minor) == ("shared_code", "catalogue", 0)


def late(late_s: float, printer: str = "", place: str = HUB, **seconds: float) -> LateOrder:
    stages = dict.fromkeys(STAGES, 0.0) | seconds
    return LateOrder("A-1", "web", "online", AT, late_s, stages, dict.fromkeys(STAGES, place), printer)


def test_the_delay_is_shared_by_stage_place_and_printer() -> None:
    medians = {"online": dict.fromkeys(STAGES, 100.0)}
    orders = [late(600, "press-1", making=700.0, packing=50.0), late(200, place=SOUTH, packing=300.0)]
    found = slow.carriers(orders, medians)
    assert [(one.stage, one.place, one.printer, one.share) for one in found] == [
        ("making", HUB, "press-1", 0.75),
        ("packing", SOUTH, "", 0.25),
    ]
    assert slow.added_up(found, "stage") == [("making", 0.75), ("packing", 0.25)]
    assert slow.added_up(found, "printer") == [("press-1", 0.75)]
    first, second = slow.causes(found, 2, COSTS, NAMES)
    assert [(cause.subject, cause.place) for cause in (first, second)] == [("making", HUB), ("packing", SOUTH)]
    # Ten minutes at 30.00 an hour are 5.00 for each of two late orders.
    assert (first.minor, second.minor) == (750, 250)
    assert first.why == "75 % of the delay of 2 late orders arose in making at hub (press-1): 10 min an order over 1."
    assert second.why.startswith("25 % of the delay of 2 late orders arose in packing at South")


_seconds = st.fixed_dictionaries({stage: st.integers(0, 10**6) for stage in STAGES})


@given(st.lists(st.tuples(st.integers(1, 10**6), _seconds, st.sampled_from(["", "press-1", "press-2"])), min_size=1))
def test_the_shares_of_all_that_carry_a_delay_add_up_to_one(
    drawn: list[tuple[int, dict[str, int], str]],
) -> None:
    found = slow.carriers((late(n, printer, **seconds) for n, seconds, printer in drawn), {})
    assert math.isclose(sum(one.share for one in found), 1.0, rel_tol=1e-9)
    assert math.isclose(sum(share for _, share in slow.added_up(found, "stage")), 1.0, rel_tol=1e-9)
    assert math.isclose(sum(one.seconds for one in found), sum(n for n, _, _ in drawn), rel_tol=1e-9)


def test_medians_of_stages_are_told_by_way() -> None:
    times = [("online", 1, 2, 3, 4, 5), ("online", 3, 2, 3, 4, None), ("event", 9, 9, 9, 9, 9)]
    medians = slow.stage_medians(times)
    assert medians["online"]["waiting"] == 2.0
    assert medians["online"]["announcing"] == 5.0
    assert medians["event"]["making"] == 9.0
    assert slow.stage_medians([]) == {}


def test_a_place_that_the_shop_file_lost_is_measured_by_the_hubs_doors() -> None:
    since = datetime(2026, 11, 1, tzinfo=UTC)
    norms = Norms(a_shop(), [], since, AT)
    assert norms.waited(Stage.MAKING, "gone", datetime(2026, 11, 23, 8, tzinfo=UTC)) == 3600
