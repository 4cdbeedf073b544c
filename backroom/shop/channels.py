"""Channels of the shop file: who may send us orders, and where they are asked and told in turn.

What belongs here: the fields of `[channels.ID]` and `[channels.ID.api]`. What does not: speaking with a channel
(`backroom.channels`), and its refunds (`returns`).
"""

from __future__ import annotations

import re

from backroom.domain.shop import ASKED_KINDS, CHANNEL_KINDS, NEWS, TOLD_KINDS, ApiSpec, ChannelSpec
from backroom.shop import values
from backroom.shop.returns import read_refunds
from backroom.shop.section import Section

KINDS_WITH_SECRET = ("shopify", "woocommerce")


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
        refunds=read_refunds(section, kind),
        api=_read_api(section, kind),
    )
    section.done()
    return channel


def _read_api(channel: Section, kind: str) -> ApiSpec | None:
    """`[channels.ID.api]`: the channel's own interface. Each kind knows what it can be asked and told."""
    if not channel.has("api"):
        return None
    section = channel.section("api")
    if kind not in {*ASKED_KINDS, *TOLD_KINDS}:
        channel.problem("api", f"a channel of kind {kind} has no interface that is spoken here", "Remove it.")
    spec = ApiSpec(
        url=section.text("url", pattern=values.SERVICE_URL, form="an address such as https://shop.example.com"),
        secret=section.text("secret", pattern=values.DOTTED_NAME, form="the name of a secret, such as channel.web"),
        ask=section.flag("ask", kind in ASKED_KINDS),
        tell=section.choices("tell", NEWS) if section.has("tell") else (NEWS if kind in TOLD_KINDS else ()),
    )
    section.done()
    return spec
