"""Samples at work: orders are printed only by what was approved, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from backroom.domain.events import Event, EventState, Session
from backroom.domain.model import Delivery, RoutingDecision
from backroom.domain.readiness import SAMPLES, Check
from backroom.domain.sample_rules import SampleRules
from backroom.shop import room as rooms
from backroom.store import events, material_batches, print_attempts, sample_checks, sample_desk, samples
from backroom.store.backlog import wake_again
from backroom.store.catalogue import save_variants
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.material_batches import FABRIC, INK
from backroom.store.print_attempts import NotYourJob
from backroom.store.sample_desk import NewBatch, NotSampled
from backroom.store.samples import NoSuchSample, SampleDecided
from backroom.store.tables import event_checks, fulfilment_orders, orders
from backroom.store.tables import events as events_table
from backroom.store.tables import samples as samples_table
from tasks import route
from tests.shops import BOOTH, HUB, PLAIN, Floor, a_variant

BLANK = replace(a_variant("BLANK-BLK-L", printable=False), product="blank-tee", tags=("blank", "tee"))
PRESSES = ("press-1", "press-2")


@pytest.fixture
def shop(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The shop, which asks for samples."""
    floor.room = replace(floor.room, shop=replace(floor.room.shop, samples=SampleRules(require=True)))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    tee = replace(a_variant(PLAIN), tags=("tee",))
    floor.room.database.write(lambda c: save_variants(c, [BLANK, tee]))
    return floor


def sample(floor: Floor, printer: str, *, at: str = BOOTH, sku: str = PLAIN) -> int:
    return floor.room.database.write(lambda c: sample_desk.printed(c, floor.room.shop, sku, at, printer, "Ada"))


def approve(floor: Floor, *numbers: int) -> list[Wakeup]:
    def work(connection: Connection) -> list[Wakeup]:
        return [
            wakeup
            for number in numbers
            for wakeup in sample_desk.approve(connection, floor.room.shop, number, photo="x.jpg", note="", actor="Ada")[
                1
            ]
        ]

    return floor.room.database.write(work)


def batch(floor: Floor, kind: str, material: str, code: str, colourway: str = "", *, at: str = BOOTH) -> NewBatch:
    return floor.room.database.write(
        lambda c: sample_desk.new_batch(
            c,
            floor.room.shop,
            location=at,
            kind=kind,
            material=material,
            colourway=colourway,
            batch=code,
            actor="Ada",
        )
    )


def collected(floor: Floor, number: str) -> None:
    """As if its customer came for it."""

    def work(connection: Connection) -> None:
        order_id = connection.execute(select(orders.c.id).where(orders.c.number == number)).scalar_one()
        connection.execute(update(orders).where(orders.c.id == order_id).values(delivery=Delivery.COLLECT))
        parts = update(fulfilment_orders).where(fulfilment_orders.c.order_id == order_id)
        connection.execute(parts.values(delivery=Delivery.COLLECT))

    floor.room.database.write(work)


def reasons(floor: Floor, number: str) -> Sequence[str]:
    return floor.story(number).decisions[-1]["reasons"]


def why(floor: Floor, number: str) -> str:
    return " ".join(reasons(floor, number))


