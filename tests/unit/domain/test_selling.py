"""What a channel may sell: never more than is there, whatever it sold that has not arrived here yet."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backroom.domain.model import StockLevel
from backroom.domain.selling import left_in_doubt, level_to_set, may_sell


def test_it_is_what_is_free_at_its_places_less_what_is_owed_and_kept_back() -> None:
    levels = [
        StockLevel("hub", "TEE", 10, 3),
        StockLevel("local", "TEE", 4, 0),
        StockLevel("elsewhere", "TEE", 50, 0),
        StockLevel("hub", "CAP", 2, 1),
    ]
    assert may_sell(levels, {"hub", "local"}, {"TEE": 2}, 1) == {"TEE": 8, "CAP": 0}


def test_what_is_kept_for_an_event_is_not_sold_online_though_its_booth_is_one_of_the_places() -> None:
    levels = [StockLevel("hub", "TEE", 3, 0), StockLevel("booth", "TEE", 5, 0, kept=True)]
    assert may_sell(levels, {"hub", "booth"}, {}, 0) == {"TEE": 3}


def test_a_sku_of_which_nothing_is_left_is_still_told_as_none() -> None:
    assert may_sell([StockLevel("hub", "TEE", 1, 1)], {"hub"}, {"TEE": 4}, 2) == {"TEE": 0}


def test_a_channel_left_as_it_was_is_set_to_what_there_is() -> None:
    assert level_to_set(7, before=10, there=10) == (7, 0)
    assert level_to_set(12, before=10, there=10) == (12, 0)
    assert level_to_set(7, before=None, there=99) == (7, 0)


def test_what_it_sold_and_what_has_arrived_of_it_is_counted_once() -> None:
    assert level_to_set(9, before=10, there=9, arrived=1) == (9, 0)


def test_what_it_sold_and_we_have_not_heard_of_is_taken_off_until_it_arrives() -> None:
    assert level_to_set(9, before=10, there=9) == (8, 1)
    assert level_to_set(9, before=8, there=8, unheard=1) == (8, 1)
    assert level_to_set(8, before=8, there=8, unheard=1, arrived=1) == (8, 0)


@given(st.integers(0, 30), st.none() | st.integers(0, 30), st.integers(-5, 30), st.integers(0, 9), st.integers(0, 9))
def test_a_level_is_never_negative_and_never_more_than_there_is(
    available: int, before: int | None, there: int, unheard: int, arrived: int
) -> None:
    level, on_their_way = level_to_set(available, before, there, unheard, arrived)
    assert 0 <= level <= available
    assert on_their_way >= 0


def test_what_was_heard_of_before_a_lost_answer_is_not_counted_again_after_it() -> None:
    # Ten, of which the channel sold two; one is heard of, one piece came in, and it was set to nine without an answer.
    left_at = left_in_doubt(10, before=10, unheard=0, arrived=1)
    assert level_to_set(9, left_at, there=9) == (8, 1)


class SellingMachine(RuleBasedStateMachine):
    """Ten pieces; a channel whose orders arrive here when they like; sales here, of which it is told at once."""

    def __init__(self) -> None:
        super().__init__()
        self.free = 10
        self.shown = 0
        self.on_their_way = 0
        self.left_at: int | None = None
        self.unheard = self.arrived = 0
        self.tell()

    @rule()
    def tell(self) -> None:
        level, self.unheard = level_to_set(self.free, self.left_at, self.shown, self.unheard, self.arrived)
        self.left_at = self.shown = level
        self.arrived = 0

    @rule(arrived=st.booleans())
    def tell_and_lose_the_answer(self, arrived: bool) -> None:
        """Whether it was set or not: from now on it counts as left at the higher of the two."""
        level, _ = level_to_set(self.free, self.left_at, self.shown, self.unheard, self.arrived)
        assert self.left_at is not None
        self.left_at = left_in_doubt(self.free, self.left_at, self.unheard, self.arrived)
        self.unheard = self.arrived = 0
        if arrived:
            self.shown = level

    @precondition(lambda self: self.free > self.on_their_way)
    @rule()
    def sell_here(self) -> None:
        self.free -= 1
        self.tell()

    @precondition(lambda self: self.shown > 0)
    @rule()
    def sell_there(self) -> None:
        self.shown -= 1
        self.on_their_way += 1

    @precondition(lambda self: self.on_their_way > 0)
    @rule()
    def arrive(self) -> None:
        self.on_their_way -= 1
        self.arrived += 1
        self.free -= 1

    @rule(pieces=st.integers(1, 3))
    def receive(self, pieces: int) -> None:
        self.free += pieces

    @invariant()
    def the_channel_never_shows_more_than_is_unsold(self) -> None:
        assert self.shown <= self.free - self.on_their_way

    def teardown(self) -> None:
        while self.on_their_way:
            self.arrive()
        self.tell()
        # What no order explains by then is dropped, and the level is right again.
        self.unheard = 0
        self.tell()
        assert (self.shown, self.unheard) == (self.free, 0)


TestSelling = SellingMachine.TestCase
TestSelling.settings = settings(max_examples=60, stateful_step_count=40)
