"""The demo's orders, read by the channels they are for, judged by the rules of the demo shop."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backroom.channels.base import NotAnOrder
from backroom.channels.contact import check_address, normalise_email, normalise_phone
from backroom.channels.csvfile import read_file
from backroom.channels.pos import split_batch
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.domain.blanks import is_blank
from backroom.domain.cards import mask_cards
from backroom.domain.consent import Medium, may_send
from backroom.domain.geo import distance_m, locate, postcode_table
from backroom.domain.locations import Location
from backroom.domain.model import Delivery, IncomingOrder, LineToRoute, OrderToRoute, RoutingDecision, Variant
from backroom.domain.routing import LocationView, compile_rules, route
from backroom.domain.samples import InUse, judge_at
from backroom.domain.validation import validate
from backroom.shop.catalogue import read_catalogue, read_stock
from backroom.shop.demo_messages import BAD_ENDINGS, MADE_TO_ORDER, PLENTY, SOME, WITHOUT_ARTWORK
from backroom.shop.demo_orders import DemoOrder, csv_file, demo_orders
from backroom.shop.demo_people import BEYOND, BORDER
from backroom.shop.demo_samples import UNSEEN
from backroom.shop.load import load_shop

DATA = Path(__file__).parents[3] / "data"
NOW = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
SHOP = load_shop(DATA / "shop.toml")
CATALOGUE = {variant.sku: variant for variant in read_catalogue(DATA / "catalogue.csv")}
STOCK = read_stock(DATA / "stock.csv")
BLANKS = [one for one in CATALOGUE.values() if is_blank(one)]


def unseen(location: Location, variant: Variant) -> bool:
    """Whether nobody has looked at a sample of it there."""
    there = judge_at(location, variant, BLANKS, {}, InUse(), NOW)
    return any(one.is_(at_printer) for one in UNSEEN for at_printer in there)


RULES = compile_rules(SHOP.rules)
VIEWS = [
    LocationView(
        location=location,
        available={sku: on_hand for place, sku, on_hand in STOCK if place == location.id},
        printable=frozenset(
            v.sku
            for v in CATALOGUE.values()
            if v.artwork and location.can_print(v.print_process) and not unseen(location, v)
        ),
    )
    for location in SHOP.locations
]
ORDERS = demo_orders(170, 7, NOW)


def read(message: DemoOrder) -> IncomingOrder:
    """What the message's own channel makes of it."""
    channel = channel_for(SHOP.channel(message.channel_id))
    body = parse_json((message.body or json.dumps(message.payload)).encode())
    return channel.parse(body, message.topic, SHOP.owner.country)


def decide(order: IncomingOrder) -> RoutingDecision:
    place = locate(order.address, postcode_table(SHOP.postcodes)) if order.address else None
    return route(
        OrderToRoute(
            number="A-1",
            channel=order.channel,
            source=order.source,
            delivery=order.delivery,
            country=order.address.country if order.address else SHOP.owner.country,
            placed_at=order.placed_at,
            lines=tuple(
                LineToRoute(number, line.sku, line.quantity, CATALOGUE[line.sku].product)
                for number, line in enumerate(order.lines, 1)
            ),
            event=order.event,
            location=order.location,
            latitude=place[0] if place else None,
            longitude=place[1] if place else None,
        ),
        RULES,
        VIEWS,
    )


def final_news() -> list[tuple[DemoOrder, IncomingOrder]]:
    """Of every order that is taken, the message that is the newest by its source's clock."""
    newest: dict[tuple[str, str], tuple[DemoOrder, IncomingOrder]] = {}
    for message in ORDERS:
        if message.expect.ending in ("refused", "quarantined", "duplicate"):
            continue
        order = read(message)
        identity = order.channel, order.external_id
        if identity not in newest or order.updated_at > newest[identity][1].updated_at:
            newest[identity] = message, order
    return list(newest.values())


NEWS = final_news()


@pytest.mark.parametrize("count", [0, 1, 2, 7, 20, 61, 200])
def test_there_are_exactly_as_many_messages_as_asked_for(count: int) -> None:
    assert len(demo_orders(count, 3, NOW)) == count


