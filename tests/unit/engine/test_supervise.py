"""Real processes, small ones: started in order, started again, stopped in reverse, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backroom.engine.supervise import Child, ChildNotReady, Supervisor

SLEEPS = "import time; time.sleep(60)"
STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def until(look: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return sys.platform != "linux"


def writes(path: Path, word: str) -> str:
    """Code that says when it starts, and when SIGTERM ends it."""
    return (
        "import signal,sys,time\n"
        f"file = open({str(path)!r}, 'a')\n"
        f"def end(*_): file.write('-{word} '); file.flush(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"file.write('+{word} '); file.flush()\n"
        "time.sleep(60)"
    )


def test_children_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    said = tmp_path / "said"
    children = [
        Child(
            name, python(writes(said, name)), ready=lambda name=name: said.exists() and f"+{name}" in said.read_text()
        )
        for name in ("a", "b", "c")
    ]
    with Supervisor(children, tmp_path / "logs") as supervisor:
        assert [(status.name, status.state) for status in supervisor.status()] == [
            ("a", "running"),
            ("b", "running"),
            ("c", "running"),
        ]
    assert said.read_text().split() == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert {status.state for status in supervisor.status()} == {"stopped"}


def test_children_live_on_while_what_needs_them_is_stopped(tmp_path: Path) -> None:
    """Workers hand their runs back to a server that still answers."""
    with Supervisor([Child("server", python(SLEEPS))], tmp_path) as server:
        with Supervisor([Child("worker", python(SLEEPS))], tmp_path) as worker:
            server.ask_to_stop()
            server.wait()
        assert [one.state for one in worker.status()] == ["stopped"]
        (status,) = server.status()
        assert status.pid is not None
        os.kill(status.pid, signal.SIGKILL)
        until(lambda: server.status()[0].restarts == 1)


def test_a_child_that_exits_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    said = tmp_path / "said"
    code = f"open({str(said)!r}, 'a').write('x'); raise SystemExit(3)"
    with Supervisor([Child("short", python(code))], tmp_path) as supervisor:
        until(lambda: said.exists() and len(said.read_text()) >= 3)
        (status,) = supervisor.status()
        assert status.restarts >= 2
        assert status.last_exit == 3


def test_a_child_that_ends_before_it_is_ready_stops_them_all(tmp_path: Path) -> None:
    supervisor = Supervisor(
        [Child("fine", python(SLEEPS)), Child("broken", python("raise SystemExit(1)"), ready=lambda: False)], tmp_path
    )
    with pytest.raises(ChildNotReady, match="broken ended with 1"):
        supervisor.start()
    assert [status.pid for status in supervisor.status()] == [None, None]


def test_a_child_that_is_never_ready_is_told_by_its_name(tmp_path: Path) -> None:
    supervisor = Supervisor([Child("slow", python(SLEEPS), ready=lambda: False, ready_within=0.3)], tmp_path)
    with pytest.raises(ChildNotReady, match="slow was not ready"):
        supervisor.start()


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    log = tmp_path / "stubborn.log"
    child = Child("stubborn", python(STUBBORN), ready=lambda: "up" in log.read_text(), grace=0.3)
    supervisor = Supervisor([child], tmp_path)
    supervisor.start()
    pid = supervisor.status()[0].pid
    assert pid is not None
    supervisor.stop()
    assert not alive(pid)
    assert supervisor.status()[0].last_exit == -signal.SIGKILL


def test_ctrl_c_in_the_terminal_does_not_reach_the_children(tmp_path: Path) -> None:
    with Supervisor([Child("deaf", python(SLEEPS))], tmp_path) as supervisor:
        pid = supervisor.status()[0].pid
        assert pid is not None
        assert os.getsid(pid) != os.getsid(0)
        supervisor.ask_to_stop()
        supervisor.wait()
        assert alive(pid)
    assert not alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_children_die_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import sys,time\n"
        "from pathlib import Path\n"
        "from backroom.engine.supervise import Child, Supervisor\n"
        f"child = Child('orphan', [sys.executable, '-S', '-c', {SLEEPS!r}])\n"
        f"supervisor = Supervisor([child], Path({str(tmp_path)!r}))\n"
        "supervisor.start()\n"
        f"Path({str(pids)!r}).write_text(str(supervisor.status()[0].pid))\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3]) as parent:
        until(lambda: pids.exists() and pids.read_text())
        child = int(pids.read_text())
        assert alive(child)
        parent.kill()
    until(lambda: not alive(child))


def test_a_child_stands_back_as_far_as_it_is_told(tmp_path: Path) -> None:
    told = tmp_path / "nice"
    script = f"import os, pathlib, time; pathlib.Path({str(told)!r}).write_text(str(os.nice(0))); time.sleep(60)"
    child = Child(
        "modest", [sys.executable, "-c", script], nice=7, ready=lambda: told.exists() and told.read_text() != ""
    )
    with Supervisor([child], tmp_path / "logs"):
        assert int(told.read_text()) == os.nice(0) + 7


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not group by session")
def test_a_child_stands_back_with_its_whole_session_where_the_kernel_shares_the_processor_by_session(
    tmp_path: Path,
) -> None:
    asleep = python("import time; time.sleep(60)")
    children = [Child("modest", asleep, nice=7), Child("plain", asleep)]
    with Supervisor(children, tmp_path / "logs") as supervisor:
        groups = {one.name: Path(f"/proc/{one.pid}/autogroup").read_text() for one in supervisor.status()}
    assert groups["modest"].endswith("nice 7\n")
    assert groups["plain"].endswith("nice 0\n")


def test_those_that_start_alongside_do_not_wait_for_each_other(tmp_path: Path) -> None:
    said = tmp_path / "said"

    def all_run() -> bool:
        return said.exists() and all(f"+{name}" in said.read_text() for name in "abc")

    children = [Child(name, python(writes(said, name)), ready=all_run, alongside=name != "a") for name in "abc"]
    with Supervisor(children, tmp_path / "logs") as supervisor:
        assert {status.state for status in supervisor.status()} == {"running"}


SUPERVISES = """
import sys
from pathlib import Path
from backroom.engine.supervise import Child, Supervisor
folder = Path(sys.argv[1])
children = [
    Child(name, [sys.executable, "-S", "-c", code], ready=lambda name=name: f"+{name}" in (folder / "said").read_text())
    for name, code in zip("ab", sys.argv[2:])
]
(folder / "said").touch()
with Supervisor(children, folder / "logs") as supervisor:
    supervisor.stop_on_signals()
    (folder / "ready").touch()
    supervisor.wait()
