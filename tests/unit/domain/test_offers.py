"""What could be taken: from the hub's shelf, printed first, as blanks; and what bounds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backroom.domain.events import Event, Load, Session, Supply
from backroom.domain.model import StockLevel
from backroom.domain.offers import (
    BOOTH_ROOM,
    HUB_PRINTING,
    POWER,
    PRINTING,
    VAN_LOAD,
    VAN_ROOM,
    LeftOut,
    Offer,
    free_at_hub,
    offer,
    shelf,
)
from backroom.domain.prestaging import Candidate, Kind
from backroom.domain.print_pace import Measured
from backroom.domain.print_place import print_place
from backroom.domain.restock import MaterialSpec, RestockSpec
from tests.shops import BOOTH, HUB, a_shop, a_variant

OPENS = datetime(2026, 12, 5, 15, tzinfo=UTC)
FAIR = Event("fair", "Fair", "street", BOOTH, "", (Session(OPENS, OPENS + timedelta(hours=5)),))
OWL = replace(a_variant("OWL-BLK-M"), tags=("tee",))
FOX = replace(a_variant("FOX-BLK-M"), tags=("tee", "new"))
MUG = a_variant("MUG-WHT-L", printable=False)
TEE = replace(a_variant("TEE-BLK-M", printable=False), tags=("blank", "tee"))
CATALOGUE = (OWL, FOX, MUG, TEE)
SPEC = RestockSpec(van_ml=100_000, van_g=50_000, booth_ml=20_000, print_seconds=240, print_share=0.5)


def took(seconds: float, product: str, printer: str = "press-1", times: int = 5) -> list[Measured]:
    return [Measured(printer, "dtg", product, "Black", seconds)] * times


def offered(
    spec: RestockSpec = SPEC,
    event: Event = FAIR,
    free: dict[str, int] | None = None,
    *,
    measured: Sequence[Measured] = (),
    not_at_booth: dict[str, str] | None = None,
    not_at_hub: dict[str, str] | None = None,
    **changes: object,
) -> Offer:
    shop = a_shop()
    given: dict[str, object] = {"hours_left": 5.0, "hours_until": 8.0, "there": {}, "expected": {}} | changes
    free = {"OWL-BLK-M": 3, "MUG-WHT-L": 2, "TEE-BLK-M": 9} if free is None else free
    return offer(
        spec,
        CATALOGUE,
        hub=print_place(shop.location(HUB), measured, not_at_hub, unmeasured_seconds=spec.print_seconds),
        booth=print_place(
            shop.location(BOOTH), measured, not_at_booth, unmeasured_seconds=spec.print_seconds, only=event.printers
        ),
        event=event,
        free_at_hub=free,
        **given,  # type: ignore[arg-type]
    )


def kinds(found: Offer) -> set[tuple[str, Kind]]:
    return {(one.item, one.kind) for one in found.candidates}


def test_what_lies_at_the_hub_comes_as_it_is_and_what_can_be_printed_may_be_printed_first() -> None:
    assert kinds(offered()) == {
        ("OWL-BLK-M", Kind.FINISHED),
        ("MUG-WHT-L", Kind.FINISHED),
        ("OWL-BLK-M", Kind.TO_PRINT),
        ("FOX-BLK-M", Kind.TO_PRINT),
        ("TEE-BLK-M", Kind.BLANK),
    }


def test_printing_first_and_taking_the_blank_along_draw_on_the_same_shelf() -> None:
    by_kind = {(one.item, one.kind): one for one in offered().candidates}
    assert by_kind["TEE-BLK-M", Kind.BLANK].uses[shelf("TEE-BLK-M")] == 1
    assert by_kind["FOX-BLK-M", Kind.TO_PRINT].uses[shelf("TEE-BLK-M")] == 1
    assert offered().limits[shelf("TEE-BLK-M")] == 9


def test_limits_are_the_vans_the_booths_and_the_printers() -> None:
    limits = offered().limits
    assert limits[VAN_ROOM] == 100_000
    assert limits[VAN_LOAD] == 50_000
    # Two printers for five hours, half of the time; the hub's one for eight.
    assert limits[PRINTING] == 2 * 5 * 1800
    assert limits[HUB_PRINTING] == 8 * 1800
    assert POWER not in limits


def test_without_the_table_nothing_but_hours_and_shelves_bounds() -> None:
    limits = offered(RestockSpec()).limits
    assert not {VAN_ROOM, VAN_LOAD, BOOTH_ROOM} & set(limits)


def test_what_is_there_takes_room_at_the_booth() -> None:
    # 180 g at 6 ml a gram are 1,080 ml.
    assert offered(there={"OWL-BLK-M": 10}).limits[BOOTH_ROOM] == 20_000 - 10_800
    assert offered(there={"OWL-BLK-M": 100}).limits[BOOTH_ROOM] == 0


def test_a_battery_prints_only_what_it_holds_besides_the_lights() -> None:
    loads = (Load("printer", "left", 300), Load("printer", "right", 300), Load("light", "lamps", 100, 0.5))
    found = offered(event=replace(FAIR, loads=loads, supply=Supply("battery", 1000, watt_hours=1000)))
    assert found.limits[POWER] == 1000 - 50 * 5
    blank = next(one for one in found.candidates if one.kind is Kind.BLANK)
    # 300 W for four minutes.
    assert blank.uses[POWER] == 20


def blank_of(found: Offer) -> Candidate:
    return next(one for one in found.candidates if one.kind is Kind.BLANK)


def test_no_blank_is_offered_for_what_the_booth_lacks_a_sample_of_and_it_is_named_with_why() -> None:
    found = offered(not_at_booth={FOX.sku: "no sample of it was printed"}, expected={FOX.sku: 2.0, OWL.sku: 2.0})
    assert blank_of(found).serves == (OWL.sku,)
    assert found.left_out == (LeftOut(FOX.sku, BOOTH, "no sample of it was printed"),)
    # The hub has its sample.
    assert (FOX.sku, Kind.TO_PRINT) in kinds(found)


def test_without_any_sample_for_a_garment_its_blanks_stay_at_home() -> None:
    why = {OWL.sku: "its sample 1 was not good", FOX.sku: "no sample of it was printed"}
    found = offered(not_at_booth=why, not_at_hub=why, expected={FOX.sku: 2.0, OWL.sku: 2.0})
    # What was printed before and lies on the shelf comes along all the same.
    assert kinds(found) == {(OWL.sku, Kind.FINISHED), (MUG.sku, Kind.FINISHED)}
    assert {(one.sku, one.location) for one in found.left_out} == {(s, p) for s in why for p in (BOOTH, HUB)}


def test_what_nobody_asks_for_is_not_named_as_left_out() -> None:
    assert offered(not_at_booth={FOX.sku: "no sample of it was printed"}, expected={OWL.sku: 2.0}).left_out == ()


def test_the_pace_that_was_measured_wins_over_the_shop_files() -> None:
    assert blank_of(offered()).uses[PRINTING] == 240
    assert blank_of(offered(measured=took(90, OWL.product))).uses[PRINTING] == 90
    by_kind = {(one.item, one.kind): one for one in offered(measured=took(90, OWL.product, "press-hub")).candidates}
    assert by_kind[OWL.sku, Kind.TO_PRINT].uses[HUB_PRINTING] == 90
    # Four are too few to go by.
    assert blank_of(offered(measured=took(90, OWL.product, times=4))).uses[PRINTING] == 240


def test_two_printers_side_by_side_print_as_fast_as_both_and_what_sells_more_counts_more() -> None:
    measured = took(60, "owl") + took(120, "owl", "press-2") + took(600, "fox") + took(600, "fox", "press-2")
    place = print_place(a_shop().location(BOOTH), measured, unmeasured_seconds=240)
    owl, fox = replace(OWL, product="owl"), replace(FOX, product="fox")
    # In two minutes three of them.
    assert place.seconds([owl], {}) == 80
    assert place.seconds([owl, fox], {OWL.sku: 3.0, FOX.sku: 1.0}) == (3 * 80 + 600) / 4
    assert place.seconds([owl, fox], {}) == (80 + 600) / 2


def test_a_battery_lasts_for_more_pieces_where_they_print_faster() -> None:
    loads = (Load("printer", "left", 300), Load("printer", "right", 300))
    event = replace(FAIR, loads=loads, supply=Supply("battery", 1000, watt_hours=1000))
    assert blank_of(offered(event=event, measured=took(120, OWL.product))).uses[POWER] == 10


def test_mains_bound_nothing() -> None:
    assert POWER not in offered(event=replace(FAIR, supply=Supply("mains", 3680))).limits


def test_only_the_printers_that_come_along_print() -> None:
    assert offered(event=replace(FAIR, printers=("press-1",))).limits[PRINTING] == 5 * 1800


def test_blanks_need_what_their_process_prints_with() -> None:
    ink = MaterialSpec("ink", "dtg", "bottle", 1000, 12, 1200, 1300)
    paper = MaterialSpec("paper", "transfer", "100 sheets", 100, 1, 2000, 1100)
    found = offered(replace(SPEC, materials=(ink, paper)))
    assert next(one for one in found.candidates if one.kind is Kind.BLANK).takes == {"ink": 12}
    assert {one.name for one in found.materials} == {"ink", "paper"}


def test_a_week_of_online_demand_stays_at_the_hub_and_what_is_kept_there_too() -> None:
    levels = [StockLevel(HUB, "a", 10, 2), StockLevel(HUB, "b", 3, 0), StockLevel(HUB, "c", 9, 0, kept=True)]
    levels.append(StockLevel(BOOTH, "d", 9, 0))
    assert free_at_hub(RestockSpec(), levels, HUB, {"a": 17, "b": 100}, 8.0) == {"a": 8 - 3, "b": 0}
    assert free_at_hub(RestockSpec(keep_weeks=0), levels, HUB, {"a": 17}, 8.0)["a"] == 8
