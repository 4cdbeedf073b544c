"""The secrets by which whoever calls our gateway proves who it is: webhooks, events of carriers, reports of messages.

What belongs here: which there are, by what the gateway opens (`backroom.gateway`). What does not: whether each is there
(`backroom.cli.connections`).
"""

from __future__ import annotations

from collections.abc import Iterator

from backroom.shop.room import Room
from backroom.shop.secrets import sms_provider


def proofs_of(room: Room) -> Iterator[tuple[str, str]]:
    """Each door in a sentence, with the name of its secret; without it the door refuses everybody."""
    shop = room.shop
    for channel in shop.channels:
        if channel.secret:
            yield f"the webhook of {channel.id}", channel.secret
    for place in shop.locations:
        if place.partner is not None and place.partner.webhook_secret:
            yield f"the messages of the partner {place.id}", place.partner.webhook_secret
    for carrier in shop.carriers:
        if carrier.api is not None and carrier.api.webhook:
            yield f"the events of carrier {carrier.id}", carrier.api.webhook
    # Reports and STOP come in where our gateway is reached from outside.
    if shop.messaging.sms == "gateway" and shop.messaging.public_url:
        kind = sms_provider(room.secrets)
        if kind == "twilio":
            yield "the calls of Twilio", "sms.auth_token"
        elif kind == "kannel":
            yield "the calls of Kannel", "sms.token"
