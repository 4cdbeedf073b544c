"""The blocks that a shop asks for: which the shop file names, and how each is made of the secrets.

What belongs here: names, what each block opens, its settings. What does not: keeping them at Prefect
(`blocks.register`), comparing them with what is kept there (`blocks.compare`), and what a block does with its settings
(its own module).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from prefect.blocks.core import Block
from pydantic import ValidationError

from backroom.domain.errors import AskPerson
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets, sms_provider
from blocks.carriers import CarrierAccount
from blocks.carriers import block_name as carrier_block
from blocks.channels import ChannelAccount, RefundsAccount, block_name, refunds_block_name
from blocks.messaging import MAIL_BLOCK, PUSH_BLOCK, SMS_BLOCK, MailServer, PushSender, SmsProvider
from blocks.partners import PartnerAccount, partner_block_name

# Every kind of block that a shop may have.
KINDS: tuple[type[Block], ...] = (
    MailServer,
    SmsProvider,
    PushSender,
    ChannelAccount,
    RefundsAccount,
    CarrierAccount,
    PartnerAccount,
)


class SecretUnusable(AskPerson):
    """A secret is there, and is not what its block takes; the message names it, never what it says."""

    cause = "secret_unusable"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A block of the shop: its name at Prefect, what it opens in a sentence, and what makes it of the secrets.

    `make` raises SecretMissing or SecretUnusable, which keeps none of the others from being made.
    """

    name: str
    of: str
    make: Callable[[], Block]


def wanted_by(room: Room) -> Iterator[Wanted]:
    """Every block that the shop file asks for."""
    yield from _messaging(room)
    secrets = room.secrets
    for channel in room.shop.channels:
        if (api := channel.api) is not None:
            group, kind = f"channels.{channel.id}.api", channel.kind
            make = partial(_account, ChannelAccount, group, secrets, api.secret, kind=kind)
            yield Wanted(block_name(channel.id), f"channel {channel.id}", make)
        if (refunds := channel.refunds) is not None:
            group, kind = f"channels.{channel.id}.refunds", channel.kind
            make = partial(_account, RefundsAccount, group, secrets, refunds.secret, kind=kind)
            yield Wanted(refunds_block_name(channel.id), f"the refunds of {channel.id}", make)
    for carrier in room.shop.carriers:
        if (account := carrier.api) is not None:
            group, kind = f"carriers.{carrier.id}", carrier.kind
            make = partial(_account, CarrierAccount, group, secrets, account.secret, kind=kind)
            yield Wanted(carrier_block(carrier.id), f"carrier {carrier.id}", make)
    for place in room.shop.locations:
        if (partner := place.partner) is not None:
            group, adapter = f"locations.{place.id}.partner", partner.adapter
            make = partial(_account, PartnerAccount, group, secrets, partner.secret, adapter=adapter)
            yield Wanted(partner_block_name(place.id), f"the partner at {place.id}", make)


def _messaging(room: Room) -> Iterator[Wanted]:
    spec = room.shop.messaging
    if spec.mail == "smtp":
        yield Wanted(MAIL_BLOCK, "the mail server", lambda: _mail_server(room.secrets))
    if spec.sms == "gateway":
        yield Wanted(SMS_BLOCK, "the SMS provider", lambda: _sms_provider(room))
    if spec.push == "web":
        yield Wanted(PUSH_BLOCK, "the key for web push", lambda: _push_sender(room))


def _account(kind: type[Block], group: str, secrets: Secrets, secret: str, /, **settings: object) -> Block:
    return _made(kind, group, secret=secrets.get(secret), **settings)


def _push_sender(room: Room) -> Block:
    contact = f"mailto:{room.shop.owner.email}"
    return _made(PushSender, "push", private_key=room.secrets.get("push.private_key"), contact=contact)


def _mail_server(secrets: Secrets) -> Block:
    return _made(
        MailServer,
        "smtp",
        host=secrets.get("smtp.host"),
        port=secrets.find("smtp.port") or 587,
        security=secrets.find("smtp.security") or "starttls",
        username=secrets.find("smtp.username") or "",
        password=secrets.find("smtp.password") or "",
        ca_file=secrets.find("smtp.ca_file") or "",
    )


def _sms_provider(room: Room) -> Block:
    secrets = room.secrets
    kind = sms_provider(secrets)
    twilio = kind == "twilio"
    return _made(
        SmsProvider,
        "sms",
        kind=kind,
        url=secrets.find("sms.url") or "" if twilio else secrets.get("sms.url"),
        account=secrets.get("sms.account") if twilio else "",
        service=secrets.find("sms.service") or "",
        username=secrets.get("sms.username") if twilio else secrets.find("sms.username") or "",
        password=secrets.get("sms.password") if twilio else secrets.find("sms.password") or "",
        report_url=secrets.find("sms.report_url") or _report_url(room, kind),
        token=secrets.find("sms.token") or "",
    )


def _report_url(room: Room, kind: str) -> str:
    """Where the provider reaches our gateway with reports; empty where it does not, or proves nothing."""
    base = room.shop.messaging.public_url.rstrip("/")
    if base and kind == "twilio":
        return f"{base}/messages/twilio/{{key}}"
    if base and kind == "kannel" and room.secrets.find("sms.token"):
        # Kannel fills in the value of the report, and what the SMS centre said.
        return f"{base}/messages/kannel/{{key}}/{{mark}}?state=%d&receipt=%A"
    return ""


def _made(kind: type[Block], group: str, /, **settings: object) -> Block:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        # A rule over several settings names none of them.
        named = [(f"{group}.{one['loc'][0]}" if one["loc"] else group, one["msg"]) for one in error.errors()]
        wrong = "; ".join(f"{name}: {message}" for name, message in named)
        # Without its cause: pydantic's error repeats what was typed.
        raise SecretUnusable(f"secrets cannot be used: {wrong}.", remedy="Correct them in secrets.toml.") from None
