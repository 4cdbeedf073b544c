"""A bad print is counted and printed anew, and too many of them close their combination, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.event import listen, remove

from backroom.domain.model import Delivery
from backroom.domain.reject_rates import Fault, Rate, rate_of, rates
from backroom.domain.sample_rules import SampleRules
from backroom.domain.samples import combination_of
from backroom.shop import room as rooms
from backroom.store import cancelling, desk, print_rejects, reject_figures, stock
from backroom.store.catalogue import save_variants, variants_by_sku
from backroom.store.database import now
from backroom.store.material_batches import INK
from backroom.store.print_handing import HandedJob
from backroom.store.print_rejects import NotToReject, Rejected
from backroom.store.reject_figures import printer_of
from backroom.store.sample_standing import blanks
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders, parcels, print_jobs
from backroom.store.tables import samples as samples_table
from tests.integration.store.test_samples import BLANK, PRESSES, approve, batch, collected, sample
from tests.shops import BOOTH, HUB, PLAIN, Floor, a_variant

RULES = SampleRules(require=True, least_prints=5, most_rejects=0.1)


@pytest.fixture
def shop(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The shop, which asks for samples and has them."""
    floor.room = replace(floor.room, shop=replace(floor.room.shop, samples=RULES))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)

    def fill(connection: Connection) -> None:
        save_variants(connection, [BLANK, replace(a_variant(PLAIN), tags=("tee",))])
        blank = replace(BLANK, sku="BLANK-BLK-M", size="M")
        save_variants(connection, [blank])
        stock.receive(connection, "blanks", [(BOOTH, blank.sku, 50)], "delivered", now(connection))

    floor.room.database.write(fill)
    approve(floor, *(sample(floor, press) for press in PRESSES), sample(floor, "press-hub", at=HUB))
    return floor


def put_out(
    floor: Floor,
    count: int = 1,
    outcome: str = "done",
    printer: str = "press-1",
    sku: str = PLAIN,
    **changes: object,
) -> HandedJob:
    """An order of so many pieces, printed at the booth."""
    floor.taken_in((sku, count), at=BOOTH, **changes)
    floor.fulfil(BOOTH)
    [job] = floor.hand_out(BOOTH)
    print_it(floor, job, outcome, printer)
    return job


def print_it(floor: Floor, job: HandedJob, outcome: str = "done", printer: str = "press-1") -> None:
    from backroom.store import print_attempts

    floor.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", printer))
    floor.room.database.write(lambda c: print_attempts.settle(c, job.id, job.attempt, "bench", outcome, ""))


def bad(floor: Floor, job: HandedJob, pieces: int = 0, attempt: int = 0) -> Rejected:
    return floor.room.database.write(
        lambda c: print_rejects.came_out_bad(
            c, floor.room.shop, job.id, attempt or job.attempt, Fault.SMEARED, "Ada", pieces
        )
    )


def blanks_left(floor: Floor) -> int:
    return floor.available(BOOTH, "BLANK-BLK-M")[0]


def printed(floor: Floor) -> tuple[int, int]:
    """Pieces that count as printed, and those that came out of the printers of the last order."""
    with floor.room.database.read() as connection:
        lines = select(fulfilment_lines.c.printed).order_by(fulfilment_lines.c.id.desc())
        every = reject_figures.made(connection, floor.room.shop, _long_ago(connection))
        return connection.execute(lines).scalars().first() or 0, rate_of(every).pieces


def _long_ago(connection: Connection):  # type: ignore[no-untyped-def]
    return now(connection) - reject_figures.WINDOW


def counted(floor: Floor) -> Rate:
    with floor.room.database.read() as connection:
        return rate_of(reject_figures.made(connection, floor.room.shop, _long_ago(connection)))


