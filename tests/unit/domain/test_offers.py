"""What could be taken: from the hub's shelf, printed first, as blanks; and what bounds it."""

from __future__ import annotations

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
    Offer,
    free_at_hub,
    offer,
    shelf,
)
from backroom.domain.prestaging import Kind
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


def offered(
    spec: RestockSpec = SPEC, event: Event = FAIR, free: dict[str, int] | None = None, **changes: object
) -> Offer:
    shop = a_shop()
    given: dict[str, object] = {"hours_left": 5.0, "hours_until": 8.0, "there": {}} | changes
    free = {"OWL-BLK-M": 3, "MUG-WHT-L": 2, "TEE-BLK-M": 9} if free is None else free
    return offer(
        spec,
        CATALOGUE,
        hub=shop.location(HUB),
        booth=shop.location(BOOTH),
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
