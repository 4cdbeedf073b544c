"""What a person does with an order, in every state it may stand in, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, select

from backroom.store import amending, cancelling, desk, effects, print_attempts
from backroom.store.claims import Claim
from backroom.store.contacts import Contact, open_contact
from backroom.store.database import now
from backroom.store.people import load
from backroom.store.print_attempts import NotYourJob
from backroom.store.tables import orders, stock_movements
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SOUTH, Floor, an_order
from tests.together import run_together

Act = Callable[[Connection], object]


def do(floor: Floor, act: Act) -> object:
    return floor.room.database.write(act)


def hold(floor: Floor, number: str) -> None:
    do(floor, lambda c: desk.hold(c, number, "look_at_it", "Ada"))


def release(floor: Floor, number: str) -> None:
    do(floor, lambda c: desk.release(c, number, "Ada", HUB))


def cancel(floor: Floor, number: str) -> None:
    do(floor, lambda c: cancelling.cancel(c, number, "Ada", "cancelled_by_staff"))


def opened(floor: Floor) -> str:
    return floor.taken_in((PLAIN, 2))


def backordered_or_held(floor: Floor) -> str:
    return floor.taken_in((PLAIN, 2), financial_status="pending")


def making_by_scan(floor: Floor) -> str:
    number = floor.taken_in((PLAIN, 1), (GTIN_TEE, 1), at=SOUTH)
    floor.fulfil(SOUTH)
    return number


def printing(floor: Floor) -> str:
    number = floor.taken_in((PLAIN, 2), at=BOOTH)
    floor.fulfil(BOOTH)
    (job,) = floor.hand_out(BOOTH)
    do(floor, lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    return number


def handed(floor: Floor) -> str:
    number = floor.taken_in((PLAIN, 2), at=BOOTH)
    floor.fulfil(BOOTH)
    assert len(floor.hand_out(BOOTH)) == 1
    return number


def made(floor: Floor) -> str:
    number = printing(floor)
    do(floor, lambda c: print_attempts.settle(c, 1, 1, "bench", "done", ""))
    return number


def packed(floor: Floor) -> str:
    """Packed, and nobody is labelling it."""
    number, claim = packing(floor)
    give_up(floor, claim)
    return number


def packing(floor: Floor) -> tuple[str, Claim]:
    """Packed, in the hands of a wave that is about to buy its label."""
    from tasks.claiming import claim_fulfilment
    from tasks.pack import pack
    from tasks.print_or_pick import print_or_pick

    number = floor.taken_in((PLAIN, 2))
    claim = claim_fulfilment(floor.room, HUB)
    assert claim is not None
    print_or_pick.fn(claim)
    pack.fn(claim)
    return number, claim


def give_up(floor: Floor, claim: Claim) -> None:
    from backroom.store.claims import give_up

    floor.room.database.write(lambda c: give_up(c, claim.token))


BEFORE_THE_LABEL = [backordered_or_held, opened, making_by_scan, handed, printing, made, packed]


@pytest.mark.parametrize("reach", BEFORE_THE_LABEL)
def test_until_the_label_a_cancel_frees_every_piece(floor: Floor, reach: Callable[[Floor], str]) -> None:
    before = {place: floor.available(*place) for place in ((HUB, PLAIN), (SOUTH, PLAIN), (SOUTH, GTIN_TEE))}
    number = reach(floor)
    cancel(floor, number)
    cancel(floor, number)
    state, parts = floor.state(number)
    assert (state, set(parts) <= {"cancelled"}) == ("cancelled", True)
    assert {place: floor.available(*place) for place in before} == before
    floor.check_sums()
    for location in (HUB, SOUTH, BOOTH):
        floor.fulfil(location)
    floor.intake()
    assert floor.state(number)[0] == "cancelled"
    assert floor.effects("label") == floor.effects("message") == []


@pytest.mark.parametrize("reach", BEFORE_THE_LABEL)
def test_a_held_order_goes_nowhere_and_after_its_release_all_the_way(
    floor: Floor, reach: Callable[[Floor], str]
) -> None:
    number = reach(floor)
    was = floor.state(number)
    hold(floor, number)
    for location in (HUB, SOUTH, BOOTH):
        floor.fulfil(location)
    floor.intake()
    assert floor.state(number)[0] == "held"
    assert set(floor.state(number)[1]) <= {"held"}
    assert floor.effects("label") == []
    if was[0] == "held":
        return
    release(floor, number)
    assert floor.state(number) == was
    finish(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    floor.check_sums()


@pytest.mark.parametrize("reach", BEFORE_THE_LABEL)
def test_a_held_order_can_be_cancelled(floor: Floor, reach: Callable[[Floor], str]) -> None:
    number = reach(floor)
    hold(floor, number)
    cancel(floor, number)
    assert floor.state(number)[0] == "cancelled"
    floor.check_sums()


def finish(floor: Floor, number: str) -> None:
    """Print, scan and fulfil whatever is left."""
    floor.intake()
    for location in (HUB, SOUTH, BOOTH):
        floor.fulfil(location)
    for job in floor.hand_out(BOOTH):
        if job.started:
            do(floor, lambda c, job=job: print_attempts.settle(c, job.id, job.attempt, "bench", "done", ""))
        else:
            floor.print(job)
    for line in floor.story(number).part_lines:
        for _ in range(line["from_stock"] - line["picked"]):
            floor.scan(SOUTH, number, line["sku"])
    for location in (HUB, SOUTH, BOOTH):
        floor.fulfil(location)


def test_once_it_is_fulfilled_nothing_can_be_done_with_it(floor: Floor) -> None:
    number = opened(floor)
    floor.fulfil(HUB)
    for act in (hold, release, cancel):
        with pytest.raises(desk.NotPossibleNow):
            act(floor, number)
    with pytest.raises(desk.NotPossibleNow):
        do(floor, lambda c: amending.amend(c, floor.room.seals, number, "email", "new@example.org", "Ada"))
    assert floor.state(number) == ("fulfilled", ["done"])


def test_an_order_that_nobody_knows_is_called_so(floor: Floor) -> None:
    for act in (hold, release, cancel):
        with pytest.raises(desk.NoSuchOrder):
            act(floor, "A-9")


def test_while_its_label_is_bought_an_order_is_not_cancelled(floor: Floor) -> None:
    number, claim = packing(floor)
    with pytest.raises(desk.BeingWorkedOn):
        cancel(floor, number)
    hold(floor, number)
    with pytest.raises(desk.BeingWorkedOn):
        cancel(floor, number)
    give_up(floor, claim)
    cancel(floor, number)
    floor.check_sums()


def test_a_hold_while_the_label_is_bought_buys_no_second_one(floor: Floor) -> None:
    """The wave that has the parcel goes on with its call; after the release nobody else takes the parcel meanwhile."""
    from tasks.claiming import claim_fulfilment
    from tasks.label import label

    number, claim = packing(floor)
    hold(floor, number)
    release(floor, number)
    assert claim_fulfilment(floor.room, HUB) is None
    label.fn(claim)
    give_up(floor, claim)
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert len(floor.effects("label")) == 1


def test_an_order_whose_label_may_have_been_bought_is_not_cancelled(floor: Floor) -> None:
    number = packed(floor)
    order_id = floor.story(number).order["id"]

    def crash(connection: Connection) -> None:
        plan = effects.Plan("label-1", "label", order_id, "")
        effects.plan(connection, [plan], "gone", now(connection))
        effects.start(connection, ["label-1"], "gone", now(connection))

    do(floor, crash)
    with pytest.raises(desk.NotPossibleNow):
        cancel(floor, number)


def test_what_was_labelled_before_a_hold_goes_on_and_the_order_ends_with_its_release(floor: Floor) -> None:
    from tasks.claiming import claim_fulfilment, holding
    from tasks.label import label
    from tasks.pack import pack
    from tasks.print_or_pick import print_or_pick

    number = opened(floor)
    claim = claim_fulfilment(floor.room, HUB)
    assert claim is not None
    with holding(floor.room, claim):
        for step in (print_or_pick, pack, label):
            step.fn(claim)
    hold(floor, number)
    with pytest.raises(desk.NotPossibleNow):
        cancel(floor, number)
    floor.fulfil(HUB)
    assert floor.state(number) == ("held", ["done"])
    release(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert floor.events(number)[-1] == "order.fulfilled"


def test_a_hold_takes_a_job_that_was_not_begun_out_of_the_workers_hands(floor: Floor) -> None:
    number = handed(floor)
    hold(floor, number)
    with pytest.raises(NotYourJob):
        do(floor, lambda c: print_attempts.start(c, 1, 1, "bench", "press-1"))
    assert floor.hand_out(BOOTH, "another") == []
    release(floor, number)
    assert [job.id for job in floor.hand_out(BOOTH, "another")] == [1]


def test_a_cancel_drops_a_job_that_was_handed_out_and_not_begun(floor: Floor) -> None:
    number = handed(floor)
    cancel(floor, number)
    with pytest.raises(NotYourJob):
        do(floor, lambda c: print_attempts.start(c, 1, 1, "bench", "press-1"))
    assert floor.hand_out(BOOTH) == []
    assert [job["state"] for job in floor.story(number).print_jobs] == ["cancelled"]


@pytest.mark.parametrize("outcome", ["failed", "done", "unknown"])
def test_a_print_under_way_when_its_order_is_cancelled_comes_to_its_own_end(floor: Floor, outcome: str) -> None:
    number = printing(floor)
    cancel(floor, number)
    do(floor, lambda c: print_attempts.settle(c, 1, 1, "bench", outcome, ""))
    expected = "cancelled" if outcome == "failed" else outcome
    assert [job["state"] for job in floor.story(number).print_jobs] == [expected]
    assert floor.hand_out(BOOTH) == []
    assert floor.state(number) == ("cancelled", ["cancelled"])


def shelved(floor: Floor) -> list[tuple[str, str, int]]:
    """What was taken into the stock because its order was cancelled."""
    with floor.room.database.read() as connection:
        query = select(stock_movements).where(stock_movements.c.reason == "printed for a cancelled order")
        return [(row.location, row.sku, row.pieces) for row in connection.execute(query)]


def test_what_was_printed_for_an_order_that_is_cancelled_then_is_stock(floor: Floor) -> None:
    number = made(floor)
    cancel(floor, number)
    cancel(floor, number)
    assert shelved(floor) == [(BOOTH, PLAIN, 2)]
    assert floor.available(BOOTH, PLAIN) == (2, 0)
    assert "print.shelved" in floor.events(number)
    floor.check_sums()


@pytest.mark.parametrize(("outcome", "expected"), [("done", [(BOOTH, PLAIN, 2)]), ("failed", []), ("unknown", [])])
def test_what_comes_out_of_a_printer_after_the_cancel_is_stock_as_well(
    floor: Floor, outcome: str, expected: list[tuple[str, str, int]]
) -> None:
    number = printing(floor)
    cancel(floor, number)
    do(floor, lambda c: print_attempts.settle(c, 1, 1, "bench", outcome, ""))
    assert shelved(floor) == expected
    if outcome == "unknown":
        do(floor, lambda c: print_attempts.decide(c, 1, "printed", "Ada"))
        assert shelved(floor) == [(BOOTH, PLAIN, 2)]
    floor.check_sums()


def test_what_was_printed_for_an_order_that_goes_on_is_its_own(floor: Floor) -> None:
    finish(floor, made(floor))
    assert shelved(floor) == []


def test_of_a_cancel_and_a_wave_at_the_same_time_one_wins_whole(floor: Floor) -> None:
    numbers = [opened(floor) for _ in range(4)]
    works = [lambda number=number: cancel_or_not(floor, number) for number in numbers]
    run_together([*works, lambda: floor.fulfil(HUB), lambda: floor.fulfil(HUB)])
    floor.fulfil(HUB)
    for number in numbers:
        assert floor.state(number) in (("cancelled", ["cancelled"]), ("fulfilled", ["done"]))
    floor.check_sums()
    fulfilled = [number for number in numbers if floor.state(number)[0] == "fulfilled"]
    assert len(floor.effects("label")) == len(fulfilled)


def cancel_or_not(floor: Floor, number: str) -> None:
    for _ in range(50):
        try:
            cancel(floor, number)
        except desk.BeingWorkedOn:
            continue
        except desk.NotPossibleNow:
            return
        return


def test_two_waves_that_end_the_two_parts_of_an_order_at_once_end_the_order(floor: Floor) -> None:
    """Each sees its own part done and the other one not: somebody must look again."""
    from backroom.store.fulfilment import finish_orders
    from backroom.store.tables import fulfilment_orders

    number = opened(floor)
    order = floor.story(number).order

    def second_part(connection: Connection) -> None:
        row = {"key": "second", "order_id": order["id"], "location": SOUTH, "delivery": "ship", "state": "open"}
        connection.execute(fulfilment_orders.insert().values(opened_at=now(connection), **row))

    do(floor, second_part)
    ids = [part["id"] for part in floor.story(number).parts]

    def end(part: int) -> list[int]:
        def work(connection: Connection) -> list[int]:
            one = fulfilment_orders.update().where(fulfilment_orders.c.id == part).values(state="done")
            connection.execute(one)
            return finish_orders(connection, [order["id"]], now(connection))

        return floor.room.database.write(work)

    assert sorted(map(len, run_together([lambda part=part: end(part) for part in ids]))) == [0, 1]
    assert floor.state(number)[0] == "fulfilled"


def test_an_amended_address_is_what_the_label_says_and_its_words_stay_out_of_the_history(floor: Floor) -> None:
    number = opened(floor)
    do(floor, lambda c: amending.amend(c, floor.room.seals, number, "address.line1", "Owl Lane 7", "Ada"))
    with floor.room.database.read() as connection:
        row = connection.execute(select(orders)).mappings().one()
        contact = open_contact(
            load(connection, floor.room.seals, [row["person_id"]])[row["person_id"]].key, row["contact"]
        )
    assert contact.address is not None
    assert contact.address.line1 == "Owl Lane 7"
    told = floor.story(number).history[-1]
    assert (told["event"], told["data"], told["actor"]) == ("order.amended", {"field": "address.line1"}, "Ada")


def test_news_that_do_not_touch_the_address_leave_its_correction_alone(floor: Floor) -> None:
    number = making_by_scan(floor)
    do(floor, lambda c: amending.amend(c, floor.room.seals, number, "address.line1", "Owl Lane 7", "Ada"))
    again = an_order(7001, [(PLAIN, 1), (GTIN_TEE, 1)], at=SOUTH, minute=5)
    floor.deliver(again | {"email": "new@example.org"}, "orders/updated")
    floor.intake()
    with floor.room.database.read() as connection:
        row = connection.execute(select(orders)).mappings().one()
        contact = open_contact(
            load(connection, floor.room.seals, [row["person_id"]])[row["person_id"]].key, row["contact"]
        )
    assert contact.address is not None
    assert (contact.address.line1, contact.email) == ("Owl Lane 7", "new@example.org")
    assert floor.state(number) == ("released", ["making"])


def contact_of(floor: Floor, number: str) -> Contact:
    row = floor.story(number).order
    with floor.room.database.read() as connection:
        key = load(connection, floor.room.seals, [row["person_id"]])[row["person_id"]].key
    return open_contact(key, row["contact"])


def amend(floor: Floor, number: str, **values: str) -> None:
    for field, value in values.items():
        do(floor, lambda c, field=field, value=value: amending.amend(c, floor.room.seals, number, field, value, "Ada"))


@pytest.mark.parametrize("reach", [opened, backordered_or_held, making_by_scan])
def test_what_a_person_corrected_no_later_news_overwrites(floor: Floor, reach: Callable[[Floor], str]) -> None:
    number = reach(floor)
    place = SOUTH if reach is making_by_scan else HUB
    lines = [(line["sku"], line["quantity"]) for line in floor.story(number).lines]
    amend(floor, number, email="right@example.org", phone="+4930999999", **{"address.line1": "Owl Lane 7"})
    floor.deliver(an_order(7001, lines, at=place, minute=5, email="other@example.org"), "orders/updated")
    floor.intake()
    assert floor.events(number)[-1] != "news.stale"
    contact = contact_of(floor, number)
    assert contact.address is not None
    assert (contact.email, contact.phone) == ("right@example.org", "+4930999999")
    assert contact.address.line1 == "Owl Lane 7"


def test_what_was_mended_by_a_person_holds_the_order_no_second_time(floor: Floor) -> None:
    """The channel repeats its own wrong words with every news it has."""
    wrong = {"email": "nobody", "phone": None}
    number = floor.taken_in((PLAIN, 1), ("TEE-TYPO", 1), **wrong)
    assert floor.state(number) == ("held", [])
    amend(floor, number, email="right@example.org", **{"line.2.sku": PLAIN})
    release(floor, number)
    floor.deliver(an_order(7001, [(PLAIN, 1), ("TEE-TYPO", 1)], minute=5, tags="vip", **wrong), "orders/updated")
    floor.intake()
    assert floor.state(number)[0] == "released"
    assert [line["sku"] for line in floor.story(number).lines] == [PLAIN, PLAIN]
    finish(floor, number)
    assert floor.state(number)[0] == "fulfilled"
    floor.check_sums()


def test_an_order_that_its_channel_changes_after_its_address_was_corrected_waits_for_a_person(floor: Floor) -> None:
    number = opened(floor)
    amend(floor, number, **{"address.line1": "Owl Lane 7"})
    moved = an_order(7001, [(PLAIN, 2)], minute=5)
    moved["shipping_address"] |= {"address1": "Fox Lane 8"}
    floor.deliver(moved, "orders/updated")
    floor.intake()
    order = floor.story(number).order
    assert (order["state"], order["hold_reason"]) == ("held", "changed_after_correction")
    contact = contact_of(floor, number)
    assert contact.address is not None
    assert contact.address.line1 == "Owl Lane 7"
    release(floor, number)
    floor.deliver(moved | {"updated_at": "2026-11-01T10:09:00+00:00"}, "orders/updated")
    floor.intake()
    changed = [entry["data"]["reason"] for entry in floor.story(number).history if entry["event"] == "order.changed"]
    assert changed == ["changed_after_correction", ""], "the same words again are no change"


def test_a_wrong_sku_is_corrected_and_the_order_is_routed_by_the_right_one(floor: Floor) -> None:
    number = floor.taken_in(("TEE-TYPO", 1))
    assert floor.state(number) == ("held", [])
    do(floor, lambda c: amending.amend(c, floor.room.seals, number, "line.1.sku", PLAIN, "Ada"))
    release(floor, number)
    finish(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    floor.check_sums()


@pytest.mark.parametrize("field", ["line.2.sku", "line.x.sku", "line..sku", "address.planet", "contact", ""])
def test_what_is_not_there_cannot_be_amended(floor: Floor, field: str) -> None:
    number = backordered_or_held(floor)
    with pytest.raises(desk.NotPossibleNow):
        do(floor, lambda c: amending.amend(c, floor.room.seals, number, field, "x", "Ada"))


def labelled(floor: Floor) -> str:
    """Labelled, and not yet announced: the mail folder cannot be written."""
    for folder in ("mail", "sms"):
        (floor.room.home / folder).write_text("a file where the folder should be")
    number = opened(floor)
    floor.fulfil(HUB)
    assert floor.state(number) == ("released", ["labelled"])
    return number


def with_labels_bought(floor: Floor) -> str:
    """Its labels are bought, and no printer prints them."""
    (floor.room.home / "labels-hub").write_text("a file where the folder should be")
    number = opened(floor)
    floor.fulfil(HUB)
    assert floor.state(number) == ("released", ["packed"])
    return number


@pytest.mark.parametrize("reach", [labelled, with_labels_bought])
def test_after_its_label_an_orders_email_and_phone_may_be_corrected_and_nothing_else(
    floor: Floor, reach: Callable[[Floor], str]
) -> None:
    number = reach(floor)
    amend(floor, number, email="right@example.org", phone="+4930999999")
    assert contact_of(floor, number).email == "right@example.org"
    for field in ("address.name", "address.line1", "address.postcode", "address.country", "line.1.sku"):
        with pytest.raises(desk.NotPossibleNow, match="label"):
            amend(floor, number, **{field: "DE"})


def test_a_line_of_an_order_that_is_being_made_cannot_be_amended_even_on_hold(floor: Floor) -> None:
    number = making_by_scan(floor)
    hold(floor, number)
    with pytest.raises(desk.NotPossibleNow):
        do(floor, lambda c: amending.amend(c, floor.room.seals, number, "line.1.sku", GTIN_TEE, "Ada"))


def test_starting_over_undoes_routing_and_reserving_once(floor: Floor) -> None:
    number = opened(floor)
    order_id = floor.story(number).order["id"]
    assert do(floor, lambda c: desk.start_over(c, order_id))
    assert floor.available(HUB, PLAIN) == (100, 0)
    assert do(floor, lambda c: desk.start_over(c, order_id))
    floor.check_sums()


@pytest.mark.parametrize("reach", [making_by_scan, handed, printing, made, packed])
def test_what_somebody_has_begun_to_make_does_not_start_over(floor: Floor, reach: Callable[[Floor], str]) -> None:
    number = reach(floor)
    was = floor.state(number)
    assert not do(floor, lambda c: desk.start_over(c, floor.story(number).order["id"]))
    assert floor.state(number) == was


def test_a_changed_order_that_nobody_has_begun_is_routed_and_reserved_anew(floor: Floor) -> None:
    number = opened(floor)
    floor.deliver(an_order(7001, [(PLAIN, 5)], minute=5), "orders/updated")
    floor.intake()
    assert floor.state(number) == ("released", ["cancelled", "open"])
    assert floor.available(HUB, PLAIN) == (100, 5)
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["cancelled", "done"])
    floor.check_sums()


def test_what_only_waits_for_its_prints_starts_over_and_they_are_dropped(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 2), at=BOOTH)
    floor.fulfil(BOOTH)
    assert floor.state(number) == ("released", ["making"])
    assert do(floor, lambda c: desk.start_over(c, floor.story(number).order["id"]))
    assert floor.state(number) == ("released", ["cancelled"])
    assert floor.hand_out(BOOTH) == []
    floor.check_sums()


def test_a_print_that_came_back_from_a_worker_is_begun(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 2), at=BOOTH)
    floor.fulfil(BOOTH)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job, "failed")
    assert not do(floor, lambda c: desk.start_over(c, floor.story(number).order["id"]))
    assert floor.state(number) == ("released", ["making"])


def test_a_changed_order_that_is_being_made_is_held_for_a_person(floor: Floor) -> None:
    number = making_by_scan(floor)
    floor.deliver(an_order(7001, [(PLAIN, 5)], at=SOUTH, minute=5), "orders/updated")
    floor.intake()
    assert floor.state(number) == ("held", ["held"])
    assert floor.story(number).order["hold_reason"] == "changed_while_making"


def test_a_cancellation_from_the_channel_is_a_hold_once_it_is_labelled(floor: Floor) -> None:
    first, second = floor.order((PLAIN, 1)), floor.order((PLAIN, 1))
    floor.intake()
    floor.deliver(an_order(first, [(PLAIN, 1)], minute=5, cancelled_at="2026-11-01T10:05:00Z"), "orders/cancelled")
    floor.intake()
    floor.fulfil(HUB)
    assert floor.state(floor.number(first)) == ("cancelled", ["cancelled"])
    assert floor.state(floor.number(second)) == ("fulfilled", ["done"])
    floor.check_sums()


def test_stale_news_change_nothing(floor: Floor) -> None:
    external = floor.order((PLAIN, 1), updated_at="2026-11-01T10:30:00Z")
    floor.intake()
    floor.deliver(an_order(external, [(PLAIN, 9)], minute=5), "orders/updated")
    floor.intake()
    assert [line["quantity"] for line in floor.story(floor.number(external)).lines] == [1]
    assert floor.events(floor.number(external))[-1] == "news.stale"


def test_news_of_an_order_whose_customer_was_erased_hold_nobody_up(floor: Floor) -> None:
    from backroom.store.forgetting import forget
    from backroom.store.personal import Whose

    number = opened(floor)
    floor.fulfil(HUB)
    person = floor.story(number).order["person_id"]
    do(floor, lambda c: forget(c, Whose(person)))
    floor.deliver(an_order(7001, [(PLAIN, 2)], minute=5), "orders/updated")
    other = floor.taken_in((PLAIN, 1))
    assert floor.state(other) == ("released", ["open"])
    assert floor.events(number)[-2] == "customer.forgotten"
    assert floor.events(number)[-1].startswith("news.")
