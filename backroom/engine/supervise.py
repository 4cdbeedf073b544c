"""Child processes kept alive: started in order, started again when they exit, stopped in reverse order.

What belongs here: processes, their logs and their ends. What does not: what they are; `backroom up`, `demo` and
`worker` say that with a list of `Child`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from backroom.domain.errors import AskPerson
from backroom.parent_death import ends_with_us

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
STEADY_SECONDS = 60.0
LOOK_SECONDS = 0.1
AUTOGROUP_TRIES = 8


class ChildNotReady(AskPerson):
    """A child process did not become ready in time, or ended before it was."""

    cause = "not_ready"


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep alive.

    `env` is its whole environment, None for ours. `ready` is asked until it says True, at most `ready_within`
    seconds; None means ready at once. `grace` is how long SIGTERM may take before SIGKILL, in seconds. `nice` is how
    far it stands back when others want the processor, 0 to 19 (nice(2)). `alongside` starts it without waiting for
    those before it to be ready.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    ready: Callable[[], bool] | None = None
    ready_within: float = 60.0
    grace: float = 40.0
    nice: int = 0
    alongside: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """How a child is, for a screen. `state` is waiting, starting, running, pausing or stopped."""

    name: str
    state: str
    pid: int | None
    restarts: int
    up_seconds: float
    last_exit: int | None
    log: Path


@dataclass(slots=True)
class _Kept:
    child: Child
    log: Path
    process: subprocess.Popen[bytes] | None = None
    state: str = "waiting"
    started_at: float = 0.0
    next_start: float = 0.0
    pause: float = FIRST_PAUSE
    restarts: int = 0
    last_exit: int | None = None


@dataclass(slots=True)
class Supervisor:
    """Keeps children alive until `stop`. `logs` is the folder of their logs, one file a child.

    `start` and `stop` belong to one thread; `status` may be called from any, `ask_to_stop` from signal handlers too.
    """

    children: Sequence[Child]
    logs: Path
    _kept: list[_Kept] = field(init=False)
    _asked: threading.Event = field(init=False, default_factory=threading.Event)
    _stopping: threading.Event = field(init=False, default_factory=threading.Event)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _keeper: threading.Thread | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._kept = [_Kept(child, self.logs / f"{child.name}.log") for child in self.children]

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start every child, each after those before are ready unless it starts alongside; return when all are.

        ChildNotReady, with all stopped, when one is not.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            for index, kept in enumerate(self._kept):
                if not kept.child.alongside:
                    self._await_ready(self._kept[:index])
                if self._asked.is_set():
                    return
                self._spawn(kept)
            self._await_ready(self._kept)
        except BaseException:
            self.stop()
            raise
        self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)
        self._keeper.start()

    def wait(self) -> None:
        """Return when somebody asked to stop, by `ask_to_stop` or by a signal that leads there."""
        # In slices, because a wait without end on the main thread would hold signal handlers off on some platforms.
        while not self.is_asked_within(0.5):
            pass

    def is_asked_within(self, seconds: float) -> bool:
        """Whether somebody asked to stop, at once or within that time."""
        return self._asked.wait(seconds)

    def ask_to_stop(self) -> None:
        """Let `wait` return; children live on, and are looked after, until `stop`."""
        self._asked.set()

    def stop_on_signals(self) -> None:
        """Let SIGINT, SIGTERM and a closed terminal ask to stop. For the main thread only."""

        def asked(_signal: int, _frame: FrameType | None) -> None:
            self.ask_to_stop()

        signal.signal(signal.SIGINT, asked)
        signal.signal(signal.SIGTERM, asked)
        # Who started us with nohup(1) wants us to outlive the terminal.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, asked)

    def stop(self) -> None:
        """End the children in reverse order: SIGTERM, their grace, SIGKILL. Does nothing the second time."""
        self._asked.set()
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()
        else:
            self._end_all()

    def status(self) -> list[Status]:
        """How each child is, in the order of their start."""
        now = time.monotonic()
        with self._lock:
            return [
                Status(
                    kept.child.name,
                    kept.state,
                    kept.process.pid if kept.process is not None and kept.process.poll() is None else None,
                    kept.restarts,
                    now - kept.started_at if kept.state == "running" else 0.0,
                    kept.last_exit,
                    kept.log,
                )
                for kept in self._kept
            ]

    def _spawn(self, kept: _Kept) -> None:
        child = kept.child
        with kept.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - argv is ours, and no shell reads it
                list(child.argv),
                env=dict(child.env) if child.env is not None else None,
                cwd=child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal reaches a whole session: the children must not hear it before we drain them.
                start_new_session=True,
                preexec_fn=ends_with_us(child.nice),
            )
        if child.nice:
            _stand_back_as_a_session(process.pid, child.nice)
        with self._lock:
            kept.process, kept.state, kept.started_at = process, "starting", time.monotonic()

    def _await_ready(self, spawned: Sequence[_Kept]) -> None:
        for kept in spawned:
            if kept.state == "starting":
                self._await_one(kept)

    def _await_one(self, kept: _Kept) -> None:
        child, process = kept.child, kept.process
        deadline = kept.started_at + child.ready_within
        while child.ready is not None and not child.ready():
            if self._asked.is_set():
                return
            if process is not None and (code := process.poll()) is not None:
                raise ChildNotReady(f"{child.name} ended with {code} before it was ready", remedy=f"See {kept.log}.")
            if time.monotonic() > deadline:
                raise ChildNotReady(
                    f"{child.name} was not ready within {child.ready_within:g} s", remedy=f"See {kept.log}."
                )
            time.sleep(LOOK_SECONDS)
        with self._lock:
            kept.state = "running"

    def _keep(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            for kept in self._kept:
                self._look_after(kept, time.monotonic())
        # Here and not in `stop`: Linux takes the end of the thread that started a child for the end of its parent,
        # so this one has to outlive what it started again.
        self._end_all()

    def _end_all(self) -> None:
        for kept in reversed(self._kept):
            _end(kept)

    def _look_after(self, kept: _Kept, now: float) -> None:
        if kept.state == "pausing":
            if now >= kept.next_start:
                kept.restarts += 1
                self._spawn(kept)
                with self._lock:
                    kept.state = "running"
            return
        code = kept.process.poll() if kept.process is not None else None
        if code is None:
            return
        if now - kept.started_at >= STEADY_SECONDS:
            kept.pause = FIRST_PAUSE
        with self._lock:
            kept.state, kept.last_exit, kept.next_start = "pausing", code, now + kept.pause
        kept.pause = min(kept.pause * 2, LONGEST_PAUSE)


def _stand_back_as_a_session(pid: int, nice: int) -> None:
    """Let a child's session stand back, as the child itself does.

    Most Linux desktops share the processor by session first, and each child has one of its own: what nice(2) says then
    counts only among its own threads (sched(7), "The autogroup feature"; measured: two busy children, nice 0 and 10,
    had 50 % each without this, and 75 and 25 % with it).
    """
    group = Path(f"/proc/{pid}/autogroup")
    for _ in range(AUTOGROUP_TRIES):
        try:
            group.write_text(str(nice), encoding="ascii")
        except BlockingIOError:
            # The kernel takes this from us once in a tenth of a second, of all our processes together.
            time.sleep(LOOK_SECONDS / 2)
        except OSError:
            # No such grouping here, or the child has ended: then nice(2) is all there is to say, and it is said.
            return
        else:
            return


def _end(kept: _Kept) -> None:
    process = kept.process
    if process is not None and process.poll() is None:
        process.terminate()
        try:
            process.wait(kept.child.grace)
        except subprocess.TimeoutExpired:
            # Whatever it started shares its session, and would keep ports and printers otherwise.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process is not None:
        kept.last_exit = process.returncode
    kept.state = "stopped"
