"""A mapping in the shop file: what is right is read, and every wrong path or field is named with what to write."""

from __future__ import annotations

import copy
import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.mapping import LoginMapping
from backroom.shop.channels import read_channel
from backroom.shop.check import Report
from backroom.shop.section import Section
from tests.mapped_shops import LANTERN, LIST, a_spec, read_spec

SHIPPED = """
[[mapping.tell.shipped.calls]]
path = "/orders/{id}/shipments"
body = { code = "{tracking}", pieces = "{lines}" }
[mapping.tell.shipped.line]
id = "{line_id}"
"""


def api(text: str = "") -> str:
    return f'[api]\nurl = "https://lantern.example"\nsecret = "channel.lantern"\n{text}'


def test_a_mapping_is_read_whole() -> None:
    mapping = a_spec().mapping
    assert mapping is not None
    assert mapping.updated_at.text == "changed or created"
    assert mapping.payment.paid == {"paid", "captured"}
    assert mapping.signature is not None
    assert mapping.signature.prefix == "sha256="
    assert mapping.address is not None
    assert mapping.address.fields["line1"].text == "street + house"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "id"', "", "mapping.id: is missing"),
        ('id = "id"', 'id = "a..b"', "mapping.id: has no name where '.b' stands"),
        ('id = "id"', "id = 7", "mapping.id: is not a list of texts"),
        ('total = "money.total"', 'total = "$.total"', "mapping.total: begins with $"),
        ('lines = "items[*]"', 'lines = "items"', "mapping.lines: 'items' leads to one value"),
        ('order = "data.order"', 'order = "data[0]"', "mapping.order: 'data[0]' holds a bracket"),
        ('currency = "money.currency"', 'curency = "x"', "mapping.curency: is not known here. Did you mean currency?"),
        ('unit_price = "price"', "", "mapping.line.unit_price: is missing"),
        ('unit_price = "price"', 'total = "sum"', "mapping.line.discount: is taken off total already"),
        ('paid = ["paid", "captured"]', "", "mapping.payment.paid: is missing"),
        ('pending = ["open", "authorised"]', 'pending = "paid"', "mapping.payment.paid: 'paid' stands in two lists"),
        ('city = "town"', "", "mapping.address.city: is missing"),
        ('at = ["shipTo", "buyer.home"]', 'at = ["ship To"]', "mapping.address.at: has no dot or bracket"),
        ('medium = "sms"', 'medium = "fax"', "mapping.consents.1.medium: 'fax' is not known"),
        ('topic = "event"', "", "mapping.message.topic: is missing"),
        ('scheme = "hmac-sha256"', 'scheme = "hmac"', "mapping.signature.scheme: 'hmac' is not known"),
        ('encoding = "hex"', "", "mapping.signature.encoding: is missing"),
        ('prefix = "sha256="', 'signed = "{timestamp}"', "mapping.signature.signed: has no {body} in it"),
        ('prefix = "sha256="', 'signed = "{timestamp}{body}"', "signed: and timestamp_header go together"),
        ('secret = "webhook.lantern"', "", "secret: is missing"),
        ('topic = "event"', 'topic = "event"\nhint = "data.id"', "message.hint: names orders that nothing can fetch"),
        ('location = "pickup.shop"', 'tax = "taxes[*]"', "mapping.tax: is only added to net prices"),
        ('location = "pickup.shop"', 'prices = "net"', "mapping.tax: is missing"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_named_with_its_place(old: str, new: str, says: str) -> None:
    assert old in LANTERN
    _, problems = read_spec(LANTERN.replace(old, new, 1))
    assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LIST.replace("{since}", "{sinse}"), "params: {sinse} is not known here. Did you mean since?"),
        (LIST.replace("{since}", "today"), "poll.list: says {since} nowhere"),
        (LIST.replace('order = "order"', 'order = "order"\npaging = "page"'), "nothing in list says {page}"),
        (LIST.replace('path = "/orders/{id}"', 'path = "/o?x={id}"'), "path: '/o?x={id}' is not a path below"),
        (LIST.replace('path = "/orders/{id}"', 'path = "/o"\nmethod = "PUT"'), "one: PUT changes something"),
        (SHIPPED.replace("{tracking}", "{traking}"), "body: {traking} is not known here. Did you mean tracking?"),
        (SHIPPED.replace("{line_id}", "{id}"), "line: {id} is not known here"),
        (SHIPPED.split("[mapping.tell.shipped.line]")[0], "tell.shipped.line: is missing"),
        (
            SHIPPED.replace("[mapping.tell.shipped.line]", 'unless = "parcel"\n[mapping.tell.shipped.line]'),
            "unless: no call",
        ),
        ("[mapping.tell.shipped]\nrepeatable = true", "tell.shipped.calls: is missing"),
        ('[mapping.login]\nbasic = true\nheader = "X-Key"', "login.header: is Authorization where basic = true"),
    ],
)
def test_what_is_wrong_in_its_calls_is_named_with_its_place(text: str, says: str) -> None:
    _, problems = read_spec(f"{LANTERN}{text}\n{api()}")
    assert any(says in problem for problem in problems), problems


