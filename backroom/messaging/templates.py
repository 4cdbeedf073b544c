"""The words of messages: which kinds there are, their built-in texts, and the shop's own instead.

What belongs here: choosing a template, checking it when the shop file is checked, and filling it in. What does not:
who may get it (`backroom.domain.consent`), how it travels (the messengers).

A template holds `$placeholders` as `string.Template` knows them; `$$` is a dollar sign. Values are put in as they are
and never looked through for placeholders again, so a customer called "$order" stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from string import Template

from backroom.domain.consent import ALL_MEDIA, Medium, Purpose
from backroom.domain.errors import Refuse
from backroom.domain.messaging import MessageTemplate
from backroom.domain.promise import DeliveryWindow
from backroom.messaging.parcel_texts import PARCEL_TEXTS
from backroom.messaging.promise_texts import PROMISE_TEXTS
from backroom.messaging.return_texts import RETURN_TEXTS


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message: what a person must have agreed to, and what its templates may mention.

    `at_once`: its reader stands there and waits for it, so it knows no quiet hours.
    """

    purpose: Purpose
    placeholders: frozenset[str]
    at_once: bool = False


KINDS: Mapping[str, Kind] = {
    "handed_over": Kind(
        "order_updates", frozenset({"shop", "order", "name", "carrier", "tracking", "location", "window"})
    ),
    "ready_to_collect": Kind("order_updates", frozenset({"shop", "order", "name", "location", "code"})),
    "promised": Kind("order_updates", frozenset({"shop", "order", "name", "location", "time"}), at_once=True),
    "promised_later": Kind("order_updates", frozenset({"shop", "order", "name", "location", "time"}), at_once=True),
    "opt_in_code": Kind("order_updates", frozenset({"shop", "code"}), at_once=True),
    "made_elsewhere": Kind("order_updates", frozenset({"shop", "order", "name", "location"})),
    "delivered": Kind("order_updates", frozenset({"shop", "order", "name", "carrier", "tracking", "email"})),
    "delivery_failed": Kind("order_updates", frozenset({"shop", "order", "name", "carrier", "tracking", "email"})),
    "collect_reminder": Kind("order_updates", frozenset({"shop", "order", "name", "location", "code"})),
    "return_requested": Kind("order_updates", frozenset({"shop", "order", "name", "rma"})),
    "return_accepted": Kind("order_updates", frozenset({"shop", "order", "name", "rma", "way"})),
    "return_received_in_part": Kind("order_updates", frozenset({"shop", "order", "name", "rma"})),
    "return_received": Kind("order_updates", frozenset({"shop", "order", "name", "rma"})),
    "return_refunded": Kind("order_updates", frozenset({"shop", "order", "name", "rma", "amount"})),
    "return_exchange_ahead": Kind("order_updates", frozenset({"shop", "order", "name", "rma", "exchange"})),
    "return_exchanged": Kind("order_updates", frozenset({"shop", "order", "name", "rma", "exchange"})),
    "return_closed": Kind("order_updates", frozenset({"shop", "order", "name", "rma", "email"})),
    "return_declined": Kind("order_updates", frozenset({"shop", "order", "name", "rma", "email"})),
    "return_cancelled": Kind("order_updates", frozenset({"shop", "order", "name", "rma", "email"})),
}

BUILT_IN: tuple[MessageTemplate, ...] = (
    MessageTemplate(
        kind="handed_over",
        medium="email",
        language="en",
        subject="Your order $order is on its way",
        body=(
            "Hello $name,\n\n"
            "your order $order has been handed over to $carrier.\n\n"
            "Expected delivery: $window\n"
            "Parcel number: $tracking\n\n"
            "Thank you for your order.\n"
            "$shop\n"
        ),
    ),
    MessageTemplate(
        kind="handed_over",
        medium="email",
        language="de",
        subject="Deine Bestellung $order ist unterwegs",
        body=(
            "Hallo $name,\n\n"
            "deine Bestellung $order ist an $carrier übergeben.\n\n"
            "Voraussichtliche Zustellung: $window\n"
            "Paketnummer: $tracking\n\n"
            "Danke für deine Bestellung.\n"
            "$shop\n"
        ),
    ),
    MessageTemplate(
        kind="handed_over",
        medium="sms",
        language="en",
        subject="",
        body="$shop: your order $order is on its way. Expected delivery: $window. Parcel number: $tracking",
    ),
    MessageTemplate(
        kind="handed_over",
        medium="sms",
        language="de",
        subject="",
        body="$shop: deine Bestellung $order ist unterwegs. Zustellung: $window. Paketnummer: $tracking",
    ),
    # Who collects has often given no address, and so no name to greet.
    MessageTemplate(
        kind="ready_to_collect",
        medium="email",
        language="en",
        subject="Your order $order is ready to collect",
        body=(
            "Hello,\n\n"
            "your order $order is ready for you at $location.\n\n"
            "Please show this code when you come: $code\n\n"
            "Thank you for your order.\n"
            "$shop\n"
        ),
    ),
    MessageTemplate(
        kind="ready_to_collect",
        medium="email",
        language="de",
        subject="Deine Bestellung $order liegt bereit",
        body=(
            "Hallo,\n\n"
            "deine Bestellung $order liegt für dich bereit: $location.\n\n"
            "Bitte zeig beim Abholen diesen Code: $code\n\n"
            "Danke für deine Bestellung.\n"
            "$shop\n"
        ),
    ),
    MessageTemplate(
        kind="ready_to_collect",
        medium="sms",
        language="en",
        subject="",
        body="$shop: your order $order is ready to collect at $location. Code: $code",
    ),
    MessageTemplate(
        kind="ready_to_collect",
        medium="sms",
        language="de",
        subject="",
        body="$shop: deine Bestellung $order liegt zum Abholen bereit: $location. Code: $code",
    ),
    *PARCEL_TEXTS,
    *PROMISE_TEXTS,
    *RETURN_TEXTS,
)

