"""The channels of a shop file: which kinds there are, what each is asked and told, and what the file says of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backroom.domain.mapping import ShopMapping

CHANNEL_KINDS = ("shopify", "woocommerce", "square", "stripe", "etsy", "meta", "pos", "csv", "mapped")
REFUNDING_KINDS = ("shopify", "woocommerce", "square", "stripe", "meta", "mapped")
# Kinds of channels that can be asked for their orders, and those that take news; `backroom.channels.registry` has the
# same, for whoever makes the connection.
ASKED_KINDS: tuple[str, ...] = ("shopify", "woocommerce", "square", "stripe", "etsy", "meta", "mapped")
TOLD_KINDS: tuple[str, ...] = ("shopify", "woocommerce", "square", "etsy", "meta", "mapped")
# Kinds of channels whose orders may come as files.
DROPPED_KINDS = ("csv", "mapped")
NEWS = ("shipped", "stock", "cancelled")
# Kinds that take not all of NEWS, or more: `taken` is that an order is ours now.
NEWS_OF: Mapping[str, tuple[str, ...]] = {
    "etsy": ("shipped", "stock"),
    "meta": ("taken", "shipped", "stock", "cancelled"),
}
# Of these, what a kind is told only where its `tell` names it: Etsy's login needs more for it, and its listings change.
NEWS_NAMED: Mapping[str, tuple[str, ...]] = {"etsy": ("stock",)}
# Kinds whose lines carry fields that a shop names itself, one of which may be where the buyer's own picture is.
PICTURED_KINDS = ("shopify", "woocommerce")
# Kinds whose interface must be told which of our accounts over there is meant: places, a shop, a seller's settings.
ACCOUNT_KINDS = ("square", "etsy", "meta")


@dataclass(frozen=True, slots=True)
class RefundsSpec:
    """Where a channel pays back by itself: its address, and the name of the secret that opens it."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """A channel's own interface: where it is, and the name of the secret that opens it.

    `ask` polls it for orders and reconciles them; `tell` is what it is told, of NEWS. `account` is the channel's own id
    of what is ours there (kinds of ACCOUNT_KINDS). It sells what lies free at `locations`, less `keep_back` pieces of
    each SKU; without any, at the hub and the local hubs. `stock_location` is the channel's own id of the place whose
    level is set, where it has several; `catalogue` that of the catalogue whose items' levels are set (kind meta).
    """

    url: str
    secret: str
    ask: bool = True
    tell: tuple[str, ...] = ()
    account: str = ""
    locations: tuple[str, ...] = ()
    keep_back: int = 0
    stock_location: str = ""
    catalogue: str = ""


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel that may send us orders. `kind` is one of CHANNEL_KINDS; `priority` 1 comes first.

    `secret` names the signing secret in the secrets file (or the environment); the file never holds it. `carrier` takes
    its parcels, wherever they are packed. Without `refunds` a person pays back in the channel's own pages; without
    `api` it is neither asked nor told anything. `notification_url` is where Square sends its events, as Square has it.
    Only kind mapped has a `mapping`, and needs it. `folder`, in the home folder, is where its files are dropped.
    `artwork_field` is the name under which a line says where its buyer's own picture is (kinds of PICTURED_KINDS).
    `wordings` are what its customers read beside a tick, by medium and purpose (`email_marketing`).
    """

    id: str
    kind: str
    priority: int
    sla: str
    secret: str = ""
    shop_domain: str = ""
    location: str = ""
    event: str = ""
    carrier: str = ""
    refunds: RefundsSpec | None = None
    api: ApiSpec | None = None
    notification_url: str = ""
    mapping: ShopMapping | None = None
    folder: str = ""
    artwork_field: str = ""
    wordings: Mapping[str, str] = field(default_factory=dict, hash=False)
