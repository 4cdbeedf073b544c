"""The doors that channels deliver to: each bound, on our side, to its channel, its secret and its shop.

What belongs here: the way from raw bytes to a `Delivery` that may be stored, or the reason why not. What does not:
HTTP, and the commit. A header never chooses the shop: it can only disagree with the one we know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backroom.channels import shopify_privacy
from backroom.channels.base import BadSignature, Channel
from backroom.channels.delivering import delivery_of
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ChannelSpec
from backroom.shop.room import Room
from backroom.store.inbox_door import Delivery

SHOP_HEADER = "x-shopify-shop-domain"


@dataclass(frozen=True, slots=True)
class PrivacyDelivery:
    """A channel's request about somebody's data. Its body is not stored: it names whom it asks us to forget."""

    channel: str
    key: str
    asked: shopify_privacy.Asked


@dataclass(frozen=True, slots=True)
class WebhookDoor:
    """One channel's door. The secret is read when the gateway starts: a missing one stops it there, not here."""

    spec: ChannelSpec
    channel: Channel
    secret: str

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the shop only asks if somebody is here; such a call is not signed and nothing is stored."""
        return self.channel.is_ping(body, headers)

    def read(self, body: bytes, headers: Mapping[str, str]) -> Delivery | PrivacyDelivery:
        """Verify, parse and mask; raises BadSignature or BrokenJson. Nothing is parsed before it is verified."""
        told = headers.get(SHOP_HEADER, "")
        if self.spec.shop_domain and told and told.lower() != self.spec.shop_domain.lower():
            raise BadSignature(f"a delivery for another shop came to channel {self.spec.id}")
        self.channel.verify(body, headers, self.secret)
        parsed, topic = parse_json(body), self.channel.topic(headers)
        if self.channel.kind == "shopify" and topic in shopify_privacy.TOPICS:
            key = self.channel.delivery_key(parsed, headers, body)
            return PrivacyDelivery(self.spec.id, key, shopify_privacy.read(topic, parsed))
        return delivery_of(self.spec, self.channel, parsed, headers, body)


def webhook_doors(room: Room) -> dict[str, WebhookDoor]:
    """The doors of every channel that signs what it sends, by channel id; SecretMissing where one has no secret."""
    return {
        spec.id: WebhookDoor(spec, channel_for(spec), room.secret(spec.secret))
        for spec in room.shop.channels
        if spec.secret
    }
