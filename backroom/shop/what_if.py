"""Files of a what-if: other rules, or another way of buying stock.

What belongs here: reading them and checking them against the shop. What does not: what they lead to
(`backroom.insight`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from backroom.domain.money import exponent
from backroom.domain.replay import Restocking
from backroom.domain.shop import Shop
from backroom.domain.supply import Supply
from backroom.shop.check import Report, check_references
from backroom.shop.load import load_shop
from backroom.shop.reading import read_toml
from backroom.shop.rules import read_rules
from backroom.shop.section import Section


def read_changed_shop(path: Path, shop: Shop) -> Shop:
    """The shop with the rules of a file in the place of its own; a file with a `[shop]` table is a whole shop file.

    Raises ShopFileInvalid with every problem.
    """
    report = Report(path.name)
    raw = read_toml(path, report, "Copy the [[rules]] of your shop file into it, and change them.")
    report.done()
    if "shop" in raw:
        return load_shop(path)
    root = Section(raw, "", report)
    changed = replace(shop, rules=read_rules(root))
    root.done()
    check_references(changed, report)
    report.done()
    return changed


def read_supply(path: Path, shop: Shop) -> Supply:
    """The `[restock]` table of a file: when stock would be bought, how much, at which price; `[[restock.own]]` for one
    SKU. Raises ShopFileInvalid with every problem.
    """
    report = Report(path.name)
    raw = read_toml(path, report, "See docs/guide/what-if.md for what stands in it.")
    report.done()
    root = Section(raw, "", report)
    section, digits = root.section("restock"), exponent(shop.owner.currency)
    rule = _rule(
        section, Restocking(shop.thresholds.low_stock, shop.thresholds.low_stock + 1, timedelta()), given=False
    )
    piece = section.money("piece", digits)
    order = section.money("order", digits, 0)
    holding = section.number("holding_percent", 0.0, low=0, high=100)
    own: dict[str, Restocking] = {}
    prices: dict[str, int] = {}
    for number, row in enumerate(section.rows("own"), 1):
        one = Section(row if isinstance(row, Mapping) else {}, f"restock.own.{number}", report)
        sku = one.text("sku")
        own[sku] = _rule(one, rule, given=True)
        prices[sku] = one.money("piece", digits, piece)
        one.done()
    section.done()
    root.done()
    report.done()
    return Supply(rule, piece, order, holding, own, prices)


def _rule(section: Section, otherwise: Restocking, *, given: bool) -> Restocking:
    """`at`, `fill_to` and `lead_days`; what a SKU's own rule does not name is as in the rule of all."""
    at = section.whole("at", otherwise.reorder_at, high=100_000)
    fill_to = section.whole("fill_to", otherwise.fill_to if given else None, low=1, high=100_000)
    days = section.number("lead_days", otherwise.lead / timedelta(days=1) if given else None, low=0, high=1_000)
    if fill_to <= at:
        section.problem(
            "fill_to", f"{fill_to} is not more than {at}, where it is ordered again", f"Write {at + 1} or more."
        )
        return otherwise
    return Restocking(at, fill_to, timedelta(days=days))
