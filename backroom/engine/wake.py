"""Wake-ups: turning "there is work" into one run of the right deployment, in the background, at most once.

What belongs here: which deployment serves a stage at a location, and creating its run over Prefect's REST API under an
idempotency key. What does not: generations (`backroom.store.claims`), what becomes of runs that stand open
(`backroom.engine.standing`), and doing the work (`flows`).

A wake-up is never the only hand-off: the sweep finds every minute whatever this could not start, and is asked for as
soon as that gets through.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from backroom.engine.standing import OPEN
from backroom.engine.wake_line import Line
from backroom.store.claims import Wakeup

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 2.0, 10.0
LAST_WORDS_SECONDS = 5.0
# The server answers 503 at once when its own SQLite is locked; waiting a moment is all that is needed.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
# A wave reports hundreds of pieces under one generation; asking again for the run that was just made is Prefect's time
# wasted. Not for long: Prefect may lose its database, and the sweep looks every minute.
SAID_SECONDS = 20.0
# A deployment may have been made anew, under another id; one that is gone must not keep other wake-ups waiting.
PAUSES_WHEN_GONE = PAUSES[:1]
# What did not get through is the sweep's to find: one is asked for until that gets through, and not a minute later.
SWEEP_AGAIN_SECONDS = 5.0

# A person answers a question in minutes; one that stands alone is asked at once.
QUESTIONS_APART_SECONDS = 4.0

OF_ORDER, OF_BREAKER, DECIDE, SWEEP = "order/order", "breaker/breaker", "decide/decide", "sweep/sweep"
OF_TRANSFER = "transfer/transfer"
# One that is pending may be a dead worker's, and wait for a minute to be given back.
WAITING = ("SCHEDULED",)
FLOW_OF = {
    "intake": "order-intake",
    "fulfilment": "fulfil",
    "print": "print-jobs",
    "returns": "returns",
    "refunds": "refunds",
    "partner": "partners",
    # Both stand at a channel instead of a location.
    "tell": "tell-channel",
    "stock": "tell-stock",
    "messages": "messages",
    "parcels": "parcels",
}


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run to be created: deployment `flow/name`, the run's name and parameters, and the key that makes it one.

    `unless`: the states in which another run of the same deployment and name makes this one needless. `can_wait`: what
    does not wait goes before it, and of its kind one is created every four seconds.
    """

    deployment: str
    name: str
    key: str
    parameters: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    can_wait: bool = False


def deployment_for(stage: str, location: str) -> str:
    """The deployment that serves a stage at a location, as `flow/deployment`."""
    return f"{FLOW_OF[stage]}/{location}"


def wake_key(stage: str, location: str, generation: int) -> str:
    """The idempotency key of a wake-up: however often it is sent, it starts one run."""
    return f"wake:{stage}:{location}:{generation}"


def _one_sweep() -> RunRequest:
    # One that waits has not looked yet, and will see all that this one is asked for: each process of a shop asks.
    return RunRequest(SWEEP, "sweep asked for", f"sweep:{uuid.uuid4()}", unless=WAITING)


