"""Paying back at a mapped shop: once, whatever is lost, by routes by hand over real HTTP.

A real shop that pays back is in `tests/peers/test_vendure_mapping.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.channels.mapped_paying import MappedRefunds
from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.domain.channels import ChannelSpec, RefundsSpec
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.outgoing import circuit
from backroom.outgoing.errors import ServiceAway, ServiceSetup
from tests.mapped_shops import LANTERN, a_spec, read_spec

REQUEST = RefundRequest("refund-R-A-1042-7364-abc", "ord/7", 2900, "EUR")
WHERE = """
[refunds]
url = "https://lantern.example.com"
secret = "refunds.lantern"
"""
LOOK = """
[[mapping.pay_back.calls]]
path = "/orders/{id}/refunds"
keep = { refund = "refunds[note={key}].id", done = "refunds[note={key}][state=done].id" }
"""
PAY = """
[[mapping.pay_back.calls]]
path = "/orders/{id}/refunds"
body = { amount = "{amount}", currency = "{currency}", note = "{key}" }
failed = "error"
keep = { refund = "id" }
%s
"""
SETTLE = """
[[mapping.pay_back.calls]]
path = "/refunds/{refund}/settle"
body = { key = "{key}" }
unless = "done"
"""
HEAD = '[mapping.pay_back]\nresult = "refund"\n'
WHOLE = HEAD + LOOK + PAY % 'unless = "refund"' + SETTLE
BLIND = HEAD + PAY % ""


@dataclass
class Shop:
    """Refunds of one order. `loses` are the calls, by their path's end, whose answer is lost after they were made;
    `answer` stands in for that of the next payment."""

    refunds: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    loses: list[str] = field(default_factory=list)
    answer: Response | None = None

    def respond(self, request: Request) -> Response:
        end = request.path.rpartition("/")[2]
        if request.method == "GET":
            return said({"refunds": self.refunds})
        body = json.loads(request.get_data())
        self.bodies.append(body)
        if self.answer is not None:
            return self.answer
        if end == "settle":
            self.refunds[int(request.path.split("/")[2]) - 1]["state"] = "done"
        else:
            self.refunds.append({"id": len(self.refunds) + 1, "note": body["note"], "state": "asked"})
        if end in self.loses:
            self.loses.remove(end)
            return Response("a proxy", 502)
        return said({"id": len(self.refunds)})


def said(document: Any) -> Response:
    return Response(json.dumps(document), content_type="application/json")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    circuit.close_all()


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    one = Shop()
    httpserver.expect_request("/orders/ord/7/refunds").respond_with_handler(one.respond)
    httpserver.expect_request("/refunds/1/settle").respond_with_handler(one.respond)
    return one


def spec_of(server: HTTPServer, table: str = WHOLE, amounts: str = "major") -> ChannelSpec:
    text = LANTERN.replace("[mapping]\n", f'[mapping]\namounts = "{amounts}"\n', 1)
    spec = a_spec(text + WHERE + table)
    return replace(spec, refunds=RefundsSpec(server.url_for("")[:-1], "refunds.lantern"))


def paying(server: HTTPServer, table: str = WHOLE, amounts: str = "major") -> MappedRefunds:
    return MappedRefunds(spec_of(server, table, amounts), "k3y")


def error_of(one: MappedRefunds) -> BackroomError:
    with pytest.raises(BackroomError) as caught:
        one.refund(REQUEST)
    assert "k3y" not in repr(caught.value)
    return caught.value


@pytest.mark.parametrize(("amounts", "amount"), [("major", "29.00"), ("minor", 2900)])
def test_it_is_paid_in_the_shops_own_words_and_brought_to_its_end(
    httpserver: HTTPServer, shop: Shop, amounts: str, amount: object
) -> None:
    one = paying(httpserver, amounts=amounts)
    assert one.find(REQUEST) is None
    assert one.refund(REQUEST) == Refunded("1", 2900)
    assert shop.bodies == [{"amount": amount, "currency": "EUR", "note": REQUEST.key}, {"key": REQUEST.key}]
    assert httpserver.log[0][0].headers["Authorization"] == "Bearer k3y"


def test_what_was_paid_before_is_not_paid_again(httpserver: HTTPServer, shop: Shop) -> None:
    one = paying(httpserver)
    first = one.refund(REQUEST)
    assert one.refund(REQUEST) == one.find(REQUEST) == first
    assert len(shop.bodies) == 2


def test_what_was_begun_is_brought_to_its_end(httpserver: HTTPServer, shop: Shop) -> None:
    shop.refunds.append({"id": 1, "note": REQUEST.key, "state": "asked"})
    one = paying(httpserver)
    assert one.find(REQUEST) is None
    assert one.refund(REQUEST) == Refunded("1", 2900)
    assert shop.bodies == [{"key": REQUEST.key}]


@pytest.mark.parametrize("lost", ["refunds", "settle"])
def test_a_lost_answer_is_looked_up_and_never_asked_for_again(httpserver: HTTPServer, shop: Shop, lost: str) -> None:
    shop.loses = [lost]
    one = paying(httpserver)
    if lost == "settle":
        assert one.refund(REQUEST) == Refunded("1", 2900)
    else:
        # It was begun, and is not paid yet: a person looks, or it is brought to its end when it is tried again.
        assert type(error_of(one)) is OutcomeUnknown
        assert one.refund(REQUEST) == Refunded("1", 2900)
    assert [one["note"] for one in shop.refunds] == [REQUEST.key]


def test_where_nobody_can_look_a_lost_answer_is_a_persons(httpserver: HTTPServer, shop: Shop) -> None:
    shop.loses = ["refunds"]
    one = paying(httpserver, BLIND)
    assert type(error_of(one)) is OutcomeUnknown
    with pytest.raises(OutcomeUnknown):
        one.find(REQUEST)
    assert len(shop.bodies) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response("{}", 422), RefundRefused),
        (said({"error": "NOT_ENOUGH"}), RefundRefused),
        (Response("{}", 403), ServiceSetup),
        (Response("", 503), OutcomeUnknown),
        (Response("", 429), ServiceAway),
        (said({}), OutcomeUnknown),
        (Response("<html>", 200), OutcomeUnknown),
    ],
)
def test_what_each_answer_means(
    httpserver: HTTPServer, shop: Shop, answer: Response, expected: type[BackroomError]
) -> None:
    shop.answer = answer
    assert type(error_of(paying(httpserver))) is expected


GRAPHQL = """
[[mapping.pay_back.calls]]
path = "/orders/ord/7/refunds"
query = "mutation ($i: ID!) { refund(id: $i) { id } }"
variables = { i = "{id}" }
keep.refund = "data.refund.id"
"""


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"errors": [{"extensions": {"code": "BAD_USER_INPUT"}}]}, RefundRefused),
        ({"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}], "data": None}, OutcomeUnknown),
        ({"errors": [{"extensions": {"code": "FORBIDDEN"}}], "data": None}, ServiceSetup),
    ],
)
def test_errors_of_graphql_prove_nothing_where_it_had_begun(
    httpserver: HTTPServer, shop: Shop, answer: Any, expected: type[BackroomError]
) -> None:
    shop.answer = said(answer)
    assert type(error_of(paying(httpserver, HEAD + GRAPHQL))) is expected


@pytest.mark.parametrize(
    ("table", "said_of_it"),
    [
        (WHERE + HEAD, "pay nothing"),
        (WHERE + HEAD + LOOK, "pay nothing"),
        (WHERE + HEAD + PAY % "" + LOOK, "ask behind one that pays"),
        (WHERE + '[mapping.pay_back]\nresult = "gone"' + PAY % "", "no call keeps 'gone'"),
        (WHERE, "nothing says how it pays back"),
        (WHOLE, "nothing says where it pays back"),
        (WHERE + HEAD + PAY % 'params = { why = "{reason}" }', "{reason} is not known here"),
    ],
)
def test_every_wrong_table_is_named(table: str, said_of_it: str) -> None:
    _, problems = read_spec(LANTERN + table)
    assert any(said_of_it in problem for problem in problems), problems
