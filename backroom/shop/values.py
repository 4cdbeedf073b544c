"""What a value of a shop file must look like, wherever it comes from: the file itself or an answer at `backroom init`.

What belongs here: one value at a time, given as text, returned in its normal form or refused with a remedy. What does
not: types and ranges (`section`), references to other parts (`check`).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from backroom.domain.errors import Refuse
from backroom.domain.money import EXPONENTS
from backroom.domain.opening import zone
from backroom.shop.check import suggest

# The name of a secret has a dot, which no provider's secret has: a pasted secret does not pass for a name.
DOTTED_NAME = r"[a-z_]{1,20}\.[a-z0-9_-]{1,40}"
# A number that another side gave to something.
DIGITS = r"[0-9]{1,30}"
# Of another side's interface: over TLS, unless it stands in this house (`backroom.outgoing.client`).
SERVICE_URL = (
    r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
    r"|http://(localhost|[0-9.]{7,15})(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
)
# An address as somebody else has it, letter for letter.
WHOLE_URL = r"https://[^\s\"'<>]{3,500}"
# In the home folder, and not above it.
FOLDER = r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*"
_FOLDER = re.compile(r"folder:(?!.*\.\.)[A-Za-z0-9_./-][A-Za-z0-9_./ -]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_SMS_SENDER = re.compile(r"\+[1-9]\d{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class BadValue(Refuse):
    """A value that cannot stand there: what is wrong with it, and what to write instead."""

    cause = "bad_value"

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}"


def country(text: str) -> str:
    """An ISO 3166-1 alpha-2 code that post goes to."""
    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise BadValue(f"{text!r} is not a country", remedy="Use its two letters by ISO 3166-1, such as DE.")
    return text.upper()


def currency(text: str) -> str:
    """An ISO 4217 code."""
    if text.upper() not in EXPONENTS:
        raise BadValue(f"{text!r} is not an ISO 4217 currency", remedy=suggest(text.upper(), EXPONENTS))
    return text.upper()


def timezone(text: str) -> str:
    """An IANA name."""
    try:
        zone(text)
    except ValueError:
        raise BadValue(f"{text!r} is not a time zone", remedy="Use an IANA name such as Europe/Berlin.") from None
    return text


def language(text: str) -> str:
    """An ISO 639 code, with a country where it matters."""
    if not _LANGUAGE.fullmatch(text):
        raise BadValue(f"{text!r} is not a language", remedy="Use a code such as de, or pt-BR.")
    return text


def email(text: str) -> str:
    """An e-mail address, as it was written."""
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise BadValue(f"{text!r} is not an e-mail address", remedy=f"{str(error).rstrip('.')}.") from None
    return text


def phone(text: str) -> str:
    """A phone number in E.164."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise BadValue(f"{text!r} is not a phone number", remedy="Write it with its country, such as +49 30 23125 042.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def domain(text: str) -> str:
    """A host name in lower case."""
    if not _DOMAIN.fullmatch(text.lower()):
        raise BadValue(f"{text!r} is not a domain", remedy="Write it like shop.example.com, without https://.")
    return text.lower()


def sms_sender(text: str) -> str:
    """What a phone shows as the sender: a number in E.164, or at most 11 letters and digits (3GPP TS 23.040)."""
    if not _SMS_SENDER.fullmatch(text):
        raise BadValue(
            f"{text!r} cannot send SMS", remedy="Write a number such as +493023125042, or at most 11 letters."
        )
    return text


def printer_uri(text: str) -> str:
    """`folder:NAME`, `ipp://host…` or `ipps://host…`."""
    scheme, separator, _ = text.partition(":")
    if not separator or scheme not in ("folder", "ipp", "ipps"):
        near = f"{suggest(scheme, ('folder', 'ipp', 'ipps'))} " if separator else ""
        raise BadValue(f"{text!r} is not a printer's address", remedy=f"{near}Write folder:NAME, ipp://… or ipps://….")
    if scheme == "folder":
        if not _FOLDER.fullmatch(text):
            raise BadValue(f"{text!r} names no folder", remedy="Write it like folder:printers/hub-1.")
        return text
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise BadValue(
            "it has no host, or a port that cannot be", remedy=f"Write it like {scheme}://printer.local/ipp/print."
        )
    return text
