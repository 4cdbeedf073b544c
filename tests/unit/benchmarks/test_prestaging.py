"""The forecast and its plan against the naive plan, on fixed seeds; `benchmarks/prestaging.py` measures many."""

from __future__ import annotations

import pytest

from benchmarks.market_demand import KINDS
from benchmarks.prestaging import judge

SEEDS = range(6)


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_same_stock_fewer_sales_are_lost_than_with_last_markets_sales(kind: str) -> None:
    judged = [found for seed in SEEDS if (found := judge(kind, seed)) is not None]
    lost = {name: sum(found[name] for found in judged) for name in judged[0]}
    assert lost["forecast"] < 0.95 * lost["last sales"]
    assert lost["forecast"] < lost["SBA alone"]
    assert lost["forecast with blanks"] < lost["forecast"]
