"""The whole shop at work: two hundred orders through its doors, and what must be true of all of them afterwards.

On SQLite, and with fewer orders on a real PostgreSQL, by configuration alone.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Connection, func, select, update

from backroom.channels.signing import sign
from backroom.cli.demo_judge import failed_run_names, judge
from backroom.domain.events import Event, Session
from backroom.domain.labels import return_code
from backroom.domain.leases import Loan
from backroom.domain.money import format_money
from backroom.domain.readiness import Check, CheckState
from backroom.engine.forgetting import Runs
from backroom.privacy.erasure import erase
from backroom.privacy.rotation import retire, rotate, standing
from backroom.shop.demo_orders import DemoOrder
from backroom.shop.room import open_room
from backroom.store import events, leases, refunds, transfer_rows
from backroom.store.api_keys import make_key
from backroom.store.contacts import open_contact
from backroom.store.database import now
from backroom.store.people import load
from backroom.store.personal import Whose
from backroom.store.tables import (
    event_history,
    fulfilment_orders,
    inbox,
    orders,
    people,
    quarantine,
)
from tasks.deciding import ACTOR
from tests.counting import check_that_everything_came_out_once
from tests.integration.cli.typing_in import answered
from tests.running import PATIENCE, RunningShop, running_shop, shop_database, wait_until
from tests.searching import holding, places
from tests.shops import CANARIES, an_order

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]

_IDS = itertools.count(990_001)
# Every kind of order the demo knows is among the first sixty.
ORDERS = {"sqlite": 200, "postgres": 60}
# Its process stands back behind all others, and loads Great Expectations first.
QUALITY_PATIENCE = 420.0


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    with shop_database(request) as kind:
        yield kind


@pytest.fixture(scope="module")
def shop(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """The demo shop, running as `backroom up` runs it."""
    with running_shop(tmp_path_factory.mktemp(database)) as running:
        assert (running.home / "shop.db").exists() == (database == "sqlite")
        yield running


@pytest.fixture(scope="module")
def sent(shop: RunningShop, database: str) -> Sequence[DemoOrder]:
    """Demo orders, sent and ended; the hub's worker is killed in the middle of it."""
    sample = shop.send(ORDERS[database])
    wait_until(lambda: bool(shop.numbers("fulfilled")), "the first order to be fulfilled")
    shop.kill("worker-hub")
    shop.await_endings(sample, 400)
    return sample


def test_the_demo_says_of_every_order_where_it_was_routed_and_why(shop: RunningShop, sent: Sequence[DemoOrder]) -> None:
    verdicts = [one for one in judge(shop.room, sent, failed_run_names(shop.api)) if one.number]
    made = [one for one in verdicts if one.ending in ("fulfilled", "failed")]
    assert {one.route for one in made} == {"main-hub", "local-hub", "booth-a"}
    assert all(one.why for one in verdicts if one.ending != "cancelled")
    near = next(one for one in made if one.route == "local-hub")
    assert "km away" in near.why


