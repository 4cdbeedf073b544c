"""The guide's settings for web servers, as they stand there: what others call comes in, a tablet works by TLS, and an
event's files are kept by caches for as long as the gateway says of its own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from backroom.domain.events import EventState
from backroom.eventpage.files import write_all
from backroom.gateway.access import COOKIE
from backroom.store.tables import inbox
from tests.browser import ENTER, browser, can_browse
from tests.integration.gateway.conftest import Gateway, an_order, gateway, make_order, only_sqlite, room, signed
from tests.integration.gateway.every_route import EVERY, HERE, OTHER_KEYS, OWN, PUBLIC, SHUT, routes
from tests.integration.gateway.test_event_page import become, plan
from tests.peers.conftest import TABLET
from tests.peers.processes import program
from tests.peers.web_servers import WebServer, running_caddy, running_nginx

__all__ = ["gateway", "room"]
pytestmark = [
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    only_sqlite,
    pytest.mark.skipif(not program("caddy"), reason="Caddy is not installed: bash .ci/peers"),
    pytest.mark.skipif(not program("nginx"), reason="nginx is not installed: bash .ci/peers"),
]

BOOTH = "booth-a"
LOGIN = {("GET", "/"), ("GET", "/login"), ("POST", "/login"), ("GET", "/style.css")}
# Reached through a booth's tunnel only.
TUNNEL = {("WS", "/booth/prefect/events/in")}
ASKED = [one for one in EVERY if one not in TUNNEL]
# What the shop's own web site calls, with a key.
SITE = {(method, path) for method, path in routes(OTHER_KEYS) if path.startswith("/push/")}


@pytest.fixture
def public(gateway: Gateway, tmp_path: Path) -> Iterator[WebServer]:
    """The site for whoever calls from outside."""
    with running_caddy(tmp_path, "first-day.md", "hooks.example.com", port_of(gateway)) as one:
        yield one


@pytest.fixture
def at_the_booth(gateway: Gateway, tmp_path: Path) -> Iterator[WebServer]:
    """The site for the booth's tablet."""
    with running_caddy(tmp_path, "booth.md", "booth.example.com", port_of(gateway)) as one:
        yield one


def port_of(gateway: Gateway) -> int:
    port = urlsplit(gateway.url).port
    assert port is not None
    return port


def calling(server: WebServer) -> httpx.Client:
    """A client that trusts its certificate, and no other."""
    trusted = ssl.create_default_context(cafile=server.authority)
    return httpx.Client(base_url=server.url, verify=trusted, timeout=30)


def passed_on(server: WebServer, asked: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these the gateway has answered, whatever it said; the others got a 404 of Caddy's own."""
    found = set()
    with calling(server) as client:
        for method, path in asked:
            answer = client.request(method, path.replace("{", "").replace("}", "").replace(":", "-"))
            if "referrer-policy" in answer.headers:
                found.add((method, path))
            else:
                assert (answer.status_code, answer.content) == (404, b""), (method, path)
    return found


def test_what_others_call_comes_in_by_the_public_address_and_nothing_else(public: WebServer) -> None:
    mistyped = [("POST", "/webhook/web"), ("POST", "/message/twilio"), ("GET", "/e"), ("GET", "/docs")]
    assert passed_on(public, [*ASKED, *mistyped]) == {*routes(PUBLIC), *SITE} - LOGIN - TUNNEL


def test_a_webhook_that_comes_by_the_public_address_is_taken_once(public: WebServer, gateway: Gateway) -> None:
    body = an_order()
    with calling(public) as client:
        answers = [client.post("/webhooks/web", content=body, headers=signed(body, "one")) for _ in range(2)]
        forged = client.post("/webhooks/web", content=body + b" ", headers=signed(body, "two"))
    assert [one.status_code for one in (*answers, forged)] == [200, 200, 401]
    with gateway.room.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(inbox)).scalar_one() == 1


def test_what_the_booth_works_with_comes_in_by_its_address_and_no_order_parcel_or_sample(
    at_the_booth: WebServer,
) -> None:
    passed = passed_on(at_the_booth, ASKED)
    wanted = {*routes(HERE, OWN), *LOGIN}
    assert passed >= wanted
    # What shares a path with these asks for a key of the whole shop.
    assert passed - wanted == {
        one for one in routes(SHUT) if one[1].startswith(("/returns/", "/events/", "/transfers/"))
    }


@pytest.mark.skipif(not can_browse(), reason="Chromium and its driver are not installed: bash .ci/peers")
def test_a_tablet_logs_in_over_tls_and_takes_over_the_work_of_the_booth(
    at_the_booth: WebServer, gateway: Gateway
) -> None:
    number = make_order(gateway.room, location=BOOTH)
    with browser(*TABLET, any_certificate=True) as tablet:
        tablet.open(at_the_booth.url)
        tablet.type("#key", gateway.key("staff", BOOTH))
        tablet.click("button", "Log in")
        tablet.see(number)
        assert tablet.address == f"{at_the_booth.url}/booths/{BOOTH}"
        [cookie] = tablet.devtools("Network.getCookies")["cookies"]
        assert (cookie["name"], cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (
            COOKIE,
            True,
            True,
            "Strict",
        )
        # A form that changes something: what is sent there was given out with the page.
        tablet.click("a", "Scan", exact=True)
        tablet.type("#code", f"no-such-order{ENTER}")
        tablet.see("That is no order. Scan the order first")


def test_an_events_files_behind_nginx_are_kept_for_as_long_as_the_gateway_says_of_its_own_page(
    gateway: Gateway, tmp_path: Path
) -> None:
    plan(gateway)
    become(gateway, EventState.LIVE)
    shown = tmp_path / "public"
    written = write_all(gateway.room, shown)
    assert {"fair/live.json", "fair/index.html"} <= set(written)
    assert any(path.startswith("assets/") for path in written)
    with running_nginx(tmp_path, "event-page.md", shown) as server, calling(server) as client:
        for path in ["fair/", *(path for path in written if path != "fair/index.html")]:
            ours, theirs = gateway.client.get(f"/e/{path}"), client.get(f"/e/{path}")
            assert (ours.status_code, theirs.status_code) == (200, 200), path
            assert theirs.headers["Cache-Control"] == ours.headers["Cache-Control"], path
            # nginx has the older name of a script's type, and says no encoding.
            kinds = [one.headers["Content-Type"].partition(";")[0].partition("/")[2] for one in (ours, theirs)]
            assert kinds[0] == kinds[1], path
            again = client.get(f"/e/{path}", headers={"If-None-Match": theirs.headers["ETag"]})
            assert (again.status_code, again.headers["Cache-Control"]) == (304, theirs.headers["Cache-Control"]), path
        for path in ("fair/gone.html", "assets/gone.css", "moon/", "../secrets.toml"):
            gone = client.get(f"/e/{path}")
            assert (gone.status_code, "Cache-Control" in gone.headers) == (404, False), path
