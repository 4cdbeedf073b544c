"""Orders at partners: matched whole or not at all, and an answer that differs in anything is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.partner_answers import UNSAID, compare, contents, missing_pieces, not_in_totes, uncounted, undone
from backroom.domain.partner_orders import (
    ASK_AT_LEAST_EVERY,
    AskedLine,
    CannotBeAsked,
    ToldLine,
    Tote,
    WantedLine,
    match,
    next_ask,
)
from backroom.domain.partners import PartnerProduct, PartnerSpec

SKUS = [f"TEE-{colour}-{size}" for colour in ("BLK", "RED", "WHT") for size in ("S", "M")]
SPEC = PartnerSpec(
    "microfactory",
    "https://workshop.example.com",
    "partner.workshop",
    products=tuple(
        PartnerProduct(sku, f"code-{number}", "front", "dtg", {"size": sku[-1]}, price_minor=900)
        for number, sku in enumerate(SKUS)
    ),
)

wanted_lines = st.lists(
    st.builds(
        WantedLine,
        line_no=st.just(0),
        sku=st.sampled_from(SKUS),
        quantity=st.integers(1, 9),
        artwork=st.sampled_from(["a" * 64, "b" * 64]),
        width_mm=st.integers(1, 400),
        height_mm=st.integers(0, 400),
    ),
    min_size=1,
    max_size=6,
).map(lambda lines: [replace(line, line_no=number) for number, line in enumerate(lines, 1)])


def told(asked: AskedLine) -> ToldLine:
    return ToldLine(
        asked.line_no,
        asked.code,
        asked.quantity,
        asked.placement,
        asked.artwork,
        attributes=dict(asked.attributes),
        technique=asked.technique,
        width_mm=asked.width_mm,
        height_mm=asked.height_mm,
        prints=int(bool(asked.artwork)),
    )


@given(wanted_lines)
def test_what_is_matched_is_all_of_it_and_nothing_else(wanted: list[WantedLine]) -> None:
    asked = match(SPEC, "A-1", wanted)
    assert [(line.line_no, line.sku, line.quantity, line.artwork) for line in asked] == [
        (line.line_no, line.sku, line.quantity, line.artwork) for line in wanted
    ]
    by_sku = {product.sku: product.code for product in SPEC.products}
    assert all(line.code == by_sku[line.sku] for line in asked)


@given(
    wanted_lines,
    st.data(),
    st.sampled_from([{"sku": "MUG-WHT-1"}, {"quantity": 0}, {"quantity": -1}, {"artwork": ""}]),
)
def test_one_line_that_cannot_be_asked_stops_the_whole_order(
    wanted: list[WantedLine], data: st.DataObject, wrong: dict[str, object]
) -> None:
    at = data.draw(st.integers(0, len(wanted) - 1))
    wanted[at] = replace(wanted[at], **wrong)
    with pytest.raises(CannotBeAsked) as refused:
        match(SPEC, "A-1", wanted)
    assert "A-1" in refused.value.message


def test_an_order_without_lines_is_not_asked() -> None:
    with pytest.raises(CannotBeAsked):
        match(SPEC, "A-1", [])


@given(wanted_lines, st.randoms())
def test_the_same_lines_in_any_order_do_not_differ(wanted: list[WantedLine], random: object) -> None:
    answer = [told(line) for line in match(SPEC, "A-1", wanted)]
    random.shuffle(answer)  # type: ignore[attr-defined]
    assert compare(match(SPEC, "A-1", wanted), answer) == ()


CHANGES = st.one_of(
    st.integers(0, 20).map(lambda value: {"quantity": value}),
    st.sampled_from(["code-x", "", "CODE-0"]).map(lambda value: {"code": value}),
    st.sampled_from(["back", ""]).map(lambda value: {"placement": value}),
    st.sampled_from(["c" * 64, ""]).map(lambda value: {"artwork": value}),
    st.sampled_from(["transfer", ""]).map(lambda value: {"technique": value}),
    st.integers(401, 500).map(lambda value: {"width_mm": value}),
    st.sampled_from([0, 2, 3]).map(lambda value: {"prints": value}),
    st.sampled_from([{}, {"size": "XXL"}]).map(lambda value: {"attributes": value}),
)


@given(wanted_lines, st.data(), CHANGES)
def test_anything_that_is_answered_otherwise_differs(
    wanted: list[WantedLine], data: st.DataObject, change: dict[str, object]
) -> None:
    asked = match(SPEC, "A-1", wanted)
    answer = [told(line) for line in asked]
    at = data.draw(st.integers(0, len(answer) - 1))
    changed = replace(answer[at], **change)
    differs = changed != answer[at]
    answer[at] = changed
    found = compare(asked, answer)
    assert bool(found) == differs
    assert all(difference.line_no == asked[at].line_no for difference in found)
    assert all(f"line {asked[at].line_no}" in difference.sentence() for difference in found)


@given(wanted_lines, st.data())
def test_a_line_that_is_missing_or_came_in_addition_or_twice_differs(
    wanted: list[WantedLine], data: st.DataObject
) -> None:
    asked = match(SPEC, "A-1", wanted)
    answer = [told(line) for line in asked]
    at = data.draw(st.integers(0, len(answer) - 1))
    assert compare(asked, answer[:at] + answer[at + 1 :])
    assert compare(asked, [*answer, replace(answer[at], line_no=len(answer) + 1)])
    assert compare(asked, [*answer, answer[at]])


@given(wanted_lines, st.data())
def test_a_line_that_came_in_two_is_one_difference_however_its_pieces_are_split(
    wanted: list[WantedLine], data: st.DataObject
) -> None:
    asked = match(SPEC, "A-1", wanted)
    answer = [told(line) for line in asked]
    at = data.draw(st.integers(0, len(answer) - 1))
    first = data.draw(st.integers(0, asked[at].quantity))
    halves = [replace(answer[at], quantity=count) for count in (first, asked[at].quantity - first)]
    (difference,) = compare(asked, answer[:at] + halves + answer[at + 1 :])
    assert (difference.line_no, difference.what) == (asked[at].line_no, "lines")


@given(wanted_lines, st.integers(1, 400))
def test_a_height_that_was_not_asked_is_the_partners_to_choose(wanted: list[WantedLine], height: int) -> None:
    asked = match(SPEC, "A-1", [replace(line, height_mm=0) for line in wanted])
    assert compare(asked, [replace(told(line), height_mm=height) for line in asked]) == ()


@given(wanted_lines, st.data())
def test_what_is_sent_and_not_whole_is_named_by_line(wanted: list[WantedLine], data: st.DataObject) -> None:
    asked = match(SPEC, "A-1", wanted)
    done = [data.draw(st.one_of(st.none(), st.integers(0, line.quantity + 1))) for line in asked]
    answer = [replace(told(line), done=count) for line, count in zip(asked, done, strict=True)]
    wrong = [n.line_no for n, count in zip(asked, done, strict=True) if count is not None and count != n.quantity]
    assert [one.line_no for one in undone(asked, answer)] == wrong


@given(wanted_lines, st.data())
def test_pieces_may_lie_in_any_number_of_totes_as_long_as_they_are_all_there(
    wanted: list[WantedLine], data: st.DataObject
) -> None:
    asked = match(SPEC, "A-1", wanted)
    pieces: list[dict[int, int]] = [{}, {}, {}]
    for line in asked:
        for _ in range(line.quantity):
            tote = pieces[data.draw(st.integers(0, 2))]
            tote[line.line_no] = tote.get(line.line_no, 0) + 1
    totes = [Tote(f"T-{number}", "", one) for number, one in enumerate(pieces)]
    assert not_in_totes(asked, totes) == ()
    counted = contents(asked, totes)
    assert sum(sum(one["pieces"].values()) for one in counted) == sum(line.quantity for line in asked)  # type: ignore[attr-defined]
    used = next(tote for tote in totes if tote.pieces)
    missing = dict(used.pieces)
    line_no, count = missing.popitem()
    fewer = [replace(used, pieces=missing | {line_no: count - 1}) if tote is used else tote for tote in totes]
    if any(tote.pieces.values() for tote in fewer):
        assert [one.line_no for one in not_in_totes(asked, fewer)] == [line_no]
    foreign = [*totes, Tote("T-9", "", {99: 1})]
    assert [one.sentence() for one in not_in_totes(asked, foreign)] == [
        "line 99 has pieces in totes 1 where 0 was asked"
    ]


def test_a_cell_that_names_totes_and_not_what_is_in_them_does_not_differ() -> None:
    asked = match(SPEC, "A-1", [WantedLine(1, SKUS[0], 2, "a" * 64)])
    assert not_in_totes(asked, [Tote("T-7"), Tote("T-8")]) == ()
    assert not_in_totes(asked, []) == ()


@given(wanted_lines)
def test_what_a_partner_does_not_repeat_is_not_compared(wanted: list[WantedLine]) -> None:
    asked = match(SPEC, "A-1", wanted)
    assert compare(asked, [ToldLine(line.line_no, None, line.quantity) for line in asked]) == ()


@given(wanted_lines, st.data(), st.sampled_from(["placement", "artwork", "technique", "width_mm", "attributes"]))
def test_what_is_to_be_repeated_and_is_not_differs_on_its_line_alone(
    wanted: list[WantedLine], data: st.DataObject, left_out: str
) -> None:
    asked = match(SPEC, "A-1", wanted)
    answer = [replace(told(line), repeats=True) for line in asked]
    assert compare(asked, answer) == ()
    at = data.draw(st.integers(0, len(answer) - 1))
    answer[at] = replace(answer[at], **{left_out: None})
    (difference,) = compare(asked, answer)
    assert (difference.line_no, difference.told) == (asked[at].line_no, UNSAID)
    assert difference.sentence().startswith(f"line {asked[at].line_no} does not say its ")


@given(wanted_lines, st.data(), st.booleans())
def test_pieces_that_nobody_counted_are_named_by_line_where_they_are_to_be_counted(
    wanted: list[WantedLine], data: st.DataObject, repeats: bool
) -> None:
    asked = match(SPEC, "A-1", wanted)
    counted = [data.draw(st.booleans()) for _ in asked]
    answer = [
        replace(told(line), repeats=repeats, done=line.quantity if done else None)
        for line, done in zip(asked, counted, strict=True)
    ]
    wrong = [line.line_no for line, done in zip(asked, counted, strict=True) if repeats and not done]
    assert [one.line_no for one in uncounted(asked, answer)] == wrong
    assert [one.line_no for one in undone(asked, answer)] == wrong


@given(wanted_lines, st.data())
def test_pieces_that_are_not_done_are_counted_by_sku(wanted: list[WantedLine], data: st.DataObject) -> None:
    asked = match(SPEC, "A-1", wanted)
    done = [data.draw(st.integers(0, line.quantity)) for line in asked]
    answer = [replace(told(line), done=count) for line, count in zip(asked, done, strict=True)]
    missing = missing_pieces(asked, answer)
    assert sum(missing.values()) == sum(line.quantity for line in asked) - sum(done)
    assert all(missing.values())


@given(st.timedeltas(timedelta(0), timedelta(days=30)), st.booleans())
def test_a_partner_is_asked_again_within_the_hour_and_not_at_once(passed: timedelta, signed: bool) -> None:
    submitted = datetime(2026, 11, 1, tzinfo=UTC)
    at = submitted + passed
    pause = next_ask(at, submitted, signed=signed) - at
    assert timedelta(minutes=15 if signed else 5) <= pause <= ASK_AT_LEAST_EVERY


def test_a_cell_without_a_list_knows_every_piece_by_our_name_and_makes_none() -> None:
    cell = PartnerSpec("integrator", "https://cell.example.com", "partner.cell", ships_to="hub")
    (line,) = match(cell, "A-1", [WantedLine(1, "ANY-1", 2)])
    assert (line.code, line.artwork) == ("ANY-1", "")
    assert not cell.can_make("ANY-1", has_artwork=True)