def test_a_bad_print_is_printed_anew_and_counted_and_its_blank_is_used_up(shop: Floor) -> None:
    job = put_out(shop)
    assert blanks_left(shop) == 49
    found = bad(shop, job)
    assert [wakeup.stage for wakeup in found.wakeups] == ["print"]
    assert found.closed == []
    [again] = shop.hand_out(BOOTH)
    assert (again.id, again.attempt, again.copies, again.started) == (job.id, 2, 1, False)
    print_it(shop, again)
    assert blanks_left(shop) == 48
    assert (counted(shop).pieces, counted(shop).bad) == (2, 1)
    assert "print.rejected" in shop.events(job.order_number)
    shop.fulfil(BOOTH)
    assert shop.state(job.order_number) == ("fulfilled", ["done"])
    shop.check_sums()


def test_only_the_bad_pieces_of_a_job_are_printed_anew(shop: Floor) -> None:
    job = put_out(shop, 3)
    bad(shop, job, 1)
    assert (counted(shop).pieces, counted(shop).bad) == (3, 1)
    [again] = shop.hand_out(BOOTH)
    assert again.copies == 1
    print_it(shop, again)
    assert (counted(shop).pieces, counted(shop).bad) == (4, 1)
    assert blanks_left(shop) == 46
    assert printed(shop)[0] == 3


def test_what_is_still_being_made_waits_for_the_piece_that_is_printed_anew(shop: Floor) -> None:
    white = replace(a_variant("CAP-BLK-M"), tags=("cap",))
    shop.room.database.write(lambda c: save_variants(c, [white]))
    for press in PRESSES:
        approve(shop, sample(shop, press, sku=white.sku))
    number = shop.taken_in((PLAIN, 2), (white.sku, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    first, second = sorted(shop.hand_out(BOOTH), key=lambda one: one.sku != PLAIN)
    print_it(shop, first)
    bad(shop, first, 1)
    print_it(shop, second)
    shop.fulfil(BOOTH)
    assert shop.state(number) == ("released", ["making"])
    [again] = shop.hand_out(BOOTH)
    print_it(shop, again)
    shop.fulfil(BOOTH)
    assert shop.state(number) == ("fulfilled", ["done"])
    with shop.room.database.read() as connection:
        counts = select(fulfilment_lines.c.to_print, fulfilment_lines.c.printed)
        lines = connection.execute(counts.order_by(fulfilment_lines.c.line_no)).all()
    assert [(line.to_print, line.printed) for line in lines] == [(2, 2), (1, 1)]


def test_what_is_packed_and_labelled_already_gets_its_piece_after_it(shop: Floor) -> None:
    job = put_out(shop)
    shop.fulfil(BOOTH)
    assert shop.state(job.order_number) == ("fulfilled", ["done"])
    bad(shop, job)
    [again] = shop.hand_out(BOOTH)
    print_it(shop, again)
    assert shop.state(job.order_number) == ("fulfilled", ["done"])
    assert printed(shop)[0] == 1
    shop.check_sums()


def test_a_print_of_which_nobody_could_tell_may_turn_out_to_be_bad(shop: Floor) -> None:
    job = put_out(shop, outcome="unknown")
    bad(shop, job)
    assert blanks_left(shop) == 49
    [again] = shop.hand_out(BOOTH)
    assert again.attempt == 2
    print_it(shop, again)
    assert (counted(shop).pieces, counted(shop).bad) == (2, 1)


def test_a_second_tap_does_nothing_and_what_makes_no_sense_is_refused(shop: Floor) -> None:
    job = put_out(shop, 2)
    with pytest.raises(NotToReject, match="printed 2 pieces, not 3"):
        bad(shop, job, 3)
    bad(shop, job)
    with pytest.raises(NotToReject, match="try 1 of print job"):
        bad(shop, job)
    with pytest.raises(NotToReject, match="is waiting"):
        bad(shop, job, attempt=2)
    with pytest.raises(NotToReject, match="there is no print job 999"):
        bad(shop, replace(job, id=999))
    with pytest.raises(NotToReject, match="is no fault of a print"):
        shop.room.database.write(lambda c: print_rejects.came_out_bad(c, shop.room.shop, job.id, 2, "ugly", "Ada"))


def test_what_came_out_days_ago_is_a_return(shop: Floor) -> None:
    job = put_out(shop)
    with shop.room.database.read() as connection:
        old = now(connection) - print_rejects.STILL_HERE * 2
    shop.room.database.write(lambda c: c.execute(update(print_jobs).values(ended_at=old)))
    with pytest.raises(NotToReject, match="as a return"):
        bad(shop, job)


def test_the_good_pieces_of_a_cancelled_order_are_shelved_and_the_bad_one_is_not(shop: Floor) -> None:

    number = shop.taken_in((PLAIN, 3), at=BOOTH)
    shop.fulfil(BOOTH)
    [job] = shop.hand_out(BOOTH)
    print_it(shop, job)
    bad(shop, job, 1)
    shop.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "customer"))
    assert shop.available(BOOTH, PLAIN)[0] == 2
    assert shop.hand_out(BOOTH) == []
    shop.check_sums()


