"""Nobody's run fails in silence."""

from __future__ import annotations

import re
from pathlib import Path

from backroom.engine.automations import LOOK_FLOWS, ORDER_FLOWS, WAVE_FLOWS

FLOWS = Path(__file__).parents[3] / "flows"


def test_every_flow_but_the_alert_itself_tells_somebody_when_it_fails() -> None:
    named = re.compile(r'@flow\(\s*name="([a-z-]+)"')
    names = {name for path in FLOWS.glob("*.py") for name in named.findall(path.read_text())}
    assert len(names) >= 16
    told = [*ORDER_FLOWS, *WAVE_FLOWS, *LOOK_FLOWS]
    assert sorted(told) == sorted(names - {"alert"})
