"""Who may come in where: no key 401, another scope or place 403, and a session for people that ends with its key."""

from __future__ import annotations

import re

import httpx
import pytest

from backroom.store.api_keys import revoke
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.every_route import EVERY

DOORS = [
    ("GET", "/metrics", "metrics"),
    ("POST", "/pos/sales", "pos"),
    ("GET", "/booth/booth-a/wake?wait=0", "booth"),
    ("GET", "/booth/booth-a/printers", "booth"),
    ("POST", "/booth/booth-a/jobs/claim", "booth"),
    ("POST", "/booth/booth-a/scan", "booth"),
    ("GET", "/orders", "staff"),
    ("GET", "/quarantine", "staff"),
    ("GET", "/prints/booth-a", "staff"),
    ("GET", "/scan/hub", "staff"),
    ("GET", "/shipments/1/label.pdf", "staff"),
    ("POST", "/orders/A-1001/cancel", "staff"),
    ("POST", "/quarantine/rows/1/accept", "staff"),
]


def log_in(gateway: Gateway, key: str, next_: str = "/orders") -> httpx.Response:
    return gateway.client.post("/login", data={"key": key, "next": next_})


@pytest.mark.parametrize(("method", "path", "_scope"), DOORS)
def test_without_a_key_every_door_is_401(gateway: Gateway, method: str, path: str, _scope: str) -> None:
    assert gateway.client.request(method, path).status_code == 401
    wrong = {"Authorization": "Bearer bk_staff_nonsense"}
    assert gateway.client.request(method, path, headers=wrong).status_code == 401


@pytest.mark.parametrize(("method", "path", "scope"), DOORS)
def test_a_key_of_another_scope_is_403(gateway: Gateway, method: str, path: str, scope: str) -> None:
    others = {"staff", "pos", "booth", "metrics"} - {scope} - ({"staff"} if scope == "metrics" else set())
    for other in others:
        assert gateway.client.request(method, path, headers=gateway.bearer(other)).status_code == 403


def test_a_booth_key_of_another_booth_is_403(gateway: Gateway) -> None:
    headers = gateway.bearer("booth", "booth-b")
    assert gateway.client.get("/booth/booth-a/printers", headers=headers).status_code == 403


def test_a_revoked_key_is_out_at_the_next_request(gateway: Gateway) -> None:
    headers = gateway.bearer("staff")
    assert gateway.client.get("/orders", headers=headers).status_code == 200
    gateway.room.database.write(lambda connection: revoke(connection, 1))
    assert gateway.client.get("/orders", headers=headers).status_code == 401


def test_a_person_logs_in_once_and_comes_back_to_where_they_wanted(gateway: Gateway) -> None:
    asked = gateway.client.get("/orders?number=", headers={"Accept": "text/html"})
    assert asked.status_code == 401
    assert 'name="key"' in asked.text
    assert 'value="/orders?number="' in asked.text
    answer = log_in(gateway, gateway.key("staff"), "/orders?number=")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orders?number=")
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert gateway.client.get("/orders").status_code == 200


def test_behind_a_web_server_with_a_certificate_the_session_goes_over_tls_only(gateway: Gateway) -> None:
    given = {"key": gateway.key("staff", "booth-b")}
    answer = gateway.client.post("/login", data=given, headers={"X-Forwarded-Proto": "https"})
    assert "; secure" in answer.headers["Set-Cookie"].lower()


def test_the_key_does_not_stand_in_the_cookie(gateway: Gateway) -> None:
    key = gateway.key("staff")
    assert key not in log_in(gateway, key).headers["Set-Cookie"]


def test_a_key_that_does_not_work_or_is_not_for_staff_opens_no_session(gateway: Gateway) -> None:
    assert log_in(gateway, "bk_staff_nonsense").status_code == 401
    assert log_in(gateway, "").status_code == 401
    assert log_in(gateway, gateway.key("booth")).status_code == 403
    assert gateway.client.get("/orders").status_code == 401


def test_a_session_ends_with_its_key(gateway: Gateway) -> None:
    log_in(gateway, gateway.key("staff"))
    gateway.room.database.write(lambda connection: revoke(connection, 1))
    assert gateway.client.get("/orders").status_code == 401


@pytest.mark.parametrize("cookie", ["", "1", "1.9999999999.forged", "x.y.z", "1.2", ".", "1.9999999999."])
def test_a_forged_session_is_401(gateway: Gateway, cookie: str) -> None:
    gateway.key("staff")
    gateway.client.cookies.set("backroom_session", cookie)
    assert gateway.client.get("/orders").status_code == 401


def test_logging_out_ends_the_session(gateway: Gateway) -> None:
    log_in(gateway, gateway.key("staff"))
    csrf = csrf_of(gateway.client.get("/orders").text)
    assert gateway.client.post("/logout", data={"csrf": csrf}).status_code == 303
    assert gateway.client.get("/orders").status_code == 401


def test_a_form_without_its_token_is_403(gateway: Gateway) -> None:
    log_in(gateway, gateway.key("staff"))
    assert gateway.client.post("/orders/A-1/cancel", data={"note": "x"}).status_code == 403
    assert gateway.client.post("/orders/A-1/cancel", data={"csrf": "0" * 64}).status_code == 403
    csrf = csrf_of(gateway.client.get("/orders").text)
    assert gateway.client.post("/orders/A-1/cancel", data={"csrf": csrf}).status_code == 404


def test_a_link_from_another_site_is_asked_to_come_once_more(gateway: Gateway) -> None:
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site"}
    answer = gateway.client.get("/orders/A-1001", headers=headers)
    assert answer.status_code == 401
    assert 'http-equiv="refresh" content="0;url=/orders/A-1001"' in answer.text


def test_whoever_begins_at_the_root_is_led_to_the_login_and_then_to_where_they_belong(gateway: Gateway) -> None:
    def led() -> str:
        answer = gateway.client.get("/")
        assert answer.status_code == 303
        return str(answer.headers["Location"])

    assert led() == "/login"
    log_in(gateway, gateway.key("staff"))
    assert led() == "/orders"
    log_in(gateway, gateway.key("staff", "booth-b"))
    assert led() == "/booths/booth-b"
    gateway.client.cookies.clear()
    # From another site even whoever is logged in arrives without their cookie.
    elsewhere = gateway.client.get("/", headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 401
    assert 'http-equiv="refresh" content="0;url=/"' in elsewhere.text


def test_an_address_with_a_nul_in_it_is_none(gateway: Gateway) -> None:
    log_in(gateway, gateway.key("staff"))
    for method, path in EVERY:
        if method != "WS" and "{" in path:
            answer = gateway.client.request(method, re.sub(r"\{[\w:]+\}", "nul%00byte", path), data={"note": "x"})
            assert answer.status_code == 404, (method, path)


def test_pages_allow_nothing_from_elsewhere(gateway: Gateway) -> None:
    answer = gateway.client.get("/orders", headers=gateway.bearer("staff"))
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script" not in answer.text
    assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found
    return found[1]
