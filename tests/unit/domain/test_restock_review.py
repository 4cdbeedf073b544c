"""A plan against what happened: the sums add up, and blanks serve whatever of their family is short."""

from __future__ import annotations

from backroom.domain.restock_review import Reviewed, review
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
