"""What comes back: by month and way, and event against online, SKU by SKU."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from backroom.insight.report import table_of_returns
from backroom.insight.returned import compared, rates

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_the_rate_of_a_month_is_that_of_its_pieces_and_sure_sixty_days_after_it() -> None:
    months = [("2026-08", "event", 50, 1), ("2026-08", "online", 150, 19), ("2026-10", "local", 10, 0)]
    found = {(one.day, one.way): one for one in rates(months, NOW, ZoneInfo("UTC"))}
    assert {key: one.value for key, one in found.items()} == {
        ("2026-08-01", "all"): 20 / 200,
        ("2026-08-01", "event"): 1 / 50,
        ("2026-08-01", "online"): 19 / 150,
        ("2026-10-01", "all"): 0.0,
        ("2026-10-01", "local"): 0.0,
    }
    assert found["2026-08-01", "all"].orders == 200
    assert not found["2026-08-01", "all"].provisional
    assert found["2026-10-01", "all"].provisional


def test_event_is_held_against_online_where_a_sku_was_sold_both_ways() -> None:
    sold = [
        ("TEE", True, 80, 1),
        ("TEE", False, 200, 30),
        ("TOTE", True, 10, 1),
        ("TOTE", False, 8, 0),
        ("HOOD", False, 500, 90),
    ]
    together, tee, tote = compared(sold, 10)
    assert (together.sku, together.event.back, together.event.sold, together.online.sold) == ("", 2, 90, 208)
    assert (tee.sku, tote.sku) == ("TEE", "TOTE")
    assert tee.verdict == "less comes back from events"
    assert tote.verdict == "no difference is certain"
    low, high = tee.difference
    assert low < tee.event.share - tee.online.share < high < 0
    assert [row["sku"] for row in table_of_returns([together, tee])] == ["all of them", "TEE"]
    assert table_of_returns([tee])[0]["event"] == "1 of 80: 1.2 % (0.2 % to 6.7 %)"
    assert [one.sku for one in compared(sold, 1)] == ["", "TEE"]


@pytest.mark.parametrize("sold", [[], [("TEE", True, 5, 1)]])
def test_what_was_sold_one_way_alone_is_held_against_nothing(sold: list[tuple[str, bool, int, int]]) -> None:
    assert compared(sold, 10) == []
