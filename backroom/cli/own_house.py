"""Our own house: the database, its backups, Prefect, the gateway, and the address at which others reach it.

What belongs here: the try of each, with what to do where it fails. What does not: whatever belongs to others
(`backroom.cli.connections`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import requests

from backroom.cli.environments import Ports, auth_of, login_of, noted_ports
from backroom.cli.prepare import PREFECT_AUTH
from backroom.domain.errors import AskPerson, Retry
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceAway, ServiceRefused, ServiceSetup
from backroom.outgoing.probe import Wide
from backroom.privacy import backups as kept
from backroom.privacy import key_keeping
from backroom.shop.room import Room
from backroom.store.migrate import newest, standing
from backroom.store.spool import FILE
from backroom.store.spool import check as check_spool

ANSWERS_WITHIN = 5.0
# What lies in the spool for so many seconds does not come in by itself, or not soon.
SPOOLED_FOR_LONG = 60.0
# A proxy's words for a gateway that it does not reach, and the gateway's own for a busy database.
_BEHIND = (502, 503, 504)


class NotRunning(Retry):
    """One of our own servers does not answer."""

    cause = "not_running"


class OutOfDate(AskPerson):
    """The database, or what Prefect knows of the shop, is not what this program needs."""

    cause = "out_of_date"


class WrongAnswer(AskPerson):
    """Something else than our own server answers at its address, or it does not know our login."""

    cause = "wrong_answer"


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection: its name in a sentence, and the try, which raises the tree's errors, or returns what its key may
    beyond what it is for. `untried` says why it is not tried from here, where that is so."""

    name: str
    check: Callable[[], Wide | None] = field(repr=False)
    untried: str = ""


def database(room: Room) -> Iterator[Connection]:
    def check() -> None:
        room.database.write(lambda connection: None)
        stands, needed = standing(room.database.engine), newest()
        if stands != needed:
            raise OutOfDate(
                f"the database stands at {stands or 'nothing'}, and this program needs {needed}.",
                remedy="Start `backroom up`, which brings it up to date.",
            )

    yield Connection("the database", check)


def spool(room: Room) -> Iterator[Connection]:
    """What the gateway acknowledged while the database was crowded."""
    if (room.home / FILE).exists():
        yield Connection("the gateway's spool", lambda: check_spool(room.home, room.seals, SPOOLED_FOR_LONG))


def backups(room: Room) -> Iterator[Connection]:
    for folder in key_keeping.folders(room):
        name = f"the backups in {folder}"
        none = not key_keeping.is_outside(room, folder) and not any(key_keeping.backups_in(folder))
        untried = "none was made yet: `backroom backup make`, every night" if none else ""
        yield Connection(name, partial(kept.check, room, folder), untried)


def prefect(room: Room) -> Iterator[Connection]:
    ports = noted_ports(room.home)

    def check() -> None:
        answer = _ours(f"{ports.api}/deployments/name/sweep/sweep", "Prefect", ports, room)
        if answer.status_code == requests.codes.not_found:
            raise OutOfDate("Prefect does not know this shop.", remedy="Start `backroom up`, which makes it known.")
        if answer.status_code in (401, 403):
            raise WrongAnswer(
                "Prefect refuses our auth string.",
                remedy=f'Correct "{PREFECT_AUTH}" in secrets.toml; `backroom shop auth` shows it.',
            )
        if not answer.ok:
            raise NotRunning(f"Prefect answers {answer.status_code}.", remedy="Look into logs/ in the home folder.")

    yield Connection("Prefect", check)


def gateway(room: Room) -> Iterator[Connection]:
    ports = noted_ports(room.home)

    def check() -> None:
        answer = _ours(f"{ports.pages}/health", "the gateway", ports, room)
        if not answer.ok:
            raise NotRunning(
                f"the gateway is not well ({answer.status_code}).", remedy=f"Open {ports.pages}/health: it says why."
            )

    yield Connection("the gateway", check)


def public_address(room: Room) -> Iterator[Connection]:
    """Where others reach the gateway: who stands there is known by asking it how it is, as anybody may."""
    url = room.shop.messaging.public_url
    if url:
        yield Connection("our public address", partial(_reached, url))


def _reached(url: str) -> None:
    account = Account("Our public address", url, connect_timeout=ANSWERS_WITHIN, read_timeout=ANSWERS_WITHIN)
    remedy = "Let public_url lead to the gateway, and what stands before it let /health through."
    status, said = 0, {}
    try:
        with Client(account) as client:
            said = client.call("GET", "health", about="check").mapping()
    except ServiceRefused as refused:
        status = refused.answer.status
    except ServiceAway as away:
        # The gateway itself says so where its database is busy: whether it is well is tried beside this.
        if not away.status:
            raise NotRunning(
                f"nobody answers at {url}: no report, reply or artwork gets through.",
                remedy="Start the gateway, and see to the proxy or tunnel before it and to its name in the DNS. Where "
                "this house cannot call its own public address, open it from outside.",
            ) from None
        status = away.status
    except ServiceSetup as setup:
        raise WrongAnswer(f"{url} does not lead to the gateway: {setup.message}", remedy=remedy) from None
    if status in _BEHIND:
        raise NotRunning(
            f"what stands at {url} does not reach the gateway ({status}).", remedy="See to the proxy or tunnel there."
        )
    if not {"status", "database"} <= said.keys():
        other = f"{status}" if status else "another page"
        raise WrongAnswer(f"somebody else than the gateway answers at {url} ({other}).", remedy=remedy)


def _ours(url: str, name: str, ports: Ports, room: Room) -> requests.Response:
    failed = ""
    login = login_of(room) if name == "Prefect" and auth_of(room) else None
    try:
        return requests.get(url, auth=login, timeout=ANSWERS_WITHIN, allow_redirects=False)
    except requests.RequestException as error:
        failed = type(error).__name__
    where = ports.api if name == "Prefect" else ports.pages
    raise NotRunning(f"{name} does not answer at {where} ({failed}).", remedy="Start it with `backroom up`.")
