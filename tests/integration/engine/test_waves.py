"""Whether a wave is under way: what the desk's worker asks the shop before it looks for runs by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.engine.waves import wave_is_under_way
from backroom.store import claims
from tests.shops import HUB, Floor


def test_a_wave_is_under_way_while_a_claim_is_held(floor: Floor) -> None:
    assert not wave_is_under_way()
    claim = floor.room.database.write(
        lambda c: claims.take(c, stage="intake", location=HUB, instance="here/1/1", run_id="")
    )
    assert wave_is_under_way()
    floor.room.database.write(lambda c: claims.give_up(c, claim.token))
    assert not wave_is_under_way()


def test_whoever_finds_no_shop_to_ask_takes_it_for_granted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROOM_HOME", str(tmp_path))
    assert wave_is_under_way()
