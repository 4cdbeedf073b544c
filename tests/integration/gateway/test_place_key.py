"""A staff key of one place: every route of the gateway is decided about, and nothing of the rest of the shop is shown.

A route that nobody has decided about fails here: write it into one of the lists (`every_route`), and what the key may
do with it into `backroom.gateway.place_pages`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import Connection, insert, select, update

from backroom.domain.events import Event, Session
from backroom.domain.readiness import Check
from backroom.gateway.app import create_app
from backroom.shop.room import Room
from backroom.store import booth_devices, catalogue, events, return_desk, return_opening, stock, transfers
from backroom.store.api_keys import KeyRefused, list_keys, make_key, renew
from backroom.store.database import now
from backroom.store.parcels import COLLECTED
from backroom.store.tables import fulfilment_orders, parcels, print_jobs, restock_plans, return_lines
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway, make_order, make_sold_order
from tests.integration.gateway.every_route import EVERY, HERE, OTHER_KEYS, OWN, SHUT, routes

OURS, OTHER = "booth-b", "booth-a"

# One route does five things with a transfer, of which the booth does one.
ACT = "POST /transfers/{number}/{act}"


@dataclass(frozen=True)
class Place:
    """What there is at one booth, as the names in paths call it."""

    order: str
    sold: str
    transfer: str
    rma: str
    names: Mapping[str, str]

    def path(self, template: str) -> str:
        number = {"/returns": self.rma, "/transfers": self.transfer}.get("/" + template.split("/")[1], self.order)
        return re.sub(r"\{(\w+)(:path)?\}", lambda found: ({"number": number} | self.names)[found[1]], template)


def furnish(room: Room, at_: str, label: str) -> Place:
    """An order to print, one that lies ready, an event with its paper, a transfer on its way, and a return."""
    order, sold = make_order(room, location=at_), make_sold_order(room, label, location=at_, tracking=label[2:])
    folder = room.home / "evidence" / f"fair-{at_}"
    folder.mkdir(parents=True)
    (folder / "permit.pdf").write_bytes(b"%PDF-1.7")

    def work(connection: Connection) -> Place:
        rma = return_opening.open_by_code(connection, room.shop, label, at_, "Ada").number
        return_desk.receive(connection, room.shop, rma, at_, SKU, "Ada")
        piece = connection.execute(select(return_lines.c.id).order_by(return_lines.c.id.desc()).limit(1)).scalar_one()
        job = connection.execute(select(print_jobs.c.id).where(print_jobs.c.order_number == order)).scalar_one()
        return Place(order, sold, _transfer(connection, room, at_), rma, _names(at_, job, piece))

    made = room.database.write(work)
    room.database.write(lambda connection: _lies_ready(connection, at_))
    return made


def _names(at_: str, job: int, piece: int) -> dict[str, str]:
    return {
        "location": at_,
        "job_id": str(job),
        "piece": str(piece),
        "code": f"fair-{at_}",
        "item": "permit",
        "shipment_id": "1",
        "effect_id": "1",
        "quarantine_id": "1",
        "finding_id": "1",
        "conflict_id": "1",
        "rest": "flow_runs/filter",
    }


def _transfer(connection: Connection, room: Room, to: str) -> str:
    at = now(connection)
    catalogue.save_variants(connection, [VARIANT])
    session = Session(at + timedelta(hours=1), at + timedelta(hours=9))
    code = f"fair-{to}"
    permit = Check("permit", "Permit", True, "Bo", at, file="permit.pdf")
    event_id = events.add(connection, Event(code, code, "street", to, "", (session,)), (permit,), at, "Ada")
    stock.receive(connection, f"for {to}", [("hub", SKU, 10)], "delivered", at)
    figures = {"open_share": 0.0, "lost_without": 0.0, "lost_with": 0.0}
    rest = {"lines": [], "packs": [], "used": {}, "full": [], "forecasts": []}
    plan = insert(restock_plans).values(event_id=event_id, digest="", at=at, **figures, **rest)
    plan_id = connection.execute(plan.returning(restock_plans.c.id)).scalar_one()
    number = transfers.propose(connection, events.locked(connection, code), plan_id, {SKU: 2}, "hub", at, [], {})
    transfers.approve(connection, room.shop, number, "Ada")
    transfers.send(connection, number, {}, "Ada")
    return number


def _lies_ready(connection: Connection, at_: str) -> None:
    at = now(connection)
    part = connection.execute(
        update(fulfilment_orders)
        .where(fulfilment_orders.c.location == at_, fulfilment_orders.c.state == "done")
        .values(delivery="collect")
        .returning(fulfilment_orders.c.id, fulfilment_orders.c.order_id)
    ).one()
    lies = {"fulfilment_order_id": part.id, "order_id": part.order_id, "location": at_, "kind": COLLECTED}
    connection.execute(insert(parcels).values(state="ready", state_at=at, at=at, code="4711", **lies))


@pytest.fixture
def ours(gateway: Gateway) -> Place:
    return furnish(gateway.room, OURS, "BR000000000000004242")


@pytest.fixture
def other(gateway: Gateway) -> Place:
    return furnish(gateway.room, OTHER, "BR000000000000005353")


@pytest.fixture
def tablet(gateway: Gateway) -> httpx.Client:
    """A browser at the booth, with a session that was opened with the place's key."""
    assert gateway.client.post("/login", data={"key": gateway.key("staff", OURS)}).status_code == 303
    return gateway.client


