"""Channels of the shop file: who may send us orders, and where they are asked and told in turn.

What belongs here: the fields of `[channels.ID]` and `[channels.ID.api]`. What does not: speaking with a channel
(`backroom.channels`), and its refunds (`returns`).
"""

from __future__ import annotations

import re

from backroom.domain.channels import (
    ACCOUNT_KINDS,
    ASKED_KINDS,
    CHANNEL_KINDS,
    DROPPED_KINDS,
    NEWS,
    NEWS_NAMED,
    NEWS_OF,
    PICTURED_KINDS,
    TOLD_KINDS,
    ApiSpec,
    ChannelSpec,
    RefundsSpec,
)
from backroom.domain.consent import MEDIA, PURPOSES
from backroom.domain.mapping import ShopMapping
from backroom.shop import values
from backroom.shop.mapping import read_mapping
from backroom.shop.returns import read_refunds
from backroom.shop.section import Section

# Kinds that tell of a tick, and not of the words beside it.
WORDED_KINDS = ("shopify", "woocommerce", "stripe", "pos", "csv")
KINDS_WITH_SECRET = ("shopify", "woocommerce", "square", "stripe")
# Kinds whose messages only say which order to fetch.
KINDS_WITH_API = ("square", "stripe", "etsy", "meta")


def read_channel(id_: str, section: Section) -> ChannelSpec:
    """One channel; a field that is wrong is reported and stands in for itself."""
    kind = section.choice("kind", CHANNEL_KINDS)
    secret = section.text("secret", "")
    if secret and not re.fullmatch(values.DOTTED_NAME, secret):
        # The value may be the secret itself: it is not repeated here.
        section.problem(
            "secret",
            "is not the name of a secret",
            f'Write secret = "webhook.{id_}" here, and the secret itself beside that name in secrets.toml.',
        )
    if kind in KINDS_WITH_SECRET and not secret:
        section.problem("secret", "is missing", f'Add secret = "webhook.{id_}", the name of its signing secret.')
    if kind in KINDS_WITH_API and not section.has("api"):
        section.problem("api", "is missing", f"Add [channels.{id_}.api]: what it sends only says which order to fetch.")
    mapping = _read_mapping(id_, section, kind, secret)
    channel = ChannelSpec(
        id=id_,
        kind=kind,
        priority=section.whole("priority", 5, low=1, high=9),
        sla=section.text("sla"),
        secret=secret,
        shop_domain=section.parsed("shop_domain", values.domain, ""),
        location=section.text("location", ""),
        event=section.text("event", ""),
        carrier=section.text("carrier", ""),
        refunds=_read_refunds(section, kind, mapping),
        api=_read_api(section, kind, mapping),
        notification_url=_read_notification_url(section, kind),
        mapping=mapping,
        folder=_read_folder(section, kind),
        artwork_field=_read_artwork_field(section, kind),
        wordings=_read_wordings(section, kind),
    )
    section.done()
    return channel


def _read_refunds(section: Section, kind: str, mapping: ShopMapping | None) -> RefundsSpec | None:
    """Where it pays back; a mapped shop must say how, and one that says how must say where."""
    refunds = read_refunds(section, kind)
    pays = mapping is not None and mapping.pay_back is not None
    if refunds is not None and mapping is not None and not pays:
        section.problem("refunds", "nothing says how it pays back", f"Add [{section.at('mapping')}.pay_back].")
    if pays and refunds is None:
        section.problem("mapping.pay_back", "nothing says where it pays back", f"Add [{section.at('refunds')}].")
    return refunds


def _read_notification_url(section: Section, kind: str) -> str:
    """Where Square sends its events, letter for letter as it stands there: it is part of what Square signs."""
    if kind == "square":
        form = "the notification URL as Square has it, such as https://orders.example.com/webhooks/market"
        return section.text("notification_url", pattern=values.WHOLE_URL, form=form)
    if section.has("notification_url"):
        section.problem("notification_url", f"a channel of kind {kind} signs no address", "Remove it.")
        section.text("notification_url", "")
    return ""


def _read_mapping(id_: str, channel: Section, kind: str, secret: str) -> ShopMapping | None:
    """`[channels.ID.mapping]`, which a channel of kind mapped has, and no other."""
    if kind != "mapped":
        if channel.has("mapping"):
            channel.problem("mapping", f"a channel of kind {kind} needs none", 'Remove it, or write kind = "mapped".')
        return None
    mapping = read_mapping(channel)
    if mapping.signature and not secret:
        channel.problem("secret", "is missing", f'Add secret = "webhook.{id_}", the name of its signing secret.')
    if mapping.message.hint and not channel.has("api"):
        channel.problem("api", "is missing", f"Add [channels.{id_}.api]: what it sends only says which order to fetch.")
    if secret and not mapping.signature:
        channel.problem("mapping.signature", "is missing", "Say how its webhooks are signed, or remove secret.")
    return mapping


