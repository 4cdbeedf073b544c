"""Any other shop: its messages read by the mapping of the shop file, without code of its own.

What belongs here: the channel that a mapping makes. What does not: the order's fields (`mapped_order`), signatures
(`mapped_signing`), how the shop is asked (`mapped_source`) and told (`mapped_news`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from backroom.channels.base import BadSignature, Contact, digest, header
from backroom.channels.contact import normalise_email, normalise_phone
from backroom.channels.mapped_address import country_told
from backroom.channels.mapped_order import FETCHED, OrderReader, root_of, topic_of
from backroom.channels.mapped_signing import STANDARD_ID, check_mapped
from backroom.channels.reading import text
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.domain.cards import FREE_TEXT_KEYS
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.json_path import Name, Source, find, read, said
from backroom.domain.mapping import ShopMapping
from backroom.domain.model import IncomingOrder

# Whoever only asks whether we are here has nothing to say.
LARGEST_PING = 4096


class NoMapping(AskPerson):
    """A channel of kind mapped without a mapping: a shop file that was checked has none such."""

    cause = "no_mapping"


def mapping_of(spec: ChannelSpec) -> ShopMapping:
    if spec.mapping is None:
        raise NoMapping(f"channel {spec.id} has no mapping", remedy=f"Add [channels.{spec.id}.mapping].")
    return spec.mapping


@dataclass(frozen=True, slots=True)
class MappedChannel:
    """One shop, as its mapping describes it."""

    spec: ChannelSpec

    kind: ClassVar[str] = "mapped"

    @property
    def mapping(self) -> ShopMapping:
        return mapping_of(self.spec)

    @property
    def free_text_keys(self) -> frozenset[str]:
        """The usual ones, and those that the mapping names as what somebody wrote."""
        line = self.mapping.line
        written = (self.mapping.note, line.personalisation, line.title)
        return FREE_TEXT_KEYS | {key for source in written if source for key in _last_names(source)}

    def verify(self, body: bytes, headers: Mapping[str, str], secret: str) -> None:
        how = self.mapping.signature
        if how is None:
            raise BadSignature(f"channel {self.spec.id} takes no webhooks", remedy="Say in its mapping how it signs.")
        check_mapped(how, body, headers, secret)

    def is_ping(self, body: bytes, headers: Mapping[str, str]) -> bool:
        pings = self.mapping.message.pings
        if not pings or len(body) > LARGEST_PING:
            return False
        try:
            message = parse_json(body) if body.strip() else {}
        except BrokenJson:
            return False
        return topic_of(self.mapping, message, self.topic(headers)) in pings

    def delivery_key(self, body_json: object, headers: Mapping[str, str], body_bytes: bytes) -> str:
        message = self.mapping.message
        standard = self.mapping.signature is not None and self.mapping.signature.scheme == "standard-webhooks"
        id_ = header(headers, STANDARD_ID if standard else message.id_header) if standard or message.id_header else ""
        # The body has its say as well: an id that nobody signed keeps no other message out.
        return f"{id_}:{digest(body_bytes)}"

    def topic(self, headers: Mapping[str, str]) -> str:
        name = self.mapping.message.topic_header
        return header(headers, name) if name else ""

    def contact(self, body_json: object) -> Contact:
        reader = OrderReader(self.mapping, root_of(self.mapping, body_json))
        home = country_told(reader)
        return Contact(
            normalise_email(reader.plain(self.mapping.email)), normalise_phone(reader.plain(self.mapping.phone), home)
        )

    def external_id(self, body_json: object) -> str:
        root = root_of(self.mapping, body_json)
        hinted = "" if find(root.value, self.mapping.lines) else self._hinted(body_json)
        return hinted or OrderReader(self.mapping, root).plain(self.mapping.id)

    def is_hint(self, body_json: object, topic: str) -> bool:
        """One that names an order and has no lines of it. What was fetched is none, whatever it lacks."""
        if topic == FETCHED or not self._hinted(body_json):
            return False
        takes = self.mapping.message.takes
        if takes and topic_of(self.mapping, body_json, topic) not in takes:
            return False
        return not find(root_of(self.mapping, body_json).value, self.mapping.lines)

    def _hinted(self, body_json: object) -> str:
        hint = self.mapping.message.hint
        found = read(body_json, hint) if hint else None
        return text(found.value) if found else ""

    def parse(self, body_json: object, topic: str, shop_country: str) -> IncomingOrder:
        reader = OrderReader(self.mapping, root_of(self.mapping, body_json))
        reader.check_topic(topic_of(self.mapping, body_json, topic))
        order = reader.order(self.spec, shop_country)
        reader.reading.settle()
        return order

    def wrapped(self, order: object) -> Any:
        """An order that was fetched by itself, in the place where a message has it."""
        whole: Any = order
        for step in reversed(self.mapping.order.steps):
            assert isinstance(step, Name), "the shop file's check lets only names through"
            whole = {step.key: whole}
        return whole


def _last_names(source: Source) -> list[str]:
    names = []
    for path in source.paths:
        keys = [step.key for step in path.steps if isinstance(step, Name)]
        names += [said(key) for key in keys[-1:]]
    return names