def test_a_hint_needs_an_interface_to_fetch_by() -> None:
    _, problems = read_spec(LANTERN.replace('topic = "event"', 'topic = "event"\nhint = "data.id"') + LIST)
    assert any("lantern.api: is missing" in problem for problem in problems), problems


def test_its_calls_are_right_as_they_are() -> None:
    spec = a_spec(LANTERN + LIST + SHIPPED + api())
    assert spec.api is not None
    assert (spec.api.ask, spec.api.tell) == (True, ("shipped",))


def test_a_login_is_a_bearer_token_unless_it_says_otherwise() -> None:
    mapping = a_spec(LANTERN + '[mapping.login]\nheader = "X-Api-Key"').mapping
    assert mapping is not None
    assert mapping.login == LoginMapping("X-Api-Key", "")
    assert LoginMapping() == LoginMapping("Authorization", "Bearer ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ask = true", "api.ask: nothing says how it is asked"),
        ('tell = ["stock"]', "nothing says how it is told stock"),
    ],
)
def test_what_the_mapping_cannot_do_is_not_asked_of_it(text: str, says: str) -> None:
    _, problems = read_spec(LANTERN + api(text))
    assert any(says in problem for problem in problems), problems


def test_another_kind_of_channel_has_no_mapping() -> None:
    _, problems = read_spec('kind = "csv"\nsla = "standard"\n[mapping]\nid = "id"')
    assert any("a channel of kind csv needs none" in problem for problem in problems)


@pytest.mark.parametrize("folder", ["../up", "/etc", "drop/../..", "drop//x", ".hidden"])
def test_a_drop_folder_lies_in_the_home_folder(folder: str) -> None:
    _, problems = read_spec(f'kind = "csv"\nsla = "standard"\nfolder = "{folder}"')
    assert any("is not a folder in the home folder" in problem for problem in problems)


def test_a_till_takes_no_files() -> None:
    _, problems = read_spec('kind = "pos"\nsla = "standard"\nfolder = "drop"')
    assert any("a channel of kind pos takes no files" in problem for problem in problems)


WHOLE = tomllib.loads(f"{LANTERN}{LIST}{SHIPPED}\n{api()}", parse_float=Decimal)
toml_values = st.recursive(
    st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "path", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(place for key, one in inner for place in places(one, (*before, key)))]


@given(st.sampled_from([place for place in places(WHOLE) if place]), toml_values)
def test_whatever_stands_anywhere_is_read_or_named(place: tuple[Any, ...], value: Any) -> None:
    table = copy.deepcopy(WHOLE)
    holder = table
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    report = Report("shop.toml")
    spec = read_channel("lantern", Section(table, "channels.lantern", report))
    assert spec.mapping is not None or report.problems
    assert all(problem.remedy for problem in report.problems)