def states(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return list(connection.execute(select(samples_table.c.state).order_by(samples_table.c.id)).scalars())


def test_a_shop_that_asks_for_no_samples_prints_as_ever(floor: Floor) -> None:
    assert floor.state(floor.taken_in((PLAIN, 1), at=BOOTH))[0] == "released"


def test_what_was_never_sampled_is_not_printed_on_demand_and_its_order_says_why(shop: Floor) -> None:
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    assert shop.state(number) == ("backordered", [])
    assert "no sample of it was printed (owl.png on blank-tee BLK, dtg on press-1)" in why(shop, number)
    # What lies on a shelf was looked at by whoever put it there.
    assert shop.state(shop.taken_in((PLAIN, 1), at=HUB))[0] == "released"


def test_an_approved_sample_lets_the_orders_go_on_that_waited_for_it(shop: Floor) -> None:
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    first, second = (sample(shop, press) for press in PRESSES)
    assert [wakeup.stage for wakeup in approve(shop, first)] == ["intake"]
    shop.intake()
    # Either press may get the job, and each is a kind of its own.
    assert "sample 2 waits for somebody to look at it" in why(shop, number)
    approve(shop, second)
    shop.intake()
    assert shop.state(number) == ("released", ["open"])
    shop.fulfil(BOOTH)
    [job] = shop.hand_out(BOOTH)
    shop.print(job)
    shop.check_sums()


def test_a_sample_that_is_not_good_prints_nothing(shop: Floor) -> None:
    approve(shop, *(sample(shop, press) for press in PRESSES))
    worse = sample(shop, "press-2")
    shop.room.database.write(lambda c: sample_desk.reject(c, shop.room.shop, worse, photo="", note="pale", actor="Ada"))
    assert "its sample 3 was not good" in why(shop, shop.taken_in((PLAIN, 1), at=BOOTH))
    assert states(shop) == ["approved", "approved", "rejected"]


@pytest.mark.parametrize(("kind", "material", "colourway"), [(INK, "press-2", ""), (FABRIC, "blank-tee", "BLK")])
def test_a_new_batch_asks_for_a_new_sample_at_its_place(shop: Floor, kind: str, material: str, colourway: str) -> None:
    approve(shop, *(sample(shop, press) for press in PRESSES))
    found = batch(shop, kind, material, "L-77", colourway)
    assert found.is_new
    assert {one.printer for one in found.fell} == ({"press-2"} if kind == INK else set(PRESSES))
    assert not batch(shop, kind, material, "L-77", colourway).is_new
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    assert f"the batch of {kind} is L-77" in why(shop, number)
    approve(shop, *(sample(shop, one.printer) for one in found.fell))
    shop.intake()
    assert shop.state(number)[0] == "released"
    with shop.room.database.read() as connection:
        newest = samples.newest(connection, 1)[0]
        assert newest["ink_batch" if kind == INK else "fabric_batch"] == "L-77"
        assert [row["batch"] for row in material_batches.listing(connection)] == ["L-77"]


def test_an_approval_runs_out(shop: Floor) -> None:
    approve(shop, *(sample(shop, press) for press in PRESSES))
    with shop.room.database.read() as connection:
        yesterday = now(connection) - timedelta(days=1)
    shop.room.database.write(lambda c: c.execute(update(samples_table).values(good_until=yesterday)))
    assert f"was good until {yesterday:%Y-%m-%d}" in why(shop, shop.taken_in((PLAIN, 1), at=BOOTH))


def test_nobody_approves_without_a_photo_or_twice(shop: Floor) -> None:
    number = sample(shop, "press-1")
    with pytest.raises(NotSampled, match="no photo"):
        shop.room.database.write(
            lambda c: sample_desk.approve(c, shop.room.shop, number, photo="", note="", actor="Ada")
        )
    approve(shop, number)
    with pytest.raises(SampleDecided, match="approved already"):
        approve(shop, number)
    with pytest.raises(NoSuchSample):
        approve(shop, 99)


def test_what_cannot_be_sampled_is_refused_with_what_there_is(shop: Floor) -> None:
    for printer, said in (("", "press-1, press-2"), ("press-9", "press-1, press-2")):
        with pytest.raises(NotSampled, match=said):
            sample(shop, printer)
    with pytest.raises(NotSampled, match="no SKU 'NONE'"):
        shop.room.database.write(lambda c: sample_desk.printed(c, shop.room.shop, "NONE", BOOTH, "", "Ada"))
    with pytest.raises(NotSampled, match=r"There is: press-1, press-2"):
        batch(shop, INK, "press-9", "K1")
    with pytest.raises(NotSampled, match=r"There is: .*blank-tee BLK"):
        batch(shop, FABRIC, "blank-tee", "K1", "RED")
    with pytest.raises(NotSampled, match="is no batch"):
        batch(shop, INK, "press-1", "the one from Anna")


def plan(shop: Floor, state: EventState = EventState.PLANNED) -> None:
    def work(connection: Connection) -> None:
        begins = now(connection) + timedelta(days=2)
        event = Event("fair", "Fair", "street", BOOTH, "", (Session(begins, begins + timedelta(hours=5)),))
        item = Check("samples", "Samples", True, "Ada", begins, measure=SAMPLES)
        events.add(connection, event, [item], now(connection), "Ada")
        connection.execute(update(events_table).values(state=state))
        sample_checks.tell_events(connection, shop.room.shop, now(connection))

    shop.room.database.write(work)


def lacks(shop: Floor) -> list[str]:
    with shop.room.database.read() as connection:
        found = events.readiness(connection, events.find(connection, "fair"), now(connection))
        return [gap.why for gap in found.missing]


def test_the_list_of_an_event_says_how_its_samples_stand(shop: Floor) -> None:
    plan(shop)
    assert lacks(shop) == ["no sample of what is printed there is approved"]
    first, second = (sample(shop, press) for press in PRESSES)
    approve(shop, first)
    assert "its sample 2 waits for somebody to look at it" in lacks(shop)[0]
    approve(shop, second)
    assert lacks(shop) == []
    batch(shop, INK, "press-1", "K2")
    assert "the batch of ink is K2" in lacks(shop)[0]


def test_a_new_batch_on_the_evening_stops_the_prints_and_not_the_booth(shop: Floor) -> None:
    plan(shop)
    approve(shop, *(sample(shop, press) for press in PRESSES), sample(shop, "press-hub", at=HUB))
    shop.room.database.write(lambda c: c.execute(update(events_table).values(state=EventState.LIVE)))
    parcel, fetched, printing = (shop.taken_in((PLAIN, 1), at=BOOTH) for _ in range(3))
    shop.fulfil(BOOTH)
    collected(shop, fetched)
    jobs = {job.order_number: job for job in shop.hand_out(BOOTH)}
    at_work = jobs[printing]
    shop.room.database.write(lambda c: print_attempts.start(c, at_work.id, at_work.attempt, "bench", "press-1"))
    found = batch(shop, INK, "press-1", "K2")
    assert (found.taken.rerouted, found.taken.held) == ([parcel], [fetched])
    assert [wakeup.stage for wakeup in found.owed] == ["intake"]
    # What the bench has in hand and has not begun is nothing any more; what is at the printer prints on.
    for number in (parcel, fetched):
        with pytest.raises(NotYourJob):
            shop.print(jobs[number])
    settle = print_attempts.settle
    shop.room.database.write(lambda c: settle(c, at_work.id, at_work.attempt, "bench", "done", ""))
    shop.fulfil(BOOTH)
    assert shop.hand_out(BOOTH) == []
    assert shop.state(printing) == ("fulfilled", ["done"])
    assert shop.state(fetched) == ("held", ["held"])
    assert shop.story(fetched).order["hold_reason"] == "no_sample"
    assert "order.rerouted" in shop.events(parcel)
    assert lacks(shop) == []
    with shop.room.database.read() as connection:
        assert connection.execute(select(event_checks.c.state)).scalar_one() == "done"
    approve(shop, sample(shop, "press-1"))
    shop.intake()
    shop.fulfil(BOOTH)
    assert {job.order_number for job in shop.hand_out(BOOTH)} == {parcel, fetched}
    shop.check_sums()


def test_a_newer_sample_that_is_not_good_stops_what_waits_to_be_printed_so(shop: Floor) -> None:
    approve(shop, *(sample(shop, press) for press in PRESSES), sample(shop, "press-hub", at=HUB))
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    elsewhere = sample(shop, "press-hub", at=HUB)
    reject = sample_desk.reject
    work = shop.room.database.write
    # One that another place alone prints with takes nothing back here.
    assert work(lambda c: reject(c, shop.room.shop, elsewhere, photo="", note="", actor="Ada")).rerouted == []
    worse = sample(shop, "press-2")
    found = work(lambda c: reject(c, shop.room.shop, worse, photo="", note="pale", actor="Ada"))
    assert (found.rerouted, found.held, [wakeup.stage for wakeup in found.wakeups]) == ([number], [], ["intake"])
    assert shop.hand_out(BOOTH) == []
    shop.intake()
    assert shop.state(number)[0] == "backordered"


def test_a_new_batch_stops_what_waits_at_its_own_place_and_nothing_else(shop: Floor) -> None:
    approve(shop, *(sample(shop, press) for press in PRESSES))
    batch(shop, INK, "press-1", "K1")
    approve(shop, sample(shop, "press-1"))
    cap = a_variant("CAP-WHT-M")
    shop.room.database.write(lambda c: save_variants(c, [cap]))
    approve(shop, *(sample(shop, press, sku=cap.sku) for press in PRESSES))
    other, mine = shop.taken_in((cap.sku, 1), at=BOOTH), shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    found = batch(shop, FABRIC, "blank-tee", "F-2", "BLK")
    assert (found.taken.rerouted, found.taken.held) == ([mine], [])
    assert [job.order_number for job in shop.hand_out(BOOTH)] == [other]


def test_a_new_batch_stops_nothing_in_a_shop_that_asks_for_no_samples(
    shop: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(shop, *(sample(shop, press) for press in PRESSES))
    shop.room = replace(shop.room, shop=replace(shop.room.shop, samples=SampleRules()))
    monkeypatch.setitem(rooms._open, shop.room.home.resolve(), shop.room)
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    found = batch(shop, INK, "press-1", "K2")
    assert [one.printer for one in found.fell] == ["press-1"]
    assert (found.taken.rerouted, found.taken.held, found.owed) == ([], [], [])
    assert [job.order_number for job in shop.hand_out(BOOTH)] == [number]


def test_the_batch_of_an_approved_sample_that_is_back_lets_the_orders_go_on(shop: Floor) -> None:
    batch(shop, INK, "press-1", "K-2")
    approve(shop, *(sample(shop, press) for press in PRESSES))
    assert batch(shop, INK, "press-1", "K-3").owed == []
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    assert shop.state(number)[0] == "backordered"
    assert [wakeup.stage for wakeup in batch(shop, INK, "press-1", "K-2").owed] == ["intake"]
    shop.intake()
    assert shop.state(number)[0] == "released"


def test_an_order_that_was_being_routed_while_its_sample_was_approved_is_found_by_the_sweep(
    shop: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [sample(shop, press) for press in PRESSES]
    real = route.route_all

    def late(*given: Any) -> Sequence[RoutingDecision]:
        """How it stood was read; now somebody approves, and then the decision is written."""
        monkeypatch.setattr(route, "route_all", real)
        assert approve(shop, *numbers) == []
        return real(*given)

    monkeypatch.setattr(route, "route_all", late)
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    assert shop.state(number)[0] == "backordered"
    owed = shop.room.database.write(lambda c: wake_again(c, HUB))
    assert "intake" in [wakeup.stage for wakeup in owed]
    shop.intake()
    assert shop.state(number)[0] == "released"


def test_what_is_not_approved_any_more_when_its_making_begins_is_not_printed(shop: Floor) -> None:
    approve(shop, *(sample(shop, press) for press in PRESSES))
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    with shop.room.database.read() as connection:
        passed = now(connection) - timedelta(seconds=1)
    first = update(samples_table).where(samples_table.c.printer == "press-1")
    shop.room.database.write(lambda c: c.execute(first.values(good_until=passed)))
    assert shop.state(number)[0] == "released"
    shop.fulfil(BOOTH)
    assert shop.hand_out(BOOTH) == []
    shop.intake()
    assert shop.state(number)[0] == "backordered"
    approve(shop, sample(shop, "press-1"))
    shop.intake()
    shop.fulfil(BOOTH)
    assert [job.order_number for job in shop.hand_out(BOOTH)] == [number]
    shop.check_sums()


def test_a_batch_of_a_product_whose_name_has_a_space_is_that_products(shop: Floor) -> None:
    spaced = replace(BLANK, product="blank tee")
    shop.room.database.write(lambda c: save_variants(c, [spaced]))
    approve(shop, *(sample(shop, press) for press in PRESSES))
    with pytest.raises(NotSampled, match="is not printed with"):
        batch(shop, FABRIC, "blank", "F-1", "tee BLK")
    assert len(batch(shop, FABRIC, "blank tee", "F-1", "BLK").fell) == len(PRESSES)
