"""A plan against what happened: the sums add up, blanks serve what is short, and what was planned counts once."""

from __future__ import annotations

from backroom.domain.restock_review import Carried, CarriedPacks, Outcome, Reviewed, Step, planned, review
from backroom.domain.transfers import TransferLine, about_the_same, less_than_asked, missing


def line(sku: str, expected: float, naive: float, brought: int, asked: int) -> Reviewed:
    return Reviewed(sku, expected, int(expected / 2), int(expected * 2) + 1, naive, brought, asked)


def test_the_sums_of_a_review() -> None:
    found = review([line("a", 4, 1, 5, 7), line("b", 2, 6, 3, 1), line("c", 1, 0, 0, 9)], {}, {})
    assert [one.sku for one in found.lines] == ["c", "a", "b"]
    assert (found.off, found.naive_off) == (3 + 1 + 8, 6 + 5 + 9)
    assert (found.short, found.naive_short) == (2 + 9, 6 + 0 + 9)
    assert found.too_many == 2
    assert found.inside == 2 / 3


def test_blanks_become_what_is_short_and_the_rest_was_brought_for_nobody() -> None:
    found = review([line("a", 4, 4, 5, 7), line("b", 2, 2, 3, 1)], {"tee": 5}, {"tee": ["a", "b"]})
    assert found.short == 0
    assert found.too_many == 2 + 3


def test_what_the_booth_had_of_its_own_is_not_short_and_what_came_besides_was_for_nobody() -> None:
    found = review([Reviewed("a", 4, 2, 9, 4, brought=5, asked=7, own=4)], {}, {})
    assert (found.short, found.too_many) == (0, 2)
    alone = review([Reviewed("a", 4, 2, 9, 4, brought=1, asked=0, own=4)], {}, {})
    assert alone.too_many == 1
    blanks = review([Reviewed("a", 4, 2, 9, 4, brought=0, asked=6)], {"tee": 4}, {"tee": ["a"]}, {"tee": 3})
    assert (blanks.short, blanks.too_many) == (0, 1)


def test_a_plan_that_is_on_its_way_is_planned_though_the_last_one_says_nothing_more() -> None:
    assert planned([Step({}, {"a": 5, "tee": 3}), Step({"a": 5, "tee": 3}, {})]) == {"a": 5, "tee": 3}


def test_what_a_later_plan_asks_for_on_top_counts_besides_and_what_it_asks_for_again_does_not() -> None:
    assert planned([Step({}, {"a": 5}), Step({"a": 5}, {"a": 2, "b": 1})]) == {"a": 7, "b": 1}
    # Three of five went: the next plan asks for the other two again, or for one, as the hub has no more.
    assert planned([Step({}, {"a": 5}), Step({"a": 3}, {"a": 2})]) == {"a": 5}
    assert planned([Step({}, {"a": 5}), Step({"a": 3}, {"a": 1})]) == {"a": 5}


def test_without_a_plan_nothing_was_planned() -> None:
    assert planned([]) == {}
    assert planned([Step({"a": 0}, {"b": 0})]) == {}


def test_what_was_asked_for_beyond_what_was_there_is_short_and_a_blank_is_never() -> None:
    assert Carried("a", planned=5, brought=3, own=1, asked=6, gone=4).short == 2
    assert Carried("a", planned=5, brought=5, asked=1, gone=1).short == 0
    assert Carried("tee", planned=5, brought=5, asked=None, gone=2).short is None


def test_the_sums_of_what_was_planned_and_brought() -> None:
    items = (
        Carried("a", planned=5, brought=4, asked=6, gone=4, to_print=3, printed=2, back=0, missing=0),
        Carried("b", planned=0, brought=2, asked=0, gone=0, back=1, missing=1),
        Carried("tee", planned=3, brought=4, asked=None, gone=2, back=2, missing=0),
    )
    packs = (CarriedPacks("ink", "bottle", planned=2, sent=2, arrived=1),)
    found = Outcome(items, packs, lost_without=9.0, lost_with=2.5)
    assert (found.planned, found.as_planned, found.besides) == (8, 4 + 3, 2 + 1)
    assert (found.to_print, found.printed) == (3, 2)
    assert (found.gone, found.back, found.missing) == (6, 3, 1)


def test_an_event_without_anything_has_nothing_within() -> None:
    assert review([], {}, {}).inside == 0.0


def test_what_is_missing_and_what_was_never_sent() -> None:
    lines = [TransferLine("a", 5, 5, 3), TransferLine("b", 4, 2, 2)]
    assert missing(lines) == {"a": 2}
    assert less_than_asked(lines) == {"b": 2}


def test_a_proposal_that_differs_a_little_is_about_the_same() -> None:
    assert about_the_same({"a": 5}, {"a": 4, "b": 1})
    assert not about_the_same({"a": 5}, {"a": 2})
    assert about_the_same({"a": 100}, {"a": 92})
    assert not about_the_same({"a": 100}, {"a": 85})
    assert not about_the_same({"a": 1}, {})
    assert about_the_same({}, {})
