"""Asking for orders: one that its channel cannot give keeps none of the others out, and an outage is found out fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.asking import IN_A_ROW, ask_for
from backroom.channels.remote import Fetched, Listed
from backroom.outgoing.errors import ServiceAway

IDS = [str(number) for number in range(1, 13)]
KNOWN = "100"


class Elsewhere:
    """A source that asks for so many at once; a call with a sick one in it fails, as all do after `lasts` calls."""

    def __init__(self, sick: set[str], at_once: int, lasts: int = 1_000, absent: Sequence[str] = ()) -> None:
        self.sick, self.at_once, self.lasts, self.absent = sick, at_once, lasts, absent
        self.calls = 0

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        raise AssertionError(f"nobody asks what changed since {since}")

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        for first in range(0, len(external_ids), self.at_once):
            some = external_ids[first : first + self.at_once]
            self.calls += 1
            if self.calls > self.lasts or self.sick & set(some):
                raise ServiceAway("Elsewhere", f"Elsewhere does not answer ({some[0]}).")
            yield from (Fetched(one, "order", b"{}") for one in some if one not in self.absent)


sources = st.builds(
    Elsewhere,
    sick=st.sets(st.sampled_from(IDS)),
    at_once=st.integers(1, 12),
    lasts=st.one_of(st.just(1_000), st.integers(0, 12)),
    absent=st.lists(st.sampled_from(IDS), unique=True),
)


@given(source=sources, known=st.sampled_from(["", KNOWN]))
def test_each_order_ends_in_one_place(source: Elsewhere, known: str) -> None:
    asked = ask_for(source, IDS, lambda: known)
    places = [*asked.given, *asked.absent, *asked.failed, *asked.silent, *asked.untried]
    assert sorted(places, key=int) == IDS
    assert (asked.away is not None) == bool(asked.silent or asked.untried)
    assert asked.failed.keys() <= source.sick or source.calls > source.lasts
    assert asked.absent <= set(source.absent)


@given(sick=st.sets(st.sampled_from(IDS)), at_once=st.integers(1, 12), known=st.sampled_from(["", KNOWN]))
def test_all_that_can_be_given_come_when_what_failed_is_asked_for_last(
    sick: set[str], at_once: int, known: str
) -> None:
    left, came = list(IDS), set[str]()
    for _ in range(len(IDS)):
        asked = ask_for(Elsewhere(sick, at_once), left, lambda: known)
        came |= asked.given.keys()
        left = [*asked.untried, *asked.silent, *asked.failed]
        if not left:
            break
    assert came == set(IDS) - sick


@given(st.integers(0, 12), st.sampled_from(["", KNOWN]))
def test_a_channel_that_goes_away_is_left_alone_after_some_calls_and_no_order_is_blamed(lasts: int, known: str) -> None:
    source = Elsewhere(set(), 1, lasts)
    asked = ask_for(source, IDS, lambda: known)
    assert len(asked.given) == lasts
    assert asked.failed == {}
    assert source.calls <= lasts + IN_A_ROW


def test_one_order_that_fails_alone_is_blamed_only_where_another_one_is_given() -> None:
    assert ask_for(Elsewhere({"1"}, 1), ["1"], lambda: "").silent == ["1"]
    assert list(ask_for(Elsewhere({"1"}, 1), ["1"], lambda: KNOWN).failed) == ["1"]
