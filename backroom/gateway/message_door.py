"""The door of the SMS provider: what it may tell us, and how it proves that it is the provider.

What belongs here: secrets, signatures, and the way from a call to a report or a reply. What does not: HTTP
(`messages`), and the commit.

Twilio signs its calls for the address at which it knows us, so that address stands in the shop file. Kannel signs
nothing: the address of a report carries a MAC of the message's key, made when the message was sent, and the address
for what comes in carries the shared token itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from backroom.channels.contact import normalise_phone
from backroom.domain import message_reports, reply_words, signatures
from backroom.domain.message_reports import Report
from backroom.domain.reply_words import Word
from backroom.domain.signatures import BadSignature
from backroom.messaging.kannel_marks import mark
from backroom.messaging.smsgateway import KANNEL
from backroom.messaging.twilio import STOPPED, TWILIO
from backroom.shop.room import Room
from backroom.shop.secrets import sms_provider
from backroom.store.inbox_door import word
from backroom.store.opt_outs import Proof, Reply

Form = Sequence[tuple[str, str]]
_OPT_OUT_TYPES = {"STOP": Word.STOP, "START": Word.START, "HELP": Word.HELP}


@dataclass(frozen=True, slots=True)
class Told:
    """A provider's report about the message of a key. `stopped` is the number that the report says wants no more."""

    key: str
    report: Report
    code: str
    provider: str
    provider_id: str = ""
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class MessageDoor:
    """The shop's one SMS provider. `secret` is Twilio's auth token, or the token that we share with Kannel."""

    kind: str
    public_url: str
    country: str
    secret: str = field(repr=False)

    def check_twilio(self, target: str, form: Form, headers: Mapping[str, str]) -> None:
        """Raise BadSignature unless Twilio sent this form to `target`, our path with its query."""
        if self.kind != TWILIO or not self.public_url:
            raise BadSignature("Twilio is not the provider here", remedy="Set sms.kind, and public_url in [messaging].")
        settings = headers.get("x-twilio-webhooks-signature-settings", "")
        told = headers.get("x-twilio-signature", "")
        signatures.check_twilio(told, self.public_url.rstrip("/") + target, form, self.secret, settings=settings)

    def check_kannel(self, told: str, key: str = "") -> None:
        """Raise BadSignature unless an address carries the mark of this message's key, or without one the token."""
        if self.kind != KANNEL:
            raise BadSignature("Kannel is not the provider here", remedy="Set sms.kind.")
        if not self.secret:
            raise BadSignature("there is no token for Kannel", remedy="Set sms.token in the secrets.")
        signatures.check(told, mark(self.secret, key) if key else self.secret)

    def twilio_report(self, key: str, form: Mapping[str, str]) -> Told | None:
        """What Twilio tells of a message; None for a state that we do not know."""
        report = message_reports.TWILIO.get(form.get("MessageStatus", ""))
        if report is None:
            return None
        code = message_reports.plain_code(form.get("ErrorCode", ""))
        stopped = form.get("To", "") if code == str(STOPPED) else ""
        return Told(word(key), report, code, TWILIO, word(form.get("MessageSid", "")), self._number(stopped))

    def kannel_report(self, key: str, state: str, receipt: str) -> Told | None:
        report = message_reports.KANNEL.get(state)
        if report is None:
            return None
        return Told(word(key), report, message_reports.receipt_code(receipt), KANNEL)

    def twilio_reply(self, form: Mapping[str, str]) -> Reply | None:
        """The SMS in a form; None where it is from no number that could be a customer's."""
        text, kind = form.get("Body", ""), form.get("OptOutType", "").upper()
        # Twilio may know words of its own for it.
        asks = (_OPT_OUT_TYPES[kind], kind.lower()) if kind in _OPT_OUT_TYPES else reply_words.keyword(text)
        return self._reply(TWILIO, form.get("MessageSid", ""), form.get("From", ""), text, asks)

    def kannel_reply(self, id_: str, sender: str, text: str) -> Reply | None:
        return self._reply(KANNEL, id_, sender, text, reply_words.keyword(text))

    def _reply(self, provider: str, id_: str, sender: str, text: str, asks: tuple[Word, str] | None) -> Reply | None:
        number = self._number(sender)
        if not number or not id_:
            return None
        asked, said = asks or (None, "")
        return Reply("sms", number, text, asked, Proof(provider, word(id_), said))

    def _number(self, text: str) -> str:
        """E.164; empty for what is none. Networks leave the plus out, or write 00."""
        plain = text.strip()
        if plain.startswith("00"):
            plain = "+" + plain[2:]
        tries = [plain] if plain.startswith(("+", "0")) else ["+" + plain, plain]
        return next((number for one in tries if (number := normalise_phone(one, self.country))), "")


def message_door(room: Room) -> MessageDoor | None:
    """The door of the provider that the secrets name; None where the shop sends no SMS by one. SecretMissing where
    Twilio is to call us and its auth token is not there."""
    spec = room.shop.messaging
    if spec.sms != "gateway":
        return None
    kind = sms_provider(room.secrets)
    if kind == TWILIO:
        secret = room.secret("sms.auth_token") if spec.public_url else ""
    else:
        secret = room.secrets.find("sms.token") or ""
    return MessageDoor(kind, spec.public_url, room.shop.owner.country, secret)


def form_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, in order; what is no UTF-8 in it is replaced, and then no signature matches."""
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)


def text_of(body: bytes, content_type: str) -> str:
    """The text of an SMS as Kannel hands it on: UTF-16 in network order where it came as UCS-2, else UTF-8."""
    wide = "utf-16be" in content_type.lower()
    return body.decode("utf-16-be" if wide else "utf-8", "replace")