def _read_wordings(channel: Section, kind: str) -> dict[str, str]:
    """`[channels.ID.wordings]`: what customers read beside the ticks that the channel does not tell the words of."""
    if not channel.has("wordings"):
        return {}
    if kind not in WORDED_KINDS:
        channel.problem("wordings", f"a channel of kind {kind} needs none", "Remove it.")
    section = channel.section("wordings")
    names = [f"{medium}_{purpose}" for medium in MEDIA for purpose in PURPOSES]
    read = {name: section.text(name, "") for name in names if section.has(name)}
    section.done()
    return read


def _read_artwork_field(channel: Section, kind: str) -> str:
    """The name under which a line says where its buyer's own picture is."""
    name = channel.text("artwork_field", "")
    if name and kind not in PICTURED_KINDS:
        tells = "its mapping says where: artwork" if kind == "mapped" else f"a channel of kind {kind} has none"
        channel.problem("artwork_field", tells, "Remove it.")
    return name


def _read_folder(channel: Section, kind: str) -> str:
    """Where its files are dropped: a folder in the home folder."""
    folder = channel.text(
        "folder", "", pattern=values.FOLDER, form="a folder in the home folder, such as drop/boutiques"
    )
    if folder and kind not in DROPPED_KINDS:
        channel.problem("folder", f"a channel of kind {kind} takes no files", "Remove it.")
    return folder


def _read_api(channel: Section, kind: str, mapping: ShopMapping | None) -> ApiSpec | None:
    """`[channels.ID.api]`: the channel's own interface. Each kind knows what it can be asked and told."""
    if not channel.has("api"):
        return None
    section = channel.section("api")
    if kind not in {*ASKED_KINDS, *TOLD_KINDS}:
        channel.problem("api", f"a channel of kind {kind} has no interface that is spoken here", "Remove it.")
    asked, takes = kind in ASKED_KINDS, NEWS_OF.get(kind, NEWS) if kind in TOLD_KINDS else ()
    if mapping is not None:
        # What its mapping does not say how to do is not done.
        asked, takes = mapping.poll is not None, tuple(mapping.tell)
    catalogue = _read_catalogue(section, kind)
    named = ("stock",) if kind == "meta" and not catalogue else NEWS_NAMED.get(kind, ())
    usual = tuple(news for news in takes if news not in named)
    spec = ApiSpec(
        url=section.text("url", pattern=values.SERVICE_URL, form="an address such as https://shop.example.com"),
        secret=section.text("secret", pattern=values.DOTTED_NAME, form="the name of a secret, such as channel.web"),
        ask=section.flag("ask", asked),
        tell=section.choices("tell", NEWS if mapping else takes or NEWS) if section.has("tell") else usual,
        account=section.text("account", None if kind in ACCOUNT_KINDS else ""),
        locations=section.texts("locations", ()),
        keep_back=section.whole("keep_back", 0, low=0, high=1000),
        stock_location=section.text("stock_location", ""),
        catalogue=catalogue,
    )
    if kind == "meta" and "stock" in spec.tell and not catalogue:
        section.problem("catalogue", "is missing", "Add catalogue, the number of its catalogue: its levels are there.")
    if mapping is not None and spec.ask and not asked:
        section.problem("ask", "nothing says how it is asked", f"Add [{channel.at('mapping')}.poll], or remove it.")
    for news in spec.tell if mapping is not None else ():
        if news not in takes:
            section.problem(
                "tell", f"nothing says how it is told {news}", f"Add [{channel.at('mapping')}.tell.{news}]."
            )
    if mapping is None and spec.tell and not takes and kind in ASKED_KINDS:
        section.problem("tell", f"a channel of kind {kind} takes no news", "Remove it.")
    section.done()
    return spec


def _read_catalogue(section: Section, kind: str) -> str:
    """Meta's number of the catalogue; without one it is not told of stock."""
    if kind != "meta" and section.has("catalogue"):
        section.problem("catalogue", f"a channel of kind {kind} has none", "Remove it.")
    return section.text("catalogue", "", pattern=values.DIGITS, form="the catalogue's number, such as 912345678901234")