_LAST_RESORT = "en"

# GSM letters only, so that a date never makes an SMS dearer.
_WEEKDAYS = {"en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], "de": ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"]}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TO = {"en": "to", "de": "bis"}


class BadTemplate(Refuse):
    """A template that cannot be used, named by kind, medium and language; for the shop check."""

    cause = "template"


class UnknownPlaceholder(BadTemplate):
    """It mentions something this kind of message does not know."""


class MissingValue(Refuse):
    """A template mentions something that this order does not have."""

    cause = "template-value"


@dataclass(frozen=True, slots=True)
class Text:
    """A filled-in template; the subject is empty for SMS. Both are the customer's, so neither shows in its `repr`."""

    subject: str = field(repr=False)
    body: str = field(repr=False)


def check(template: MessageTemplate) -> None:
    """Raise `BadTemplate`, or `UnknownPlaceholder`, with what is wrong and what would be right."""
    where = f"Template {_name(template)}"
    kind = KINDS.get(template.kind)
    if kind is None:
        raise BadTemplate(f"{where} is of an unknown kind.", remedy=f"Use one of {', '.join(sorted(KINDS))}.")
    if template.medium not in ALL_MEDIA:
        raise BadTemplate(f"{where} is for an unknown medium.", remedy=f"Use one of {', '.join(ALL_MEDIA)}.")
    if not template.body.strip():
        raise BadTemplate(f"{where} has no body.", remedy="Write one.")
    if template.medium == "email" and not template.subject.strip():
        raise BadTemplate(f"{where} has no subject.", remedy="Write one.")
    if any(character in template.subject for character in "\r\n"):
        raise BadTemplate(f"{where} has a subject of several lines.", remedy="Write it in one.")
    for text in (template.subject, template.body):
        if not Template(text).is_valid():
            raise BadTemplate(f"{where} has a $ that begins no placeholder.", remedy="Write $$ for a dollar sign.")
        for placeholder in Template(text).get_identifiers():
            if placeholder not in kind.placeholders:
                raise UnknownPlaceholder(
                    f"{where} mentions ${placeholder}, which this kind does not know.",
                    remedy=f"Use {', '.join(f'${name}' for name in sorted(kind.placeholders))}.",
                )


def choose(
    templates: Sequence[MessageTemplate],
    kind: str,
    medium: Medium,
    language: str,
    shop_language: str,
    channel: str = "",
) -> MessageTemplate:
    """The template nearest to the customer's language: that of their channel before the shop's, and that before the
    built-in one.

    Tried in turn: the language itself (`de-AT`), its base (`de`), the shop's language, its base, English. Raises
    `BadTemplate` when there is none.
    """
    own = [template for template in templates if template.channel and template.channel == channel]
    of_all = [template for template in templates if not template.channel]
    # A push message is as short as an SMS, and has its words where it has none of its own.
    media = (medium, "sms") if medium == "push" else (medium,)
    for wanted in _fallbacks(language, shop_language):
        for by in media:
            for template in (*own, *of_all, *BUILT_IN):
                if (template.kind, template.medium, _tag(template.language)) == (kind, by, wanted):
                    return template
    raise BadTemplate(f"There is no template {kind} for {medium}.", remedy="Write one in the shop file.")


def fill(template: MessageTemplate, values: Mapping[str, str]) -> Text:
    """Put the values in. Line breaks in a value become spaces: what a customer typed cannot make lines of its own.

    Half a surrogate pair, which JSON lets through, becomes a question mark: no medium could carry it.
    Raises `MissingValue` with the placeholder's name.
    """
    clean = {name: " ".join(value.encode(errors="replace").decode().split()) for name, value in values.items()}
    try:
        return Text(Template(template.subject).substitute(clean), Template(template.body).substitute(clean))
    except KeyError as missing:
        raise MissingValue(
            f"Template {_name(template)} mentions ${missing.args[0]}, which this message does not have.",
            remedy="Take it out of the template.",
        ) from None


def say_window(window: DeliveryWindow, language: str) -> str:
    """The window in the words of a language: `Tue 24 Nov to Thu 26 Nov`, `Di 24.11. bis Do 26.11.`, else ISO 8601."""
    first, last = (_say_date(day, language) for day in (window.from_date, window.to_date))
    return first if first == last else f"{first} {_TO.get(_base(language), '-')} {last}"


def _say_date(day: date, language: str) -> str:
    match _base(language):
        case "en":
            return f"{_WEEKDAYS['en'][day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
        case "de":
            return f"{_WEEKDAYS['de'][day.weekday()]} {day.day}.{day.month}."
        case _:
            return day.isoformat()


def _fallbacks(language: str, shop_language: str) -> Iterable[str]:
    for tag in (language, shop_language):
        yield _tag(tag)
        yield _base(tag)
    yield _LAST_RESORT


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()


def _base(language: str) -> str:
    return _tag(language).partition("-")[0]


def _name(template: MessageTemplate) -> str:
    return "/".join(filter(None, (template.kind, template.medium, template.language, template.channel)))
