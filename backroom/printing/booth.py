"""The booth's side of the booth API: all that a worker beside the printers knows of the shop.

It holds the booth's own key and an address, no database and no customer. The gateway executes its claims; see
`backroom.gateway.booth` for the other side.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from backroom.domain.errors import AskPerson, Refuse, Retry
from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import PrintState
from backroom.printing.device import Device
from backroom.printing.sealed import PayloadBroken, Sealed, new_once, once_public, open_sealed, unpack

CONNECT_SECONDS, READ_SECONDS = 3.0, 15.0
LONGEST_REASON = 200


class GatewayAway(Retry):
    """The shop's gateway does not answer: the booth goes on when it does."""

    cause = "gateway_away"


class FetchLater(Retry):
    """This machine has as many payloads as it may have at once: it gets another when one of their prints is over."""

    cause = "enough_fetched"


class KeyRefused(AskPerson):
    """The gateway does not take this booth's key. `revoked`: the gateway itself says so, and nothing in its place."""

    cause = "key_refused"
    revoked = False


class JobTaken(Refuse):
    """The job is not in our hands any more: a person decided, or its order was held or cancelled."""

    cause = "job_taken"


class GatewayRefused(AskPerson):
    """The gateway will not do this before somebody has mended what it says, a missing artwork for instance."""

    cause = "gateway_refused"


@dataclass(frozen=True, slots=True)
class Job:
    """One print job in this bench's hands. `started` means that its call was begun before, `age_s` seconds ago by the
    database's clock when it was asked at `asked_at` (monotonic): ask the printer first. Sizes are in millimetres."""

    id: int
    key: str
    order_number: str
    sku: str
    title: str
    copies: int
    process: str
    width_mm: int
    height_mm: int
    state: str
    started: bool
    age_s: float
    attempt: int
    printer: str
    printer_job: str
    reason: str
    asked_at: float

    def age(self) -> timedelta:
        """How long ago its call was begun, at the most."""
        return timedelta(seconds=self.age_s + time.monotonic() - self.asked_at)


_JOB_FIELDS = frozenset(field.name for field in fields(Job)) - {"asked_at"}


def job_of(told: Mapping[str, Any], asked_at: float) -> Job:
    """A job as the gateway tells of it. One that is newer than this booth may tell more than we know."""
    return Job(**{name: told[name] for name in _JOB_FIELDS}, asked_at=asked_at)


