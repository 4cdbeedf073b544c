"""Refunds at a real HTTP server in this process that answers as WooCommerce's documentation says."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.channels.refunding import ChannelAway, Refunded, RefundRefused, RefundRequest, RefundSetupBroken
from backroom.channels.woocommerce_refunds import WooRefunds
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.outgoing.circuit import close_all

REQUEST = RefundRequest("refund-R-A-1042-7364-abc", "723", 2900, "EUR")
PATH = "/wp-json/wc/v3/orders/723/refunds"
MADE = {"id": 726, "amount": "29.00", "reason": f"Backroom {REQUEST.key}", "refunded_payment": True}
LOGIN = "ck_nobody:cs_nobody"


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def woo(httpserver: HTTPServer) -> WooRefunds:
    return WooRefunds(httpserver.url_for(""), LOGIN, read_timeout=0.4)


def error_of(woo: WooRefunds, request: RefundRequest = REQUEST) -> BackroomError:
    with pytest.raises(BackroomError) as caught:
        woo.refund(request)
    assert "cs_nobody" not in repr(caught.value) + repr(woo)
    return caught.value


def test_it_is_asked_for_as_its_documentation_says(httpserver: HTTPServer, woo: WooRefunds) -> None:
    httpserver.expect_request(PATH, method="POST").respond_with_json(MADE, status=201)
    assert woo.refund(REQUEST) == Refunded("726", 2900)
    [(request, _)] = httpserver.log
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == ("ck_nobody", "cs_nobody")
    assert request.get_json() == {
        "amount": "29.00",
        "reason": f"Backroom {REQUEST.key}",
        "api_refund": True,
        "api_restock": False,
    }


def test_an_amount_has_the_decimals_of_its_currency(httpserver: HTTPServer, woo: WooRefunds) -> None:
    httpserver.expect_request(PATH, method="POST").respond_with_json(MADE | {"amount": "2900"}, status=201)
    assert woo.refund(replace(REQUEST, currency="JPY")).amount_minor == 2900
    [(request, _)] = httpserver.log
    assert request.get_json()["amount"] == "2900"


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (401, {"code": "woocommerce_rest_cannot_create"}, RefundSetupBroken),
        (302, {}, RefundSetupBroken),
        (404, {"code": "woocommerce_rest_invalid_order_id"}, RefundRefused),
        (400, {"code": "woocommerce_rest_invalid_order_refund"}, RefundRefused),
        (500, {"code": "woocommerce_rest_cannot_create_order_refund"}, RefundRefused),
        (429, {}, ChannelAway),
        (201, MADE | {"refunded_payment": False}, RefundRefused),
    ],
)
def test_what_each_refusal_means(
    httpserver: HTTPServer, woo: WooRefunds, status: int, answer: dict[str, object], kind: type[BackroomError]
) -> None:
    httpserver.expect_request(PATH, method="POST").respond_with_json(answer, status=status)
    assert type(error_of(woo)) is kind


@pytest.mark.parametrize("lost", ["502", "hang"])
@pytest.mark.parametrize("paid", [True, False])
def test_after_a_lost_answer_its_refunds_are_looked_through(
    httpserver: HTTPServer, woo: WooRefunds, lost: str, paid: bool
) -> None:
    def answer(_request: Request) -> Response:
        if lost == "hang":
            # Longer than its patience.
            time.sleep(0.6)
        return Response("a proxy", 502)

    httpserver.expect_request(PATH, method="POST").respond_with_handler(answer)
    others = [{"id": 1, "amount": "1.00", "reason": "somebody else's", "refunded_payment": True}]
    httpserver.expect_request(PATH, method="GET").respond_with_json(others + ([MADE] if paid else []))
    if paid:
        assert woo.refund(REQUEST) == Refunded("726", 2900)
    else:
        assert type(error_of(woo)) is OutcomeUnknown


def test_what_was_only_written_down_is_not_found_as_paid(httpserver: HTTPServer, woo: WooRefunds) -> None:
    httpserver.expect_request(PATH, method="GET").respond_with_json([MADE | {"refunded_payment": False}])
    assert woo.find(REQUEST) is None


def test_nothing_was_paid_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert type(error_of(WooRefunds(f"http://127.0.0.1:{port}", LOGIN))) is ChannelAway


def test_who_cannot_be_asked_now_is_asked_later(httpserver: HTTPServer, woo: WooRefunds) -> None:
    httpserver.expect_request(PATH, method="GET").respond_with_data("a proxy", status=502)
    with pytest.raises(ChannelAway):
        woo.find(REQUEST)


@pytest.mark.parametrize("paid", [True, False])
def test_a_503_of_whoever_stands_before_it_proves_nothing(httpserver: HTTPServer, woo: WooRefunds, paid: bool) -> None:
    httpserver.expect_request(PATH, method="POST").respond_with_data("a cache", status=503)
    httpserver.expect_request(PATH, method="GET").respond_with_json([MADE] if paid else [])
    if paid:
        assert woo.refund(REQUEST) == Refunded("726", 2900)
    else:
        assert type(error_of(woo)) is OutcomeUnknown
    assert [request.method for request, _ in httpserver.log] == ["POST", "GET"]


@pytest.mark.parametrize("body", ["", "<html>", "[]", "x" * 9_000_000])
def test_a_yes_that_cannot_be_read_is_looked_up(httpserver: HTTPServer, woo: WooRefunds, body: str) -> None:
    httpserver.expect_request(PATH, method="POST").respond_with_data(body, status=201)
    httpserver.expect_request(PATH, method="GET").respond_with_json([MADE])
    assert replace(woo, read_timeout=5).refund(REQUEST) == Refunded("726", 2900)


def test_who_answers_without_the_tls_that_was_asked_for_was_never_asked(httpserver: HTTPServer) -> None:
    assert type(error_of(WooRefunds(f"https://127.0.0.1:{httpserver.port}", LOGIN))) is RefundSetupBroken
    assert all(response.status_code == 400 for _, response in httpserver.log)


def test_an_address_without_tls_is_for_a_person() -> None:
    assert type(error_of(WooRefunds("http://shop.example.com", LOGIN))) is RefundSetupBroken


def test_no_error_leads_to_the_login_or_the_address(httpserver: HTTPServer, woo: WooRefunds) -> None:
    httpserver.expect_request(PATH).respond_with_data("cs_nobody", status=400)
    error = error_of(woo)
    assert error.__cause__ is None
    assert error.__context__ is None
