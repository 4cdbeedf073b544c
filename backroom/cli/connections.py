"""Every connection that a shop has configured, each with its probe: what `backroom doctor` tries.

What belongs here: finding them in the shop file, and making them from the secrets. What does not: our own servers
(`backroom.cli.own_house`), trying them and showing what came of it (`backroom.cli.doctor`), and what any one of them
asks (`check`, in its adapter).

A connection that is not here is not tried: a new kind of channel is one line in `PROBES` of
`backroom.channels.registry`, everything else one function in `FINDERS` below. It yields a `Connection` for each that
the shop file names; what cannot even be made, because a secret is missing, says so when it is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

from backroom.carriers.easypost import URL as EASYPOST
from backroom.carriers.easypost import EasyPost, EasyPostAccount
from backroom.channels.dropping import DropFolder
from backroom.channels.login_drawer import LoginDrawer
from backroom.channels.registry import PROBES, REFUNDS
from backroom.channels.remote import KeepsLogin
from backroom.cli import own_house
from backroom.cli.blocks_known import check_blocks, has_blocks
from backroom.cli.doors_known import proofs_of
from backroom.cli.own_house import Connection, WrongAnswer
from backroom.domain.carriers import CarrierSpec
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.locations import Location, PrinterSpec
from backroom.domain.messaging import SMS_PROVIDERS
from backroom.messaging.smsgateway import JsonSmsGateway, KannelGateway
from backroom.messaging.smtp import SmtpMessenger, SmtpServer
from backroom.messaging.twilio import API, TwilioMessenger
from backroom.messaging.webpush import WebPush
from backroom.outgoing.probe import Probe, Wide, wide_of
from backroom.partners.registry import partner_at
from backroom.printing.connect import connect
from backroom.shop.room import Room
from backroom.shop.secrets import sms_provider

NO_SAMPLES = (
    "whatever a printer can print is printed on demand, looked at or not. Print one of each, approve it (`backroom "
    "sample new`, `backroom sample approve`), then write [samples] into shop.toml: see docs/guide/samples.md"
)


class PrinterNeedsHand(AskPerson):
    """The printer answers, and prints nothing before somebody sees to it."""

    cause = "printer_needs_a_hand"


def connections_of(room: Room) -> Iterator[Connection]:
    """Every connection of the shop, our own house first."""
    for find in FINDERS:
        yield from find(room)


def _channels(room: Room) -> Iterator[Connection]:
    for spec in room.shop.channels:
        if spec.api is not None and spec.kind in PROBES:
            yield Connection(f"channel {spec.id} ({spec.kind})", _channel(room, spec, spec.api.secret))
        if spec.refunds is not None:
            yield Connection(f"the refunds of {spec.id}", _refunds(room, spec, spec.refunds.secret), _untried(spec))


def _drop_folders(room: Room) -> Iterator[Connection]:
    for spec in room.shop.channels:
        if spec.folder:
            folder = DropFolder(room.folder(spec.folder), spec, room.shop.owner.country)
            yield Connection(f"the drop folder of {spec.id}", folder.check)


def _channel(room: Room, spec: ChannelSpec, secret: str) -> Callable[[], Wide | None]:
    def check() -> Wide | None:
        probe = PROBES[spec.kind](spec, room.secret(secret))
        if isinstance(probe, KeepsLogin):
            # A login that changes with its use is one for all processes.
            probe.keep_in(LoginDrawer(room.database, spec.id))
        return _tried(probe)

    return check


def _refunds(room: Room, spec: ChannelSpec, secret: str) -> Callable[[], Wide | None]:
    return lambda: _tried(REFUNDS[spec.kind](spec, room.secret(secret)))


def _tried(probe: Probe) -> Wide | None:
    probe.check()
    return wide_of(probe)


def _untried(spec: ChannelSpec) -> str:
    """Why paying back there is not tried, where that is so."""
    if spec.kind != "mapped" or (spec.mapping is not None and spec.mapping.probe is not None):
        return ""
    return f"nothing says how. Add [channels.{spec.id}.mapping.probe]"


def _proofs(room: Room) -> Iterator[Connection]:
    """Whether there is what proves to us who calls. That the other side has the same is known by its first call."""
    for name, secret in proofs_of(room):
        yield Connection(name, partial(_is_there, room, secret))


def _is_there(room: Room, secret: str) -> None:
    room.secret(secret)


def _blocks(room: Room) -> Iterator[Connection]:
    if has_blocks(room.shop):
        yield Connection("the blocks at Prefect", lambda: check_blocks(room))


def _partners(room: Room) -> Iterator[Connection]:
    for place in room.shop.locations:
        if place.partner is not None:
            yield Connection(f"the partner {place.id}", _partner(room, place, place.partner.secret))


def _partner(room: Room, place: Location, secret: str) -> Callable[[], None]:
    def check() -> None:
        with closing(partner_at(place, room.secret(secret))) as partner:
            partner.check()

    return check


def _carriers(room: Room) -> Iterator[Connection]:
    for spec in room.shop.carriers:
        if spec.api is not None:
            yield Connection(f"carrier {spec.id} ({spec.kind})", _carrier(room, spec, spec.api.secret))


def _carrier(room: Room, spec: CarrierSpec, secret: str) -> Callable[[], None]:
    def check() -> None:
        url = (spec.api.url if spec.api else "") or EASYPOST
        account = EasyPostAccount(spec.id, frozenset(spec.countries), spec.max_weight_g, room.secret(secret), url)
        EasyPost(account).check()

    return check


def _messages(room: Room) -> Iterator[Connection]:
    if room.shop.messaging.mail == "smtp":
        yield Connection("the mail server", lambda: _mail_server(room).check())
    if room.shop.messaging.sms == "gateway":
        yield Connection("the SMS provider", lambda: _tried(_sms_provider(room)))
    if room.shop.messaging.push == "web":
        yield Connection("the key for web push", lambda: _push_sender(room).check())


def _push_sender(room: Room) -> WebPush:
    return WebPush(room.secret("push.private_key"), f"mailto:{room.shop.owner.email}", lambda _endpoint: None)


def _mail_server(room: Room) -> SmtpMessenger:
    secrets = room.secrets
    security = secrets.find("smtp.security") or "starttls"
    port = secrets.find("smtp.port") or "587"
    if security not in ("starttls", "tls", "none") or not port.isdigit():
        raise WrongAnswer(
            "smtp.security or smtp.port cannot be used.", remedy="Write starttls, tls or none, and a number."
        )
    return SmtpMessenger(
        SmtpServer(
            host=secrets.get("smtp.host"),
            port=int(port),
            security=security,  # type: ignore[arg-type]  # one of the three, as was just seen
            username=secrets.find("smtp.username") or "",
            password=secrets.find("smtp.password") or "",
            ca_file=secrets.find("smtp.ca_file") or "",
        )
    )


def _sms_provider(room: Room) -> TwilioMessenger | KannelGateway | JsonSmsGateway:
    secrets = room.secrets
    kind = sms_provider(secrets)
    if kind not in SMS_PROVIDERS:
        raise WrongAnswer("sms.kind cannot be used.", remedy=f"Write {', '.join(SMS_PROVIDERS)}, or leave it out.")
    if kind == "twilio":
        account, user, password = (secrets.get(f"sms.{name}") for name in ("account", "username", "password"))
        return TwilioMessenger(account, user, password, url=secrets.find("sms.url") or API)
    url, password = secrets.get("sms.url"), secrets.find("sms.password") or ""
    if kind == "json":
        return JsonSmsGateway(url, password)
    return KannelGateway(url, secrets.find("sms.username") or "", password)


def _printers(room: Room) -> Iterator[Connection]:
    hub = room.shop.location(room.shop.hub)
    for place in room.shop.locations:
        labels = (place.label_printer,) if place.label_printer else ()
        far = "" if place.pool == hub.pool else f"its worker stands at {place.id}: see the print queue there"
        for spec in (*place.printers, *labels):
            yield Connection(f"printer {spec.name} at {place.id}", _printer(room, spec), far)


def _printer(room: Room, spec: PrinterSpec) -> Callable[[], None]:
    def check() -> None:
        folder = room.printer_folder(spec)
        uri = f"folder:{folder}" if folder is not None else spec.uri
        status = connect(uri, name=spec.name, fingerprint=spec.fingerprint or None).status()
        if not status.ready:
            said = ", ".join(status.reasons) or status.state
            raise PrinterNeedsHand(
                f"printer {spec.name} says {said}.", remedy="See to it: paper, ink, a jam, its door."
            )

    return check


def _samples(room: Room) -> Iterator[Connection]:
    """No connection, but what a shop that asks for none (it said so, or is older than samples) is to know: it prints
    what nobody has looked at."""
    if not room.shop.samples.require and any(place.printers for place in room.shop.locations):
        yield Connection("samples", _nothing, NO_SAMPLES)


# The ticks of which each kind of channel tells us, and not what its customers read beside them.
_TICKS = {
    "shopify": ("email_marketing", "sms_marketing"),
    "woocommerce": ("email_marketing",),
    "stripe": ("email_marketing",),
}


def _wordings(room: Room) -> Iterator[Connection]:
    """No connection either: of which ticks of its customers the shop does not know what stood beside them."""
    for spec in room.shop.channels:
        lacking = [name for name in _TICKS.get(spec.kind, ()) if name not in spec.wordings]
        if lacking:
            yield Connection(
                f"consents of {spec.id}",
                _nothing,
                "who ticks marketing there agrees to words that nobody told us, so that it is not kept as a consent; a "
                f"refusal is. Write them as {' and '.join(lacking)} in [channels.{spec.id}.wordings]",
            )


def _nothing() -> None:
    """Nothing is tried."""


FINDERS: tuple[Callable[[Room], Iterator[Connection]], ...] = (
    own_house.database,
    own_house.spool,
    own_house.backups,
    own_house.prefect,
    own_house.gateway,
    own_house.public_address,
    _blocks,
    _proofs,
    _channels,
    _drop_folders,
    _partners,
    _carriers,
    _messages,
    _printers,
    _samples,
    _wordings,
)