def ruin(shop: Floor, times: int, skus: Sequence[str] = (PLAIN,)) -> Rejected:
    """So many prints in a row that are bad, of one SKU after the other."""
    found = Rejected()
    for sku in islice(cycle(skus), times):
        found = bad(shop, put_out(shop, sku=sku))
        [again] = shop.hand_out(BOOTH)
        print_it(shop, again)
    return found


def test_two_bad_prints_close_nothing_and_too_many_do(shop: Floor) -> None:
    assert ruin(shop, 2).closed == []
    found = ruin(shop, 1)
    assert found.closed == [1]
    assert found.why == "3 of 5 bad (60%, between 23% and 88%)"
    number = shop.taken_in((PLAIN, 1), at=BOOTH)
    assert shop.state(number)[0] == "backordered"
    assert "too many came out bad after its sample 1" in " ".join(shop.story(number).decisions[-1]["reasons"])
    # A new sample, looked at, opens it again; what was bad before it does not count against it.
    approve(shop, sample(shop, "press-1"))
    shop.intake()
    assert shop.state(number)[0] == "released"
    assert ruin_after(shop) == []


def ruin_after(shop: Floor) -> list[int]:
    shop.fulfil(BOOTH)
    [job] = shop.hand_out(BOOTH)
    print_it(shop, job)
    return bad(shop, job).closed


def test_what_waits_for_the_closed_printer_goes_elsewhere_or_is_held(shop: Floor) -> None:
    ruin(shop, 2)
    parcel = shop.taken_in((PLAIN, 1), at=BOOTH)
    fetched = shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    with shop.room.database.read() as connection:
        part = select(fulfilment_orders.c.id).order_by(fulfilment_orders.c.id.desc()).limit(1)
        last = connection.execute(part).scalar_one()

    def collected(connection: Connection) -> None:
        connection.execute(
            update(fulfilment_orders).where(fulfilment_orders.c.id == last).values(delivery=Delivery.COLLECT)
        )
        connection.execute(update(orders).where(orders.c.number == fetched).values(delivery=Delivery.COLLECT))

    shop.room.database.write(collected)
    shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    # The bench has all three in hand, and has begun the last one only.
    job = max(shop.hand_out(BOOTH), key=lambda one: one.id)
    print_it(shop, job)
    found = bad(shop, job)
    assert found.closed == [1]
    assert (found.rerouted, found.held) == ([parcel], [fetched])
    assert shop.state(fetched) == ("held", ["held"])
    assert "order.rerouted" in shop.events(parcel)
    approve(shop, sample(shop, "press-1"))
    assert shop.state(fetched) == ("released", ["making"])
    shop.intake()
    assert shop.state(parcel)[0] == "released"
    shop.check_sums()


def test_a_shop_that_asks_for_no_samples_counts_and_closes_nothing(floor: Floor) -> None:
    for _ in range(6):
        job = put_out(floor)
        assert bad(floor, job).closed == []
        [again] = floor.hand_out(BOOTH)
        print_it(floor, again)
    assert counted(floor).bad == 6


