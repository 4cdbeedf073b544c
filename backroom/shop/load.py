"""The shop file's layout: from TOML to a checked `Shop`, with every problem reported at once.

What belongs here: the tables of `shop.toml` that describe the shop, its promises and messages. What does not: carriers
and channels (`carriers`, `channels`), locations and printers (`places`), routing rules (`rules`), returns (`returns`),
reading one field (`section`), references between the parts (`check`), catalogue, stock and postcodes (`catalogue`).

Amounts are written in the shop's currency (`price = 4.90`); the postcode table is a CSV file beside the shop file.
"""

from __future__ import annotations

from datetime import time
from pathlib import Path

from backroom.domain.consent import ALL_MEDIA, PURPOSES
from backroom.domain.messaging import MAIL_KINDS, PUSH_KINDS, SMS_KINDS, MessageTemplate, MessagingSpec
from backroom.domain.quiet_hours import QuietHours
from backroom.domain.shop import BACKUPS, Owner, PostcodePlace, Shop, SlaSpec, Thresholds
from backroom.shop import values
from backroom.shop.carriers import read_carrier
from backroom.shop.catalogue import read_postcodes
from backroom.shop.channels import read_channel
from backroom.shop.check import Report, ShopFileInvalid, check_references
from backroom.shop.costs import read_costs
from backroom.shop.parcels import read_parcels
from backroom.shop.places import read_location
from backroom.shop.reading import read_toml
from backroom.shop.restock import read_restock
from backroom.shop.retention import read_retention
from backroom.shop.returns import read_returns
from backroom.shop.rules import read_rules
from backroom.shop.samples import read_samples
from backroom.shop.section import Section, report_secrets

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"


def load_shop(path: Path) -> Shop:
    """Read and check a shop file; `ShopFileInvalid` carries every problem of it and of its postcode table."""
    report = Report(path.name)
    raw = read_toml(path, report, "Run `backroom init`.")
    report.done()
    report_secrets(raw, "", report)
    shop = _read_shop(Section(raw, "", report), path.parent)
    check_references(shop, report)
    report.done()
    return shop


def _read_shop(root: Section, folder: Path) -> Shop:
    general = root.section("shop")
    owner = _read_owner(general)
    hub = general.text("hub")
    artwork_folder = general.text("artwork_folder", "artwork")
    postcodes = _read_postcodes(general, folder)
    holidays = frozenset(general.dates("holidays"))
    general.done()
    costs = read_costs(root, owner.currency)
    shop = Shop(
        owner=owner,
        locations=tuple(
            read_location(id_, section, owner, costs, folder) for id_, section in root.sections("locations")
        ),
        channels=tuple(read_channel(id_, section) for id_, section in root.sections("channels")),
        slas=tuple(_read_sla(id_, section) for id_, section in root.sections("slas")),
        rules=read_rules(root),
        thresholds=_read_thresholds(root),
        carriers=tuple(read_carrier(id_, section, owner) for id_, section in root.sections("carriers")),
        messaging=_read_messaging(root.section("messaging")),
        templates=_read_templates(root),
        postcodes=postcodes,
        hub=hub,
        artwork_folder=artwork_folder,
        holidays=holidays,
        costs=costs,
        retention=read_retention(root),
        returns=read_returns(root),
        restock=read_restock(root),
        parcels=read_parcels(root),
        samples=read_samples(root),
        event_pages_folder=_read_events(root),
        backups=_read_backups(root),
    )
    root.done()
    return shop


def _read_owner(section: Section) -> Owner:
    sender = section.section("sender")
    owner = Owner(
        name=section.text("name"),
        currency=section.parsed("currency", values.currency) or "EUR",
        country=section.parsed("country", values.country),
        language=section.parsed("language", values.language),
        timezone=section.parsed("timezone", values.timezone) or "UTC",
        order_prefix=section.text("order_prefix", "A", pattern="[A-Z]{1,4}", form="one to four capital letters"),
        email=section.parsed("email", values.email),
        phone=section.parsed("phone", values.phone, ""),
        sender_lines=sender.texts("lines"),
        sender_postcode=sender.text("postcode"),
        sender_city=sender.text("city"),
    )
    sender.done()
    return owner


def _read_postcodes(section: Section, folder: Path) -> tuple[PostcodePlace, ...]:
    name = section.text("postcodes", "")
    if not name:
        return ()
    try:
        return read_postcodes(folder / name)
    except ShopFileInvalid as error:
        for problem in error.problems:
            if problem.field:
                section.report.problems.append(problem)
            else:
                # About the file as a whole: what there is to correct may be its name.
                section.problem("postcodes", f"names {name!r}: {problem.message}", problem.remedy)
        return ()


