"""Blocks at a real Prefect: a connection whose block is not there stops what goes through it, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from sqlalchemy import update

from backroom.domain.channels import ChannelSpec, RefundsSpec
from backroom.domain.returns import Disposition, Reason
from backroom.domain.shop import Shop
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.shop.secrets import Secrets
from backroom.store import desk, refunds
from backroom.store.tables import effects, orders
from blocks.carriers import CarrierAccount
from blocks.carriers import block_name as carrier_block
from blocks.channels import RefundsAccount, refunds_block_name
from blocks.loading import BlockMissing, BlockUnusable, load_block
from blocks.messaging import MAIL_BLOCK, PUSH_BLOCK, SMS_BLOCK, MailServer, SmsProvider
from blocks.partners import PartnerAccount, partner_block_name
from blocks.wanted import SecretUnusable, wanted_by
from tasks import connections
from tests.fake_easypost import KEY, FakeEasyPost, easypost
from tests.integration.carriers.conftest import LOCAL, let_carry, world
from tests.integration.store.test_returns import Counter
from tests.prefect_server import PrefectServer
from tests.shops import HUB, PLAIN, Floor
from tests.sqlite_only import database_url
from tests.workshops import WORKSHOP, Workshop, a_partner, a_place, with_partners

__all__ = ["database_url"]

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

NAMES = (
    MAIL_BLOCK,
    SMS_BLOCK,
    PUSH_BLOCK,
    carrier_block("world"),
    partner_block_name(WORKSHOP),
    refunds_block_name("shopify"),
    refunds_block_name("woocommerce"),
)
REMEDY = "Start `backroom up` again"
open_partner, open_refunds = connections.partner_account, connections.refunds_account


@pytest.fixture(autouse=True)
def no_block(running_prefect: PrefectServer) -> Iterator[None]:
    """Each test begins without a block at Prefect, and leaves none."""
    close_all()
    drop(*NAMES)
    yield
    drop(*NAMES)
    close_all()


@pytest.fixture
def there() -> Iterator[FakeEasyPost]:
    with easypost() as account:
        account.currency = "EUR"
        yield account


def drop(*names: str) -> None:
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents():
            if document.name in names:
                client.delete_block_document(document.id)


def keep(name: str, block: Block) -> None:
    block.save(name, overwrite=True)


def let(floor: Floor, monkeypatch: pytest.MonkeyPatch, change: Callable[[Shop], Shop], **secrets: str) -> None:
    """Change the shop file, and write secrets beside it (underscores are dots)."""
    named = {name.replace("_", ".", 1): value for name, value in secrets.items()}
    floor.room = replace(
        floor.room, shop=change(floor.room.shop), secrets=Secrets(floor.room.home / "secrets.toml", named)
    )
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)


def send_sms_by_gateway(shop: Shop) -> Shop:
    return replace(shop, messaging=replace(shop.messaging, sms="gateway"))


def why(floor: Floor, number: str) -> str:
    """Why the order's work is sick."""
    reason: str = floor.story(number).parts[0]["sick_reason"] or ""
    return reason


def again(floor: Floor, number: str, at: str = HUB) -> None:
    """A person presses Retry, and the next wave comes."""
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(at)


def mails(floor: Floor) -> int:
    return len(list((floor.room.home / "mail").glob("*.eml")))


def test_without_easyposts_block_the_local_courier_still_labels(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, LOCAL, world(there))
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert floor.story(number).shipments[0]["carrier"] == "Nachtbote"
    assert there.calls == []


