"""Every kind of block at a real Prefect: made from the shop file, saved, loaded, compared, and what differs is told."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from pydantic import SecretStr

import blocks
from backroom.channels.registry import REFUNDS, SOURCES, WRITE_BACKS
from backroom.cli.processes import ROOT
from backroom.domain.carriers import CARRIER_ACCOUNT_KINDS
from backroom.domain.channels import ASKED_KINDS, REFUNDING_KINDS, TOLD_KINDS
from backroom.domain.messaging import SMS_PROVIDERS
from backroom.domain.partners import ADAPTERS
from backroom.shop.load import load_shop
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from blocks.carriers import CarrierAccount
from blocks.channels import ChannelAccount, RefundsAccount
from blocks.compare import differences, other_settings
from blocks.loading import BlockMissing, load_block
from blocks.messaging import MailServer, PushSender, SmsProvider
from blocks.partners import PartnerAccount
from blocks.register import take_out_left_over
from blocks.wanted import KINDS, SecretUnusable, Wanted, wanted_by
from tests.all_kinds import every_secret, write_every_kind
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.slow]


@pytest.fixture(scope="module")
def shop_room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A shop with a connection of every kind, with all of its secrets. Its database is never opened."""
    home = tmp_path_factory.mktemp("every") / "home"
    shutil.copytree(ROOT / "data", home, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    write_every_kind(home / "shop.toml")
    secrets = Secrets(home / "secrets.toml", every_secret())
    return Room(home, load_shop(home / "shop.toml"), None, None, secrets)  # type: ignore[arg-type]


@pytest.fixture
def small(shop_room: Room) -> Room:
    """The same shop with one channel, one partner and its messages: comparing is the same for all, and costs time."""
    shop = shop_room.shop
    places = tuple(one for one in shop.locations if one.partner is None or one.partner.adapter == "prodigi")
    channels = tuple(one for one in shop.channels if one.id in ("web", "far-square"))
    return replace(shop_room, shop=replace(shop, channels=channels, carriers=(), locations=places))


@pytest.fixture
def at_prefect(running_prefect: PrefectServer) -> Iterator[PrefectServer]:
    """A Prefect that keeps none of our blocks, before and after."""
    drop()
    yield running_prefect
    drop()


def drop(*names: str) -> None:
    """Take blocks out of Prefect; all of our kinds where none is named."""
    ours = {kind.get_block_type_slug() for kind in KINDS}
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents():
            if document.block_type and document.block_type.slug in ours and (not names or document.name in names):
                client.delete_block_document(document.id)


def keep(room: Room) -> list[Wanted]:
    """As `backroom up` does."""
    wanted = list(wanted_by(room))
    for one in wanted:
        one.make().save(one.name, overwrite=True)
    return wanted


def with_secrets(room: Room, **changes: str) -> Room:
    """The room with other secrets (`__` is a dot)."""
    values = {name: room.secrets.get(name) for name in room.secrets.names()}
    values |= {name.replace("__", "."): value for name, value in changes.items()}
    return replace(room, secrets=Secrets(room.home / "secrets.toml", values))


# What each kind opens, by what the shop file says of it; the door of each is made as the tasks make it.
OPENED: Mapping[type[Block], Callable[[Any, Room, str], object]] = {
    MailServer: lambda block, room, name: block.get_client(),
    SmsProvider: lambda block, room, name: block.get_client(),
    PushSender: lambda block, room, name: block.get_client(lambda endpoint: None),
    ChannelAccount: lambda block, room, name: _channel(block, room, name),
    RefundsAccount: lambda block, room, name: block.get_client(room.shop.channel(name.removeprefix("refunds-"))),
    CarrierAccount: lambda block, room, name: block.get_client(room.shop.carrier(name.removeprefix("carrier-"))),
    PartnerAccount: lambda block, room, name: block.get_client(room.shop.location(name.removeprefix("partner-"))),
}


def _channel(block: ChannelAccount, room: Room, name: str) -> object:
    spec = room.shop.channel(name.removeprefix("channel-"))
    opened = [block.get_client(spec)] if spec.kind in SOURCES else []
    return [*opened, *([block.get_write_back(spec)] if spec.kind in WRITE_BACKS else [])]


def test_a_kind_of_block_that_no_test_knows_is_found() -> None:
    for module in pkgutil.iter_modules(blocks.__path__):
        importlib.import_module(f"blocks.{module.name}")
    ours = {kind for kind in Block.__subclasses__() if kind.__module__.startswith("blocks.")}
    assert ours == set(KINDS) == set(OPENED)


def test_every_kind_of_block_is_described_with_its_names(shop_room: Room) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for one in wanted_by(shop_room):
        name = one.name if one.name.startswith("shop-") else f"{one.name.partition('-')[0]}-ID"
        assert f"| {type(one.make()).get_block_type_name()} | `{name}` |" in page


def test_the_shop_of_every_kind_has_every_kind(shop_room: Room) -> None:
    shop = shop_room.shop
    assert {one.kind for one in shop.channels if one.api} == {*ASKED_KINDS, *TOLD_KINDS} == {*SOURCES, *WRITE_BACKS}
    assert {one.kind for one in shop.channels if one.refunds} == set(REFUNDING_KINDS) == set(REFUNDS)
    assert {one.kind for one in shop.carriers if one.api} == set(CARRIER_ACCOUNT_KINDS)
    assert {one.partner.adapter for one in shop.locations if one.partner} == {a for of in ADAPTERS.values() for a in of}
    assert {type(one.make()) for one in wanted_by(shop_room)} == set(KINDS)
    assert set(get_args(SmsProvider.model_fields["kind"].annotation)) == set(SMS_PROVIDERS)


def test_every_block_is_missing_until_it_is_made_saved_loaded_opened_and_the_same(
    shop_room: Room, at_prefect: PrefectServer
) -> None:
    assert differences(shop_room) == [f"{one.of} ({one.name}) is missing" for one in wanted_by(shop_room)]
    wanted = keep(shop_room)
    assert len({one.name for one in wanted}) == len(wanted)
    for one in wanted:
        made = one.make()
        kept = load_block(type(made), one.name, one.of)
        assert other_settings(made, kept) == []
        assert OPENED[type(kept)](kept, shop_room, one.name)
    others = {name: "an0ther" for name in every_secret() if name not in ("sms.kind", "sms.url", "smtp.host")}
    told = differences(replace(shop_room, secrets=Secrets(shop_room.home / "secrets.toml", every_secret() | others)))
    assert [one.partition(" has another ")[0] for one in told] == [f"{one.of} ({one.name})" for one in wanted]
    assert [one.of for one in wanted if not secrets_of(one.make())] == []
    for one, said in zip(wanted, told, strict=True):
        assert all(name.replace("_", " ") in said for name in secrets_of(one.make())), said
    assert not any(secret in str(told) for secret in ("an0ther", "t0ken", "p4ss", "t0k"))


def secrets_of(block: Block) -> list[str]:
    """Its settings that nobody may see."""
    return [name for name, field in type(block).model_fields.items() if field.annotation is SecretStr]


@pytest.mark.parametrize("sms", SMS_PROVIDERS)
def test_whoever_sends_sms_has_a_block_that_opens_and_is_compared(
    small: Room, at_prefect: PrefectServer, sms: str
) -> None:
    room = replace(small, secrets=Secrets(small.home / "secrets.toml", every_secret(sms)))
    (one,) = (one for one in wanted_by(room) if one.of == "the SMS provider")
    one.make().save(one.name, overwrite=True)
    kept = load_block(SmsProvider, one.name, one.of)
    assert (kept.kind, other_settings(one.make(), kept)) == (sms, [])
    assert kept.get_client().medium == "sms"


def test_one_that_is_missing_is_told_and_no_other(small: Room, at_prefect: PrefectServer) -> None:
    keep(small)
    assert differences(small) == []
    drop("refunds-far-square")
    assert differences(small) == ["the refunds of far-square (refunds-far-square) is missing"]
    with pytest.raises(BlockMissing, match="no block for the refunds of far-square"):
        load_block(RefundsAccount, "refunds-far-square", "the refunds of far-square")


def test_several_settings_are_told_in_one_sentence(small: Room, at_prefect: PrefectServer) -> None:
    keep(small)
    other = with_secrets(small, smtp__host="elsewhere.example.com", smtp__port="465", smtp__security="tls")
    kinds = tuple(replace(one, kind="etsy") for one in small.shop.channels)
    assert differences(replace(other, shop=replace(small.shop, channels=kinds))) == [
        "the mail server (shop-mail) has another host, port and security",
        "channel far-square (channel-far-square) has another kind",
        "the refunds of far-square (refunds-far-square) has another kind",
    ]


def test_a_secret_that_is_missing_or_cannot_be_used_keeps_no_other_block_from_being_compared(
    small: Room, at_prefect: PrefectServer
) -> None:
    keep(small)
    few = {name: value for name, value in every_secret().items() if name != "channel.square"}
    few |= {"sms.kind": "pigeon", "smtp.port": "fivehundred", "push.private_key": "an0ther"}
    told = differences(replace(small, secrets=Secrets(small.home / "secrets.toml", few)))
    assert [one.partition(" (")[0] for one in told] == ["the mail server", "the SMS provider", "the key for web push"]
    assert ("smtp.port" in told[0], "sms.kind" in told[1], told[2].endswith("private key")) == (True, True, True)
    assert all("secrets.toml" in one for one in told[:2])
    assert not any(value in str(told) for value in ("pigeon", "fivehundred", "an0ther"))


def test_a_mail_login_that_would_travel_in_clear_is_refused_before_prefect_is_told(small: Room) -> None:
    with pytest.raises(SecretUnusable, match="without TLS") as told:
        [one.make() for one in wanted_by(with_secrets(small, smtp__security="none"))]
    assert "p4ss" not in str(told.value)


def test_what_the_shop_file_names_no_more_is_told_and_taken_out_of_prefect(
    small: Room, at_prefect: PrefectServer
) -> None:
    wanted = keep(small)
    fewer = replace(small, shop=replace(small.shop, channels=()))
    gone = ["channel-far-square", "refunds-far-square"]
    assert sorted(differences(fewer)) == [
        f"{name} is left over: the shop file names nothing that it opens" for name in gone
    ]
    take_out_left_over(fewer)
    assert sorted(names()) == sorted(one.name for one in wanted if one.name not in gone)


def names() -> list[str]:
    """The blocks of our kinds at Prefect."""
    ours = {kind.get_block_type_slug() for kind in KINDS}
    with get_client(sync_client=True) as client:
        found = client.read_block_documents()
    return [str(one.name) for one in found if one.block_type and one.block_type.slug in ours]
