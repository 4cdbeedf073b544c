"""Staff pages: what a person finds there and what their buttons do."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import Connection, insert, update

from backroom.domain.breaker import what_to_do as behind_breaker
from backroom.domain.holds import what_to_do
from backroom.domain.model import Problem
from backroom.domain.quality import Severity
from backroom.domain.quarantine import IN_QUARANTINE
from backroom.quality.suites import RULES
from backroom.store import effects, intake, news, tables
from backroom.store.booth_wakes import claim_jobs
from backroom.store.database import now
from backroom.store.people import load
from backroom.store.print_attempts import settle, start
from backroom.store.quality import findings, quarantine
from backroom.store.seals import seal
from backroom.store.shipping import DATA_CONTEXT, ZPL_CONTEXT, NewShipment, SealedLabel, save_shipments
from backroom.store.story import OrderStory, story
from tests.integration.gateway.conftest import SKU, Gateway, an_order, make_order


@pytest.fixture
def staff(gateway: Gateway) -> httpx.Client:
    gateway.client.post("/login", data={"key": gateway.key("staff")})
    return gateway.client


def press(staff: httpx.Client, page: str, path: str, **given: str) -> httpx.Response:
    """Open a page and send one of its forms, as a browser would."""
    shown = staff.get(page).text
    assert f'action="{path}"' in shown
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', shown)
    assert found
    return staff.post(path, data={"csrf": found[1]} | given)


def told(gateway: Gateway, number: str) -> OrderStory:
    with gateway.room.database.read() as connection:
        found = story(connection, number)
    assert found is not None
    return found


def test_an_orders_page_tells_its_whole_story(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    page = staff.get(f"/orders/{number}").text
    for expected in (
        number,
        SKU,
        "19.90 EUR",
        "nearest that is open",
        "it cannot print dtg",
        "order accepted",
        "making",
        "Ada Byron",
        "/prints/booth-a",
    ):
        assert expected in page, expected


def test_an_orders_page_says_what_keeps_its_channel_from_being_told_and_a_person_may_settle_it(
    gateway: Gateway, staff: httpx.Client
) -> None:
    number = make_order(gateway.room)
    order = told(gateway, number).order

    def untold(connection: Connection) -> None:
        news.write_cancelled(connection, order, "cancelled_by_staff", now(connection))
        sick = {"sick_cause": "news_refused", "sick_reason": "the shop has completed it", "sick_since": now(connection)}
        connection.execute(update(tables.channel_news).values(**sick))

    gateway.room.database.write(untold)
    page = staff.get(f"/orders/{number}").text
    assert "the shop has completed it" in page
    assert number in staff.get("/orders").text.split("Newest")[0]
    assert press(staff, f"/orders/{number}", f"/orders/{number}/told").status_code == 303
    ((state, by),) = [(row["state"], told(gateway, number).history[-1]["actor"]) for row in told(gateway, number).news]
    assert (state, bool(by)) == ("settled", True)
    assert f'action="/orders/{number}/told"' not in staff.get(f"/orders/{number}").text


def test_an_order_that_does_not_exist_is_404(staff: httpx.Client) -> None:
    for number in ("A-9999", "%00", "x" * 200, "é", "..%2f"):
        assert staff.get(f"/orders/{number}").status_code == 404


def test_an_order_is_found_by_its_number(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    found = staff.get("/orders", params={"number": f" {number.lower()} "})
    assert (found.status_code, found.headers["Location"]) == (303, f"/orders/{number}")
    assert staff.get("/orders", params={"number": "A-9999"}).status_code == 404
    assert staff.get("/orders", params={"number": "\x00"}).status_code == 404


def test_what_waits_for_a_person_is_listed_with_its_reason(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room, hold_reason="address")
    page = staff.get("/orders").text
    assert page.index("Waiting for somebody") < page.index(number) < page.index("Newest")
    assert "address" in page


def test_holding_and_releasing_an_order(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    assert press(staff, f"/orders/{number}", f"/orders/{number}/hold", note="ring first").status_code == 303
    held = told(gateway, number)
    assert (held.order["state"], held.order["hold_reason"]) == ("held", "asked_by_staff")
    assert held.history[-1]["actor"] == "Ada"
    assert press(staff, f"/orders/{number}", f"/orders/{number}/release").status_code == 303
    assert told(gateway, number).order["state"] == "released"
    woken = {(stage, location) for stage, location, _ in gateway.waker.told}
    assert woken == {("intake", "hub"), ("fulfilment", "booth-a"), ("print", "booth-a")}


def test_a_note_is_read_on_the_orders_page_and_stored_sealed(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    press(staff, f"/orders/{number}", f"/orders/{number}/hold", note="Frau Novak ruft\n zurück <b>")
    assert "Frau Novak ruft  zurück &lt;b&gt;" in staff.get(f"/orders/{number}").text
    assert "Novak" not in str(told(gateway, number))
    gateway.room.database.write(lambda c: c.execute(update(tables.people).values(wrapped_key=None)).rowcount)
    assert "Novak" not in staff.get(f"/orders/{number}").text


def test_cancelling_an_order(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    press(staff, f"/orders/{number}", f"/orders/{number}/cancel", note="the customer rang")
    assert told(gateway, number).order["state"] == "cancelled"
    [said] = [entry["data"] for entry in told(gateway, number).history if entry["event"] == "order.cancelled"]
    assert said == {"reason": "cancelled_by_staff"}
    assert "the customer rang" in staff.get(f"/orders/{number}").text
    assert 'action="/orders' not in staff.get(f"/orders/{number}").text


def test_a_cancelled_order_is_to_be_paid_back_until_somebody_says_that_it_was(
    gateway: Gateway, staff: httpx.Client
) -> None:
    number, kept = make_order(gateway.room), make_order(gateway.room)
    page = staff.get(f"/orders/{number}").text
    assert 'name="keep"' in page
    press(staff, f"/orders/{number}", f"/orders/{number}/cancel")
    press(staff, f"/orders/{kept}", f"/orders/{kept}/cancel", keep="yes")
    assert ("refunds", "hub") in [(stage, place) for stage, place, _ in gateway.waker.told]
    assert "19.90 EUR to be paid back" in staff.get(f"/orders/{number}").text
    owed = staff.get("/returns").text
    assert (f"/returns/{number}/refund" in owed, f"/returns/{kept}/refund" in owed) == (True, False)
    assert press(staff, "/returns", f"/returns/{number}/refund", amount="29,90", reference="").status_code == 409
    press(staff, "/returns", f"/returns/{number}/refund", amount="19,90", reference="re_1")
    assert "Nothing is to be paid back." in staff.get("/returns").text
    [refund] = told(gateway, number).refunds
    assert (refund["state"], refund["paid_minor"], refund["reference"]) == ("done", 1990, "re_1")
    assert "19.90 EUR to be paid back" not in staff.get(f"/orders/{number}").text


def test_cancelling_what_is_labelled_is_refused_in_words(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    gateway.room.database.write(lambda c: c.execute(update(tables.fulfilment_orders).values(state="labelled")).rowcount)
    answer = press(staff, f"/orders/{number}", f"/orders/{number}/cancel")
    assert answer.status_code == 409
    assert "labelled" in answer.text


def test_a_held_order_says_in_a_sentence_what_it_asks_of_a_person(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room, hold_reason="no_coordinates")
    for path in (f"/orders/{number}", "/orders"):
        assert what_to_do("no_coordinates") in staff.get(path).text, path


def test_a_decision_calls_locations_by_their_names(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    assert f"{number} is made at Booth-A, because" in staff.get(f"/orders/{number}").text


def test_times_are_the_shops_own_and_say_of_which_zone_they_are(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    placed = told(gateway, number).order["placed_at"]
    there = placed.astimezone(ZoneInfo("Europe/Berlin"))
    for path in (f"/orders/{number}", "/orders"):
        page = staff.get(path).text
        assert f"{there:%Y-%m-%d %H:%M:%S %Z}</time>" in page
        assert f'datetime="{placed:%Y-%m-%dT%H:%M:%S}Z"' in page
        assert "Times are those of Europe/Berlin." in page


def test_pieces_from_stock_are_not_called_unpicked_where_nobody_scans(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room, location="main-hub", from_stock=2, to_print=0)
    page = staff.get(f"/orders/{number}").text
    assert "2 from stock" in page
    assert "picked 0 of" not in page


def test_an_order_behind_a_breaker_says_so_and_what_to_do(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)

    def fall_sick(connection: Connection) -> int:
        opened = {"stage": "fulfilment", "location": "booth-a", "cause": "twilio-away", "state": "open"}
        query = insert(tables.breakers).values(opened_at=now(connection), probes=0, **opened)
        id_: int = connection.execute(query.returning(tables.breakers.c.id)).scalar_one()
        sick = {"sick_cause": "twilio-away", "sick_reason": "Twilio takes nothing now.", "breaker_id": id_}
        connection.execute(update(tables.fulfilment_orders).values(**sick))
        return id_

    breaker = gateway.room.database.write(fall_sick)
    page = staff.get(f"/orders/{number}").text
    assert "Twilio takes nothing now." in page
    assert behind_breaker(breaker) in page


def test_a_sick_order_has_a_retry_button_that_makes_it_healthy(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    gateway.room.database.write(
        lambda c: (
            c.execute(
                update(tables.fulfilment_orders).values(sick_cause="printer", sick_reason="the press is on fire")
            ).rowcount
        )
    )
    page = staff.get(f"/orders/{number}").text
    # At its top, beside its state, and once more where the work is told.
    assert page.index("the press is on fire") < page.index("Why it is made") < page.rindex("the press is on fire")
    press(staff, f"/orders/{number}", f"/orders/{number}/retry")
    assert told(gateway, number).parts[0]["sick_cause"] is None
    assert ("fulfilment", "booth-a", 0) in gateway.waker.told


def test_a_corrected_address_is_kept_and_its_value_not_in_the_history(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room, hold_reason="address")
    path = f"/orders/{number}/amend"
    changes = {"address.line1": "Weg 12 b", "email": "ada@example.com", "nonsense": "x"}
    assert press(staff, f"/orders/{number}", path, **changes).status_code == 303
    assert 'value="Weg 12 b"' in staff.get(f"/orders/{number}").text
    amended = [entry["data"] for entry in told(gateway, number).history if entry["event"] == "order.amended"]
    assert amended == [{"field": "address.line1"}]


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("email", "  Ada.B@Example.COM ", "ada.b@example.com"),
        ("phone", "030 1234567", "+49301234567"),
        ("phone", "+44 20 7946 0018", "+442079460018"),
        ("email", "", ""),
        ("address.country", "at", "AT"),
    ],
)
def test_what_is_corrected_is_written_as_intake_writes_it(
    gateway: Gateway, staff: httpx.Client, field: str, typed: str, kept: str
) -> None:
    number = make_order(gateway.room, hold_reason="contact")
    assert press(staff, f"/orders/{number}", f"/orders/{number}/amend", **{field: typed}).status_code == 303
    assert f'name="{field}" value="{kept}"' in staff.get(f"/orders/{number}").text


@pytest.mark.parametrize(("field", "typed"), [("email", "ada at home"), ("phone", "12"), ("phone", "call me")])
def test_what_is_no_email_and_no_phone_is_refused_and_not_repeated(
    gateway: Gateway, staff: httpx.Client, field: str, typed: str
) -> None:
    number = make_order(gateway.room, hold_reason="contact")
    answer = press(staff, f"/orders/{number}", f"/orders/{number}/amend", **{field: typed})
    assert answer.status_code == 409
    assert typed not in answer.text
    assert "order.amended" not in [entry["event"] for entry in told(gateway, number).history]


def test_a_corrected_sku_is_kept(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room, hold_reason="sku")
    press(staff, f"/orders/{number}", f"/orders/{number}/amend", **{"line.1.sku": "TEE-WHT-M"})
    assert told(gateway, number).lines[0]["sku"] == "TEE-WHT-M"


def test_a_print_whose_outcome_is_unknown_is_decided_by_a_person(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    [job] = gateway.room.database.write(lambda c: claim_jobs(c, "booth-a", "w1", 1))
    gateway.room.database.write(lambda c: start(c, job.id, job.attempt, "w1", "press-1"))
    gateway.room.database.write(lambda c: settle(c, job.id, job.attempt, "w1", "unknown", "the press was switched off"))
    assert "the press was switched off" in staff.get("/prints/booth-a").text
    path = f"/prints/booth-a/{job.id}/decision"
    assert press(staff, "/prints/booth-a", path, decision="perhaps").status_code == 409
    assert press(staff, "/prints/booth-a", path, decision="printed").status_code == 303
    assert told(gateway, number).parts[0]["state"] == "made"
    assert told(gateway, number).history[-1]["actor"] == "Ada"
    assert ("fulfilment", "booth-a", 0) in gateway.waker.told


def an_unknown(gateway: Gateway, number: str, kind: str) -> None:
    """An effect of the order that was begun and lost."""
    order = told(gateway, number).order["id"]

    def work(connection: Connection) -> None:
        at = now(connection)
        effects.plan(connection, [effects.Plan(f"{kind}-{number}", kind, order, "hash")], "token", at)
        effects.start(connection, [f"{kind}-{number}"], "token", at)
        lost = effects.Outcome(f"{kind}-{number}", effects.UNKNOWN, reason="the line broke")
        effects.settle(connection, [lost], "token", at)

    gateway.room.database.write(work)


@pytest.mark.parametrize(
    ("kind", "decision", "left"),
    [
        ("message", "happened", "done"),
        ("message", "did_not_happen", "failed"),
        ("label", "did_not_happen", "failed"),
    ],
)
def test_a_person_settles_what_nobody_can_tell(
    gateway: Gateway, staff: httpx.Client, kind: str, decision: str, left: str
) -> None:
    number = make_order(gateway.room)
    an_unknown(gateway, number, kind)
    page = staff.get("/effects").text
    assert "the line broke" in page
    assert f'href="/orders/{number}"' in page
    assert 'href="/effects"' in staff.get(f"/orders/{number}").text
    [found] = re.findall(r'action="(/effects/[0-9]+/decision)"', page)
    assert press(staff, "/effects", found, decision="perhaps").status_code == 409
    assert press(staff, "/effects", found, decision=decision).status_code == 303
    [effect] = [one for one in told(gateway, number).effects if one["kind"] == kind]
    assert effect["state"] == left
    assert told(gateway, number).history[-1]["actor"] == "Ada"
    assert ("fulfilment", "booth-a", 0) in gateway.waker.told
    assert "Nothing waits" in staff.get("/effects").text
    assert staff.post(found, headers=gateway.bearer("staff"), data={"decision": decision}).status_code == 404


def test_a_label_that_was_bought_is_not_settled_by_a_word(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    an_unknown(gateway, number, "label")
    page = staff.get("/effects").text
    assert 'value="happened"' not in page
    [found] = re.findall(r'action="(/effects/[0-9]+/decision)"', page)
    assert press(staff, "/effects", found, decision="happened").status_code == 409


def test_a_row_in_quarantine_is_listed_its_orders_page_says_why_and_a_person_may_say_that_it_is_right(
    gateway: Gateway, staff: httpx.Client
) -> None:
    number = make_order(gateway.room)
    before = told(gateway, number).order

    def find(connection: Connection) -> None:
        failure = findings.Failure("orders.total", str(before["id"]), "orders", Severity.CRITICAL, number)
        findings.note(connection, 1, [failure], now(connection))
        quarantine.settle(connection, gateway.room.shop.hub, now(connection))

    gateway.room.database.write(find)
    assert told(gateway, number).order["hold_reason"] == IN_QUARANTINE
    for path in ("/quarantine", f"/orders/{number}"):
        page = staff.get(path).text
        for expected in (number, RULES["orders.total"].says, RULES["orders.total"].person, "orders.total"):
            assert expected in page, (path, expected)
    assert what_to_do(IN_QUARANTINE) in staff.get(f"/orders/{number}").text
    listed = staff.get("/quarantine").text
    [found] = re.findall(r'action="(/quarantine/rows/[0-9]+/accept)"', listed)
    [token] = set(re.findall(r'name="csrf" value="([0-9a-f]+)"', listed))
    for _ in range(2):
        assert staff.post(found, data={"csrf": token}).status_code == 303
        after = told(gateway, number).order
        assert (after["state"], after["hold_reason"]) == (before["state"], "")
    assert "No row is in quarantine." in staff.get("/quarantine").text


def test_a_location_that_does_not_exist_is_404(staff: httpx.Client) -> None:
    assert staff.get("/prints/moon").status_code == 404
    assert staff.get("/scan/moon").status_code == 404


def test_a_quarantined_message_is_listed_with_every_reason_and_replayed(gateway: Gateway, staff: httpx.Client) -> None:
    gateway.deliver(an_order(id=4711))
    problems = [Problem("sku", "line_items.0.sku", "is not known"), Problem("total", "total_price", "does not add up")]
    gateway.room.database.write(lambda c: intake.quarantine_messages(c, [(1, "web", problems)], now(c)))
    page = staff.get("/quarantine").text
    for expected in ("4711", "is not known", "does not add up"):
        assert expected in page
    assert press(staff, "/quarantine", "/quarantine/1/replay").status_code == 303
    assert "4711" not in staff.get("/quarantine").text
    assert gateway.waker.told == [("intake", "hub", 0)] * 2


def test_scanning_an_order_and_its_pieces_with_one_field(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room, location="hub", from_stock=2, to_print=0)
    assert "Scan its pieces" in press(staff, "/scan/hub", "/scan/hub", code=number.lower()).text
    assert "Right. 1 to go" in press(staff, "/scan/hub", "/scan/hub", order=number, code=SKU).text
    assert (
        "No: this code is not in the catalogue"
        in press(staff, "/scan/hub", "/scan/hub", order=number, code="<b>nonsense</b>").text
    )
    assert f"{number} is complete" in press(staff, "/scan/hub", "/scan/hub", order=number, code=SKU).text
    assert "Scan the order first" in press(staff, "/scan/hub", "/scan/hub", code=SKU).text
    assert gateway.waker.told == [("fulfilment", "hub", 0)]


def test_a_shipments_labels_are_opened_for_staff(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    order, [part] = told(gateway, number).order, told(gateway, number).parts
    with gateway.room.database.read() as connection:
        key = load(connection, gateway.room.seals, [order["person_id"]])[order["person_id"]].key
    labels = tuple(
        SealedLabel(kind, seal(key, b"{}", DATA_CONTEXT), seal(key, f"^XA {kind} ^XZ".encode(), ZPL_CONTEXT))
        for kind in ("shipping", "return")
    )
    shipment = NewShipment(part["id"], order["person_id"], "local", "standard", "T1", "R1", 180, 490, "EUR", labels)
    gateway.room.database.write(lambda c: save_shipments(c, [shipment], now(c)))
    assert "/shipments/1/label.zpl" in staff.get(f"/orders/{number}").text
    assert staff.get("/shipments/1/label.zpl").text == "^XA shipping ^XZ\n^XA return ^XZ"
    assert staff.get("/shipments/2/label.zpl").status_code == 404
    assert staff.get("/shipments/2/label.pdf").status_code == 404


def test_an_erased_customers_order_still_has_its_page(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    gateway.room.database.write(lambda c: c.execute(update(tables.people).values(wrapped_key=None)).rowcount)
    page = staff.get(f"/orders/{number}")
    assert page.status_code == 200
    assert "was erased" in page.text
    assert "Byron" not in page.text


def test_a_new_order_of_an_erased_customer_is_taken(gateway: Gateway) -> None:
    gateway.deliver(an_order())
    gateway.room.database.write(lambda c: c.execute(update(tables.people).values(wrapped_key=None)).rowcount)
    assert gateway.deliver(an_order()).json() == {"outcome": "accepted"}
