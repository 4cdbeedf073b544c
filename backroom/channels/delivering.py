"""From a parsed message to what is stored of it: masked, keyed, and with the hashes' inputs that find its person.

What belongs here: what every door does alike, whether a message came over HTTP, from a till, in a file or was fetched.
What does not: signatures and HTTP (`backroom.gateway`), and the commit (`backroom.store.inbox_door`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backroom.channels.base import Channel, DatesMessages, digest
from backroom.channels.remote import Fetched
from backroom.channels.strict_json import parse_json
from backroom.domain.cards import mask_tree
from backroom.domain.channels import ChannelSpec
from backroom.store.inbox_door import Delivery


def delivery_of(
    spec: ChannelSpec, channel: Channel, payload: dict[str, Any], headers: Mapping[str, str], body: bytes
) -> Delivery:
    """A parsed message as what is stored: its bytes as they came, unless a card number had to be masked in them."""
    key, topic = channel.delivery_key(payload, headers, body), channel.topic(headers)
    delivery = _delivery(spec, channel, payload, key, topic, body)
    return replace(delivery, said_at=channel.said_at(headers)) if isinstance(channel, DatesMessages) else delivery


def delivery_of_fetched(spec: ChannelSpec, channel: Channel, fetched: Fetched) -> Delivery:
    """An order that was asked for, as what is stored: the same state of it, fetched again, is the same delivery.

    A webhook of the same moment has a key of its own; it is the same news then, and changes nothing (`tasks.validate`).
    BrokenJson where it is no JSON that we take.
    """
    key = f"fetched:{fetched.external_id}:{digest(fetched.body)}"
    return _delivery(spec, channel, parse_json(fetched.body), key, fetched.topic, fetched.body)


def _delivery(
    spec: ChannelSpec, channel: Channel, payload: dict[str, Any], key: str, topic: str, body: bytes
) -> Delivery:
    masked, cards = mask_tree(payload, channel.free_text_keys)
    contact = channel.contact(payload)
    lookups = (("email", contact.email), ("phone", contact.phone))
    external_id = channel.external_id(payload)
    return Delivery(
        channel=spec.id,
        key=key,
        topic=topic,
        external_id=external_id,
        priority=spec.priority,
        lookups=tuple((kind, value) for kind, value in lookups if value),
        body=json.dumps(masked).encode() if cards else body,
        # One that does not say which order it means is no hint, and refused as what it is.
        hint=bool(external_id) and channel.is_hint(payload, topic),
    )
