"""From rows to a batch: the columns that no query can tell, and a table of plain numbers and codes for pandas.

What belongs here: currencies, check digits, places of the shop file, ages. What does not: the rows (`backroom.store`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from backroom.domain.gtin import valid_gtin
from backroom.domain.kpi import BY_NAME, Unit
from backroom.domain.lifecycle import Kind, ends
from backroom.domain.money import EXPONENTS
from backroom.domain.shop import Shop
from backroom.store.quality.windows import Rows

Row = Mapping[str, Any]
_AT_END = ends(Kind.FULFILMENT)


def completed(subject: str, rows: Rows, shop: Shop, at: datetime) -> Rows:
    """The rows of a subject with what must be computed of them; times stay times."""
    places = {location.id: location for location in shop.locations}
    more: dict[str, Mapping[str, Callable[[Row], object]]] = {
        "orders": {"currency_known": _currency_known},
        "shipments": {"currency_known": _currency_known},
        "catalogue": {
            "currency_known": _currency_known,
            "gtin_right": lambda row: _bit(valid_gtin(row["gtin"])) if row["gtin"] else None,
        },
        "stock": {"location_known": lambda row: _bit(row["location"] in places)},
        "stock_movements": {"moves_something": lambda row: _bit(row["pieces"] != 0)},
        "fulfilment_orders": {
            "open_location_known": lambda row: None if row["state"] in _AT_END else _bit(row["location"] in places),
            # Who scans waits for scans as well.
            "waits_without_scan": lambda row: (
                row["waits_for"] if row["location"] in places and not places[row["location"]].scan else None
            ),
        },
        "key_figures": {"share": _share},
    }
    for row in rows:
        row |= {name: compute(row) for name, compute in more.get(subject, {}).items()}
        ages = {f"{name}_age_s": (at - value).total_seconds() for name, value in row.items() if _is_time(value)}
        row |= ages
    return rows


def columns_of(rows: Rows) -> dict[str, list[Any]]:
    """The same by columns, with times as seconds since 1970: what pandas compares without surprises."""
    if not rows:
        return {}
    return {name: [_plain(row.get(name)) for row in rows] for name in dict.fromkeys(n for row in rows for n in row)}


def _currency_known(row: Row) -> int:
    return _bit(row["currency"] in EXPONENTS)


def _share(row: Row) -> float | None:
    kpi = BY_NAME.get(row["name"])
    return row["value"] if kpi is not None and kpi.unit is Unit.SHARE else None


def _bit(condition: bool) -> int:
    return int(condition)


def _is_time(value: object) -> bool:
    return isinstance(value, datetime)


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value