def test_a_parcel_that_only_easypost_takes_waits_for_its_block_beside_one_that_leaves(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    light, heavy = floor.taken_in((PLAIN, 1)), floor.taken_in((PLAIN, 2))
    # The bike carries one shirt.
    let_carry(floor, monkeypatch, replace(LOCAL, max_weight_g=300), world(there))
    outcomes = floor.fulfil(HUB)
    assert floor.state(light) == ("fulfilled", ["done"])
    assert floor.state(heavy) == ("released", ["packed"])
    assert [one.cause for one in outcomes if one.subject == heavy and one.result == "sick"] == ["block_missing"]
    assert f"Prefect has no block for carrier world. {REMEDY}" in why(floor, heavy)
    keep(carrier_block("world"), CarrierAccount(kind="easypost", secret=SecretStr(KEY)))
    again(floor, heavy)
    assert floor.state(heavy) == ("fulfilled", ["done"])
    assert there.purchases() == 2


def test_a_block_that_is_lost_after_its_purchase_was_begun_buys_no_second_label(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(carrier_block("world"), CarrierAccount(kind="easypost", secret=SecretStr(KEY)))
    let_carry(floor, monkeypatch, LOCAL, world(there))
    bought = floor.taken_in((PLAIN, 1))
    let_carry(floor, monkeypatch, world(there))
    # Paid for, the answer lost, and nothing it could be asked.
    there.trouble["POST", "/buy"] = ["drop"]
    there.on_bought = lambda id_: there.trouble.update({("GET", f"/{id_}"): [401] * 3})
    floor.fulfil(HUB)
    before = floor.effects("label")
    assert floor.state(bought) == ("released", ["packed"])
    drop(carrier_block("world"))
    there.trouble.clear()
    there.on_bought = lambda _: None
    let_carry(floor, monkeypatch, LOCAL, world(there))
    other = floor.taken_in((PLAIN, 1))
    again(floor, bought)
    assert floor.state(other) == ("fulfilled", ["done"])
    assert "Prefect has no block for carrier world" in why(floor, bought)
    assert floor.effects("label")[: len(before)] == before
    keep(carrier_block("world"), CarrierAccount(kind="easypost", secret=SecretStr(KEY)))
    again(floor, bought)
    assert floor.state(bought) == ("fulfilled", ["done"])
    assert set(there.bought.values()) == {1}


def test_without_the_block_for_sms_the_mail_still_goes_and_the_sms_waits_with_its_remedy(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    let(floor, monkeypatch, send_sms_by_gateway)
    number = floor.taken_in((PLAIN, 1))
    outcomes = floor.fulfil(HUB)
    assert mails(floor) == 1
    assert floor.state(number) == ("released", ["labelled"])
    assert [one.cause for one in outcomes if one.result == "sick"] == ["block_missing"]
    assert f"Prefect has no block for the SMS provider. {REMEDY}" in why(floor, number)
    httpserver.expect_request("/sms", method="POST").respond_with_json({"id": "42"}, status=202)
    keep(SMS_BLOCK, SmsProvider(kind="json", url=httpserver.url_for("/sms"), password=SecretStr("t0ken")))
    again(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert (mails(floor), len(httpserver.log)) == (1, 1)


def test_an_sms_that_was_begun_stays_begun_while_its_block_is_away(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    let(floor, monkeypatch, send_sms_by_gateway)
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    ((key, state),) = [one for one in floor.effects("message") if one[0].endswith("-sms")]
    assert state == "failed"
    begun = update(effects).where(effects.c.key == key)
    floor.room.database.write(
        lambda c: c.execute(begun.values(state="started", started_at=effects.c.planned_at)).rowcount
    )
    again(floor, number)
    assert dict(floor.effects("message"))[key] == "started"
    assert "Prefect has no block for the SMS provider" in why(floor, number)


@pytest.mark.parametrize(
    ("medium", "setting", "of"),
    [
        ("email", {"mail": "smtp"}, "the mail server"),
        ("sms", {"sms": "gateway"}, "the SMS provider"),
        ("push", {"push": "web"}, "the key for web push"),
    ],
)
def test_a_medium_without_its_block_says_so_when_it_is_used_and_the_others_are_there(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, medium: str, setting: dict[str, str], of: str
) -> None:
    let(floor, monkeypatch, lambda shop: replace(shop, messaging=replace(shop.messaging, **setting)))
    messengers = connections.messengers_of(floor.room)
    assert {"email", "sms"} <= set(messengers)
    with pytest.raises(BlockMissing, match=f"no block for {of}") as told:
        messengers[medium].send(None)  # type: ignore[index, arg-type]
    assert (told.value.cause, REMEDY in told.value.remedy) == ("block_missing", True)


def test_orders_of_a_partner_without_its_block_wait_with_the_remedy_and_are_placed_once_it_is_there(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    monkeypatch.setattr(connections, "partner_account", open_partner)
    number = partnership.placed((PLAIN, 1))
    assert f"Prefect has no block for the partner at {WORKSHOP}. {REMEDY}" in why(floor, number)
    secret = SecretStr(floor.room.secret("partner.workshop"))
    keep(partner_block_name(WORKSHOP), PartnerAccount(adapter="microfactory", secret=secret))
    again(floor, number, WORKSHOP)
    assert floor.state(number) == ("released", ["making"])
    drop(partner_block_name(WORKSHOP))
    (outcome,) = partnership.ask_about(number)
    assert (outcome.result, outcome.cause) == ("sick", "block_missing")


def test_a_channel_without_its_block_is_said_with_what_makes_it(floor: Floor) -> None:
    spec = ChannelSpec("web", "shopify", 2, "standard")
    for ask in (lambda: connections.source_of(floor.room, spec), lambda: connections.write_back_of(floor.room, "web")):
        with pytest.raises(BlockMissing, match="no block for channel web") as told:
            ask()
        assert (told.value.cause, REMEDY in told.value.remedy) == ("block_missing", True)


def test_a_block_that_another_version_wrote_is_said_without_what_it_holds(running_prefect: PrefectServer) -> None:
    keep(MAIL_BLOCK, MailServer(host="mail.example", password=SecretStr("s3cret")))
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name(MAIL_BLOCK, "backroom-mail-server")
    data = {"security": "none at all", "password": "s3cret", "host": "mail.example"}
    running_prefect.patch(f"/block_documents/{document.id}", {"data": data, "merge_existing_data": False})
    with pytest.raises(BlockUnusable, match="block for the mail server cannot be read") as told:
        load_block(MailServer, MAIL_BLOCK, "the mail server")
    assert told.value.cause == "block_unusable"
    assert told.value.__cause__ is None
    assert REMEDY in str(told.value)


@pytest.mark.parametrize(
    ("secrets", "named"),
    [
        ({"smtp_host": "mail.example", "smtp_port": "fivehundred"}, r"smtp\.port"),
        ({"smtp_host": "mail.example", "smtp_security": "hunter2"}, r"smtp\.security"),
    ],
)
def test_a_secret_that_a_block_cannot_take_is_named_and_not_quoted(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str], named: str
) -> None:
    by_smtp = replace(floor.room.shop.messaging, mail="smtp")
    let(floor, monkeypatch, lambda shop: replace(shop, messaging=by_smtp), **secrets)
    with pytest.raises(SecretUnusable, match=named) as told:
        [one.make() for one in wanted_by(floor.room)]
    assert (told.value.cause, "secrets.toml" in told.value.remedy) == ("secret_unusable", True)
    assert not any(value in str(told.value) for value in ("fivehundred", "hunter2"))


PAYING = ("shopify", "woocommerce")


def owed_at_two(floor: Floor, monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, str]:
    """A return that is owed at each of two channels that pay back, by channel."""
    monkeypatch.setattr(connections, "refunds_account", open_refunds)
    first = floor.room.shop.channels[0]
    channels = tuple(replace(first, id=kind, kind=kind, refunds=RefundsSpec(url, f"refunds.{kind}")) for kind in PAYING)
    let(floor, monkeypatch, lambda shop: replace(shop, channels=(first, *channels)))
    counter = Counter(floor, floor.room.shop)
    owed = {}
    for kind in PAYING:
        number = counter.sold((PLAIN, 1))
        floor.room.database.write(
            lambda c, number=number, kind=kind: (
                c.execute(  # type: ignore[misc]
                    update(orders).where(orders.c.number == number).values(channel=kind)
                ).rowcount
            )
        )
        owed[kind] = counter.scan(counter.label(number))
        counter.settle(owed[kind], PLAIN, Reason.SIZE, Disposition.DISCARD)
        counter.all_in(owed[kind])
    return owed


@pytest.mark.parametrize("secret", [None, "wrong", "with a line\nbreak", "with a \u20ac"])
def test_a_channel_whose_block_is_missing_or_holds_a_bad_key_keeps_no_other_from_paying_back(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    with HTTPServer() as there:
        owed = owed_at_two(floor, monkeypatch, there.url_for("").rstrip("/"))
        if secret is not None:
            keep(refunds_block_name("shopify"), RefundsAccount(kind="shopify", secret=SecretStr(secret)))
        keep(refunds_block_name("woocommerce"), RefundsAccount(kind="woocommerce", secret=SecretStr("ck_1:cs_1")))
        there.expect_request(re.compile("/admin/.*")).respond_with_json({}, status=401)
        paid = {"id": 7, "amount": "29.00", "reason": "Backroom", "refunded_payment": True}
        there.expect_oneshot_request(re.compile("/wp-json/.*"), method="POST").respond_with_json(paid, status=201)
        counter = Counter(floor, floor.room.shop)
        (outcome,) = [one for one in floor.take_back() if one.result == "sick"]
        assert owed["shopify"].startswith(f"R-{outcome.subject}-")
        assert outcome.cause == ("block_missing" if secret is None else "shopify-setup")
        assert (counter.state(owed["woocommerce"]), counter.state(owed["shopify"])) == ("closed", "received")
        assert [request.method for request, _ in there.log if request.path.startswith("/wp-json")] == ["POST"]
        with floor.room.database.read() as connection:
            (still,) = refunds.waiting(connection, floor.room.seals)
        assert (still.number, REMEDY in still.trouble or "secrets.toml" in still.trouble or "key" in still.trouble) == (
            owed["shopify"],
            True,
        )