def test_the_first_twenty_messages_hold_every_kind() -> None:
    first = demo_orders(20, 0, NOW)
    assert {message.expect.ending for message in first} == {
        *("fulfilled", "held", "quarantined", "failed", "cancelled", "duplicate", "refused"),
    }
    assert {message.door for message in first} == {"shopify", "woocommerce", "pos", "csv"}
    assert {message.expect.reason for message in first if message.expect.ending == "held"} == {
        *("unknown_sku", "totals_do_not_add_up", "no_coordinates"),
    }
    assert {message.expect.location for message in first} >= {"main-hub", "local-hub", "booth-a"}
    assert {message.expect.status for message in first} == {200, 400, 401}
    assert {message.payload.get("source_name") for message in first} >= {"web", "instagram"}
    assert {message.payload.get("delivery") for message in first} >= {"carry_out", "collect"}
    assert {message.expect.messages for message in first} >= {0, 1, 2}


def test_of_two_hundred_messages_sixteen_are_bad() -> None:
    endings = Counter(message.expect.ending for message in demo_orders(200, 0, NOW))
    assert sum(endings[ending] for ending in BAD_ENDINGS) == 16


def test_the_same_seed_gives_the_same_orders_and_another_seed_gives_others() -> None:
    assert demo_orders(60, 5, NOW) == demo_orders(60, 5, NOW)
    ids = {order.external_id for order in demo_orders(60, 5, NOW)} - {""}
    assert ids.isdisjoint({order.external_id for order in demo_orders(60, 6, NOW)})


def test_sick_orders_never_become_a_breaker() -> None:
    endings = Counter(message.expect.ending for message in demo_orders(5000, 0, NOW))
    assert 0 < endings["failed"] <= 10


@pytest.mark.parametrize("message", ORDERS, ids=lambda message: message.kind)
def test_its_channel_reads_every_message_as_what_it_is(message: DemoOrder) -> None:
    if message.body:
        with pytest.raises(BrokenJson):
            read(message)
    elif message.expect.ending == "quarantined":
        with pytest.raises(NotAnOrder):
            read(message)
    else:
        order = read(message)
        assert order.external_id == message.external_id
        assert (order.channel, order.currency) == (message.channel_id, SHOP.owner.currency)
        assert order.placed_at <= order.updated_at < NOW


def test_the_boutiques_file_holds_the_same_orders() -> None:
    drop = read_file(csv_file(ORDERS), "boutiques.csv")
    channel = channel_for(SHOP.channel("boutiques"))
    from_file = [channel.parse(json.loads(one.body), "", "DE") for one in drop.orders]
    assert not drop.problems
    assert from_file == [read(message) for message in ORDERS if message.door == "csv"]


@pytest.mark.parametrize(("message", "order"), NEWS, ids=lambda value: getattr(value, "kind", ""))
def test_the_shops_own_rules_end_every_order_as_expected(message: DemoOrder, order: IncomingOrder) -> None:
    expect = message.expect
    contact = check_address(order.address) if order.address else []
    codes = [problem.code for problem in validate(order, CATALOGUE, SHOP.owner.currency, contact)]
    if expect.ending == "cancelled":
        assert codes == ["cancelled"]
        return
    if codes:
        assert (expect.ending, [expect.reason]) == ("held", codes)
        return
    decision = decide(order)
    if decision.outcome == "hold":
        assert (expect.ending, expect.reason) == ("held", decision.hold_reason)
        return
    assert expect.ending in ("fulfilled", "failed")
    assert {assignment.location for assignment in decision.assignments} == {expect.location}
    printed = {assignment.sku for assignment in decision.assignments if assignment.to_print}
    artworks = {CATALOGUE[sku].artwork for sku in printed}
    assert (expect.ending == "failed") == any(not (DATA / "artwork" / name).exists() for name in artworks)
    if expect.ending == "fulfilled" and expect.printed is not None:
        assert bool(printed) == expect.printed


