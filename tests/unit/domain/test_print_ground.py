"""What an artwork is printed on: refused is only what cannot be meant, and each doubt says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.artwork import Seen
from backroom.domain.locations import PRINT_PROCESSES
from backroom.domain.print_ground import HALF_DOUBT, HALF_FAULT, WHITE_EDGE, doubts_on, faults_on, on_cloth, on_paper

shares = st.floats(0, 1)
processes = st.sampled_from([*PRINT_PROCESSES, "", "embroidery"])
pictures = st.builds(
    Seen,
    width_px=st.integers(1, 9000),
    height_px=st.integers(1, 9000),
    visible=st.one_of(st.just(1.0), shares),
    half=shares,
    white_edge=shares,
    profile=st.sampled_from(["", "Display P3"]),
    unfit_profile=st.booleans(),
    turned=st.booleans(),
)


def codes(seen: Seen, process: str) -> list[str]:
    return [one.code for one in doubts_on(seen, process)]


@pytest.mark.parametrize("process", PRINT_PROCESSES)
def test_every_process_that_a_shop_can_name_prints_on_cloth_or_on_paper(process: str) -> None:
    assert on_cloth(process) != on_paper(process)


@given(pictures, processes)
def test_only_what_is_half_transparent_nearly_everywhere_on_cloth_is_refused(seen: Seen, process: str) -> None:
    assert bool(faults_on(seen, process)) == (on_cloth(process) and seen.half >= HALF_FAULT)


@given(pictures, processes)
def test_each_refusal_and_each_doubt_is_a_sentence_with_its_cure_and_none_is_told_twice(
    seen: Seen, process: str
) -> None:
    said = faults_on(seen, process) + doubts_on(seen, process)
    assert len({one.code for one in said}) == len(said)
    assert all(one.what.endswith(".") and one.cure.endswith(".") and one.cure[0].isupper() for one in said)


@given(pictures, processes)
def test_on_paper_no_transparency_is_doubted(seen: Seen, process: str) -> None:
    if not on_cloth(process):
        assert not {"half", "box"} & set(codes(seen, process))


@given(pictures, st.sampled_from(["dtg", "transfer"]))
def test_on_cloth_a_white_ground_without_any_transparency_is_a_box(seen: Seen, process: str) -> None:
    assert ("box" in codes(seen, process)) == (seen.visible == 1 and seen.white_edge >= WHITE_EDGE)


def test_smoothed_edges_are_no_doubt_and_glows_are() -> None:
    seen = Seen(100, 100, visible=0.5)
    assert codes(replace(seen, half=HALF_DOUBT - 0.01), "dtg") == []
    assert codes(replace(seen, half=HALF_DOUBT), "dtg") == ["half"]
    assert codes(replace(seen, half=HALF_FAULT - 0.01), "transfer") == ["half"]


def test_a_design_of_another_profile_and_one_that_is_turned_are_named_on_every_ground() -> None:
    seen = Seen(100, 100, profile="Adobe RGB (1998)", unfit_profile=True, turned=True)
    for process in ("dtg", "sticker", ""):
        assert codes(seen, process) == ["profile", "unfit_profile", "turned"]
    assert "Adobe RGB (1998)" in doubts_on(seen, "dtg")[0].what