"""


# Who starts the tests may ignore both, as nohup and a script's `&` do, and what they start would inherit it.
AT_A_TERMINAL = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


@contextmanager
def supervise(tmp_path: Path, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that keeps two children until a signal, both up by now; at a terminal, or behind a command."""
    codes = [writes(tmp_path / "said", name) for name in "ab"]
    code = SUPERVISES if before else AT_A_TERMINAL + SUPERVISES
    with subprocess.Popen(
        [*before, sys.executable, "-c", code, str(tmp_path), *codes], cwd=Path(__file__).parents[3]
    ) as parent:
        try:
            until(lambda: (tmp_path / "ready").exists())
            yield parent
        finally:
            parent.kill()


@pytest.mark.parametrize("word", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_closed_terminal_stops_the_children_in_reverse_order_as_ctrl_c_does(tmp_path: Path, word: str) -> None:
    with supervise(tmp_path) as parent:
        parent.send_signal(signal.Signals[word])
        assert parent.wait(15) == 0
    assert (tmp_path / "said").read_text().split() == ["+a", "+b", "-b", "-a"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which signals a process ignores")
def test_under_nohup_a_closed_terminal_goes_on_being_ignored(tmp_path: Path) -> None:
    with supervise(tmp_path, "nohup") as parent:
        status = Path(f"/proc/{parent.pid}/status").read_text()
        (ignored,) = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigIgn:")]
        parent.terminate()
        assert parent.wait(15) == 0
    assert ignored & 1 << (signal.SIGHUP - 1)