@pytest.mark.parametrize(("message", "order"), NEWS, ids=lambda value: getattr(value, "kind", ""))
def test_everybody_gets_the_messages_they_asked_for_and_no_others(message: DemoOrder, order: IncomingOrder) -> None:
    if message.expect.ending != "fulfilled":
        assert message.expect.messages == 0
        return
    phone = normalise_phone(order.phone, "")
    assert bool(phone) == bool(order.phone)
    ways: tuple[tuple[Medium, str | None], ...] = (("email", normalise_email(order.email)), ("sms", phone))
    told = [m for m, address in ways if address and may_send(order.consents, m, "order_updates", NOW)]
    assert message.expect.messages == (0 if order.delivery is Delivery.CARRY_OUT else len(told))


def test_no_two_orders_share_a_person() -> None:
    """Consents belong to the person: those of one order must not speak for another."""
    people = Counter(order.email for _, order in NEWS if order.email)
    phones = Counter(order.phone for _, order in NEWS if order.phone)
    assert max(people.values()) == max(phones.values()) == 1


def test_messages_about_one_order_agree_in_what_is_made() -> None:
    """So that the order in which they arrive cannot matter."""
    made: dict[tuple[str, str], set[object]] = {}
    for message in ORDERS:
        if message.external_id and message.expect.ending not in ("quarantined", "refused"):
            order = read(message)
            lines = tuple((line.sku, line.quantity) for line in order.lines)
            made.setdefault((order.channel, order.external_id), set()).add((lines, order.address, order.delivery))
    assert {len(variants) for variants in made.values()} == {1}


def test_the_border_order_goes_exactly_ten_kilometres_and_the_one_beyond_a_metre_more() -> None:
    workshop = SHOP.location("local-hub")
    here = (workshop.latitude, workshop.longitude)
    assert distance_m(here, (BORDER.latitude, BORDER.longitude)) == 10_000
    assert distance_m(here, (BEYOND.latitude, BEYOND.longitude)) == 10_001


def test_the_card_number_in_a_note_is_one_that_gets_masked() -> None:
    notes = [order.note for _, order in NEWS if "4242" in order.note]
    assert notes
    assert all(mask_cards(note)[1] == 1 for note in notes)


def test_what_the_demo_sells_costs_what_the_catalogue_says() -> None:
    lines = [line for message, order in NEWS if message.door in ("shopify", "pos", "csv") for line in order.lines]
    known = [line for line in lines if line.sku in CATALOGUE]
    assert all(line.unit_price_minor == CATALOGUE[line.sku].price_minor for line in known)


def test_stock_is_plenty_or_nothing_where_an_expectation_rests_on_it() -> None:
    on_hand = {(location, sku): count for location, sku, count in STOCK}
    places = [location.id for location in SHOP.locations]
    assert all(on_hand[place, sku] >= 3000 for place in places for sku in PLENTY)
    assert not [sku for _, sku in on_hand if sku in (*MADE_TO_ORDER, *WITHOUT_ARTWORK)]
    assert {*PLENTY, *MADE_TO_ORDER, *WITHOUT_ARTWORK, *SOME} <= set(CATALOGUE)


def test_a_tills_batch_takes_the_sales_as_they_are() -> None:
    sales = [message for message in ORDERS if message.door == "pos"]
    (message,) = split_batch({"device": sales[0].payload["device"], "sales": [sales[0].payload]})
    assert message == (sales[0].payload["seq"], sales[0].payload)


def test_a_till_counts_its_sales_without_a_gap_and_no_other_seeds_till_has_its_name() -> None:
    devices = set()
    for seed in (1, 2):
        sales = [message.payload for message in demo_orders(300, seed, NOW) if message.door == "pos"]
        assert [sale["seq"] for sale in sales] == list(range(1, len(sales) + 1))
        devices |= {sale["device"] for sale in sales}
    assert len(devices) == 2


def test_the_shops_courier_goes_wherever_the_demo_sends_parcels() -> None:
    countries = {order.address.country for _, order in NEWS if order.address}
    assert countries <= set(SHOP.carriers[0].countries)
    assert len(countries) > 5


def test_customers_names_come_in_latin_greek_cyrillic_and_cjk() -> None:
    names = "".join(order.address.name for _, order in NEWS if order.address)
    scripts = {unicodedata.name(letter, "").split()[0] for letter in names}
    assert {"LATIN", "GREEK", "CYRILLIC", "CJK", "HANGUL"} <= scripts
