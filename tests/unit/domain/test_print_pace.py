"""How long a print takes its printer, the change of garments included; and what is told of each kind of prints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.print_pace import ENOUGH, LONGEST_CHANGE, NEWEST, Measured, Pace, Paces, Printed, measure

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def printed(starts: float, ends: float, *, queued: float = 0, printer: str = "one", pieces: int = 1) -> Printed:
    """One print, its times in seconds after noon."""
    at = [NOON + timedelta(seconds=seconds) for seconds in (queued, starts, ends)]
    return Printed(printer, "dtg", "tee", "ink", pieces, *at)


def seconds(*prints: Printed) -> list[float]:
    """What was measured, oldest first."""
    return [one.seconds for one in reversed(measure(prints))]


def test_while_others_wait_the_change_to_the_next_garment_belongs_to_its_print() -> None:
    assert seconds(printed(0, 100), printed(140, 240), printed(290, 390)) == [100, 140, 150]


def test_a_printer_that_had_nothing_to_do_was_not_changing_garments() -> None:
    assert seconds(printed(0, 100), printed(140, 240, queued=120)) == [100, 100]


def test_a_long_pause_is_no_change() -> None:
    late = 100 + LONGEST_CHANGE.total_seconds() + 1
    assert seconds(printed(0, 100), printed(late, late + 100)) == [100, 100]


def test_each_printer_changes_its_own_garments() -> None:
    assert seconds(printed(0, 100), printed(50, 150, printer="two"), printed(130, 230)) == [100, 100, 130]


def test_pieces_of_one_print_share_the_change_before_it() -> None:
    assert seconds(printed(0, 100), printed(140, 240, pieces=2)) == [100, 70]


def test_the_newest_comes_first() -> None:
    assert [one.seconds for one in measure([printed(400, 430), printed(0, 100)])] == [30, 100]


@given(st.lists(st.tuples(*[st.floats(0, 10_000)] * 3, st.sampled_from("ab")), max_size=20))
def test_no_print_takes_less_than_it_printed_or_more_than_the_longest_change_beside_it(
    times: list[tuple[float, float, float, str]],
) -> None:
    prints = [printed(a, a + b, queued=max(0.0, a - c), printer=name) for a, b, c, name in times]
    for one, took in zip(sorted(prints, key=lambda one: one.started_at), reversed(measure(prints)), strict=True):
        itself = (one.ended_at - one.started_at).total_seconds()
        assert itself <= took.seconds <= itself + LONGEST_CHANGE.total_seconds()


def took(seconds: float, times: int = ENOUGH, printer: str = "one", colourway: str = "ink") -> list[Measured]:
    return [Measured(printer, "dtg", "tee", colourway, seconds)] * times


def test_what_was_measured_is_told_by_printer_product_and_colourway_with_how_many_were() -> None:
    paces = Paces(took(60) + took(90, ENOUGH - 1, colourway="bone"))
    told = [(one.piece, one.measured, one.pace.usual, one.goes_by) for one in paces.rows({"one": ("dtg",)})]
    assert told == [
        ("any dtg", 2 * ENOUGH - 1, 60, "its own prints"),
        ("tee ink", ENOUGH, 60, "its own prints"),
        ("tee bone", ENOUGH - 1, 60, "other colourways"),
    ]


def test_a_printer_of_which_nothing_was_measured_goes_by_what_others_did_or_its_profile_or_a_guess() -> None:
    paces = Paces(took(60), {"two": Pace(75, 110, basis="profile")})
    there = {"two": ("dtg", "sticker"), "three": ("sticker",)}
    told = [(one.printer, one.piece, one.measured, one.pace.usual, one.goes_by) for one in paces.rows(there)]
    assert told == [
        ("two", "any dtg", 0, 60, "other printers here"),
        ("two", "any sticker", 0, 75, "its profile"),
        ("three", "any sticker", 0, 180, "a guess"),
    ]


def test_of_each_printer_that_was_asked_for_what_was_printed_most_comes_first() -> None:
    paces = Paces(took(60) + took(60, NEWEST + 1, colourway="bone") + took(60, printer="gone"))
    told = [(one.printer, one.piece, one.measured) for one in paces.rows({"one": ("dtg",)})]
    assert told == [("one", "any dtg", NEWEST), ("one", "tee bone", NEWEST), ("one", "tee ink", ENOUGH)]
