"""What the shop file may say of a kind of channel is what somebody speaks, and each of them can be tried."""

from __future__ import annotations

from backroom.channels.registry import CHANNELS, PROBES, SOURCES, WRITE_BACKS
from backroom.domain.channels import ASKED_KINDS, CHANNEL_KINDS, TOLD_KINDS


def test_the_shop_files_kinds_are_those_that_are_spoken() -> None:
    assert set(CHANNELS) == set(CHANNEL_KINDS)
    assert set(SOURCES) == set(ASKED_KINDS)
    assert set(WRITE_BACKS) == set(TOLD_KINDS)


def test_whoever_is_asked_or_told_can_be_tried_by_the_doctor() -> None:
    assert set(PROBES) == {*SOURCES, *WRITE_BACKS}


def test_every_probe_and_every_write_back_has_what_its_interface_says() -> None:
    for made in PROBES.values():
        assert callable(getattr(made, "check", None)), made
    for made in WRITE_BACKS.values():
        for name in ("shipped", "was_told", "cancelled", "stock", "close"):
            assert callable(getattr(made, name, None)), (made, name)
        assert hasattr(made, "idempotent"), made
