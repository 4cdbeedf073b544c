"""What is wrong with a shop file: problems, the error that carries them, and the checks that need the whole shop.

What belongs here: a problem's shape and the cross references between the parts of a shop. What does not: reading one
field (`section`), the file's layout (`load`), the rules themselves (`backroom.domain.routing`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from string import Template

from backroom.domain.channels import ChannelSpec
from backroom.domain.consent import ALL_MEDIA
from backroom.domain.errors import AskPerson
from backroom.domain.locations import BY_ROUTING, THE_HUB, Location
from backroom.domain.messaging import TEMPLATE_PLACEHOLDERS, MessageTemplate
from backroom.domain.routing_rules import RoutingRule
from backroom.domain.shop import Shop

LONGEST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class ShopFileProblem:
    """One problem: the file's name, the field's path such as `locations.booth-a.hours.sat`, and what to do about it."""

    file: str
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"{where}: {self.message}. {self.remedy}"


class ShopFileInvalid(AskPerson):
    """The shop file, or a table beside it, cannot be used; `problems` has every reason, in the order of the file."""

    cause = "shop_file_invalid"

    def __init__(self, problems: Iterable[ShopFileProblem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        title = "There is a problem" if count == 1 else f"There are {count} problems"
        super().__init__("\n".join([f"{title} with the shop's files:", *map(str, self.problems)]))


@dataclass(slots=True)
class Report:
    """Collects problems of one file while it is read, so that its owner sees all of them at once."""

    file: str
    problems: list[ShopFileProblem] = field(default_factory=list)

    def add(self, field: str, message: str, remedy: str) -> None:
        self.problems.append(ShopFileProblem(self.file, _shown(field), _shown(message), _shown(remedy)))

    def done(self) -> None:
        """Raise `ShopFileInvalid` if anything was reported."""
        if self.problems:
            raise ShopFileInvalid(self.problems)


def _shown(text: str) -> str:
    """What a file says, fit for one line of a terminal: nothing that moves its cursor, and not without end."""
    printed = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return printed if len(printed) <= LONGEST_SHOWN else f"{printed[:LONGEST_SHOWN]}…"


def suggest(word: str, known: Iterable[str]) -> str:
    """A remedy that names the nearest known spelling, or all of them."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Use one of: {', '.join(names)}." if names else "Remove it."


def check_references(shop: Shop, report: Report) -> None:
    """Report whatever names something that the shop does not have."""
    locations = [location.id for location in shop.locations]
    events = {location.event for location in shop.locations if location.event}
    if shop.hub and shop.hub not in locations:
        report.add("shop.hub", f"there is no location {shop.hub!r}", suggest(shop.hub, locations))
    for location in shop.locations:
        _check_carrier(f"locations.{location.id}", location.carrier, shop, report)
        _check_late(location, shop, locations, report)
    for channel in shop.channels:
        _check_channel(channel, shop, locations, report)
    for rule in shop.rules:
        _check_rule(rule, shop, events, report)
    channels = [channel.id for channel in shop.channels]
    for policy in shop.returns.policies:
        for channel_id in policy.channels:
            if channel_id not in channels:
                path = f"returns.policies.{policy.name}.channels"
                report.add(path, f"there is no channel {channel_id!r}", suggest(channel_id, channels))
    for template in shop.templates:
        _check_template(template, [channel.id for channel in shop.channels], report)


def _check_channel(channel: ChannelSpec, shop: Shop, locations: list[str], report: Report) -> None:
    path = f"channels.{channel.id}"
    slas = [sla.id for sla in shop.slas]
    if channel.sla and channel.sla not in slas:
        report.add(f"{path}.sla", f"there is no SLA {channel.sla!r}", suggest(channel.sla, slas))
    if channel.location and channel.location not in locations:
        report.add(
            f"{path}.location", f"there is no location {channel.location!r}", suggest(channel.location, locations)
        )
    for location in channel.api.locations if channel.api else ():
        if location not in locations:
            problem = f"there is no location {location!r}"
            report.add(f"{path}.api.locations", problem, suggest(location, locations))
    _check_carrier(path, channel.carrier, shop, report)
    if channel.kind == "pos" and not channel.location:
        report.add(f"{path}.location", "is missing", "Say at which location this till stands.")


def _check_late(location: Location, shop: Shop, locations: list[str], report: Report) -> None:
    """Where what would be late goes: a place that there is, and another one."""
    path, known = f"locations.{location.id}.promise.late", (BY_ROUTING, THE_HUB, "stay", *locations)
    for word in location.promise.late if location.promise else ():
        if shop.late_place(word) == location.id:
            report.add(path, f"{word!r} is this place itself", f'Write another place, "{THE_HUB}" or "{BY_ROUTING}".')
        elif word not in known:
            report.add(path, f"there is no location {word!r}", suggest(word, known))


def _check_carrier(path: str, carrier: str, shop: Shop, report: Report) -> None:
    known = [one.id for one in shop.carriers]
    if carrier and carrier not in known:
        report.add(f"{path}.carrier", f"there is no carrier {carrier!r}", suggest(carrier, known))


def _check_rule(rule: RoutingRule, shop: Shop, events: set[str], report: Report) -> None:
    """Ids in conditions, and print processes: a rule that prints needs a printer somewhere."""
    known = {
        "channel": {channel.id for channel in shop.channels},
        "location": {location.id for location in shop.locations},
        "event": events | {channel.event for channel in shop.channels if channel.event} | {""},
    }
    for key, filters in (("when", rule.when), ("where", rule.where)):
        for number, filter_ in enumerate(filters, 1):
            values = filter_.value if isinstance(filter_.value, tuple) else (filter_.value,)
            for value in values:
                if filter_.field in known and isinstance(value, str) and value not in known[filter_.field]:
                    report.add(
                        f"rules.{rule.name}.{key}.{number}",
                        f"there is no {filter_.field} {value!r}",
                        suggest(value, known[filter_.field] - {""}),
                    )
    if rule.short == "print" and not any(location.printers for location in shop.locations):
        report.add(
            f"rules.{rule.name}.short",
            "no location has a printer",
            'Add one under [locations.NAME.printers.NAME], or write short = "backorder".',
        )


def _check_template(template: MessageTemplate, channels: Collection[str], report: Report) -> None:
    path = f"templates.{template.kind}.{template.medium}.{template.language}"
    if template.channel:
        path += f".channel.{template.channel}"
        if template.channel not in channels:
            report.add(path, f"there is no channel {template.channel!r}", suggest(template.channel, channels))
    placeholders = TEMPLATE_PLACEHOLDERS.get(template.kind)
    if placeholders is None:
        report.add(path, f"there are no messages {template.kind!r}", suggest(template.kind, TEMPLATE_PLACEHOLDERS))
        return
    if template.medium not in ALL_MEDIA:
        report.add(path, f"{template.medium!r} is not a medium", suggest(template.medium, ALL_MEDIA))
    if "\n" in template.subject:
        report.add(f"{path}.subject", "has several lines", "Write it in one.")
    for part, text in (("subject", template.subject), ("body", template.body)):
        if not Template(text).is_valid():
            report.add(f"{path}.{part}", "has a $ that begins no placeholder", "Write $$ for a dollar sign.")
            continue
        for name in Template(text).get_identifiers():
            if name not in placeholders:
                report.add(f"{path}.{part}", f"${name} is not known here", suggest(name, placeholders))