def test_a_batch_that_is_worse_is_seen(shop: Floor) -> None:
    batch(shop, INK, "press-1", "K1")
    approve(shop, sample(shop, "press-1"))
    put_out(shop, 40)
    batch(shop, INK, "press-1", "K2")
    approve(shop, sample(shop, "press-1"))
    bad(shop, put_out(shop, 20), 9)
    with shop.room.database.read() as connection:
        every = reject_figures.made(connection, shop.room.shop, _long_ago(connection))
        [(of, found)] = reject_figures.drifts(connection, shop.room.shop, every)
    assert (of, found.batch, found.worse) == ("ink press-1 at booth", "K2", True)
    assert (found.before.pieces, found.before.bad, found.now.pieces, found.now.bad) == (40, 0, 20, 9)
    by_printer = rates(every, lambda one: one.printer)
    assert by_printer["press-1"].bad == 9
    with shop.room.database.read() as connection:
        assert connection.execute(select(samples_table.c.state)).scalars().all().count("closed") == 1


def close_press_1(shop: Floor) -> None:
    """The third bad print closes it; the job of that one has been begun."""
    job = max(shop.hand_out(BOOTH), key=lambda one: one.id)
    print_it(shop, job)
    assert bad(shop, job).closed == [1]


def test_a_sample_of_another_place_lets_nothing_go_on_here(shop: Floor) -> None:
    ruin(shop, 2)
    fetched = shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    collected(shop, fetched)
    shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    close_press_1(shop)
    assert shop.state(fetched)[0] == "held"
    approve(shop, sample(shop, "press-hub", at=HUB))
    assert shop.state(fetched)[0] == "held"
    approve(shop, sample(shop, "press-1"))
    assert shop.state(fetched)[0] == "released"


def test_an_order_that_a_person_holds_is_not_printed_so_either_once_it_goes_on(shop: Floor) -> None:
    ruin(shop, 2)
    waits = shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    shop.room.database.write(lambda c: desk.hold(c, waits, "address", "Ada"))
    shop.taken_in((PLAIN, 1), at=BOOTH)
    shop.fulfil(BOOTH)
    close_press_1(shop)
    shop.room.database.write(lambda c: desk.release(c, waits, "Ada", HUB))
    shop.intake()
    assert shop.state(waits)[0] == "backordered"
    assert waits not in [job.order_number for job in shop.hand_out(BOOTH)]
    shop.check_sums()


def test_of_a_print_of_which_nobody_could_tell_only_the_bad_pieces_are_printed_anew(shop: Floor) -> None:
    job = put_out(shop, 3, outcome="unknown")
    bad(shop, job, 1)
    [again] = shop.hand_out(BOOTH)
    assert (again.copies, blanks_left(shop)) == (1, 47)
    print_it(shop, again)
    assert (counted(shop).pieces, counted(shop).bad) == (4, 1)
    assert blanks_left(shop) == 46
    shop.check_sums()


def test_what_is_bad_in_a_parcel_that_has_left_is_a_return(shop: Floor) -> None:
    job = put_out(shop)
    shop.fulfil(BOOTH)
    assert shop.state(job.order_number)[0] == "fulfilled"
    shop.room.database.write(lambda c: c.execute(update(parcels).values(state="in_transit")))
    with pytest.raises(NotToReject, match="has left"):
        bad(shop, job)


def test_of_the_prints_since_a_sample_those_of_another_combination_are_not_even_read(shop: Floor) -> None:
    put_out(shop, 2)
    read: list[int] = []

    def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FROM print_jobs" in statement and "print_jobs.sku IN" in statement:
            read.append(cursor.rowcount)

    with shop.room.database.read() as connection:
        cloth = blanks(connection)
        variant = variants_by_sku(connection, [PLAIN])[PLAIN]
        mine = combination_of(variant, printer_of(shop.room.shop, BOOTH, "press-1"), cloth)
        other = replace(mine, artwork="another.png")
        listen(shop.room.database.engine, "after_cursor_execute", note)
        assert [
            len(reject_figures.made(connection, shop.room.shop, _long_ago(connection), one)) for one in (mine, other)
        ] == [1, 0]
        remove(shop.room.database.engine, "after_cursor_execute", note)
    assert len(read) == 2
