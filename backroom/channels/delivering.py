"""From a parsed message to what is stored of it: masked, keyed, and with the hashes' inputs that find its person.

What belongs here: what every door does alike, whether a message came over HTTP, from a till or in a file. What does
not: signatures and HTTP (`backroom.gateway`), and the commit (`backroom.store.inbox_door`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from backroom.channels.base import Channel
from backroom.domain.cards import mask_tree
from backroom.domain.shop import ChannelSpec
from backroom.store.inbox_door import Delivery


def delivery_of(
    spec: ChannelSpec, channel: Channel, payload: dict[str, Any], headers: Mapping[str, str], body: bytes
) -> Delivery:
    """A parsed message as what is stored: its bytes as they came, unless a card number had to be masked in them."""
    masked, cards = mask_tree(payload, channel.free_text_keys)
    contact = channel.contact(payload)
    lookups = (("email", contact.email), ("phone", contact.phone))
    return Delivery(
        channel=spec.id,
        key=channel.delivery_key(payload, headers, body),
        topic=channel.topic(headers),
        external_id=channel.external_id(payload),
        priority=spec.priority,
        lookups=tuple((kind, value) for kind, value in lookups if value),
        body=json.dumps(masked).encode() if cards else body,
    )
