"""Which class speaks with which kind of partner. A new one is one module and one line here for each that it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backroom.domain.errors import Refuse
from backroom.domain.locations import Location
from backroom.domain.partner_orders import PartnerStatus
from backroom.domain.partners import PartnerSpec
from backroom.partners import printful, prodigi
from backroom.partners.base import News, Partner
from backroom.partners.microfactory import MAKE, PICK, Microfactory, hinted, read_message, read_order
from backroom.partners.printful import Printful
from backroom.partners.prodigi import Prodigi

# Made of the location's name, what the shop file says of the partner, and the secret that opens its interface.
# `backroom.domain.partners.ADAPTERS` lists the same, for whoever checks a shop file.
PARTNERS: Mapping[str, Callable[[str, PartnerSpec, str], Partner]] = {
    "microfactory": lambda name, spec, secret: Microfactory(name, spec.url, secret, MAKE),
    "integrator": lambda name, spec, secret: Microfactory(name, spec.url, secret, PICK),
    "printful": lambda name, spec, secret: Printful(name, spec.url, secret),
    "prodigi": lambda name, spec, secret: Prodigi(name, spec.url, secret),
}
# Reads a message: its raw bytes, its headers and the signing secret; BadSignature for what is not theirs.
MESSAGES: Mapping[str, Callable[[bytes, Mapping[str, str], str], News]] = {
    "microfactory": lambda body, headers, secret: read_message(body, headers, secret, MAKE),
    "integrator": lambda body, headers, secret: read_message(body, headers, secret, PICK),
    "printful": printful.read_message,
}


class NoPartner(Refuse):
    """This location is nobody else's."""

    cause = "no_partner"


# Reads a message that nobody signed: the orders it may be about, by our reference or their id. None of it is believed.
HINTS: Mapping[str, Callable[[bytes], tuple[str, ...]]] = {
    "microfactory": hinted,
    "integrator": hinted,
    "printful": printful.hinted,
    "prodigi": prodigi.hinted,
}
# What was kept of a signed message, as a status again.
TOLD: Mapping[str, Callable[[object, str, str], PartnerStatus]] = {
    "microfactory": lambda told, name, reference: read_order(told, name, reference, MAKE),
    "integrator": lambda told, name, reference: read_order(told, name, reference, PICK),
}


def spec_of(location: Location) -> PartnerSpec:
    """Who stands at a location; NoPartner for one of our own."""
    if location.partner is None:
        raise NoPartner(f"{location.id} is no partner's", remedy="Name a location of kind partner or robot_cell.")
    return location.partner


def partner_at(location: Location, secret: str) -> Partner:
    """A connection to the partner at a location, for one task."""
    spec = spec_of(location)
    return PARTNERS[spec.adapter](location.name, spec, secret)


def read_told(location: Location, told: object, reference: str) -> PartnerStatus:
    """What was kept of a signed message of the partner at a location."""
    return TOLD[spec_of(location).adapter](told, location.name, reference)
