"""The till's words about when what was sold is ready: a time of the shop's, or plainly that there is none yet."""

from __future__ import annotations

import pytest

from backroom.domain.waiting_sales import Wait
from backroom.till.waits import MOST_OVER, OwnWaits, read_waits, say_waits

TOLD = {7: (Wait.PROMISED, "19:40"), 8: (Wait.QUEUED, "")}


def test_each_sale_has_its_line_newest_first() -> None:
    assert say_waits(TOLD, {9}, cut_off=False) == [
        "Number 9: no time yet.",
        "Number 8: no time yet.",
        "Number 7: ready about 19:40.",
    ]


def test_without_network_that_is_said_and_no_time_is_made_up() -> None:
    assert say_waits(TOLD, {9}, cut_off=True) == [
        "Number 9: no time yet: no network.",
        "Number 8: no time yet: no network.",
        "Number 7: ready about 19:40, as the shop said last: no network.",
    ]


@pytest.mark.parametrize("state", [state for state in Wait if state not in (Wait.QUEUED, Wait.PROMISED)])
def test_whatever_stands_in_the_way_is_said(state: Wait) -> None:
    [line] = say_waits({7: (state, "")}, set(), cut_off=False)
    assert line.startswith("Number 7: ")
    assert "about" not in line
    if state in (Wait.HELD, Wait.SHORT, Wait.ELSEWHERE):
        assert "ask the hub" in line


def test_of_what_is_over_the_newest_few_are_listed_and_all_that_somebody_waits_for() -> None:
    over = dict.fromkeys(range(1, 20), (Wait.READY, ""))
    lines = say_waits({**over, 0: (Wait.QUEUED, "")}, set(), cut_off=False)
    assert len(lines) == MOST_OVER + 1
    assert lines[-1] == "Number 0: no time yet."


def test_what_the_shop_speaks_of_refused_or_is_asked_about_no_more_is_not_said_twice() -> None:
    own = OwnWaits()
    for seq in (1, 7, 9, 10):
        own.sold(seq)
    own.never(10)
    assert own.unsaid(TOLD, 2) == {9}


def test_a_shop_that_promises_nothing_is_no_shop_without_an_answer() -> None:
    assert read_waits({"free": {}, "printed": []}) is None
    assert read_waits({"waits": {}}) == {}
    assert read_waits({"waits": {"7": {"state": "promised", "time": "19:40"}, "8": {"state": "queued"}}}) == TOLD


@pytest.mark.parametrize(
    "waits",
    [
        [],
        {"7": "19:40"},
        {"7": {}},
        {"x": {"state": "ready"}},
        {"7": {"state": "soon"}},
        {"7": {"state": "promised"}},
        {"7": {"state": "promised", "time": "<b>"}},
        {"7": {"state": "ready", "time": "19:40"}},
    ],
)
def test_what_is_no_answer_of_the_shop_is_refused(waits: object) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_waits({"waits": waits})
