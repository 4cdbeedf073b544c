"""A parcel announced by a real Kannel and a real SMTP server: each message arrives, whole and once."""

from __future__ import annotations

import re

import pytest

from backroom.shop import demo_stories
from tests.peers.kannel import Kannel
from tests.peers.post import Post
from tests.peers.sent_orders import effects_of, send_one, state_of
from tests.running import RunningShop, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def announced(shop: RunningShop) -> str:
    """An order of somebody who wants both, fulfilled."""
    number = send_one(shop, demo_stories.web_far, seed=4001)
    wait_until(lambda: state_of(shop, number) == "fulfilled", f"{number} to be fulfilled")
    return number


def test_an_sms_arrives_once_with_its_text(shop: RunningShop, sms_centre: Kannel | None, announced: str) -> None:
    if sms_centre is None:
        pytest.skip("Kannel is not installed: bash .ci/peers")
    about = [sms for sms in sms_centre.arrived() if announced in sms.text]
    assert len(about) == 1
    [sms] = about
    assert sms.sender == "MotteMond"
    assert re.fullmatch(r"\+[0-9]{8,15}", sms.recipient)
    assert sms.text.startswith(f"Motte & Mond: deine Bestellung {announced} ist unterwegs. Ankunft ")
    assert sms.text.endswith(f"Paket {tracking_of(shop, announced)}")


def test_a_mail_arrives_once_with_its_text(shop: RunningShop, post_office: Post, announced: str) -> None:
    about = [(to, mail) for to, mail in post_office.mails if announced in str(mail["Subject"])]
    assert len(about) == 1
    [([recipient], mail)] = about
    assert mail["To"] == recipient
    assert "hallo@motteundmond.example.com" in mail["From"]
    assert tracking_of(shop, announced) in mail.get_content()


def test_the_ledger_holds_one_effect_for_each_message(shop: RunningShop, announced: str) -> None:
    assert effects_of(shop, announced)["message", "done"] == 2


def tracking_of(shop: RunningShop, number: str) -> str:
    [shipment] = shop.story(number).shipments
    return str(shipment["tracking"])
