"""A mapped shop's HTTP interface: pages of every kind, what is told, and what its answers mean.

The shop here is one of many: a few routes by hand over real HTTP, as a mapping's tables describe them. A real shop is
in `tests/peers/test_vendure_mapping.py`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.channels.mapped_calls import LoginUnusable
from backroom.channels.mapped_news import MappedWriteBack, NotTold
from backroom.channels.mapped_source import MappedSource, NotAsked
from backroom.channels.remote import (
    HALF_SET,
    NOT_COUNTED,
    SKU_TWICE,
    UNKNOWN_SKU,
    Cancelled,
    LineShipped,
    Shipped,
    StockSet,
    StockTold,
)
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import OutcomeUnknown
from backroom.outgoing import circuit
from backroom.outgoing.client import TRIES
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup, ServiceSilent
from tests.mapped_shops import API, LANTERN, a_spec
from tests.unit.channels.samples import payload

SINCE = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
ORDER: dict[str, Any] = payload("mapped_order.json")["data"]["order"]
POLL = """
[mapping.poll]
orders = "orders[*]"
order = "order"
size = 2
%s
[mapping.poll.list]
path = "/orders"
params = { since = "{since}", size = "{size}"%s }
[mapping.poll.one]
path = "/orders/{id}"
"""
SHIPPED = """
[mapping.tell.shipped]
line = { item = "{line_id}", sku = "{sku}", count = "{quantity}" }
carriers = { Nachtbote = "other" }
%s
[[mapping.tell.shipped.calls]]
path = "/orders/{id}/parcels"
%s
[mapping.tell.shipped.calls.body]
code = "{tracking}"
by = "{carrier}"
items = "{lines}"
done = "{last}"
key = "{key}"
note = "by {carrier}: {tracking}"
"""
CANCELLED = """
[mapping.tell.cancelled]
reasons = { out_of_stock = "sold out" }
[[mapping.tell.cancelled.calls]]
path = "/orders/{id}/cancel"
body = { why = "{reason}" }
failed = "error"
fine = ["already_cancelled"]
"""
STOCK = """
[mapping.tell.stock]
unknown = "article"
shows = "level"
[[mapping.tell.stock.calls]]
path = "/articles"
params = { code = "{sku}" }
keep = { article = "articles[code={sku}].id", level = "articles[code={sku}].level" }
[[mapping.tell.stock.calls]]
method = "PUT"
path = "/articles/{article}/level"
body = { level = "{available}" }
"""


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    circuit.close_all()


def spec_of(server: HTTPServer, *tables: str) -> ChannelSpec:
    return a_spec("\n".join((LANTERN, *tables, API.format(port=server.port))))


def order(number: int, **changes: Any) -> dict[str, Any]:
    return ORDER | {"id": f"ord_{number}", "reference": f"L-{number}"} | changes


def paged(paging: str, param: str = "") -> str:
    return POLL % (paging, f", {param}" if param else "")


def source(server: HTTPServer, paging: str = "", param: str = "") -> MappedSource:
    return MappedSource(spec_of(server, paged(paging, param)), "k3y")


def answers(server: HTTPServer, answer: Callable[[Request], Any], path: str = "/orders") -> list[Request]:
    """Let the shop answer so; returns the calls as they come."""
    calls: list[Request] = []

    def handle(request: Request) -> Response:
        calls.append(request)
        told = answer(request)
        return told if isinstance(told, Response) else Response(json.dumps(told), content_type="application/json")

    server.expect_request(path).respond_with_handler(handle)
    return calls


def test_a_list_is_read_with_the_login_and_the_time_it_asks_for(httpserver: HTTPServer) -> None:
    sent = order(2, state={"payment": "open"})
    calls = answers(
        httpserver, lambda _: {"orders": [order(1), sent, order(3, state={"cancelledAt": "x", "payment": "paid"})]}
    )
    listed = list(source(httpserver).changed_since(SINCE))
    assert [(one.external_id, one.name, one.paid) for one in listed] == [
        ("ord_1", "L-1", True),
        ("ord_2", "L-2", False),
        ("ord_3", "L-3", False),
    ]
    assert (listed[0].total_minor, listed[0].currency, listed[0].fulfilled) == (6640, "EUR", False)
    assert listed[0].updated_at == datetime(2026, 11, 2, 8, 15, 11, 250_000, tzinfo=UTC)
    [call] = calls
    assert call.args["since"] == "2026-11-01T09:30:00.000Z"
    assert call.headers["Authorization"] == "Bearer k3y"


def test_a_time_is_asked_for_in_the_form_of_the_mapping(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda _: {"orders": []})
    for form in ("epoch", "epoch_ms"):
        list(source(httpserver, f'times = "{form}"').changed_since(SINCE))
    assert [call.args["since"] for call in calls] == ["1793525400", "1793525400000"]


ALL = [order(number) for number in range(5)]


def test_a_shop_that_is_asked_by_post_and_is_away_is_asked_again_and_is_nobodys_to_settle(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backroom.outgoing.client.FIRST_PAUSE", 0.01)
    away = [Response("", 503), Response("", 500)]
    by_post = POLL.replace('path = "/orders', 'method = "POST"\npath = "/orders') % ("", "")
    shop = MappedSource(spec_of(httpserver, by_post), "k3y")
    listed = answers(httpserver, lambda _: away.pop() if away else {"orders": [order(1)]})
    fetched = answers(httpserver, lambda _: away.pop() if away else {"order": order(1)}, "/orders/ord_1")
    assert [one.external_id for one in shop.changed_since(SINCE)] == ["ord_1"]
    away += [Response("", 503), Response("", 500)]
    assert [one.external_id for one in shop.fetch(["ord_1"])] == ["ord_1"]
    away += [Response("", 500)]
    shop.check()
    assert {one.method for one in (*listed, *fetched)} == {"POST"}
    away += [Response("", 503)] * TRIES
    with pytest.raises(ServiceAway) as caught:
        list(shop.changed_since(SINCE))
    assert caught.value.nothing_happened


def test_pages_are_asked_for_by_number(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda call: {"orders": ALL[(int(call.args["page"]) - 1) * 2 :][:2]})
    listed = source(httpserver, 'paging = "page"', 'page = "{page}"').changed_since(SINCE)
    assert [one.external_id for one in listed] == [one["id"] for one in ALL]
    assert [call.args["page"] for call in calls] == ["1", "2", "3", "4"]


def test_pages_are_asked_for_by_offset(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda call: {"orders": ALL[int(call.args["skip"]) :][: int(call.args["size"])]})
    listed = source(httpserver, 'paging = "offset"', 'skip = "{offset}"').changed_since(SINCE)
    assert [one.external_id for one in listed] == [one["id"] for one in ALL]


def test_pages_are_asked_for_since_the_last_change_so_that_nothing_slips_through(httpserver: HTTPServer) -> None:
    def at(number: int) -> str:
        return f"2026-11-02T09:15:{number:02d}+00:00"

    shelf = {f"ord_{number}": at(3 * number) for number in range(6)}

    def answer(call: Request) -> Any:
        since = datetime.fromisoformat(call.args["since"])
        found = sorted((when, id_) for id_, when in shelf.items() if datetime.fromisoformat(when) >= since)
        page = [ORDER | {"id": id_, "changed": when} for when, id_ in found[:2]]
        # Meanwhile the first one changes: by number or offset, all others would move up by one.
        shelf["ord_0"] = at(50)
        return {"orders": page}

    answers(httpserver, answer)
    listed = source(httpserver, 'paging = "since"').changed_since(SINCE)
    assert [one.external_id for one in listed] == list(shelf)


def test_a_list_that_is_not_sorted_is_not_asked_for_by_its_last_change(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda _: {"orders": [order(1), order(2, changed="2026-11-01T00:00:00Z")]})
    with pytest.raises(AnswerUnreadable, match="does not list its orders by their last change"):
        list(source(httpserver, 'paging = "since"').changed_since(SINCE))


def test_more_changes_of_one_second_than_a_page_holds_are_named(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda _: {"orders": ALL[:2]})
    listed = source(httpserver, 'paging = "since"').changed_since(SINCE)
    assert [next(listed).external_id, next(listed).external_id] == ["ord_0", "ord_1"]
    with pytest.raises(AnswerUnreadable, match="more than 2 orders changed within a second"):
        next(listed)


def test_a_page_that_is_not_there_is_behind_the_last_one(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda call: {"orders": ALL[:2]} if call.args["page"] == "1" else Response(status=404))
    assert len(list(source(httpserver, 'paging = "page"', 'page = "{page}"').changed_since(SINCE))) == 2


def test_pages_are_asked_for_by_cursor(httpserver: HTTPServer) -> None:
    def answer(call: Request) -> Any:
        start = int(call.args.get("after", "0"))
        more = start + 2 < len(ALL)
        return {"orders": ALL[start:][:2], "next": str(start + 2) if more else None}

    calls = answers(httpserver, answer)
    listed = source(httpserver, 'paging = "cursor"\ncursor = "next"', 'after = "{cursor}"').changed_since(SINCE)
    assert [one.external_id for one in listed] == [one["id"] for one in ALL]
    assert [call.args.get("after") for call in calls] == [None, "2", "4"]


def test_pages_are_asked_for_by_link_and_at_no_other_address(httpserver: HTTPServer, looked_up: set[str]) -> None:
    def answer(call: Request) -> Response:
        start = int(call.args.get("from", "0"))
        told = Response(json.dumps({"orders": ALL[start:][:2]}), content_type="application/json")
        if start + 2 < len(ALL):
            told.headers["Link"] = (
                f'<https://elsewhere.example/orders?from={start + 2}&since=x>; rel="next", <x>; rel="last"'
            )
        return told

    calls = answers(httpserver, answer)
    listed = source(httpserver, 'paging = "link"').changed_since(SINCE)
    assert [one.external_id for one in listed] == [one["id"] for one in ALL]
    assert len(calls) == 3
    assert looked_up == {"127.0.0.1"}


def test_a_shop_that_does_not_understand_pages_is_asked_twice_and_no_more(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda _: {"orders": ALL})
    assert len(list(source(httpserver, 'paging = "page"', 'page = "{page}"').changed_since(SINCE))) == 5
    assert len(calls) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"orders": [order(1, id=None)]},
        {"orders": [order(1, changed="soon", created="x")]},
        {"orders": [order(1, state={})]},
    ],
)
def test_an_order_that_cannot_be_listed_is_named_by_its_field(httpserver: HTTPServer, answer: Any) -> None:
    answers(httpserver, lambda _: answer)
    with pytest.raises(AnswerUnreadable, match=r"orders\[0\]\."):
        list(source(httpserver).changed_since(SINCE))


def test_what_is_no_json_is_unreadable(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda _: Response("<html>", content_type="text/html"))
    with pytest.raises(AnswerUnreadable, match="not JSON"):
        list(source(httpserver).changed_since(SINCE))


def test_an_order_is_fetched_as_its_webhook_would_bring_it(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda _: {"order": ORDER}, "/orders/ord_7h2")
    answers(httpserver, lambda _: Response(status=404), "/orders/gone")
    answers(httpserver, lambda _: {"order": None}, "/orders/empty")
    [one] = source(httpserver).fetch(["gone", "ord_7h2", "empty"])
    assert parse_json(one.body)["data"]["order"]["items"] == payload("mapped_order.json")["data"]["order"]["items"]


def test_an_id_leads_to_no_other_address(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda _: {"order": ORDER}, "/orders/../../admin")
    list(source(httpserver).fetch(["../../admin"]))
    assert [call.environ["RAW_URI"] for call in calls] == ["/orders/..%2F..%2Fadmin"]


@pytest.mark.parametrize(
    ("status", "error"), [(401, ServiceSetup), (403, ServiceSetup), (422, ServiceRefused), (500, ServiceAway)]
)
def test_a_refusal_says_what_to_do_about_it(httpserver: HTTPServer, status: int, error: type[Exception]) -> None:
    answers(httpserver, lambda _: Response(status=status))
    with pytest.raises(error):
        source(httpserver).check()


def test_the_connection_is_tried_by_the_mappings_own_call(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda _: {}, "/me")
    MappedSource(spec_of(httpserver, '[mapping.probe]\npath = "/me"'), "k3y").check()
    assert len(calls) == 1
    with pytest.raises(NotAsked, match="how the connection to lantern is tried"):
        MappedSource(spec_of(httpserver), "k3y").check()


def test_a_login_may_be_a_user_and_a_password(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda _: {}, "/me")
    spec = spec_of(httpserver, '[mapping.probe]\npath = "/me"\n[mapping.login]\nbasic = true')
    MappedSource(spec, "shop:pass:word").check()
    assert calls[0].headers["Authorization"] == "Basic " + base64.b64encode(b"shop:pass:word").decode()
    with pytest.raises(LoginUnusable):
        MappedSource(spec, "password")


NEWS = Shipped("shipped:A-1", "ord/7", (LineShipped("11", "TEE", 2), LineShipped("12", "FOX", 1)), "Nachtbote", "NB-1")


def telling(server: HTTPServer, *tables: str) -> MappedWriteBack:
    return MappedWriteBack(spec_of(server, *tables), "k3y")


def test_a_parcel_is_told_in_the_shops_own_words(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda _: {"parcel": {"id": 88}}, "/orders/ord/7/parcels")
    one = telling(httpserver, SHIPPED % ('result = "parcel"', 'keep.parcel = "parcel.id"'))
    assert one.shipped(NEWS) == "88"
    assert parse_json(calls[0].get_data()) == {
        "code": "NB-1",
        "by": "other",
        "items": [{"item": "11", "sku": "TEE", "count": 2}, {"item": "12", "sku": "FOX", "count": 1}],
        "done": True,
        "key": "shipped:A-1",
        "note": "by other: NB-1",
    }


def test_words_cannot_change_the_shape_of_a_call(httpserver: HTTPServer) -> None:
    calls = answers(httpserver, lambda _: {}, "/orders/o/parcels")
    telling(httpserver, SHIPPED % ("", "")).shipped(Shipped("k", "o", (), 'x", "by": "y', tracking='{lines} {key} "}'))
    told = parse_json(calls[0].get_data())
    assert told["by"] == 'x", "by": "y'
    assert told["note"] == 'by x", "by": "y: {lines} {key} "}'


def test_what_cannot_be_asked_is_a_persons_to_settle(httpserver: HTTPServer) -> None:
    one = telling(httpserver, SHIPPED % ("", ""))
    assert not one.idempotent
    with pytest.raises(OutcomeUnknown, match="Look it up at lantern"):
        one.was_told(NEWS)


@pytest.mark.parametrize(
    ("repeatable", "error", "times"), [("", ServiceSilent, 1), ("repeatable = true", ServiceAway, 3)]
)
def test_a_lost_answer_is_only_asked_for_again_where_that_is_harmless(
    httpserver: HTTPServer, repeatable: str, error: type[Exception], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backroom.outgoing.client.FIRST_PAUSE", 0.01)
    calls = answers(httpserver, lambda _: Response(status=502), "/orders/ord/7/parcels")
    one = telling(httpserver, SHIPPED % (repeatable, ""))
    with pytest.raises(error):
        one.shipped(NEWS)
    assert len(calls) == times
    assert one.idempotent is bool(repeatable)


def test_an_answer_without_what_is_kept_of_it_is_unreadable(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda _: {"ok": True}, "/orders/ord/7/parcels")
    with pytest.raises(AnswerUnreadable, match="answers without parcel"):
        telling(httpserver, SHIPPED % ('result = "parcel"', 'keep.parcel = "parcel.id"')).shipped(NEWS)


def test_a_cancellation_that_is_known_there_is_told(httpserver: HTTPServer) -> None:
    said = iter([{"ok": True}, {"error": "already_cancelled"}, {"error": "Mr. Quill said no"}])
    calls = answers(httpserver, lambda _: next(said), "/orders/o/cancel")
    one = telling(httpserver, CANCELLED)
    one.cancelled(Cancelled("k", "o", "out_of_stock"))
    one.cancelled(Cancelled("k", "o", "fraud"))
    with pytest.raises(ServiceRefused) as error:
        one.cancelled(Cancelled("k", "o", "fraud"))
    # What somebody wrote over there does not get into our messages.
    assert "Quill" not in str(error.value)
    assert [parse_json(call.get_data())["why"] for call in calls] == ["sold out", "fraud", "fraud"]


def test_a_level_is_set_by_what_the_shop_shows(httpserver: HTTPServer) -> None:
    levels = {"TEE": 4}

    def find(call: Request) -> Any:
        return {"articles": [{"id": f"a-{sku}", "code": sku, "level": level} for sku, level in levels.items()]}

    def change(call: Request) -> Any:
        levels["TEE"] = parse_json(call.get_data())["level"]
        return {}

    answers(httpserver, find, "/articles")
    answers(httpserver, change, "/articles/a-TEE/level")
    one = telling(httpserver, STOCK)
    [first, second] = one.stock([StockTold("TEE", 9, before=6), StockTold("NONE", 3)])
    assert (first.level, first.unheard, levels["TEE"]) == (7, 2, 7)
    assert (second.level, second.trouble) == (None, UNKNOWN_SKU)


def test_a_sku_that_stands_there_twice_is_set_nowhere(httpserver: HTTPServer) -> None:
    answers(httpserver, lambda _: {"articles": [{"id": n, "code": "TEE", "level": 1} for n in (1, 2)]}, "/articles")
    [told] = telling(httpserver, STOCK).stock([StockTold("TEE", 9)])
    assert (told.level, told.trouble) == (None, SKU_TWICE)


def test_a_sku_without_a_level_is_not_counted_there_and_keeps_no_other_from_being_told(httpserver: HTTPServer) -> None:
    shelf = [{"id": 1, "code": "TEE", "level": None}, {"id": 2, "code": "FOX", "level": 3}]
    answers(httpserver, lambda _: {"articles": shelf}, "/articles")
    answers(httpserver, lambda _: {}, "/articles/2/level")
    told = telling(httpserver, STOCK).stock([StockTold("TEE", 9), StockTold("FOX", 9)])
    assert [(one.level, one.trouble) for one in told] == [(None, NOT_COUNTED), (9, "")]


@pytest.mark.parametrize("level", ["many", "1.5", True])
def test_a_level_that_is_no_number_is_unreadable(httpserver: HTTPServer, level: object) -> None:
    answers(httpserver, lambda _: {"articles": [{"id": 1, "code": "TEE", "level": level}]}, "/articles")
    with pytest.raises(AnswerUnreadable, match="a level that is no whole number"):
        list(telling(httpserver, STOCK).stock([StockTold("TEE", 9)]))


class Shelf:
    """Articles with their levels, which a PUT each sets; what is in `full` takes nothing now."""

    def __init__(self, server: HTTPServer, levels: dict[str, int], full: str = "") -> None:
        self.levels, self.full = levels, full
        answers(server, self.find, "/articles")
        for sku in levels:
            answers(server, lambda call, sku=sku: self.put(call, sku), f"/articles/a-{sku}/level")
            answers(server, lambda call, sku=sku: self.put(call, ""), f"/articles/a-{sku}/shown")

    def find(self, _: Request) -> Any:
        return {"articles": [{"id": f"a-{sku}", "code": sku, "level": level} for sku, level in self.levels.items()]}

    def put(self, call: Request, sku: str) -> Any:
        if sku == self.full:
            return Response("", status=429, headers={"Retry-After": "60"})
        self.levels[sku] = parse_json(call.get_data())["level"]
        return {}


def test_what_was_set_before_the_shop_takes_no_more_is_told_as_set(httpserver: HTTPServer) -> None:
    shelf = Shelf(httpserver, dict.fromkeys("ABC", 12), full="C")
    set_: list[StockSet] = []
    with pytest.raises(ServiceAway) as caught:
        set_.extend(telling(httpserver, STOCK).stock([StockTold(sku, 2, before=12) for sku in "ABC"]))
    assert set_ == [StockSet("A", 2), StockSet("B", 2)]
    assert shelf.levels == {"A": 2, "B": 2, "C": 12}
    assert caught.value.nothing_happened


def test_a_level_of_which_a_part_was_written_is_in_doubt(httpserver: HTTPServer) -> None:
    Shelf(httpserver, {"A": 12}, full="")
    second = """
