"""The form with which somebody asks for SMS on an event's page, and the pages that follow it where there is no script.

What belongs here: those, and their words. What does not: what comes of it (`backroom.store.opt_ins`). The words that
are agreed to are the rule's (`backroom.domain.opt_in`), the same that are kept with the consent; the form names them by
a hash, so that a page that is older than the words cannot agree to the new ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from backroom.domain.opt_in import DIGITS, WORDINGS, wording
from backroom.eventpage.frame import document
from backroom.markup import Html, tag


@dataclass(frozen=True, slots=True)
class FormWords:
    """Everything that is said while somebody asks for SMS, in one language."""

    title: str
    phone: str
    ask: str
    asked: str
    code: str
    confirm: str
    done: str
    wrong_code: str
    no_number: str
    too_many: str
    old_page: str
    waiting: str
    waiting_code: str
    drop: str
    back: str
    have_code: str


FORM_WORDS: Mapping[str, FormWords] = {
    "en": FormWords(
        title="SMS when your print is ready",
        phone="Mobile number",
        ask="Agree, and send me a code",
        asked="If this number can get SMS, a code is on its way. It is good for an hour. No code? Ask at the booth.",
        code=f"Code of {DIGITS} digits",
        confirm="Confirm",
        done="Done: you get SMS about your orders. Answer STOP to end them.",
        wrong_code="That code does not work. Look again, or ask for a new one.",
        no_number="That is no mobile number. Write it with its country, such as +49 151 23456789.",
        too_many="Too many codes were asked for from here. Try again in an hour, or ask at the booth.",
        old_page="This page is too old. Load it anew, please.",
        waiting="No network: your number is kept on this device only, and deleted as soon as it is sent.",
        waiting_code="No network: your code is sent as soon as there is some.",
        drop="Delete it",
        back="Back to the event",
        have_code="I have a code already",
    ),
    "de": FormWords(
        title="SMS, wenn dein Druck fertig ist",
        phone="Handynummer",
        ask="Zustimmen und Code schicken",
        asked=(
            "Wenn diese Nummer SMS bekommen kann, ist ein Code unterwegs. Er gilt eine Stunde. "
            "Kein Code? Frag am Stand."
        ),
        code=f"Code mit {DIGITS} Ziffern",
        confirm="Bestätigen",
        done="Fertig: du bekommst SMS zu deinen Bestellungen. Mit STOP als Antwort beendest du sie.",
        wrong_code="Dieser Code geht nicht. Schau noch einmal nach oder fordere einen neuen an.",
        no_number="Das ist keine Handynummer. Schreib sie mit ihrem Land, etwa +49 151 23456789.",
        too_many="Von hier wurden zu viele Codes angefordert. Versuch es in einer Stunde wieder oder frag am Stand.",
        old_page="Diese Seite ist zu alt. Bitte lade sie neu.",
        waiting="Kein Netz: deine Nummer liegt nur auf diesem Gerät und wird gelöscht, sobald sie gesendet ist.",
        waiting_code="Kein Netz: dein Code wird gesendet, sobald es welches gibt.",
        drop="Löschen",
        back="Zurück zur Veranstaltung",
        have_code="Ich habe schon einen Code",
    ),
}


def shown(language: str, shop: str) -> str:
    """The name of the words that are agreed to."""
    return hashlib.sha256(wording(language, shop).encode()).hexdigest()[:16]


def find_wording(name: str, shop: str) -> tuple[str, str] | None:
    """The language and the words of that name; None for words of another time."""
    return next(((one, wording(one, shop)) for one in WORDINGS if shown(one, shop) == name), None)


def ask_form(language: str, shop: str, action: str) -> Html:
    """The form. A script, where there is one, sends it by itself and keeps it while there is no network."""
    words = FORM_WORDS[language]
    return tag(
        "section",
        tag("h2", words.title),
        _number_form(language, shop, action, cls="opt-in"),
        _code_form(language, f"{action}/confirm", key="", hidden=True),
        tag("p", role="status", cls="answer"),
        tag("button", words.drop, type="button", cls="drop", hidden=True),
        tag("details", tag("summary", words.have_code), _elsewhere(language, f"{action}/confirm")),
        cls="sms",
    )


def page(language: str, shop: str, said: str, *, event: str, key: str = "", again: bool = False) -> bytes:
    """What follows the form: a sentence, then the field for the code of the wish `key`, or the number once `again`."""
    action = f"/e/{event}/sms"
    words = FORM_WORDS[language]
    body = tag(
        "main",
        tag("header", tag("p", shop)),
        tag("h1", words.title),
        tag("p", said, cls="answer", role="status"),
        _code_form(language, f"{action}/confirm", key=key, hidden=False) if key else None,
        _number_form(language, shop, action) if again else None,
        tag("p", tag("a", words.back, href=f"/e/{event}/{language}.html")),
    )
    return document(language, f"{words.title} – {shop}", body, assets="/e/assets")


def _number_form(language: str, shop: str, action: str, cls: str | None = None) -> Html:
    """The words that are agreed to, and the field for the number."""
    words = FORM_WORDS[language]
    return tag(
        "form",
        tag("input", type="hidden", name="shown", value=shown(language, shop)),
        tag("p", wording(language, shop), cls="wording"),
        tag("label", words.phone, for_="phone"),
        tag(
            "input",
            id="phone",
            name="phone",
            type="tel",
            inputmode="tel",
            autocomplete="tel",
            required=True,
            maxlength=40,
        ),
        tag("button", words.ask, type="submit"),
        method="post",
        action=action,
        cls=cls,
    )


def _elsewhere(language: str, action: str) -> Html:
    """The form for a code that was asked for at the till, or on another device."""
    words = FORM_WORDS[language]
    return tag(
        "form",
        tag("input", type="hidden", name="language", value=language),
        tag("label", words.phone, for_="their-phone"),
        tag("input", id="their-phone", name="phone", type="tel", required=True, maxlength=40),
        tag("label", words.code, for_="their-code"),
        tag("input", id="their-code", name="code", inputmode="numeric", required=True, maxlength=DIGITS),
        tag("button", words.confirm, type="submit"),
        method="post",
        action=action,
    )


def _code_form(language: str, action: str, *, key: str, hidden: bool) -> Html:
    words = FORM_WORDS[language]
    return tag(
        "form",
        tag("input", type="hidden", name="key", value=key),
        tag("input", type="hidden", name="language", value=language),
        tag("label", words.code, for_="code"),
        tag(
            "input",
            id="code",
            name="code",
            inputmode="numeric",
            autocomplete="one-time-code",
            pattern=f"[0-9]{{{DIGITS}}}",
            maxlength=DIGITS,
            required=True,
        ),
        tag("button", words.confirm, type="submit"),
        method="post",
        action=action,
        cls="confirm",
        hidden=hidden,
    )
