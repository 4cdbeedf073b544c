"""A real Kannel for tests: bearerbox, smsbox and Kannel's own fake SMS centre, on free ports, in a folder of their own.

What belongs here: starting them, what the SMS centre got, and SMS that it hands in. What does not: what anybody sends.
The settings are those of Kannel's User's Guide, chapter "Setting up a SMS Gateway"; those for what comes in are what
docs/guide/mail-and-sms.md tells a shop to write.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus, unquote_to_bytes

import requests

from tests.peers.processes import program, running
from tests.prefect_server import free_port

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
USER, PASSWORD = "shop", "geheim"
PATIENCE = 30.0
_MESSAGE = re.compile(r"Got message \d+: <(\S+) (\S+) (?:udh (\S+) )?(text|data|ucs-2) (.*)>$", re.MULTILINE)

_SETTINGS = """
group = core
admin-port = {admin}
admin-password = {password}
status-password = {password}
smsbox-port = {smsbox}
box-allow-ip = "127.0.0.1"

group = smsc
smsc = fake
smsc-id = fake
port = {smsc}
connect-allow-ip = "127.0.0.1"

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}

group = sendsms-user
username = {user}
password = {password}
max-messages = 5
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 1
omit-empty = true
send-sender = true
post-url = "{replies}"
"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One SMS as a phone shows it."""

    sender: str
    recipient: str
    text: str


@dataclass(frozen=True, slots=True)
class Kannel:
    """A Kannel that runs; `url` is where an SMS is sent."""

    url: str
    _log: Path
    _centre: subprocess.Popen[bytes]

    def write_back(self, sender: str, recipient: str, text: str) -> None:
        """An SMS of one line from somebody's phone."""
        assert self._centre.stdin is not None
        self._centre.stdin.write(f"{sender} {recipient} text {text}\n".encode())
        self._centre.stdin.flush()

    def arrived(self) -> list[Arrived]:
        """Everything the SMS centre got so far, the parts of a long text joined."""
        found: dict[object, Arrived] = {}
        for number, match in enumerate(_MESSAGE.finditer(self._log.read_text(encoding="utf-8", errors="replace"))):
            sender, recipient, header, kind, body = match.groups()
            # The header's fourth octet is the long message's reference (3GPP TS 23.040, section 9.2.3.24.1).
            message = number if header is None else (recipient, unquote_to_bytes(header)[3])
            before = found[message].text if message in found else ""
            found[message] = Arrived(sender, recipient, before + _decoded(kind, body))
        return list(found.values())


def can_run_kannel() -> bool:
    """Whether Kannel and its fake SMS centre are installed."""
    return FAKESMSC.exists() and all(program(name) for name in ("bearerbox", "smsbox"))


@contextmanager
def running_kannel(folder: Path, replies: str) -> Iterator[Kannel]:
    """Kannel with one user, and an SMS centre that takes everything; ends with the block. What comes in goes to
    `replies`."""
    ports = {name: free_port() for name in ("admin", "smsbox", "smsc", "sendsms")}
    settings = folder / "kannel.conf"
    written = _SETTINGS.format(**ports, user=USER, password=PASSWORD, replies=replies)
    settings.write_text(written, encoding="utf-8")
    received = folder / "fakesmsc.log"
    status = f"http://127.0.0.1:{ports['admin']}/status.txt?password={PASSWORD}"
    with ExitStack() as stack:
        for name in ("bearerbox", "smsbox"):
            stack.enter_context(running([program(name), str(settings)], folder / f"{name}.log"))
            _wait_for(ports["smsbox" if name == "bearerbox" else "sendsms"], name)
        # Without a message of its own it sends what it reads.
        argv = [str(FAKESMSC), "-H", "127.0.0.1", "-r", str(ports["smsc"])]
        centre = stack.enter_context(running(argv, received, stdin=subprocess.PIPE))
        deadline = time.monotonic() + PATIENCE
        while "(online" not in requests.get(status, timeout=5).text:
            assert time.monotonic() < deadline, "the SMS centre does not reach Kannel"
            time.sleep(0.1)
        yield Kannel(f"http://127.0.0.1:{ports['sendsms']}/cgi-bin/sendsms", received, centre)


def _decoded(kind: str, body: str) -> str:
    if kind == "ucs-2":
        return unquote_to_bytes(body.replace("+", " ")).decode("utf-16-be")
    return body if kind == "text" else unquote_plus(body)


def _wait_for(port: int, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, f"{name} does not listen"
        time.sleep(0.1)
