"""Virtual printers: real `ippeveprinter` processes (CUPS), for the demo and for the tests.

What belongs here: starting them, making them suffer, reading what they printed, ending them. What does not: talking to
them, which is `ipp` as for any printer.

`ippeveprinter` wants a system D-Bus for its announcements and dies without one; it gets a bus of its own, and announces
nothing. Debian and Ubuntu have both programs in the packages cups-ipp-utils and dbus.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backroom.domain.errors import AskPerson
from backroom.parent_death import ends_with_us, from_one_that_stays
from backroom.printing import virtual_command
from backroom.printing.errors import PrinterUnreachable
from backroom.printing.ipp import IppPrinter

FORMATS = ("application/pdf", "image/png", "image/jpeg", "image/pwg-raster")
START_S, STOP_S = 15.0, 5.0

_PROGRAMS = ("ippeveprinter", "dbus-daemon")
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:tmpdir={folder}</listen>
  <policy context="default">
    <allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
</busconfig>
"""


class NoVirtualPrinter(AskPerson):
    """A virtual printer cannot be started on this machine."""

    cause = "no_virtual_printer"


@dataclass(frozen=True, slots=True)
class PrintedJob:
    """What came out of a virtual printer: the document as it arrived, and the job's attributes by their IPP names.

    `printed_at` is when, in seconds since 1970.
    """

    key: str
    document: bytes
    attributes: Mapping[str, str]
    printed_at: float = 0.0


def missing_programs() -> tuple[str, ...]:
    """What has to be installed before a virtual printer can run here."""
    return tuple(program for program in _PROGRAMS if shutil.which(program, path=_PATH) is None)


class PrivateBus:
    """A D-Bus that only our printers see. Its socket lies in a short path, as sockets must."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="backroom-bus-"))
        config = self._folder / "bus.conf"
        config.write_text(_BUS.format(folder=self._folder))
        self._process = from_one_that_stays(lambda: _popen_bus(config))
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            self.stop()
            raise NoVirtualPrinter("dbus-daemon did not start.", remedy="Run it by hand to see why.")

    def stop(self) -> None:
        _end(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _popen_bus(config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
        [_program("dbus-daemon"), f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=ends_with_us(),
        text=True,
    )


class VirtualPrinter:
    """One `ippeveprinter`: colour and two-sided, one job at a time, its documents kept in `folder/jobs`.

    Not started yet. NoVirtualPrinter when it cannot be.
    """

    def __init__(self, name: str, folder: Path, bus: PrivateBus, *, formats: tuple[str, ...] = FORMATS) -> None:
        self.name = name
        self._folder = folder.resolve()
        self._bus = bus
        self._formats = formats
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for part in ("spool", "keys", "jobs"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        (self._folder / "state").write_text("")
        self._command = self._folder / "print"
        command = [sys.executable, "-I", "-S", virtual_command.__file__, str(self._folder)]
        self._command.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        self._command.chmod(0o700)

    @property
    def uri(self) -> str:
        return f"ipp://localhost:{self._port}/ipp/print"

    @property
    def secure_uri(self) -> str:
        return f"ipps://localhost:{self._port}/ipp/print"

    def start(self) -> None:
        """Start it and wait until it answers."""
        places = {"-d": self._folder / "spool", "-K": self._folder / "keys", "-c": self._command}
        command = [_program("ippeveprinter"), "-2", "-v", "-r", "off", "-n", "localhost", "-p", str(self._port)]
        command += ["-s", "30,30", "-f", ",".join(self._formats)]
        command += [word for option, path in places.items() for word in (option, str(path))]
        self._process = from_one_that_stays(lambda: self._popen([*command, self.name]))
        self._wait_until_it_answers()

    def _popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": self._bus.address},
                start_new_session=True,
                preexec_fn=ends_with_us(),
            )

    def stop(self) -> None:
        """Switch it off in the middle of whatever it does; what it printed stays."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def restart(self) -> None:
        """Switch it off and on: it forgets its jobs and counts them from 1 again."""
        self.stop()
        self.start()

    def set_state(self, change: str) -> None:
        """`+media-empty` makes it suffer, `-media-empty` mends it: any keyword of printer-state-reasons it knows.

        `ippeveprinter` hears of it from its running job, so that a printer at rest shows it with its next one.
        """
        path = self._folder / "state"
        suffered = set(path.read_text().split())
        suffered = suffered | {change[1:]} if change.startswith("+") else suffered - {change[1:]}
        draft = path.with_suffix(".draft")
        draft.write_text(" ".join(sorted(suffered)))
        draft.rename(path)

    def set_pace(self, usual: float, spread: float) -> None:
        """Take time from the next job on: half of all pieces take longer than `usual` seconds; `spread` is the standard
        deviation of their logarithm."""
        draft = self._folder / "pace.draft"
        draft.write_text(f"{usual} {spread}")
        draft.rename(self._folder / "pace")

    def abort_jobs(self, abort: bool) -> None:
        """Give up every job from now on, or no more."""
        if abort:
            (self._folder / "abort").touch()
        else:
            (self._folder / "abort").unlink(missing_ok=True)

    def jobs(self) -> tuple[PrintedJob, ...]:
        """Everything it printed, in order, over its restarts too."""
        return tuple(_printed(path) for path in sorted((self._folder / "jobs").glob("*.json")))

    def fingerprint(self) -> str:
        """SHA-256 in hex of the certificate it shows, which it makes by itself at its first TLS connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # we only look at what it shows
        with (
            socket.create_connection(("localhost", self._port), timeout=START_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            return hashlib.sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        printer = IppPrinter(self.name, self.uri)
        deadline = time.monotonic() + START_S
        while True:
            try:
                printer.status()
            except PrinterUnreachable:
                if self._process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                self.stop()
                raise NoVirtualPrinter(
                    f"ippeveprinter did not start as {self.name}.", remedy=f"Read {self._folder / 'log'}."
                ) from None
            return


def _printed(path: Path) -> PrintedJob:
    kept = json.loads(path.read_text())
    attributes: dict[str, str] = kept["attributes"]
    document = (path.parent / kept["document"]).read_bytes()
    return PrintedJob(attributes.get("job-name", ""), document, attributes, int(path.stem) / 1e9)


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise NoVirtualPrinter(f"{name} is not installed.", remedy="Install cups-ipp-utils and dbus.")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