def test_every_route_of_the_gateway_is_decided_about(room: Room) -> None:
    there = {
        (method, route.path)
        for route in iter_route_contexts(create_app(room, None).routes)
        for method in route.methods or {"WS"}
    }
    assert len(EVERY) == len(set(EVERY)), "one decision for each"
    acts = {(method, path) for method, path in EVERY if re.fullmatch(r"/transfers/\{number\}/(?!scan)\w+", path)}
    assert there == set(EVERY) - acts | {tuple(ACT.split())}


def test_the_key_of_a_place_opens_what_is_there_and_not_the_same_of_another_place(
    gateway: Gateway, ours: Place, other: Place
) -> None:
    headers = gateway.bearer("staff", OURS)
    answers = {}
    # What is elsewhere first: what is done at our own place ends some of it.
    for method, path in routes(HERE):
        answers[method, path, OTHER] = gateway.client.request(method, other.path(path), headers=headers)
    for method, path in routes(HERE):
        answers[method, path, OURS] = gateway.client.request(method, ours.path(path), headers=headers)
    there = {key: answer.status_code for key, answer in answers.items() if key[2] == OTHER}
    assert set(there.values()) == {403}, {key: status for key, status in there.items() if status != 403}
    power = answers.pop(("POST", "/booths/{location}/power", OURS))
    assert (power.status_code, power.json()["detail"]) == (404, "no event is live here")
    here = {key: answer.status_code for key, answer in answers.items() if key[2] == OURS}
    # 400 and 409: the form was empty, or it is too late for it; the door was open.
    assert set(here.values()) <= {200, 303, 400, 409}, here
    assert {status for (method, _, _), status in here.items() if method == "GET"} == {200}


def test_every_other_page_is_refused_with_a_word_which_key_is_needed(gateway: Gateway, ours: Place) -> None:
    headers = gateway.bearer("staff", OURS)
    for method, path in routes(SHUT):
        answer = gateway.client.request(method, ours.path(path), headers=headers)
        assert answer.status_code == 403, (method, path)
        assert answer.json()["detail"] == (
            "this key opens the pages of booth-b only: for this, log in with one of the whole shop"
        ), (method, path)
    for method, path in routes(OTHER_KEYS):
        answer = gateway.client.request(method, ours.path(path), headers=headers)
        assert answer.status_code == 403, (method, path)
        assert method == "HEAD" or answer.json()["detail"].startswith("this key is not for "), (method, path)


