"""Make a shop known to Prefect: `python -m blocks.register`, as `backroom up` does; doing it again changes nothing.

Pools, deployments and alerts come from the shop file, blocks from the secrets file: both are the source, so that what
was lost with Prefect's database comes back. It ends with a sweep: wake-ups from before reached nobody.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

from prefect.blocks.core import Block
from pydantic import ValidationError

from backroom.domain.errors import AskPerson, BackroomError
from backroom.engine.automations import ensure_alerts
from backroom.engine.deploy import apply
from backroom.engine.deployments import specs_of
from backroom.engine.wake import this_waker
from backroom.shop.room import Room, this_room
from backroom.shop.secrets import Secrets
from blocks.carriers import CarrierAccount
from blocks.carriers import block_name as carrier_block
from blocks.channels import ChannelAccount, RefundsAccount, block_name, refunds_block_name
from blocks.messaging import MAIL_BLOCK, PUSH_BLOCK, SMS_BLOCK, MailServer, PushSender, SmsProvider
from blocks.partners import PartnerAccount, partner_block_name


class SecretUnusable(AskPerson):
    """A secret is there, and is not what its block takes; the message names it, never what it says."""

    cause = "secret_unusable"


def blocks_of(room: Room) -> dict[str, Block]:
    """The blocks that the shop file asks for, by name, made of its secrets. SecretMissing, SecretUnusable."""
    return {name: make() for name, make in makers_of(room)}


def makers_of(room: Room) -> Iterator[tuple[str, Callable[[], Block]]]:
    """What makes each of them, by its name: one whose secret is missing keeps none of the others from being made."""
    spec, secrets = room.shop.messaging, room.secrets
    if spec.mail == "smtp":
        yield MAIL_BLOCK, lambda: _mail_server(secrets)
    if spec.sms == "gateway":
        yield SMS_BLOCK, lambda: _sms_provider(room)
    if spec.push == "web":
        contact = f"mailto:{room.shop.owner.email}"
        yield (
            PUSH_BLOCK,
            lambda: _made(PushSender, "push", private_key=secrets.get("push.private_key"), contact=contact),
        )
    for channel in room.shop.channels:
        if channel.api is not None:
            group = f"channels.{channel.id}.api"
            yield (
                block_name(channel.id),
                partial(_account, ChannelAccount, group, secrets, channel.api.secret, kind=channel.kind),
            )
        if channel.refunds is not None:
            group = f"channels.{channel.id}.refunds"
            yield (
                refunds_block_name(channel.id),
                partial(_account, RefundsAccount, group, secrets, channel.refunds.secret, kind=channel.kind),
            )
    for carrier in room.shop.carriers:
        if carrier.api is not None:
            group = f"carriers.{carrier.id}"
            yield (
                carrier_block(carrier.id),
                partial(_account, CarrierAccount, group, secrets, carrier.api.secret, kind=carrier.kind),
            )
    for place in room.shop.locations:
        if place.partner is not None:
            group = f"locations.{place.id}.partner"
            yield (
                partner_block_name(place.id),
                partial(_account, PartnerAccount, group, secrets, place.partner.secret, adapter=place.partner.adapter),
            )


def _account(kind: type[Block], group: str, secrets: Secrets, secret: str, /, **settings: object) -> Block:
    return _made(kind, group, secret=secrets.get(secret), **settings)


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
    kind = secrets.find("sms.kind") or "kannel"
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


def register(room: Room) -> None:
    """Pools, deployments, alerts and blocks, then a look at what waits already. What the secrets lack is said before
    Prefect is told anything."""
    blocks = blocks_of(room)
    apply(specs_of(room.shop))
    ensure_alerts()
    for name, block in blocks.items():
        block.save(name, overwrite=True)
    # The sweep's own schedule begins a minute from now.
    this_waker().look_around()


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
        wrong = "; ".join(f"{group}.{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        # Without its cause: pydantic's error repeats what was typed.
        raise SecretUnusable(f"secrets cannot be used: {wrong}.", remedy="Correct them in secrets.toml.") from None


def main() -> None:
    """Exit code 1 and one sentence on standard output for an error of ours: whoever started this passes it on."""
    try:
        register(this_room())
    except BackroomError as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