def _read_sla(id_: str, section: Section) -> SlaSpec:
    sla = SlaSpec(
        id=id_,
        handling_hours=section.whole("handling_hours", high=1000),
        transit_days_min=section.whole("transit_days_min", high=60),
        transit_days_max=section.whole("transit_days_max", high=90),
        cutoff=section.text("cutoff", "14:00", pattern=CLOCK, form="a time such as 14:00"),
    )
    if sla.transit_days_max < sla.transit_days_min:
        section.problem(
            "transit_days_max",
            f"{sla.transit_days_max} is less than transit_days_min",
            f"Write {sla.transit_days_min} or more.",
        )
    section.done()
    return sla


def _read_thresholds(root: Section) -> Thresholds:
    usual = Thresholds()
    if not root.has("stock"):
        return usual
    section = root.section("stock")
    thresholds = Thresholds(
        low_stock=section.whole("low_stock", usual.low_stock),
        reservation_hours=section.whole("reservation_hours", usual.reservation_hours, low=1, high=2000),
    )
    section.done()
    return thresholds


def _read_events(root: Section) -> str:
    """[events]: where the pages of events are written as files."""
    if not root.has("events"):
        return ""
    section = root.section("events")
    folder = section.text("public_pages", "")
    section.done()
    return folder


def _read_backups(root: Section) -> tuple[str, ...]:
    """[backups]: the folders that every backup goes to, and the keys beside them."""
    if not root.has("backups"):
        return (BACKUPS,)
    section = root.section("backups")
    folders = section.texts("folders")
    if "" in folders or len(set(folders)) < len(folders):
        section.problem("folders", "has an empty name, or one twice", 'Name each folder once: folders = ["backups"].')
    section.done()
    return folders or (BACKUPS,)


def _read_messaging(section: Section) -> MessagingSpec:
    sms = section.choice("sms", SMS_KINDS)
    messaging = MessagingSpec(
        mail=section.choice("mail", MAIL_KINDS),
        sms=sms,
        sender_email=section.parsed("sender_email", values.email),
        sender_sms=section.parsed("sender_sms", values.sms_sender, "" if sms == "none" else None),
        public_url=section.text(
            "public_url", "", pattern=values.SERVICE_URL, form="an address such as https://hooks.example.com"
        ),
        push=section.choice("push", PUSH_KINDS, "none"),
        quiet_hours=_read_quiet_hours(section.section("quiet_hours")) if section.has("quiet_hours") else None,
    )
    section.done()
    return messaging


def _read_quiet_hours(section: Section) -> QuietHours | None:
    """[messaging.quiet_hours]: from when until when, by which clock, and for what."""
    form = "a time such as 21:00"
    begins, ends = section.text("from", pattern=CLOCK, form=form), section.text("until", pattern=CLOCK, form=form)
    media = section.choices("media", ALL_MEDIA, ("sms", "push"))
    purposes = section.choices("purposes", PURPOSES, PURPOSES)
    by_recipient = section.choice("clock", ("recipient", "shop"), "recipient") == "recipient"
    section.done()
    if not begins or not ends:
        return None
    if begins == ends:
        section.problem("until", f"{ends} is when they begin", "Write another time, such as 08:00.")
        return None
    return QuietHours(
        time.fromisoformat(begins),
        time.fromisoformat(ends),
        frozenset(medium for medium in ALL_MEDIA if medium in media),
        frozenset(purpose for purpose in PURPOSES if purpose in purposes),
        by_recipient,
    )


def _read_template(kind: str, medium: str, language: str, channel: str, section: Section) -> MessageTemplate:
    template = MessageTemplate(
        kind=kind,
        medium=medium,
        language=language,
        subject=section.text("subject", None if medium == "email" else ""),
        body=section.text("body"),
        channel=channel,
    )
    section.done()
    return template


def _read_templates(root: Section) -> tuple[MessageTemplate, ...]:
    """[templates.KIND.MEDIUM.LANGUAGE], each with a body, and for e-mail a subject; below it `.channel.ID` for the
    customers of one channel."""
    templates = []
    for kind, media in root.sections("templates", required=False):
        for medium, languages in media.each_section():
            for language, section in languages.each_section():
                of_channels = list(section.sections("channel", required=False))
                if section.has("body") or not of_channels:
                    of_channels.append(("", section))
                else:
                    section.done()
                templates += [_read_template(kind, medium, language, id_, words) for id_, words in of_channels]
    return tuple(templates)
