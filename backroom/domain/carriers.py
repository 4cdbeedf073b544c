"""The carriers of a shop file: what each takes and costs, and the shop's account there."""

from __future__ import annotations

from dataclasses import dataclass

CARRIER_KINDS = ("local", "easypost")
# Kinds that sell through an account of the shop's, and so need a login.
CARRIER_ACCOUNT_KINDS = ("easypost",)
CARRIER_MODES = ("production", "test")
LABEL_FORMATS = ("pdf", "png")


@dataclass(frozen=True, slots=True)
class CarrierApi:
    """The shop's account at a carrier: the names of the secrets that open it and sign its events, and where it is.

    `mode` is that of the key; labels are fetched from `label_hosts` alone, none for the carrier's own ones.
    `label_format` is pdf or png, `zpl` asks for ZPL besides. `box_mm` are the sides of the usual parcel, or nothing.
    """

    secret: str
    webhook: str = ""
    url: str = ""
    mode: str = "production"
    label_hosts: tuple[str, ...] = ()
    label_format: str = "pdf"
    zpl: bool = False
    box_mm: tuple[int, ...] = ()
    return_labels: bool = True


@dataclass(frozen=True, slots=True)
class CarrierSpec:
    """A carrier: `name` as labels and customers read it, countries it goes to, heaviest parcel in grams, price in minor
    units. `kind` is local, the built-in courier, or easypost.

    `days` is how long the local courier is on its way, None where nobody says. `services` are those that may be
    chosen, all where it is empty. `price_minor` of an account is only what the what-if reckons with.
    """

    id: str
    kind: str
    name: str
    countries: tuple[str, ...]
    max_weight_g: int
    price_minor: int
    days: int | None = None
    services: tuple[str, ...] = ()
    api: CarrierApi | None = None

    def takes(self, country: str, weight_g: int) -> bool:
        """Whether it goes there with so much."""
        return country in self.countries and weight_g <= self.max_weight_g
