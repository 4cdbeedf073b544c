"""Trying a message: what order would be read of it, and whether its signature is right. Nothing is stored.

What belongs here: what the gateway and intake would make of one message, in one answer. What does not: showing it
(`backroom.cli.channel`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass

from backroom.channels.base import BadSignature, NotAnOrder
from backroom.channels.mapped import MappedChannel
from backroom.channels.mapped_fields import Traced
from backroom.channels.mapped_order import OrderReader, root_of, topic_of
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import IncomingOrder, Problem


@dataclass(slots=True)
class Tried:
    """`order` is what would be read, None where there is none; `traces` each of its fields with its place."""

    topic: str = ""
    ping: bool = False
    order: IncomingOrder | None = None
    traces: list[Traced] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def try_signature(spec: ChannelSpec, body: bytes, headers: Mapping[str, str], secret: str) -> str:
    """Empty when the signature is right, else what is wrong with it."""
    try:
        channel_for(spec).verify(body, headers, secret)
    except BadSignature as error:
        return str(error)
    return ""


def try_message(spec: ChannelSpec, body: bytes, headers: Mapping[str, str], country: str) -> Tried:
    """Read one message as intake would; BrokenJson where it is no JSON. `country` is the shop's."""
    channel = channel_for(spec)
    tried = Tried(topic=channel.topic(headers), ping=channel.is_ping(body, headers))
    document = parse_json(body)
    try:
        tried.order = channel.parse(document, tried.topic, country)
    except NotAnOrder as error:
        tried.problems += error.problems
    if isinstance(channel, MappedChannel):
        tried.topic = topic_of(channel.mapping, document, tried.topic)
        reader = OrderReader(channel.mapping, root_of(channel.mapping, document))
        reader.order(spec, country)
        tried.traces = reader.traces
    elif tried.order is not None:
        # A connector knows its own fields: only what they became is of interest.
        tried.traces = list(_fields(tried.order, ""))
    return tried


def _fields(value: object, before: str) -> list[Traced]:
    if is_dataclass(value):
        inner = [(f"{before}.{one.name}".lstrip("."), getattr(value, one.name)) for one in fields(value)]
    elif isinstance(value, tuple):
        inner = [(f"{before}[{number}]", one) for number, one in enumerate(value)]
    else:
        return [] if value in (None, "") else [Traced(before, value, "")]
    return [found for name, one in inner for found in _fields(one, name)]
