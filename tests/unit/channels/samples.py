"""Sample payloads in each source's shape, and channels to read them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backroom.channels.base import Channel
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import IncomingOrder

PAYLOADS = Path(__file__).parent / "payloads"
KINDS = ("shopify", "woocommerce", "pos", "csv")


def raw(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def payload(name: str) -> Any:
    return parse_json(raw(name))


def channel(kind: str, **spec: Any) -> Channel:
    return channel_for(ChannelSpec(f"my-{kind}", kind, 1, "standard", **spec))


def sum_of_parts(order: IncomingOrder) -> int:
    """Lines − discounts + shipping + what comes on top."""
    lines = sum(line.quantity * line.unit_price_minor - line.discount_minor for line in order.lines)
    return lines - order.discount_minor + order.shipping_minor + order.tax_added_minor
