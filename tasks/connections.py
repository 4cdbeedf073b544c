"""Connections to the outside world for one task: made from the shop file and from Prefect blocks, never shared.

The default needs no account: messages go to a folder, parcels to the built-in courier, prints to a `folder:` printer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from backroom.carriers.base import Carrier
from backroom.carriers.courier import LocalCourier
from backroom.channels.login_drawer import LoginDrawer
from backroom.channels.off_sale import OffSaleRows
from backroom.channels.refunding import Refunds
from backroom.channels.remote import KeepsLogin, OrderSource, TakesOffSale, WriteBack
from backroom.domain.carriers import CarrierSpec
from backroom.domain.channels import ChannelSpec
from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError
from backroom.domain.locations import Location, PrinterSpec
from backroom.messaging.base import Messenger
from backroom.messaging.mailfolder import MailFolder
from backroom.messaging.unopened import Unopened
from backroom.outgoing.fetching import Fetcher
from backroom.partners.base import Partner
from backroom.shop.room import Room
from backroom.store import push_subscriptions
from blocks.carriers import CarrierAccount
from blocks.carriers import block_name as carrier_block
from blocks.channels import ChannelAccount, RefundsAccount, block_name, refunds_block_name
from blocks.loading import load_block
from blocks.messaging import MAIL_BLOCK, PUSH_BLOCK, SMS_BLOCK, MailServer, PushSender, SmsProvider
from blocks.partners import PartnerAccount, partner_block_name


def carrier_from(room: Room, spec: CarrierSpec) -> Carrier:
    """A carrier of the shop file, which has only kinds that are made here."""
    return CARRIERS[spec.kind](room, spec)


def _local(room: Room, spec: CarrierSpec) -> Carrier:
    return LocalCourier(
        name=spec.name,
        countries=spec.countries,
        max_weight_g=spec.max_weight_g,
        prices={"standard": spec.price_minor},
        currency=room.shop.owner.currency,
        days=spec.days,
        id_=spec.id,
    )


def _account_of(room: Room, spec: CarrierSpec) -> Carrier:
    return load_block(CarrierAccount, carrier_block(spec.id), f"carrier {spec.id}").get_client(spec)


# By kind; `backroom.domain.carriers.CARRIER_KINDS` lists the same, for whoever checks a shop file.
CARRIERS: Mapping[str, Callable[[Room, CarrierSpec], Carrier]] = {"local": _local, "easypost": _account_of}


def fetcher_of_artwork() -> Fetcher:
    """What fetches pictures that lines of orders bring: from the open internet, and each within seconds."""
    return Fetcher(read_seconds=5.0, all_seconds=8.0)


def refunds_from(room: Room, channel: str) -> Refunds:
    """What pays back at a channel that does so by itself, opened by its block."""
    return refunds_account(channel).get_client(room.shop.channel(channel))


def refunds_account(channel: str) -> RefundsAccount:
    """The block by which a channel pays back."""
    return load_block(RefundsAccount, refunds_block_name(channel), f"the refunds of {channel}")


def source_of(room: Room, spec: ChannelSpec) -> OrderSource:
    """What asks one channel for its orders; BlockMissing where Prefect was never told of it."""
    source = _account(spec.id).get_client(spec)
    if isinstance(source, KeepsLogin):
        source.keep_in(LoginDrawer(room.database, spec.id))
    return source


def write_back_of(room: Room, channel: str) -> WriteBack:
    """A channel that is told what became of its orders. NotInShopFile, UnknownKind, or the block's own errors."""
    write_back = _account(channel).get_write_back(room.shop.channel(channel))
    if isinstance(write_back, KeepsLogin):
        write_back.keep_in(LoginDrawer(room.database, channel))
    if isinstance(write_back, TakesOffSale):
        write_back.keep_off_sale_in(OffSaleRows(room.database, channel))
    return write_back


def _account(channel: str) -> ChannelAccount:
    return load_block(ChannelAccount, block_name(channel), f"channel {channel}")


def partner_from(room: Room, location: Location) -> Partner:
    """The partner at a location, opened by its block."""
    return partner_account(location.id).get_client(location)


def partner_account(location: str) -> PartnerAccount:
    """The block of the partner at a location."""
    return load_block(PartnerAccount, partner_block_name(location), f"the partner at {location}")


def messengers_of(room: Room) -> Mapping[Medium, Messenger]:
    """The messengers of this shop by medium: folders, or what its blocks hold. One that cannot be opened says so of
    each of its messages, and keeps no other medium from sending."""
    spec = room.shop.messaging
    making: dict[Medium, Callable[[], Messenger]] = {}
    if spec.mail == "smtp":
        making["email"] = lambda: load_block(MailServer, MAIL_BLOCK, "the mail server").get_client()
    elif spec.mail == "folder":
        making["email"] = lambda: MailFolder(room.folder("mail"), "email")
    if spec.sms == "gateway":
        making["sms"] = lambda: load_block(SmsProvider, SMS_BLOCK, "the SMS provider").get_client()
    elif spec.sms == "folder":
        making["sms"] = lambda: MailFolder(room.folder("sms"), "sms")
    if spec.push == "web":
        forget = partial(_forget_browser, room)
        making["push"] = lambda: load_block(PushSender, PUSH_BLOCK, "the key for web push").get_client(forget)
    return {medium: _opened(medium, make) for medium, make in making.items()}


def _opened(medium: Medium, make: Callable[[], Messenger]) -> Messenger:
    try:
        return make()
    except BackroomError as error:
        return Unopened(medium, error)


def _forget_browser(room: Room, endpoint: str) -> None:
    room.database.write(
        lambda c: push_subscriptions.unsubscribe(c, room.seals, endpoint, "its push service knows it no more")
    )


def printer_uri(room: Room, spec: PrinterSpec) -> str:
    """A printer's address; a relative `folder:` lies in the home folder."""
    folder = room.printer_folder(spec)
    return f"folder:{folder}" if folder is not None else spec.uri
