"""A parcel announced by a real Kannel and a real SMTP server: each message arrives, whole and once; what Kannel reports
of it is known here, and STOP from that phone ends it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial

import pytest

from backroom.shop import demo_stories
from backroom.shop.demo_messages import DemoOrder, Maker
from tests.peers.kannel import Kannel
from tests.peers.post import Post
from tests.peers.sent_orders import effects_of, send_one, state_of
from tests.running import RunningShop, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def announced(shop: RunningShop) -> str:
    """An order of somebody who wants both, fulfilled."""
    number = send_one(shop, demo_stories.web_far)
    wait_until(lambda: state_of(shop, number) == "fulfilled", f"{number} to be fulfilled")
    return number


def test_an_sms_arrives_once_with_its_text(shop: RunningShop, sms_centre: Kannel | None, announced: str) -> None:
    if sms_centre is None:
        pytest.skip("Kannel is not installed: bash .ci/peers")
    # The SMS centre says so a moment after Kannel took it.
    wait_until(lambda: any(announced in sms.text for sms in sms_centre.arrived()), "the SMS to arrive")
    [sms] = [sms for sms in sms_centre.arrived() if announced in sms.text]
    assert sms.sender == "MotteMond"
    assert re.fullmatch(r"\+[0-9]{8,15}", sms.recipient)
    assert sms.text.startswith(f"Motte & Mond: deine Bestellung {announced} ist unterwegs. Ankunft ")
    assert sms.text.endswith(f"Paket {tracking_of(shop, announced)}")


def test_its_delivery_report_stands_in_our_history(
    shop: RunningShop, sms_centre: Kannel | None, announced: str
) -> None:
    if sms_centre is None:
        pytest.skip("Kannel is not installed: bash .ci/peers")

    def delivery() -> str:
        [sms] = [row for row in shop.story(announced).messages if row["medium"] == "sms"]
        return str(sms["delivery"])

    wait_until(lambda: delivery() == "delivered", f"Kannel's report about {announced}")
    [entry] = [entry for entry in shop.story(announced).history if entry["event"] == "message.delivered"]
    assert entry["data"] == {"kind": "handed_over", "medium": "sms", "provider": "kannel"}


def test_a_mail_arrives_once_with_its_text(shop: RunningShop, post_office: Post, announced: str) -> None:
    about = [(to, mail) for to, mail in post_office.mails if announced in str(mail["Subject"])]
    assert len(about) == 1
    [([recipient], mail)] = about
    assert mail["To"] == recipient
    assert "hallo@motteundmond.example.com" in mail["From"]
    assert tracking_of(shop, announced) in mail.get_content()


def test_the_ledger_holds_one_effect_for_each_message(shop: RunningShop, announced: str) -> None:
    assert effects_of(shop, announced)["message", "done"] == 2


def test_stop_from_that_phone_comes_in_and_ends_the_next_sms(
    shop: RunningShop, sms_centre: Kannel | None, announced: str
) -> None:
    if sms_centre is None:
        pytest.skip("Kannel is not installed: bash .ci/peers")
    [phone] = [sms.recipient for sms in sms_centre.arrived() if announced in sms.text]
    sms_centre.write_back(phone, "+4930999999", "Stopp!")
    wait_until(lambda: said(shop, announced) == "consent.withdrawn", "STOP to come in")
    # Others may have written to the same centre, and been answered.
    wait_until(lambda: answers(sms_centre, phone) != [], "our answer at the phone")
    assert answers(sms_centre, phone) == ["+4930999999"]
    again = send_one(shop, partial(far_with, phone))
    wait_until(lambda: state_of(shop, again) == "fulfilled", f"{again} to be fulfilled")
    [skipped] = [row for row in shop.story(again).messages if row["medium"] == "sms"]
    assert skipped["state"] == "skipped"
    assert [sms for sms in sms_centre.arrived() if again in sms.text] == []


def answers(sms_centre: Kannel, phone: str) -> list[str]:
    """Who told this phone that it hears no more of us."""
    return [sms.sender for sms in sms_centre.arrived() if sms.recipient == phone and "keine SMS mehr" in sms.text]


def far_with(phone: str, maker: Maker) -> list[DemoOrder]:
    """Another order that is to be told of by SMS, at this phone."""
    [sent] = demo_stories.web_far(maker)
    was = sent.payload["phone"]
    return [replace(sent, payload=json.loads(json.dumps(sent.payload).replace(was, phone)))]


def said(shop: RunningShop, number: str) -> str:
    return str(shop.story(number).history[-1]["event"])


def tracking_of(shop: RunningShop, number: str) -> str:
    [shipment] = shop.story(number).shipments
    return str(shipment["tracking"])