[[mapping.tell.stock.calls]]
method = "PUT"
path = "/articles/{article}/shown"
body = { level = "{available}" }
"""
    set_: list[StockSet] = []
    with pytest.raises(ServiceAway):
        set_.extend(telling(httpserver, STOCK + second).stock([StockTold("A", 2, before=12)]))
    assert set_ == [StockSet("A", None, trouble=HALF_SET)]


def test_what_the_mapping_does_not_say_is_not_told(httpserver: HTTPServer) -> None:
    with pytest.raises(NotTold, match="how it is told shipped"):
        telling(httpserver, CANCELLED).shipped(NEWS)
    with pytest.raises(NotAsked):
        list(MappedSource(spec_of(httpserver, CANCELLED), "k").changed_since(SINCE))


def test_errors_of_graphql_come_in_an_answer_of_200(httpserver: HTTPServer) -> None:
    query = '[mapping.probe]\npath = "/graphql"\nquery = "{ me }"'
    said = iter(
        [
            {"data": None, "errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]},
            {"errors": [{"message": "Ms. Quill is not known", "extensions": {"code": "BAD_USER_INPUT"}}]},
            {"errors": ["odd"]},
            [],
        ]
    )
    answers(httpserver, lambda _: next(said), "/graphql")
    one = MappedSource(spec_of(httpserver, query), "k3y")
    with pytest.raises(ServiceSetup, match="FORBIDDEN"):
        one.check()
    with pytest.raises(ServiceRefused, match="BAD_USER_INPUT") as error:
        one.check()
    assert "Quill" not in str(error.value)
    with pytest.raises(ServiceRefused):
        one.check()
    with pytest.raises(AnswerUnreadable):
        one.check()
