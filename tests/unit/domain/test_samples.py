"""Samples: only what somebody found good is printed on demand, as long and with the batches that it was good for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.locations import PrinterSpec
from backroom.domain.model import Variant
from backroom.domain.printer_profile import PrinterProfile
from backroom.domain.samples import (
    Batches,
    InUse,
    Sample,
    SampleState,
    Standing,
    combination_of,
    fabric_of,
    good_until,
    judge,
    judge_at,
    lacks_for_event,
    not_to_print,
)
from tests.shops import BOOTH, PLAIN, a_shop, a_variant

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
TEE = replace(a_variant(PLAIN), tags=("tee",))
BLANK = replace(a_variant("BLANK-BLK-L", printable=False), product="blank-tee", tags=("blank", "tee"))
PRESS = PrinterSpec("press-1", "folder:press-1", ("dtg",))
PLACE = replace(a_shop().location(BOOTH), printers=(PRESS,))


def approved(id_: int = 1, batches: Batches = Batches(), *, at: datetime = NOON, days: int = 90) -> Sample:  # noqa: B008
    return Sample(id_, SampleState.APPROVED, batches, at, at, good_until(at, days))


def test_what_was_never_sampled_is_not_approved() -> None:
    assert judge([], Batches(), NOON).standing is Standing.NONE


def test_a_sample_waits_until_somebody_has_looked_at_it() -> None:
    waiting = Sample(4, SampleState.WAITING, Batches(), NOON)
    assert judge([waiting], Batches(), NOON).standing is Standing.WAITING
    # What is approved goes on meanwhile.
    assert judge([approved(), waiting], Batches(), NOON).approved


def test_an_approval_lasts_until_its_day() -> None:
    sample = approved(days=10)
    assert judge([sample], Batches(), NOON + timedelta(days=10, seconds=-1)).approved
    after = judge([sample], Batches(), NOON + timedelta(days=10))
    assert (after.standing, after.why) == (Standing.EXPIRED, "its sample 1 was good until 2026-12-08")


def test_a_new_batch_asks_for_a_new_sample_and_an_old_one_does_not() -> None:
    old, new = Batches("F1", "K1"), Batches("F1", "K2")
    verdict = judge([approved(1, old)], new, NOON)
    assert verdict.standing is Standing.NEW_BATCH
    assert verdict.why == "the batch of ink is K2, and its sample 1 was printed with K1"
    assert "fabric is F2" in judge([approved(1, old)], Batches("F2", "K1"), NOON).why
    assert "with an unnamed one" in judge([approved(1)], new, NOON).why
    both = [approved(1, old), approved(2, new)]
    assert judge(both, new, NOON).sample == 2
    assert judge(both, old, NOON).sample == 1
    # Nobody named what is in use: nothing is known to be new.
    assert judge([approved(1, old)], Batches(), NOON).approved


def test_the_newest_word_counts_and_a_new_sample_opens_again() -> None:
    first, later = approved(1), NOON + timedelta(hours=1)
    rejected = Sample(2, SampleState.REJECTED, Batches(), later, later)
    assert judge([first, rejected], Batches(), later).standing is Standing.REJECTED
    closed = replace(first, state=SampleState.CLOSED)
    assert judge([closed], Batches(), later).standing is Standing.CLOSED
    again = approved(3, at=later + timedelta(hours=1))
    assert judge([closed, rejected, again], Batches(), later + timedelta(hours=1)).approved


def test_the_fabric_is_the_blank_in_any_size_and_else_what_is_sold() -> None:
    assert fabric_of(TEE, [BLANK]) == "blank-tee"
    assert fabric_of(TEE, [replace(BLANK, colourway="RED")]) == "TEE"
    assert fabric_of(TEE, [TEE, replace(BLANK, tags=("blank", "tote"))]) == "TEE"
    assert fabric_of(TEE, [replace(BLANK, sku="Z", product="other"), BLANK]) == "blank-tee"


def test_sizes_share_a_sample_and_printers_of_one_profile_do() -> None:
    profile = PrinterProfile("dtg", "DTG", ("dtg",), (), (), 300, 1, 1, 0, 1, 0, (), "")
    twins = [replace(PRESS, profile=profile), replace(PRESS, name="press-2", profile=profile)]
    assert len({combination_of(replace(TEE, size=size), one, [BLANK]) for size in "SML" for one in twins}) == 1
    assert combination_of(TEE, PRESS, []) != combination_of(TEE, replace(PRESS, name="press-2"), [])


def test_every_kind_of_printer_that_may_get_the_job_needs_its_sample() -> None:
    place = replace(
        PLACE, printers=(PRESS, replace(PRESS, name="press-2"), replace(PRESS, name="hot", prints=("transfer",)))
    )
    known = {combination_of(TEE, PRESS, [BLANK]): [approved()]}
    there = judge_at(place, TEE, [BLANK], known, InUse(), NOON)
    assert [one.printer for one in there] == ["press-1", "press-2"]
    assert not_to_print(there) == "no sample of it was printed (owl.png on blank-tee BLK, dtg on press-2)"
    assert not_to_print(judge_at(PLACE, TEE, [BLANK], known, InUse(), NOON)) == ""
    assert judge_at(PLACE, replace(TEE, artwork=""), [BLANK], known, InUse(), NOON) == ()


def test_the_batch_of_the_place_counts_and_not_another_places() -> None:
    known = {combination_of(TEE, PRESS, [BLANK]): [approved(1, Batches("F1"))]}
    elsewhere = InUse({("hub", "blank-tee", "BLK"): "F2"}, {("hub", "press-1"): "K2"})
    assert not not_to_print(judge_at(PLACE, TEE, [BLANK], known, elsewhere, NOON))
    here = InUse({(BOOTH, "blank-tee", "BLK"): "F2"})
    assert "F2" in not_to_print(judge_at(PLACE, TEE, [BLANK], known, here, NOON))


def test_an_event_wants_something_approved_to_its_end_and_nothing_left_open() -> None:
    ends = NOON + timedelta(days=5)
    owl, fox = TEE, replace(TEE, artwork="fox.png", sku="FOX")

    def lacks(samples: dict[Variant, list[Sample]]) -> str:
        known = {combination_of(variant, PRESS, [BLANK]): group for variant, group in samples.items()}
        return lacks_for_event([judge_at(PLACE, one, [BLANK], known, InUse(), NOON) for one in (owl, fox)], ends)

    assert lacks({}) == "no sample of what is printed there is approved"
    # What nobody sampled, or found bad, is not printed there: that keeps nobody from opening.
    assert lacks({owl: [approved()]}) == ""
    assert lacks({owl: [approved()], fox: [Sample(2, SampleState.REJECTED, Batches(), NOON, NOON)]}) == ""
    assert "fox.png on blank-tee BLK, dtg on press-1: its sample 2 waits" in lacks(
        {owl: [approved()], fox: [Sample(2, SampleState.WAITING, Batches(), NOON)]}
    )
    assert "good until 2026-12-01 only" in lacks({owl: [approved(days=3)], fox: [approved(2)]})
    assert lacks_for_event([()], ends) == ""


_batches = st.builds(Batches, st.sampled_from(["", "F1", "F2"]), st.sampled_from(["", "K1", "K2"]))


@st.composite
def _samples(draw: st.DrawFn) -> list[Sample]:
    made = []
    for id_ in range(1, draw(st.integers(0, 6)) + 1):
        printed = NOON + timedelta(hours=draw(st.integers(0, 20)))
        state = draw(st.sampled_from(SampleState))
        decided = None if state is SampleState.WAITING else printed + timedelta(minutes=draw(st.integers(0, 90)))
        until = good_until(decided, draw(st.integers(1, 3))) if decided and state is not SampleState.REJECTED else None
        made.append(Sample(id_, state, draw(_batches), printed, decided, until))
    return made


@given(_samples(), _batches, st.integers(0, 120), st.randoms(use_true_random=False))
def test_nothing_is_printed_but_by_an_approved_sample_of_what_is_in_use(
    every: list[Sample],
    batches: Batches,
    hours: int,
    random: st.randoms,  # type: ignore[valid-type]
) -> None:
    """And the order in which samples are told of does not matter, nor samples of other batches."""
    at = NOON + timedelta(hours=hours)
    verdict = judge(every, batches, at)
    shuffled = every[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled, batches, at) == verdict
    if verdict.approved:
        sample = next(one for one in every if one.id == verdict.sample)
        assert sample.state is SampleState.APPROVED
        assert sample.is_of(batches)
        assert sample.good_until is not None
        assert at < sample.good_until
        newer = [x for x in every if x.is_of(batches) and x.decided_at and x.decided_at > sample.decided_at]  # type: ignore[operator]
        assert newer == []
        assert judge([one for one in every if one.is_of(batches)], batches, at) == verdict
    else:
        assert verdict.why


@given(_samples(), _batches, st.integers(0, 120))
def test_an_approval_only_ends_by_time_and_never_comes_back_by_it(
    every: list[Sample], batches: Batches, hours: int
) -> None:
    after = max([NOON, *(one.decided_at for one in every if one.decided_at)])
    first = judge(every, batches, after + timedelta(hours=hours))
    later = judge(every, batches, after + timedelta(hours=hours + 1))
    assert first.approved or not later.approved
