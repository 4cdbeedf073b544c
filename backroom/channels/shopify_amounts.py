"""What a Shopify order costs and how much of it is left, so that its parts add up to its total.

What belongs here: lines, quantities and amounts of the REST order resource. What does not: its people and places.
Sources: shopify.dev "Order" (REST Admin API), "MoneyBag", API 2024-10 release notes (`current_shipping_price_set`).

Amounts are taken in the shop's currency, and as they stand now: `current_quantity` and the `current_` totals tell what
is left after edits and refunds.
"""

from __future__ import annotations

from typing import Any

from backroom.channels.reading import Reading, first_text, is_named, items, mapping, named_address, text
from backroom.domain.model import IncomingLine


class Amounts:
    """The amounts of one order, either as it was placed or as it stands now.

    `pictured` is the name of the property that says where a line's own picture is, empty where there is none.
    """

    def __init__(
        self, reading: Reading, order: dict[str, Any], currency: str, *, as_placed: bool, pictured: str = ""
    ) -> None:
        self._reading, self._order, self._currency, self._as_placed = reading, order, currency, as_placed
        self._pictured = pictured
        self._not_goods = 0
        self._most_uneven = 0

    def line(self, line: dict[str, Any], index: int) -> IncomingLine | None:
        """A line that is to be made; None for one that was removed, and for gift cards and tips."""
        path = f"line_items[{index}]"
        ordered = self._reading.quantity(line.get("quantity"), f"{path}.quantity")
        left = ordered
        if not self._as_placed and line.get("current_quantity") is not None:
            left = self._reading.quantity(line.get("current_quantity"), f"{path}.current_quantity", least=0)
        price = self._amount(line.get("price"), f"{path}.price")
        discount = self._discounts(line, path)
        if left > ordered:
            self._reading.wrong("quantity", f"{path}.current_quantity", "is more than was ordered")
        if left == 0:
            return None
        if left < ordered:
            # What was taken off for each piece that is left; cents that do not divide are settled by `uneven`.
            self._most_uneven += discount % ordered
            discount = discount // ordered * left
        if line.get("gift_card") is True or line.get("tip") or line.get("tip_payment_gateway"):
            self._not_goods += price * left - discount
            return None
        return IncomingLine(
            external_id=self._reading.identifier(line.get("id"), f"{path}.id"),
            sku=self._reading.identifier(line.get("sku"), f"{path}.sku", needed=False),
            quantity=left,
            unit_price_minor=price,
            title=first_text(line.get("name"), line.get("title"))[:200],
            discount_minor=discount,
            personalisation=_properties(line, self._pictured),
            artwork_url=named_address(line.get("properties"), self._pictured, "name"),
        )

    def total(self) -> int:
        return self._current("total_price")

    def shipping(self) -> int:
        """What is paid for shipping, after its own discounts."""
        # Since API 2024-10 an amount of its own, after discounts and refunds.
        left = mapping(mapping(self._order.get("current_shipping_price_set")).get("shop_money")).get("amount")
        if left is not None and not self._as_placed:
            return self._amount(left, "current_shipping_price_set")
        return sum(
            self._amount(line.get("price"), f"shipping_lines[{i}].price")
            - self._discounts(line, f"shipping_lines[{i}]")
            for i, line in enumerate(items(self._order.get("shipping_lines")))
            if line.get("is_removed") is not True
        )

    def added(self) -> int:
        """What comes on top of goods and shipping: taxes that prices do not include, duties, tips, gift cards."""
        tax = 0 if self._order.get("taxes_included") is True else self._current("total_tax", needed=False)
        when = "original" if self._as_placed else "current"
        extras = (f"{when}_total_duties_set", f"{when}_total_additional_fees_set")
        return tax + self._not_goods + sum(self._shop_money(name) for name in extras)

    def uneven(self, lines: tuple[IncomingLine, ...]) -> int:
        """The cents by which Shopify's own subtotal is below the lines', where discounts had to be divided."""
        if not self._most_uneven:
            return 0
        subtotal = self._current("subtotal_price")
        goods = sum(line.quantity * line.unit_price_minor - line.discount_minor for line in lines) + self._not_goods
        return goods - subtotal if 0 < goods - subtotal <= self._most_uneven else 0

    def _current(self, name: str, *, needed: bool = True) -> int:
        told = None if self._as_placed else self._order.get(f"current_{name}")
        return self._amount(self._order.get(name) if told is None else told, name, needed=needed)

    def _discounts(self, line: dict[str, Any], path: str) -> int:
        allocations = items(line.get("discount_allocations"))
        if not allocations:
            return self._amount(line.get("total_discount"), f"{path}.total_discount", needed=False)
        return sum(
            self._amount(one.get("amount"), f"{path}.discount_allocations[{i}].amount")
            for i, one in enumerate(allocations)
        )

    def _shop_money(self, name: str) -> int:
        amount = mapping(mapping(self._order.get(name)).get("shop_money")).get("amount")
        return self._amount(amount, name, needed=False)

    def _amount(self, value: object, path: str, *, needed: bool = True) -> int:
        return self._reading.money(value, path, self._currency, needed=needed)


def _properties(line: dict[str, Any], pictured: str) -> str:
    """What the customer typed for this piece. Names with an underscore are the theme's own, and not shown.

    An uploaded picture's address is a property as well, under whatever name the theme or the upload's app has for it.
    """
    others = (one for one in items(line.get("properties")) if not is_named(one, pictured, "name"))
    told = ((text(one.get("name")), text(one.get("value"))) for one in others)
    return "; ".join(f"{name}: {value}" for name, value in told if value and not name.startswith("_"))[:500]
