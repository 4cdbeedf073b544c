"""Power: what is plugged in against what there is, and how people write both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.power import BadPower, Load, Supply, hours_of, in_words, power_lacks, read_load, read_supply

LOADS = (Load("printer", "press-1", 60), Load("till", "till-1", 20), Load("press", "heat press", 1400, 0.25))
DEVICES = ("press-1", "till-1")
MAINS = Supply("mains", 3680)


def lacks(supply: Supply | None = MAINS, loads: tuple[Load, ...] = LOADS, hours: float = 8) -> tuple[str, ...]:
    return power_lacks(loads, supply, hours, DEVICES)


def test_enough_power_is_green() -> None:
    assert lacks() == ()


def test_power_that_nobody_told_of_is_missing_device_by_device() -> None:
    assert lacks(None, LOADS[2:]) == (
        "nobody has said how many watts press-1, till-1 draw",
        "nobody has said where the power comes from",
    )
    assert lacks(loads=LOADS[1:]) == ("nobody has said how many watts press-1 draws",)


def test_a_supply_carries_four_fifths_of_its_watts_for_hours() -> None:
    assert lacks(Supply("mains", 1850)) == ()
    assert lacks(Supply("mains", 1800)) == ("1480 W are plugged in, and a 1800 W mains carries 1440 W for hours",)


def test_a_battery_must_last_the_longest_day_at_the_average_draw() -> None:
    """430 W on average over eight hours are 3440 Wh."""
    assert lacks(Supply("battery", 3000, watt_hours=3440)) == ()
    assert lacks(Supply("battery", 3000, watt_hours=3000)) == (
        "the battery lasts 7.0 h at 430 W, and the longest day has 8.0 h",
    )


def test_a_generator_lasts_longer_the_less_it_has_to_give() -> None:
    assert lacks(Supply("generator", 2000, hours=2)) == ()
    assert lacks(Supply("generator", 2000, hours=1))


def test_how_long_a_supply_lasts_is_known_of_what_runs_empty_only() -> None:
    assert hours_of(LOADS, Supply("battery", 3000, watt_hours=860)) == 2.0
    assert hours_of(LOADS, Supply("generator", 860, hours=3)) == 6.0
    assert hours_of(LOADS, MAINS) is None
    assert hours_of(LOADS, None) is None
    assert hours_of((), Supply("battery", 3000, watt_hours=860)) is None


watts = st.integers(1, 3000)
some_loads = st.lists(st.builds(Load, st.just("other"), st.just("x"), watts, st.floats(0.01, 1)), max_size=6)


@given(some_loads, watts, st.integers(1, 20_000), watts)
def test_more_load_never_makes_a_supply_suffice(some: list[Load], supply: int, held: int, more: int) -> None:
    battery = Supply("battery", supply, watt_hours=held)
    if power_lacks(some, battery, 8, ()):
        assert power_lacks([*some, Load("other", "more", more)], battery, 8, ())


def test_loads_are_read_as_people_write_them() -> None:
    assert read_load("press:heat press:1400:25%") == Load("press", "heat press", 1400, 0.25)
    assert read_load(" printer:booth-left:60W ") == Load("printer", "booth-left", 60)


@pytest.mark.parametrize(
    "text", ["", "press", "oven:pizza:2000", "press:heat press:0", "till:t:20:0%", "till:t:20:101%", "till:t:-3"]
)
def test_what_is_no_load_is_quoted(text: str) -> None:
    with pytest.raises(BadPower) as refused:
        read_load(text)
    assert repr(text) in str(refused.value)


def test_supplies_are_read_as_people_write_them() -> None:
    assert read_supply("mains:3680") == MAINS
    assert read_supply("generator:2000W:8h") == Supply("generator", 2000, hours=8)
    assert read_supply("battery:3000:2200Wh") == Supply("battery", 3000, watt_hours=2200)


@pytest.mark.parametrize("text", ["", "sun:200", "mains:3680:8h", "battery:3000", "generator:2000", "mains:0"])
def test_what_is_no_supply_is_quoted(text: str) -> None:
    with pytest.raises(BadPower, match="is no supply"):
        read_supply(text)


@pytest.mark.parametrize(
    ("loads", "supply", "said"),
    [
        (LOADS, MAINS, "1480 W plugged in, 430 W on average; supply: mains of 3680 W"),
        (
            LOADS,
            Supply("generator", 2000, hours=8),
            "1480 W plugged in, 430 W on average; supply: generator of 2000 W, for 37.2 h",
        ),
        (LOADS, None, "1480 W plugged in, 430 W on average; supply: none named"),
        ((), MAINS, "nothing named; supply: mains of 3680 W"),
        ((), None, "nothing named; supply: none named"),
    ],
)
def test_the_power_of_an_event_is_said_in_one_sentence(
    loads: tuple[Load, ...], supply: Supply | None, said: str
) -> None:
    assert in_words(loads, supply) == said