def test_whoever_follows_every_link_and_form_from_the_booth_meets_no_shut_door_no_name_and_nothing_of_elsewhere(
    gateway: Gateway, ours: Place, other: Place, tablet: httpx.Client
) -> None:
    start = tablet.get("/")
    assert (start.status_code, start.headers["Location"]) == (303, f"/booths/{OURS}")
    todo, seen, forms = [f"/booths/{OURS}", f"/returns/{ours.rma}", f"/events/fair-{OURS}/count"], {}, set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        answer = tablet.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, path
        seen[path] = answer.text
        todo += [found.partition("#")[0] for found in re.findall(r'href="(/[^"]*)"', answer.text)]
        forms |= set(re.findall(r'action="(/[^"]*)"', answer.text))
    patterns = [re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) for _, path in routes(HERE, OWN)]
    assert {form for form in forms if not any(re.fullmatch(one, form) for one in patterns)} == set()
    shut = {form for form in forms if re.search(r"/(settle|extend|refund|approve|retry|yes|no|send|cancel)$", form)}
    assert shut <= {f"/returns/{ours.rma}/cancel"}
    read = {path.split("/")[1] for path in seen}
    assert read >= {"booths", "scan", "collect", "prints", "returns", "events", "transfers"}
    pages = "\n".join(text for path, text in seen.items() if path != "/style.css")
    assert all(word in pages for word in (ours.order, ours.sold, ours.transfer, ours.rma))
    elsewhere = (other.order, other.sold, other.transfer, other.rma, OTHER, OTHER.title(), "/orders")
    people = ("Byron", "Weg 1", "10115", "ada@example.com", "+4930123456")
    assert [word for word in (*elsewhere, *people) if word in pages] == []


def test_a_return_that_anybody_could_guess_is_opened_at_the_place_it_was_sold_or_made_only(
    gateway: Gateway, tablet: httpx.Client, ours: Place
) -> None:
    label = "BR000000000000006464"
    bought_online = make_sold_order(gateway.room, label, location="hub", tracking="T2")

    def scan(code: str, rma: str = "") -> httpx.Response:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', tablet.get(f"/returns/at/{OURS}").text)
        assert found
        return tablet.post(f"/returns/at/{OURS}", data={"csrf": found[1], "code": code, "rma": rma})

    guessed = scan(bought_online)
    assert f"{bought_online} was neither sold nor made at {OURS}" in guessed.text
    assert SKU not in guessed.text
    rma = f"R-{bought_online}-6464"
    assert tablet.get(f"/returns/{rma}").status_code == 404, "nothing was opened"
    assert f"{rma} is open" in scan(label).text, "whoever holds its label has the parcel in their hands"
    assert f">{rma}</h2>" in scan(rma).text


def test_a_return_that_lies_at_another_place_is_shown_by_no_scan(
    gateway: Gateway, tablet: httpx.Client, ours: Place, other: Place
) -> None:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', tablet.get(f"/returns/at/{OURS}").text)
    assert found
    for given in ({"code": other.rma}, {"code": "BR000000000000005353"}, {"code": "x", "rma": other.rma}):
        answer = tablet.post(f"/returns/at/{OURS}", data={"csrf": found[1]} | given)
        assert f">{other.rma}</h2>" not in answer.text
        assert SKU not in answer.text
    assert tablet.get(f"/returns/{ours.rma}?at={OTHER}").status_code == 403
    piece = f"/returns/{ours.rma}/pieces/{other.names['piece']}/dispose"
    assert tablet.post(piece, data={"csrf": found[1], "disposition": "discard"}).status_code == 403


def test_a_place_that_is_revoked_ends_its_staff_keys_and_the_sessions_that_were_opened_with_them(
    gateway: Gateway, tablet: httpx.Client
) -> None:
    elsewhere, everywhere = gateway.bearer("staff", OTHER), gateway.bearer("staff")
    assert tablet.get(f"/booths/{OURS}").status_code == 200
    gateway.room.database.write(lambda c: booth_devices.revoke(c, OURS))
    assert tablet.get(f"/booths/{OURS}").status_code == 401
    assert tablet.get("/", headers={"Accept": "text/html"}).headers["Location"] == "/login"
    assert tablet.get("/orders").status_code == 401
    tablet.cookies.clear()
    assert tablet.get(f"/booths/{OTHER}", headers=elsewhere).status_code == 200
    assert tablet.get("/orders", headers=everywhere).status_code == 200


def test_a_key_that_is_renewed_keeps_its_place_and_one_that_has_no_use_for_a_place_is_not_made_with_it(
    gateway: Gateway,
) -> None:
    gateway.key("staff", OURS)

    def again(connection: Connection) -> list[str]:
        renew(connection, 1, None, now(connection))
        return [row["location"] for row in list_keys(connection)]

    assert gateway.room.database.write(again) == [OURS, OURS]
    with pytest.raises(KeyRefused, match="bound to no location"):
        gateway.room.database.write(lambda c: make_key(c, "counts", "metrics", OURS))


def test_an_address_that_is_none_of_ours_says_nothing_about_the_shops_places(tablet: httpx.Client) -> None:
    answer = tablet.get("/nothing", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert OTHER not in answer.text.lower()