def test_every_message_that_was_acknowledged_is_an_order_or_in_quarantine(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    with shop.room.database.read() as connection:
        waiting = connection.execute(
            select(func.count()).select_from(inbox).where(inbox.c.state == "waiting")
        ).scalar_one()
        without = connection.execute(
            select(func.count()).select_from(inbox).where(inbox.c.state == "done", inbox.c.order_id.is_(None))
        ).scalar_one()
        aside = connection.execute(select(func.count()).select_from(quarantine)).scalar_one()
    assert (waiting, without) == (0, 0)
    assert aside == sum(1 for order in sent if order.expect.ending == "quarantined")


def test_nothing_was_made_bought_or_said_twice(shop: RunningShop, sent: Sequence[DemoOrder]) -> None:
    came_out = check_that_everything_came_out_once(shop.room)
    assert came_out.keys() == {"prints", "labels", "sheets", "messages", "pieces", "orders"}


def test_each_sick_order_is_failed_in_the_ui_by_its_name_and_retry_completes_it_once(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    with shop.room.database.read() as connection:
        sick = list(
            connection.execute(
                select(orders.c.number)
                .join(fulfilment_orders, fulfilment_orders.c.order_id == orders.c.id)
                .where(fulfilment_orders.c.sick_cause.is_not(None))
            ).scalars()
        )
    assert len(sick) == sum(1 for order in sent if order.expect.ending == "failed") > 0
    for number in sick:
        run = shop.runs_named(number)[0]
        assert run["state"]["type"] == "FAILED"
        assert "eclipse.png" in run["state"]["message"]
    shutil.copy(shop.home / "artwork" / "night-moth.png", shop.home / "artwork" / "eclipse.png")
    for number in sick:
        _press_retry(shop, shop.runs_named(number)[0]["id"])
    wait_until(lambda: set(sick) <= set(shop.numbers("fulfilled")), "the sick orders to be fulfilled")
    for number in sick:
        told = shop.story(number)
        done = Counter(row["kind"] for row in told.effects)
        assert {row["state"] for row in told.effects} == {"done"}
        assert (done["print"], done["label"], done["sheet"]) == (len(told.print_jobs), 1, 1)
        assert done["message"] == sum(one["state"] == "sent" for one in told.messages)
        wait_until(lambda n=number: shop.runs_named(n)[0]["state"]["type"] == "COMPLETED", "its run to complete")


def test_prefects_database_and_logs_hold_nothing_of_any_customer(shop: RunningShop, sent: Sequence[DemoOrder]) -> None:
    canaries: set[str] = set()
    with shop.room.database.read() as connection:
        rows = connection.execute(select(orders.c.person_id, orders.c.contact)).all()
        keys = load(connection, shop.room.seals, (row.person_id for row in rows))
    for row in rows:
        contact = open_contact(keys[row.person_id].key, row.contact)
        canaries |= {contact.email, contact.phone}
        if contact.address is not None:
            canaries |= {contact.address.name, contact.address.line1}
    canaries = {canary for canary in canaries if len(canary) > 5}
    assert len(canaries) > 100
    written = b"".join(
        path.read_bytes() for path in sorted((shop.home / "prefect").rglob("*")) if path.is_file()
    ) + b"".join(path.read_bytes() for path in sorted((shop.home / "logs").glob("*.log")))
    assert b"order-intake" in written
    for canary in canaries:
        for spelling in {canary, json.dumps(canary)[1:-1]}:
            assert spelling.encode() not in written
    assert b"prefect.db" not in written or Path(shop.home / "prefect" / "prefect.db").exists()


def test_the_key_figures_are_computed_and_shown_by_their_flow(shop: RunningShop, sent: Sequence[DemoOrder]) -> None:
    deployment = shop.prefect("GET", "/deployments/name/kpi/daily")
    run = shop.prefect("POST", f"/deployments/{deployment['id']}/create_flow_run", {})
    wait_until(lambda: shop.prefect("GET", f"/flow_runs/{run['id']}")["state"]["type"] == "COMPLETED", "the figures")
    assert shop.prefect("GET", "/artifacts/kpi-report/latest")["data"].startswith("# Figures of ")
    pages = list((shop.home / "reports").glob("2*.html"))
    assert {len(page.stem) for page in pages} == {len("2026-11-25"), len("2026-W48")}


def test_the_audit_lists_what_to_do_and_its_numbers_stand_on_the_wall(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    deployment = shop.prefect("GET", "/deployments/name/audit/hourly")
    run = shop.prefect("POST", f"/deployments/{deployment['id']}/create_flow_run", {})
    wait_until(lambda: shop.prefect("GET", f"/flow_runs/{run['id']}")["state"]["type"] == "COMPLETED", "the audit")
    assert shop.prefect("GET", "/artifacts/audit-wall/latest")["data"].startswith("# Lost: ")
    assert json.loads(shop.prefect("GET", "/artifacts/audit/latest")["data"])
    assert "## Week 1: Audit" in shop.prefect("GET", "/artifacts/plan/latest")["data"]
    assert list((shop.home / "reports").glob("audit-*.html"))


def test_data_quality_finds_nothing_in_what_the_shop_did_and_alerts_of_what_is_damaged(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    _run_to_its_end(shop, "data-quality/nightly", {"scope": "full"}, QUALITY_PATIENCE)
    assert "\nNothing.\n" in shop.prefect("GET", "/artifacts/quality/latest")["data"]
    assert (shop.home / "quality" / "index.html").exists()
    number = shop.numbers("fulfilled")[0]
    here = update(orders).where(orders.c.number == number)
    shop.room.database.write(lambda c: c.execute(here.values(total_minor=-1)))
    _run_to_its_end(shop, "data-quality/nightly", {"scope": "full"}, QUALITY_PATIENCE)
    shop.room.database.write(lambda c: c.execute(here.values(total_minor=1)))
    assert f"Data quality, {number}" in shop.prefect("GET", "/artifacts/alerts/latest")["data"]
    told = [path.read_text(encoding="utf-8") for path in (shop.home / "mail").glob("*.eml")]
    assert len([mail for mail in told if f"Subject: Backroom: Data quality, {number}" in mail]) == 1
    assert f"| critical | {number} |" in shop.prefect("GET", "/artifacts/quality/latest")["data"]
    assert number in str(shop.prefect("GET", "/artifacts/quality-quarantine/latest")["data"])


def test_an_order_told_by_its_number_writes_its_story(shop: RunningShop, sent: Sequence[DemoOrder]) -> None:
    number = shop.numbers("fulfilled")[0]
    deployment = shop.prefect("GET", "/deployments/name/order/order")
    run = shop.prefect(
        "POST", f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {"order_number": number.lower()}}
    )
    wait_until(
        lambda: shop.prefect("GET", f"/flow_runs/{run['id']}")["state"]["type"] == "COMPLETED", "the order's run"
    )
    artifact = shop.prefect("GET", f"/artifacts/order-{number.lower()}/latest")
    assert f"# {number}" in artifact["data"]
    assert re.search(r"order\.fulfilled", artifact["data"])


def test_every_wave_wrote_its_table(shop: RunningShop, sent: Sequence[DemoOrder]) -> None:
    artifact = shop.prefect("GET", "/artifacts/wave-fulfilment-main-hub/latest")
    rows = json.loads(artifact["data"])
    assert {"order", "outcome", "reason", "page"} <= set(rows[0])


def test_somebody_who_is_forgotten_is_found_in_no_file_of_the_shop(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    """Whose words are canaries: bought, printed, labelled, written to, told in Prefect, and then forgotten."""
    number, person, key = _serve_one(shop)
    # What a search must find, or its silence would mean nothing.
    before = [word for name in ("mail", "sms", "labels") for _, word in places(shop.home / name, CANARIES)]
    assert set(before) == set(CANARIES) - {CANARIES[5]}
    _run_to_its_end(shop, "order/order", {"order_number": number})
    assert f"# {number}" in shop.prefect("GET", f"/artifacts/order-{number.lower()}/latest")["data"]

    report = erase(shop.room, [Whose(person)], "Ada", Runs(shop.api).forget)
    assert (report.people, report.still, report.left) == ([person], [], [])
    assert places(shop.home, CANARIES) == []
    if shop.room.database.is_sqlite:
        assert holding(shop.home, key) == []
    stories = {"artifacts": {"key": {"any_": [f"order-{number.lower()}"]}}}
    assert shop.prefect("POST", "/artifacts/filter", stories) == []
    assert shop.runs_named(number) == []
    # The shop goes on, and the night finds nothing left to do.
    _run_to_its_end(shop, "retention/retention", {})
    assert "None." in shop.prefect("GET", "/artifacts/privacy/latest")["data"]


def test_a_new_master_key_takes_over_while_gateway_and_workers_run(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    """Processes that were started with the old key take an order in under the new one, make it, and announce it."""
    before = shop.pid("gateway"), shop.pid("worker-hub")
    list(rotate(shop.room))
    number, person, _ = _serve_one(shop)
    assert (shop.pid("gateway"), shop.pid("worker-hub")) == before
    new = standing(shop.room)
    assert (new.left, new.changing, new.before) == (0, False, True)
    with shop.room.database.read() as connection:
        assert connection.execute(select(people.c.key_id).where(people.c.id == person)).scalar_one() == new.key_id
    retire(shop.room)
    # Whoever only has the new key reads everything.
    late = open_room(shop.home)
    with late.database.read() as connection:
        everybody = connection.execute(select(people.c.id).where(people.c.wrapped_key.is_not(None))).scalars().all()
        assert len(load(connection, late.seals, everybody)) > 50
    late.close()
    assert "order.fulfilled" in {entry["event"] for entry in shop.story(number).history}


def test_a_market_is_planned_and_its_transfer_goes_with_a_yes_in_the_ui(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    def plan(connection: Connection) -> None:
        begins = now(connection) + timedelta(days=1)
        fair = Event("fair", "Fair", "street", "booth-a", "", (Session(begins, begins + timedelta(hours=4)),))
        events.add(connection, fair, (), now(connection), "Ada")

    shop.room.database.write(plan)
    for _ in range(2):
        _run_to_its_end(shop, "event-restock/restock", {})
    told = shop.prefect("GET", "/artifacts/restock-fair/latest")
    assert told["data"].startswith("# What to take to fair")
    assert "waits for your yes" in told["data"]
    with shop.room.database.read() as connection:
        (proposed,) = transfer_rows.listing(connection)
    name = f"{proposed.number} to the market"
    wait_until(lambda: [one["state"]["type"] for one in shop.runs_named(name)] == ["PAUSED"], "its form")
    answer = {"run_input": {"choice": "yes, set these pieces aside"}}
    shop.prefect("POST", f"/flow_runs/{shop.runs_named(name)[0]['id']}/resume", answer)
    wait_until(lambda: shop.runs_named(name)[0]["state"]["type"] == "COMPLETED", "the yes")
    with shop.room.database.read() as connection:
        approved = transfer_rows.read(connection, proposed.number)
    assert approved.state.value == "approved"
    assert sum(line.sent for line in approved.lines) > 0


def _serve_one(shop: RunningShop) -> tuple[str, int, bytes]:
    """One order of the person whose words are canaries, sent, made and announced; its number, whose, and their key."""
    external_id = next(_IDS)
    body = json.dumps(an_order(external_id, [("TEE-MOTH-INK-M", 1)])).encode()
    headers = sign("shopify", body, shop.room.secret("webhook.web"), topic="orders/create")
    answer = requests.post(f"{shop.ports.pages}/webhooks/web", data=body, headers=headers, timeout=60)
    # Beside live workers the database may be crowded.
    assert answer.json()["outcome"] in ("accepted", "spooled")
    ours = select(orders.c.number, orders.c.state, orders.c.person_id).where(orders.c.external_id == str(external_id))

    def row() -> Any:
        with shop.room.database.read() as connection:
            return connection.execute(ours).first()

    wait_until(lambda: (found := row()) is not None and found.state == "fulfilled", "the order to be fulfilled")
    found = row()
    with shop.room.database.read() as connection:
        key = connection.execute(select(people.c.wrapped_key).where(people.c.id == found.person_id)).scalar_one()
    return found.number, found.person_id, bytes(key)


def _run_to_its_end(shop: RunningShop, deployment: str, parameters: dict[str, str], seconds: float = PATIENCE) -> None:
    id_ = shop.prefect("GET", f"/deployments/name/{deployment}")["id"]
    run = shop.prefect("POST", f"/deployments/{id_}/create_flow_run", {"parameters": parameters})
    wait_until(
        lambda: shop.prefect("GET", f"/flow_runs/{run['id']}")["state"]["type"] == "COMPLETED",
        f"a run of {deployment}",
        seconds,
    )


def test_a_return_goes_from_the_scan_of_its_label_to_its_refund_and_its_customer_is_told(
    shop: RunningShop, sent: Sequence[DemoOrder]
) -> None:
    told = next(
        story
        for story in map(shop.story, shop.numbers("fulfilled"))
        if story.shipments and any(one["state"] == "sent" for one in story.messages)
    )
    number, label = told.order["number"], told.shipments[0]["return_tracking"]
    skus = [line["sku"] for line in told.part_lines for _ in range(line["from_stock"] + line["to_print"])]
    station = Station(shop)
    station.press("at/main-hub", code=label)
    rma = return_code(number, label)
    for sku in skus:
        page = station.press("at/main-hub", code=sku, rma=rma)
    pieces = sorted(set(re.findall(r"pieces/(\d+)/say", page)))
    assert len(pieces) == len(skus)
    for piece in pieces:
        station.press(f"{rma}/pieces/{piece}/say", reason="damaged")
        station.press(f"{rma}/pieces/{piece}/dispose", disposition="discard")
    station.press(f"{rma}/complete")
    with shop.room.database.read() as connection:
        (owed,) = [one for one in refunds.waiting(connection, shop.room.seals) if one.number == rma]
    assert owed.amount_minor <= told.order["total_minor"]
    station.press(f"{rma}/refund", amount=format_money(owed.amount_minor, owed.currency).split()[0], reference="re_1")
    after = shop.story(number)
    assert [back["state"] for back in after.returns] == ["closed"]
    assert [(one["kind"], one["state"]) for one in after.effects if one["kind"] == "refund"] == [("refund", "done")]
    wait_until(lambda: _told(shop, number) == {"return_refunded"}, "the customer to be told", 60)
    # The wave's table is written once everybody in it was told.
    of_the_wave = {"artifacts": {"key": {"any_": ["wave-returns-main-hub"]}}}
    wait_until(lambda: shop.prefect("POST", "/artifacts/count", of_the_wave) > 0, "the wave's table", 60)


def test_an_order_that_is_cancelled_in_a_terminal_waits_to_be_paid_back_until_a_person_says_that_it_was(
    shop: RunningShop, sent: Sequence[DemoOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROOM_HOME", str(shop.home))
    held = [story.order for story in map(shop.story, shop.numbers("held"))]
    number = next(order["number"] for order in held if order["payment"] == "paid")
    assert answered("order", "cancel", number)["state"] == "cancelled"

    def by_hand() -> list[str]:
        return [one["by_hand"] for one in shop.story(number).refunds]

    # The flow `refunds`, woken by the command, finds that this channel pays nothing back by itself.
    wait_until(lambda: by_hand() == ["no_call"], "the wave that pays back")
    (owed,) = [one for one in answered("return", "refunds") if one["order"] == number]
    answered("return", "refunded", number, owed["amount"].split()[0])
    after = shop.story(number)
    assert [(one["kind"], one["state"]) for one in after.effects if one["kind"] == "refund"] == [("refund", "done")]
    of_the_wave = {"artifacts": {"key": {"any_": ["wave-refunds-main-hub"]}}}
    wait_until(lambda: shop.prefect("POST", "/artifacts/count", of_the_wave) > 0, "the wave's table", 60)


def test_an_event_is_reminded_of_and_then_opened_closed_and_settled_by_prefects_run_form(shop: RunningShop) -> None:
    sku = "TEE-CAT-SLATE-S"  # of which the booth has none of its own

    def plan(connection: Connection) -> None:
        # Not yet: the sweep would open it by itself.
        at = now(connection)
        begins = at + timedelta(hours=2)
        night = Event("night", "Night", "street", "booth-a", "", (Session(begins, begins + timedelta(hours=4)),))
        events.add(connection, night, [Check("permit", "Permit", True, "Zaphrodel", begins)], at, "Ada")
        leases.lend(connection, "night", [Loan(sku, "main-hub", 2)], key="van", actor="Ada")

    def found(connection: Connection) -> None:
        row, at = events.find(connection, "night"), now(connection)
        done = CheckState.DONE
        events.say(connection, row, "permit", done, note="seen", file="", good_until=None, at=at, actor="Ada")

    def count(connection: Connection) -> None:
        [there] = [one for one in leases.standing(connection, events.find(connection, "night")) if one.sku == sku]
        leases.count(connection, "night", sku, there.there - 1, "Ada")

    shop.room.database.write(plan)
    # Once a day: what was sent is not sent again.
    for _ in range(2):
        _run_to_its_end(shop, "event/remind", {})
    listed = shop.prefect("GET", "/artifacts/event-reminders/latest")["data"]
    assert "- night: permit" in listed
    assert "Zaphrodel" not in listed
    mails = [path.read_text(encoding="utf-8") for path in (shop.home / "mail").glob("*.eml")]
    [mail] = [mail for mail in mails if re.search(r"^Subject: Night, [0-9-]+: permit$", mail, re.MULTILINE)]
    assert "Zaphrodel" in mail
    shop.room.database.write(found)
    assert _told_of_event(shop, "open") == "**night is live; orders go to booth-a: yes**"
    assert _told_of_event(shop, "close").startswith("**night is closed; orders go to booth-a: ")
    shop.room.database.write(count)
    assert _told_of_event(shop, "settle").startswith("**night is settled; ")
    with shop.room.database.read() as connection:
        row = events.find(connection, "night")
        [settled] = [one for one in leases.settlement_of(connection, row["id"]) if one.sku == sku]
        in_the_form = (event_history.c.event_id == row["id"]) & (event_history.c.actor == ACTOR)
        done = connection.execute(
            select(event_history.c.event, event_history.c.run_id).where(in_the_form).order_by(event_history.c.id)
        ).all()
    assert (settled.leased, settled.sold, settled.returned, settled.missing) == (2, 0, 1, 1)
    assert [one.event for one in done][-3:] == ["event.live", "event.closed", "event.settled"]
    assert all(one.run_id for one in done)


def _told_of_event(shop: RunningShop, act: str) -> str:
    """What the deployment writes of the event after one act, in its first line."""
    _run_to_its_end(shop, "event/event", {"act": act, "code": "Night"})
    first: str = shop.prefect("GET", "/artifacts/event-night/latest")["data"].splitlines()[0]
    return first


def _told(shop: RunningShop, number: str) -> set[str]:
    sent = {one["kind"] for one in shop.story(number).messages if one["state"] == "sent"}
    return {kind for kind in sent if kind == "return_refunded"}


class Station:
    """A tablet at a hub, by its staff key."""

    def __init__(self, shop: RunningShop) -> None:
        self._shop = shop
        key = shop.room.database.write(lambda connection: make_key(connection, "Ada", "staff", ""))
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "text/html"}

    def press(self, path: str, **given: str) -> str:
        """Send a form; the page that answers."""
        answer = requests.post(f"{self._shop.ports.pages}/returns/{path}", given, headers=self._headers, timeout=30)
        answer.raise_for_status()
        return answer.text


def _press_retry(shop: RunningShop, run_id: str) -> None:
    """What the UI's Retry does: it forces AwaitingRetry."""
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
    shop.prefect("POST", f"/flow_runs/{run_id}/set_state", {"state": state, "force": True})
