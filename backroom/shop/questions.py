"""The questions of `backroom init`, as data: what is asked, when, with which default, and what counts as an answer.

What belongs here: the questions and their order. What does not: talking to a person (`backroom.cli`), the words of the
file they become (`write`). Answers are kept as text by the question's name; yes and no are "yes" and "no".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backroom.shop import values
from backroom.shop.check import suggest
from backroom.shop.values import BadValue
from backroom.shop.write import write_shop_file

__all__ = ["QUESTIONS", "Question", "default_answers", "interview", "write_shop_file"]

Answers = Mapping[str, str]

# Channels that a few questions are enough for; the others are written by hand, as docs/shop-file.md says.
OFFERED_KINDS = ("shopify", "woocommerce", "pos", "csv")

# Currency, language and time zone by country, as defaults; any other country is asked without.
_USUAL = {
    "AT": ("EUR", "de", "Europe/Vienna"),
    "BE": ("EUR", "fr", "Europe/Brussels"),
    "CH": ("CHF", "de", "Europe/Zurich"),
    "CZ": ("CZK", "cs", "Europe/Prague"),
    "DE": ("EUR", "de", "Europe/Berlin"),
    "DK": ("DKK", "da", "Europe/Copenhagen"),
    "ES": ("EUR", "es", "Europe/Madrid"),
    "FR": ("EUR", "fr", "Europe/Paris"),
    "GB": ("GBP", "en", "Europe/London"),
    "IE": ("EUR", "en", "Europe/Dublin"),
    "IT": ("EUR", "it", "Europe/Rome"),
    "NL": ("EUR", "nl", "Europe/Amsterdam"),
    "PL": ("PLN", "pl", "Europe/Warsaw"),
    "PT": ("EUR", "pt", "Europe/Lisbon"),
    "SE": ("SEK", "sv", "Europe/Stockholm"),
}
_UNKNOWN = ("EUR", "en", "UTC")

# Letters that are no base letter with a mark (Unicode has no decomposition for them), and German's own custom.
_LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"}
)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `check` returns the answer in its normal form or raises BadValue.

    `default` is offered, "" for none; then `example` shows what an answer looks like. `asked` says whether it is asked
    at all, given the answers before it; `optional` allows no answer.
    """

    name: str
    prompt: str
    default: Callable[[Answers], str]
    check: Callable[[str], str]
    asked: Callable[[Answers], bool] = lambda answers: True
    example: str = ""
    optional: bool = False

    def settle(self, answer: str) -> str:
        """The answer in its normal form; BadValue with a remedy when it is none."""
        answer = " ".join(answer.split())
        if not answer:
            if self.optional:
                return ""
            raise BadValue("that needs an answer", remedy="Write one; it can be changed in shop.toml later.")
        return self.check(answer)


def _plain(text: str) -> str:
    if not text.isprintable():
        raise BadValue("it holds a character that cannot be printed", remedy="Type it again.")
    return text


def _yes_or_no(text: str) -> str:
    word = text.lower()
    if word in ("y", "yes", "ja", "j", "oui", "si", "sí"):
        return "yes"
    if word in ("n", "no", "nein", "non"):
        return "no"
    raise BadValue(f"{text!r} is neither yes nor no", remedy="Write yes or no.")


def _coordinates(text: str) -> str:
    """Latitude and longitude in WGS 84 degrees, as maps show them: `52.4960, 13.4230`."""
    parts = text.replace(",", " ").split()
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError:
        raise BadValue(f"{text!r} are not two numbers", remedy="Write it like 52.4960, 13.4230.") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise BadValue(f"{text!r} is not on this planet", remedy="Latitude goes to 90, longitude to 180 degrees.")
    return f"{latitude:.5f}, {longitude:.5f}"


def _channels(text: str) -> str:
    kinds = list(dict.fromkeys(text.lower().replace(",", " ").split()))
    for kind in kinds:
        if kind not in OFFERED_KINDS:
            raise BadValue(f"{kind!r} is not known", remedy=suggest(kind, OFFERED_KINDS))
    return ", ".join(kinds)