class Waker:
    """Creates runs in a thread of its own; its calls never block and never raise.

    `api_url` and `auth` come from PREFECT_API_URL and PREFECT_API_AUTH_STRING where they are not given.
    """

    def __init__(
        self,
        api_url: str = "",
        auth: str = "",
        said_seconds: float = SAID_SECONDS,
        sweep_again_seconds: float = SWEEP_AGAIN_SECONDS,
        questions_apart_seconds: float = QUESTIONS_APART_SECONDS,
    ) -> None:
        self._api = (api_url or os.environ.get("PREFECT_API_URL", "")).rstrip("/")
        self._auth = auth or os.environ.get("PREFECT_API_AUTH_STRING", "")
        self._line: Line[RunRequest | None] = Line(questions_apart_seconds)
        self._waiting: dict[str, Future[bool]] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._deployments: dict[str, str] = {}
        self._said_seconds = said_seconds
        self._said: dict[str, float] = {}
        self._sweep_again_seconds = sweep_again_seconds
        self._owed_sweep: RunRequest | None = None
        self.lost = 0

    def wake(self, wakeup: Wakeup) -> None:
        """Say that there is work for a stage at a location since this generation.

        It is said once in 20 s, and not at all where a run looks again by itself.
        """
        if wakeup.attended:
            return
        stage, location, generation = wakeup.stage, wakeup.location, wakeup.generation
        key = wake_key(stage, location, generation)
        with self._lock:
            if time.monotonic() - self._said.get(key, -self._said_seconds) < self._said_seconds:
                return
        self.start(RunRequest(deployment_for(stage, location), f"{stage} {location} #{generation}", key))

    def start_order_run(self, number: str, key: str) -> Future[bool]:
        """Start an order's own run, named after it, unless one stands open; the same key starts it once."""
        tags = (f"order:{number}",)
        return self.start(RunRequest(OF_ORDER, number, key, {"order_number": number}, tags, OPEN))

    def start_decision_run(self, number: str, key: str) -> Future[bool]:
        """Ask a person about a held order, in a run named after it; of many, one after the other."""
        name, tags = f"{number} on hold", (f"order:{number}",)
        return self.start(RunRequest(DECIDE, name, key, {"order_number": number}, tags, can_wait=True))

    def start_breaker_run(self, breaker_id: int, key: str) -> Future[bool]:
        """Start the one run under which a breaker's orders wait; the same key starts it once."""
        return self.start(RunRequest(OF_BREAKER, f"breaker {breaker_id}", key, {"breaker_id": breaker_id}))

    def start_transfer_run(self, number: str, key: str) -> Future[bool]:
        """Ask a person about a proposed transfer, in a run named after it; the same key asks once."""
        tags = (f"transfer:{number}",)
        return self.start(RunRequest(OF_TRANSFER, f"{number} to the market", key, {"number": number}, tags))

    def look_around(self) -> Future[bool]:
        """Start one sweep now: what the process before this one had committed and not yet said died with it."""
        return self.start(_one_sweep())

    def start(self, request: RunRequest) -> Future[bool]:
        """Create a run in the background, unless the same key waits already.

        The answer, when it comes, says whether a run was created by this; it never raises.
        """
        with self._lock:
            if request.key in self._waiting:
                return self._waiting[request.key]
            asked: Future[bool] = Future()
            self._waiting[request.key] = asked
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="waker", daemon=True)
                self._thread.start()
        self._line.put(request, can_wait=request.can_wait)
        return asked

    def flush(self, timeout: float) -> bool:
        """Wait until everything asked for was tried, and nothing stands back; False when the time ran out first."""
        self._line.hurry()
        deadline = time.monotonic() + timeout
        with self._idle:
            while self._waiting:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._idle.wait(left)
        return True

    def close(self, timeout: float) -> bool:
        """Flush, then end the thread. True when nothing was lost on the way."""
        flushed = self.flush(timeout)
        self._line.put(None)
        return flushed and self.lost == 0

    def _work(self) -> None:
        with requests.Session() as session:
            if self._auth:
                user, _, password = self._auth.partition(":")
                session.auth = (user, password)
            while True:
                try:
                    request = self._line.get(self._sweep_again_seconds if self._owed_sweep else None)
                except queue.Empty:
                    self._ask_for_the_owed_sweep(session)
                    continue
                if request is None:
                    return
                created = self._create_patiently(session, request)
                if created is not None:
                    self._ask_for_the_owed_sweep(session)
                with self._idle:
                    if created is not None:
                        self._remember(request.key)
                    self._waiting.pop(request.key).set_result(bool(created))
                    self._idle.notify_all()

    def _ask_for_the_owed_sweep(self, session: requests.Session) -> None:
        if self._owed_sweep is None:
            return
        try:
            self._create(session, self._owed_sweep)
        except requests.RequestException:
            self._deployments.pop(SWEEP, None)
        else:
            self._owed_sweep = None

    def _remember(self, key: str) -> None:
        now = time.monotonic()
        self._said = {said: at for said, at in self._said.items() if now - at < self._said_seconds} | {key: now}

    def _create_patiently(self, session: requests.Session, request: RunRequest) -> bool | None:
        """Whether a run was created, or was there; None for what is logged and counted as lost, left to the sweep."""
        tried = 0
        while True:
            try:
                return self._create(session, request)
            except requests.RequestException as error:
                status = error.response.status_code if error.response is not None else None
                pauses: Sequence[float] = PAUSES if status is None or status >= 500 else ()
                if status == 404:
                    self._deployments.pop(request.deployment, None)
                    pauses = PAUSES_WHEN_GONE
                if tried >= len(pauses):
                    self.lost += 1
                    # One sweep for all that is lost until then: its key stays.
                    self._owed_sweep = self._owed_sweep or _one_sweep()
                    kind = type(error).__name__
                    log.warning("no run of %s was created (%s %s): the sweep will", request.deployment, kind, status)
                    return None
                time.sleep(pauses[tried])
                tried += 1

    def _create(self, session: requests.Session, request: RunRequest) -> bool:
        timeout = (CONNECT_SECONDS, READ_SECONDS)
        if request.deployment not in self._deployments:
            found = session.get(f"{self._api}/deployments/name/{request.deployment}", timeout=timeout)
            found.raise_for_status()
            self._deployments[request.deployment] = found.json()["id"]
        deployment = self._deployments[request.deployment]
        if request.unless:
            asked = {
                "flow_runs": {"name": {"any_": [request.name]}, "state": {"type": {"any_": list(request.unless)}}},
                "deployments": {"id": {"any_": [deployment]}},
                "limit": 1,
            }
            open_ = session.post(f"{self._api}/flow_runs/filter", json=asked, timeout=timeout)
            open_.raise_for_status()
            if open_.json():
                return False
        body: dict[str, Any] = {
            "name": request.name,
            "parameters": request.parameters,
            "tags": list(request.tags),
            "idempotency_key": request.key,
        }
        created = session.post(f"{self._api}/deployments/{deployment}/create_flow_run", json=body, timeout=timeout)
        created.raise_for_status()
        # A run of this key that was there already is answered with 200.
        return bool(created.status_code == requests.codes.created)


_this: Waker | None = None
_making = threading.Lock()


def this_waker() -> Waker:
    """The waker of this process, made at first use."""
    global _this
    with _making:
        if _this is None:
            _this = Waker()
            # A process that runs one flow and ends must not end before its last wake-up is sent.
            atexit.register(_this.flush, LAST_WORDS_SECONDS)
        return _this


@contextmanager
def woken_by(waker: Waker) -> Iterator[None]:
    """Let another waker hear this process's wake-ups while the body runs."""
    global _this
    with _making:
        before, _this = _this, waker
    try:
        yield
    finally:
        with _making:
            _this = before
