"""A step that is run again does what is left: nothing is bought, printed or sent a second time."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from backroom.store.tables import fulfilment_orders, labels, messages, shipments
from tests.shops import BOOTH, HUB, PLAIN, Floor


def back_to(floor: Floor, state: str, **values: object) -> None:
    """As if the commit that went on from this state had never come."""
    one = update(fulfilment_orders).values(state=state, **values)
    floor.room.database.write(lambda c: c.execute(one))


def test_labels_bought_and_not_stored_are_recovered_and_not_bought_again(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    tracking = floor.story(number).shipments[0]["tracking"]
    floor.room.database.write(lambda c: (c.execute(delete(labels)), c.execute(delete(shipments))))
    back_to(floor, "packed")
    floor.fulfil(HUB)
    assert [row["tracking"] for row in floor.story(number).shipments] == [tracking]
    assert [
        (effect["state"], effect["tries"]) for effect in floor.story(number).effects if effect["kind"] == "label"
    ] == [("done", 1)]


def test_a_parcel_that_was_announced_and_not_marked_is_not_announced_again(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    sent = sorted(file.name for folder in ("mail", "sms") for file in (floor.room.home / folder).iterdir())
    floor.room.database.write(lambda c: c.execute(update(messages).values(state="planned", sent_at=None)))
    back_to(floor, "labelled")
    floor.fulfil(HUB)
    assert floor.state(number)[1] == ["done"]
    assert sorted(file.name for folder in ("mail", "sms") for file in (floor.room.home / folder).iterdir()) == sent
    assert {effect["tries"] for effect in floor.story(number).effects} == {1}


def test_a_wave_whose_claim_is_over_leaves_its_orders_to_the_next(floor: Floor) -> None:
    from backroom.store.claims import ClaimLost, give_up
    from tasks.claiming import claim_fulfilment
    from tasks.print_or_pick import print_or_pick

    number = floor.taken_in((PLAIN, 2), at=BOOTH)
    claim = claim_fulfilment(floor.room, BOOTH)
    assert claim is not None
    floor.room.database.write(lambda c: give_up(c, claim.token))
    with pytest.raises(ClaimLost):
        print_or_pick.fn(claim)
    assert floor.story(number).print_jobs == []
    floor.fulfil(BOOTH)
    assert len(floor.story(number).print_jobs) == 1


def test_the_wake_ups_of_a_life_go_out_after_each_hand_over(floor: Floor) -> None:
    floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    assert [(stage, location) for stage, location, _ in floor.waker.woken] == [("fulfilment", BOOTH), ("print", BOOTH)]