class Booth:
    """Calls the gateway for one location, as one holder. Made for one run, whose tasks may share it: it keeps nothing
    between two calls, unless a task asks for that (`connected`)."""

    def __init__(self, *, gateway: str, key: str, location: str, holder: str, device: Device) -> None:
        self.location = location
        self.holder = holder
        self.device = device
        self._base = f"{gateway.rstrip('/')}/booth/{location}"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session: requests.Session | None = None
        # Set when whoever prints here must end: nothing is waited for any longer.
        self.over = threading.Event()

    # How long an answer may take, in seconds.
    _read_seconds: float = READ_SECONDS

    @contextmanager
    def connected(self) -> Iterator[Booth]:
        """The same booth for one task, on one connection: a new one for each call costs a TLS handshake each."""
        with requests.Session() as session:
            mine = copy.copy(self)
            mine._session = session
            yield mine

    def printers(self) -> list[PrinterSpec]:
        """The printers that stand here, as the shop file describes them."""
        answer = self._call("GET", "/printers").json()
        return [PrinterSpec(**(spec | {"prints": tuple(spec["prints"])})) for spec in answer["printers"]]

    def claim(self, most: int) -> list[Job]:
        """What is in our hands already, then new jobs, `most` in all, best first."""
        asked_at = time.monotonic()
        words = {"holder": self.holder, "most": most, "device": self.device.public, "holding": self.holding()}
        answer = self._call("POST", "/jobs/claim", words).json()
        return [job_of(job, asked_at) for job in answer["jobs"]]

    def holding(self) -> list[tuple[int, int]]:
        """Jobs and attempts of which this machine keeps a payload that it can open."""
        return []

    def document(self, job: Job) -> bytes:
        """What is to be printed, as a PDF at its printed size; GatewayRefused when its artwork is missing, FetchLater
        while too many others are here.

        It comes sealed for this machine; the key that opens it is forgotten with this call.
        """
        once = new_once()
        payload = self.payload(job, once)
        return open_sealed(payload, self.device, once, datetime.now(UTC))[1]

    def payload(self, job: Job, once: X25519PrivateKey) -> Sealed:
        """What is to be printed, sealed for this machine and a key pair that is used once; raises like `document`."""
        words = {"device": self.device.public, "once": once_public(once)}
        payload = unpack(self._tell(job, "payload", words).content)
        told = (payload.bound.job, payload.bound.attempt, payload.bound.booth, payload.bound.device)
        if told != (job.id, job.attempt, self.location, self.device.name):
            raise PayloadBroken(f"what came for print job {job.id} was sealed for another job or booth")
        return payload

    def start(self, job: Job, printer: str) -> None:
        """Have the shop commit that the call to the printer begins; JobTaken when it must not."""
        self._tell(job, "start", {"printer": printer})

    def progress(self, job: Job, state: PrintState, reason: str, printer_job: str) -> None:
        """Tell where a started job is: printing, or blocked with what the printer waits for."""
        word = "blocked" if state is PrintState.STOPPED else "printing"
        self._tell(job, "progress", {"state": word, "reason": short(reason), "printer_job": printer_job})

    def outcome(self, job: Job, outcome: str, reason: str = "") -> None:
        """Tell what became of a job: done, failed (certainly not printed), returned (never begun) or unknown."""
        self._tell(job, "outcome", {"outcome": outcome, "reason": short(reason)})

    def _tell(self, job: Job, what: str, words: dict[str, Any]) -> requests.Response:
        """Speak of this attempt at a job, so that late words settle no later one."""
        return self._call("POST", f"/jobs/{job.id}/{what}", {"holder": self.holder, "attempt": job.attempt} | words)

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, params: dict[str, str] | None = None
    ) -> requests.Response:
        try:
            response = (self._session or requests).request(
                method,
                self._base + path,
                json=body,
                params=params,
                headers=self._headers,
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise GatewayAway(f"the gateway did not answer {method} {path}: {type(error).__name__}") from error
        if response.status_code >= 300 and not is_ours(response):
            # A proxy's own page, before anything is read out of its number: whatever is said, the shop did not say it.
            raise GatewayAway(f"something else answered {response.status_code} in the gateway's place")
        if response.status_code in (401, 403):
            refused = KeyRefused(
                f"the gateway refuses the key of {self.location}", remedy="Make a new one with `backroom key`."
            )
            refused.revoked = response.headers.get("WWW-Authenticate") == "Bearer"
            raise refused
        if response.status_code == 503 and _told(response).get("cause") == FetchLater.cause:
            raise FetchLater(f"the gateway answered {response.status_code} to {method} {path}")
        if response.status_code >= 500 or response.status_code == 429 or 300 <= response.status_code < 400:
            raise GatewayAway(f"the gateway answered {response.status_code} to {method} {path}")
        if response.status_code >= 300:
            raise _refusal(response, f"{method} {path}")
        return response


def is_ours(response: requests.Response) -> bool:
    """Whether an answer may be the gateway's: it answers in JSON, or with a payload, and pages are others'."""
    return response.headers.get("Content-Type", "").startswith("application/")


def short(reason: str) -> str:
    """A reason as the gateway takes it: printers and their messages may say anything."""
    return "".join(sign if sign.isprintable() else " " for sign in reason)[:LONGEST_REASON]


def _refusal(response: requests.Response, call: str) -> JobTaken | GatewayRefused:
    told = _told(response)
    if told.get("cause") == "not_your_job":
        return JobTaken(f"the gateway answered {response.status_code} to {call}")
    detail = told.get("detail")
    if not isinstance(detail, str):
        detail = f"the gateway answered {response.status_code} to {call}"
    return GatewayRefused(detail, cause=str(told.get("cause") or GatewayRefused.cause))


def _told(response: requests.Response) -> dict[str, Any]:
    """What an answer says in JSON; nothing where it says it otherwise."""
    try:
        said = response.json()
    except requests.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
