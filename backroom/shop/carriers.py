"""Carriers of the shop file: who may take a parcel, where to, and the shop's account there.

What belongs here: the fields of `[carriers.ID]`. What does not: speaking with a carrier (`backroom.carriers`), choosing
among their rates (`backroom.domain.rates`).
"""

from __future__ import annotations

import re

from backroom.domain.carriers import (
    CARRIER_ACCOUNT_KINDS,
    CARRIER_KINDS,
    CARRIER_MODES,
    LABEL_FORMATS,
    CarrierApi,
    CarrierSpec,
)
from backroom.domain.money import exponent
from backroom.domain.shop import Owner
from backroom.shop import values
from backroom.shop.section import Section

MOST_DAYS = 60
SIDES = 3
HOST = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"


def read_carrier(id_: str, section: Section, owner: Owner) -> CarrierSpec:
    """One carrier; a field that is wrong is reported and stands in for itself."""
    countries = section.texts("countries", (owner.country,))
    for country in countries:
        try:
            values.country(country)
        except values.BadValue as error:
            section.problem("countries", error.message, error.remedy)
    kind = section.choice("kind", CARRIER_KINDS)
    account = kind in CARRIER_ACCOUNT_KINDS
    carrier = CarrierSpec(
        id=id_,
        kind=kind,
        name=section.text("name"),
        countries=countries,
        max_weight_g=section.whole("max_weight_g", 31_500, low=1, high=1_000_000),
        price_minor=section.money("price", exponent(owner.currency), 0 if account else None),
        # An account's rates say themselves how long they take.
        days=section.whole("days", low=0, high=MOST_DAYS) if not account and section.has("days") else None,
        services=section.texts("services", ()) if account else (),
        api=_read_account(id_, section) if account else None,
    )
    section.done()
    return carrier


def _read_account(id_: str, section: Section) -> CarrierApi:
    box = section.rows("box_mm")
    if box and not (len(box) == SIDES and all(isinstance(side, int) and 0 < side < 3000 for side in box)):
        section.problem("box_mm", "is not length, width and height", "Write box_mm = [300, 200, 80].")
        box = []
    hosts = section.texts("label_hosts", ())
    for host in hosts:
        if not re.fullmatch(HOST, host):
            section.problem("label_hosts", f"{host!r} is not the name of a host", "Write it without https://.")
    return CarrierApi(
        secret=_secret_name(section, "secret", f"carrier.{id_}", None),
        webhook=_secret_name(section, "webhook", f"carrier.{id_}-events", ""),
        url=section.text("url", "", pattern=values.SERVICE_URL, form="an address such as https://api.example.com"),
        mode=section.choice("mode", CARRIER_MODES, CARRIER_MODES[0]),
        label_hosts=hosts,
        label_format=section.choice("label_format", LABEL_FORMATS, LABEL_FORMATS[0]),
        zpl=section.flag("zpl"),
        box_mm=tuple(side for side in box if isinstance(side, int)),
        return_labels=section.flag("return_labels", True),
    )


def _secret_name(section: Section, key: str, example: str, default: str | None) -> str:
    """The name of a secret; what stands there instead may be the secret itself, and is not repeated."""
    name = section.text(key, default)
    if name and not re.fullmatch(values.DOTTED_NAME, name):
        section.problem(
            key,
            "is not the name of a secret",
            f'Write {key} = "{example}" here, and the secret itself beside that name in secrets.toml.',
        )
        return ""
    return name