def _one_of(*options: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.lower() not in options:
            raise BadValue(f"{text!r} is not known", remedy=suggest(text.lower(), options))
        return text.lower()

    return check


def _always(default: str) -> Callable[[Answers], str]:
    return lambda answers: default


def _usual(position: int) -> Callable[[Answers], str]:
    return lambda answers: _USUAL.get(answers["country"], _UNKNOWN)[position]


def _says(key: str, word: str) -> Callable[[Answers], bool]:
    """Whether an answer has that word in it."""
    return lambda answers: word in answers.get(key, "").split(", ")


def _sms_name(answers: Answers) -> str:
    """The shop's name in what a sender may have, eleven letters and digits: Möwe & Söhne is MoeweSoehne in German."""
    name = answers["name"].translate(_GERMAN if answers["language"].startswith("de") else {}).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())[:11]


QUESTIONS: tuple[Question, ...] = (
    Question("name", "What is the shop called?", _always(""), _plain, example="My shop"),
    Question("country", "In which country is it (two letters)?", _always("DE"), values.country),
    Question("currency", "In which currency does it sell?", _usual(0), values.currency),
    Question("language", "In which language do most customers read?", _usual(1), values.language),
    Question("timezone", "In which time zone is it?", _usual(2), values.timezone),
    Question("street", "Sender on labels: street and number?", _always(""), _plain, example="High Street 1"),
    Question("postcode", "Its postcode?", _always(""), _plain, example="10115"),
    Question("city", "Its town?", _always(""), _plain, example="Berlin"),
    Question(
        "email", "From which e-mail address does the shop write?", _always(""), values.email, example="shop@example.com"
    ),
    Question("phone", "The shop's phone number, with its country?", _always(""), values.phone, optional=True),
    Question(
        "hub_place",
        "Where is the hub (latitude, longitude, as a map shows them)?",
        _always(""),
        _coordinates,
        example="52.5200, 13.4050",
    ),
    Question("hub_printer", "The address of its printer?", _always("folder:printers/hub-1"), values.printer_uri),
    Question("local_hub", "Is there a local hub for orders nearby?", _always("no"), _yes_or_no),
    Question(
        "local_place",
        "Where is the local hub (latitude, longitude)?",
        _always(""),
        _coordinates,
        _says("local_hub", "yes"),
        example="52.5200, 13.4050",
    ),
    Question(
        "local_printer",
        "The address of its printer?",
        _always("folder:printers/local-1"),
        values.printer_uri,
        _says("local_hub", "yes"),
    ),
    Question("booth", "Is there a booth at markets?", _always("no"), _yes_or_no),
    Question(
        "booth_place",
        "Where is the booth (latitude, longitude)?",
        _always(""),
        _coordinates,
        _says("booth", "yes"),
        example="52.5200, 13.4050",
    ),
    Question(
        "booth_printer",
        "The address of its printer?",
        _always("folder:printers/booth-1"),
        values.printer_uri,
        _says("booth", "yes"),
    ),
    Question(
        "samples",
        "Shall a design be printed to order only once you have looked at a sample of it and approved it?",
        _always("yes"),
        _yes_or_no,
    ),
    Question("channels", f"Where do orders come from ({', '.join(OFFERED_KINDS)})?", _always("shopify"), _channels),
    Question(
        "shop_domain",
        "The Shopify shop's domain (name.myshopify.com)?",
        _always(""),
        values.domain,
        _says("channels", "shopify"),
        optional=True,
    ),
    Question("mail", "E-mails: into a folder, or sent by smtp?", _always("folder"), _one_of("folder", "smtp", "none")),
    Question(
        "sms", "SMS: none, into a folder, or by a gateway?", _always("none"), _one_of("none", "folder", "gateway")
    ),
    Question(
        "sms_sender",
        "What shall the sender of an SMS be?",
        _sms_name,
        values.sms_sender,
        lambda answers: answers.get("sms", "none") != "none",
    ),
)


def interview(ask: Callable[[Question, str], str]) -> dict[str, str]:
    """Put every question that applies to `ask(question, default)`, which returns a settled answer."""
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        if question.asked(answers):
            answers[question.name] = ask(question, question.default(answers))
    return answers


def default_answers() -> dict[str, str]:
    """What somebody answers who takes every default, and the example where there is none."""
    return interview(lambda question, default: question.settle(default or question.example))
