"""The demo's stories: one or several messages each, that show one thing a back room meets.

What belongs here: each kind of order, good, changing or bad, and how it must end. What does not: how stories are mixed
(`demo_orders`), the channels' words (`demo_shapes`).

Expectations hold in whatever order messages arrive: those about one order agree in what is made, and differ in payment
and time only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from backroom.shop.demo_messages import (
    BOOTH,
    BOUTIQUES,
    LOCAL,
    MADE_TO_ORDER,
    MAIN,
    MOST_SICK,
    NOT_IN_CATALOGUE,
    NOTE_WITH_CARD,
    PLENTY,
    POSTAGE,
    SOME,
    UNSAMPLED_THERE,
    WEB,
    WITHOUT_ARTWORK,
    DemoExpectation,
    DemoOrder,
    Maker,
    from_shopify,
    from_till,
    from_woocommerce,
    good,
)
from backroom.shop.demo_people import ABROAD, BEYOND, BORDER, FAR, NEARBY, UNKNOWN_PLACE
from backroom.shop.demo_shapes import Item, csv_rows, product

Story = Callable[[Maker], list[DemoOrder]]


def web_far(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(MADE_TO_ORDER), place=maker.place(FAR), sms=True, postage=POSTAGE)
    return [from_shopify("web, far, printed", sale, good(sale, MAIN))]


def web_abroad(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(SOME), place=maker.place(ABROAD), postage=POSTAGE)
    return [from_shopify("web, abroad", sale, good(sale, MAIN))]


def web_local(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=maker.place(NEARBY), sms=True)
    return [from_shopify("web, local", sale, good(sale, LOCAL))]


def web_beyond(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=BEYOND, postage=POSTAGE)
    return [from_shopify("web, 10.001 km", sale, good(sale, MAIN))]


def border(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(MADE_TO_ORDER), place=BORDER, sms=True)
    return [from_shopify("web, exactly 10 km", sale, good(sale, LOCAL))]


def no_sample_there(maker: Maker) -> list[DemoOrder]:
    """It would be made around the corner, where nobody has looked at a sample of it: the main hub makes it."""
    sale = maker.sale(Item(UNSAMPLED_THERE), place=maker.place(NEARBY), sms=True)
    return [from_shopify("web, local, no sample of it there", sale, good(sale, MAIN))]


def silent(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=maker.place(ABROAD), mail=False, postage=POSTAGE)
    return [from_shopify("web, wants no messages", sale, good(sale, MAIN))]


def instagram_with_card(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=maker.place(ABROAD), mail=False, postage=POSTAGE)
    sale = replace(sale, note=NOTE_WITH_CARD)
    return [from_shopify("Instagram, a card number in its note", sale, good(sale, MAIN), source="instagram")]


def instagram(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(SOME), place=maker.place(NEARBY), sms=True)
    return [from_shopify("Instagram, local", sale, good(sale, LOCAL), source="instagram")]


def several_lines(maker: Maker) -> list[DemoOrder]:
    items = (Item("JACK-TRAM-DENIM-M"), Item("TOTE-MOTH-BLACK", 2), Item("PATCH-FOX", 3))
    sale = maker.sale(*items, place=maker.place(FAR), sms=True)
    sale = replace(sale, discount=500)
    return [from_shopify("web, several lines, a discount", sale, good(sale, MAIN))]


def woo_far(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(SOME), place=maker.place(FAR), sms=True, postage=POSTAGE)
    return [from_woocommerce("WooCommerce, far", sale, good(sale, MAIN))]


def by_postcode(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(MADE_TO_ORDER), maker.one_of(PLENTY), place=maker.place(NEARBY))
    return [from_woocommerce("WooCommerce, local by its postcode", sale, good(sale, LOCAL))]


def carry_out(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=None, mail=False)
    return [from_till("till, carried out", maker, sale, good(sale, BOOTH), "carry_out")]


def collect(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(MADE_TO_ORDER), place=None, mail=False, sms=True)
    return [from_till("till, printed on the spot", maker, sale, good(sale, BOOTH), "collect")]


def sent_from_booth(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(MADE_TO_ORDER), place=maker.place(ABROAD), postage=POSTAGE)
    return [from_till("till, sent home", maker, sale, good(sale, BOOTH), "ship")]


def boutique(maker: Maker) -> list[DemoOrder]:
    items = (Item("TOTE-CAT-NAT", 6), Item("PATCH-CAT", 10))
    sale = maker.sale(*items, place=maker.place(FAR), postage=POSTAGE)
    order_id = f"BQ-{sale.id}"
    payload = {"order_id": order_id, "rows": csv_rows(sale, order_id)}
    return [DemoOrder("file, a boutique", "csv", BOUTIQUES, order_id, payload, good(sale, MAIN))]


def delivered_twice(maker: Maker) -> list[DemoOrder]:
    (first,) = border(maker)
    again = replace(first, kind="the same delivery again", expect=DemoExpectation("duplicate"))
    return [first, again]


def paid_later(maker: Maker) -> list[DemoOrder]:
    """Held until it is paid; then old news comes late, and changes nothing."""
    sale = maker.sale(maker.one_of(MADE_TO_ORDER), place=maker.place(FAR), postage=POSTAGE)
    expect, at = good(sale, MAIN), sale.placed_at
    pending = replace(sale, paid=False)
    paid = replace(sale, updated_at=at + timedelta(minutes=20))
    stale = replace(pending, updated_at=at + timedelta(minutes=5), note="Is it on its way?")
    return [
        from_woocommerce("WooCommerce, not paid yet", pending, expect),
        from_woocommerce("the same, paid", paid, expect, topic="order.updated"),
        from_woocommerce("the same, stale news", stale, expect, topic="order.updated"),
    ]


def cancelled(maker: Maker) -> list[DemoOrder]:
    """Not paid, so nothing is made of it before the cancellation comes."""
    sale = maker.sale(maker.one_of(MADE_TO_ORDER), place=maker.place(FAR), postage=POSTAGE)
    placed = replace(sale, paid=False)
    cancelled = replace(placed, cancelled=True, updated_at=sale.placed_at + timedelta(minutes=9))
    expect = DemoExpectation("cancelled", printed=False, messages=0)
    return [
        from_shopify("web, not paid", placed, expect),
        from_shopify("the same, cancelled", cancelled, expect, topic="orders/cancelled"),
    ]


def unknown_sku(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), Item(NOT_IN_CATALOGUE), place=maker.place(NEARBY))
    return [from_shopify("an unknown SKU", sale, _held("unknown_sku"))]


def wrong_total(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=maker.place(FAR), postage=POSTAGE)
    order = from_shopify("a total that does not add up", sale, _held("totals_do_not_add_up"))
    return [replace(order, payload=order.payload | {"total_price": "1.00", "current_total_price": "1.00"})]


def nobody_knows_where(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=UNKNOWN_PLACE, postage=POSTAGE)
    return [from_woocommerce("no coordinates, unknown postcode", sale, _held("no_coordinates"))]


def forged(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=maker.place(NEARBY))
    expect = DemoExpectation("refused", messages=0, status=401)
    return [replace(from_shopify("a forged signature", sale, expect), forged=True)]


def broken(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=maker.place(NEARBY))
    expect = DemoExpectation("refused", messages=0, status=400)
    body = f'{{"id": {sale.id}, "line_items": ['
    return [DemoOrder("broken JSON", "shopify", WEB, "", {}, expect, "orders/create", body)]


def no_order(maker: Maker) -> list[DemoOrder]:
    sale = maker.sale(maker.one_of(PLENTY), place=None)
    expect = DemoExpectation("quarantined", messages=0)
    payload = product(sale.id, sale.updated_at)
    return [DemoOrder("not an order", "shopify", WEB, str(sale.id), payload, expect, "orders/create")]


def sick(maker: Maker) -> list[DemoOrder]:
    """Its artwork is not in the artwork folder, so it cannot be printed."""
    if maker.sick == MOST_SICK:
        return unknown_sku(maker)
    maker.sick += 1
    sale = maker.sale(Item(WITHOUT_ARTWORK[maker.sick % 3]), place=maker.place(FAR), sms=True, postage=POSTAGE)
    expect = DemoExpectation("failed", MAIN, "artwork_missing", printed=False, messages=0)
    return [from_shopify("sick: its artwork is missing", sale, expect)]


def _held(reason: str) -> DemoExpectation:
    return DemoExpectation("held", reason=reason, printed=False, messages=0)
