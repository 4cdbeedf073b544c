"""Which class speaks for which kind of channel. A new kind is one adapter and one line here for each that it can do."""

from __future__ import annotations

from collections.abc import Callable

from backroom.channels.base import Channel
from backroom.channels.csvorder import CsvChannel
from backroom.channels.etsy import EtsyChannel
from backroom.channels.etsy_source import EtsyNews, EtsySource
from backroom.channels.mapped import MappedChannel
from backroom.channels.mapped_news import MappedWriteBack
from backroom.channels.mapped_paying import MappedRefunds
from backroom.channels.mapped_source import MappedSource
from backroom.channels.meta import MetaChannel
from backroom.channels.meta_news import MetaNews
from backroom.channels.meta_refunds import MetaRefunds
from backroom.channels.meta_source import MetaSource
from backroom.channels.pos import PosChannel
from backroom.channels.refunding import Refunds
from backroom.channels.remote import OrderSource, WriteBack
from backroom.channels.shopify import ShopifyChannel
from backroom.channels.shopify_refunds import ShopifyRefunds
from backroom.channels.shopify_source import ShopifySource
from backroom.channels.shopify_telling import ShopifyTelling
from backroom.channels.square import SquareChannel
from backroom.channels.square_news import SquareNews
from backroom.channels.square_refunds import SquareRefunds
from backroom.channels.square_source import SquareSource
from backroom.channels.stripe_checkout import StripeChannel
from backroom.channels.stripe_refunds import StripeRefunds
from backroom.channels.stripe_source import StripeSource
from backroom.channels.woocommerce import WooCommerceChannel
from backroom.channels.woocommerce_refunds import WooRefunds
from backroom.channels.woocommerce_source import WooSource
from backroom.channels.woocommerce_telling import WooTelling
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import Refuse
from backroom.outgoing.probe import Probe

CHANNELS: dict[str, Callable[[ChannelSpec], Channel]] = {
    "shopify": ShopifyChannel,
    "woocommerce": WooCommerceChannel,
    "square": SquareChannel,
    "stripe": StripeChannel,
    "etsy": EtsyChannel,
    "meta": MetaChannel,
    "pos": PosChannel,
    "csv": CsvChannel,
    "mapped": MappedChannel,
}

# Who can be asked, and who takes news: made of the channel's table and of the secret that opens its interface.
# `backroom.domain.channels.ASKED_KINDS` and `TOLD_KINDS` list the same, for whoever checks a shop file.
SOURCES: dict[str, Callable[[ChannelSpec, str], OrderSource]] = {
    "shopify": ShopifySource,
    "woocommerce": WooSource,
    "square": SquareSource,
    "stripe": StripeSource,
    "etsy": EtsySource,
    "meta": MetaSource,
    "mapped": MappedSource,
}
WRITE_BACKS: dict[str, Callable[[ChannelSpec, str], WriteBack]] = {
    "shopify": ShopifyTelling,
    "woocommerce": WooTelling,
    "square": SquareNews,
    "etsy": EtsyNews,
    "meta": MetaNews,
    "mapped": MappedWriteBack,
}
# Whoever tries the connection for `backroom doctor`, of the same two.
PROBES: dict[str, Callable[[ChannelSpec, str], Probe]] = {
    "shopify": ShopifyTelling,
    "woocommerce": WooTelling,
    "square": SquareSource,
    "stripe": StripeSource,
    "etsy": EtsySource,
    "meta": MetaSource,
    "mapped": MappedSource,
}


def _at(make: Callable[[str, str], Refunds]) -> Callable[[ChannelSpec, str], Refunds]:
    """One that is made of its address and its secret alone."""

    def made(spec: ChannelSpec, secret: str) -> Refunds:
        assert spec.refunds is not None
        return make(spec.refunds.url, secret)

    return made


# Who pays back; `backroom.domain.channels.REFUNDING_KINDS` lists the same, for whoever checks a shop file.
REFUNDS: dict[str, Callable[[ChannelSpec, str], Refunds]] = {
    "shopify": _at(ShopifyRefunds),
    "woocommerce": _at(WooRefunds),
    "square": _at(SquareRefunds),
    "stripe": _at(StripeRefunds),
    "meta": _at(MetaRefunds),
    "mapped": MappedRefunds,
}


class UnknownKind(Refuse):
    """The shop file names a kind of channel that nobody speaks for."""

    cause = "unknown_channel_kind"


def channel_for(spec: ChannelSpec) -> Channel:
    """The channel that `spec` configures; UnknownKind when there is none of its kind."""
    make = CHANNELS.get(spec.kind)
    if make is None:
        known = ", ".join(sorted(CHANNELS))
        raise UnknownKind(f"channel {spec.id} is of kind {spec.kind!r}", remedy=f"Make it one of {known}.")
    return make(spec)
