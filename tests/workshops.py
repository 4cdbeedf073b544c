"""A workshop for tests: `deployments/microfactory/workshop.py` as a process of its own, and a shop that it makes for.

What belongs here: starting it, what its people do on their page, and a floor with a partner on it. What does not: what
is expected of both.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
import requests

from backroom.domain.locations import Location
from backroom.domain.model import StepOutcome
from backroom.domain.partners import PartnerProduct, PartnerSpec
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.shop.secrets import Secrets
from blocks.partners import PartnerAccount
from tests.shops import ALWAYS, HUB, PLAIN, SCARCE, Floor

PROGRAM = Path(__file__).parent.parent / "deployments" / "microfactory" / "workshop.py"
TOKEN, PASSWORD, WORKSHOP, CELL = "t0ken-of-the-shop", "p4ssword", "workshop", "cell"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four!").decode()


@dataclass
class Workshop:
    """A workshop that runs, with its people."""

    file: Path
    kind: str = "make"
    webhook_url: str = ""
    port: int = 0
    makes: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        environment = {"WORKSHOP_TOKEN": TOKEN, "WORKSHOP_PASSWORD": PASSWORD, "PATH": os.environ["PATH"]}
        if self.webhook_url:
            environment |= {"WEBHOOK_URL": self.webhook_url, "WEBHOOK_SECRET": WEBHOOK_SECRET}
        command = [
            sys.executable,
            str(PROGRAM),
            "--file",
            str(self.file),
            "--kind",
            self.kind,
            "--port",
            str(self.port),
            "--makes",
            self.makes,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        address = self._process.stdout.readline().strip()
        self.port = int(address.rpartition(":")[2].partition("/")[0])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=30)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"} | more.pop("headers", {})
        return requests.request(method, f"{self.url}/{path}", headers=headers, timeout=30, **more)

    def page(self) -> str:
        answer = requests.get(f"{self.url}/work", auth=("workshop", PASSWORD), timeout=30)
        answer.raise_for_status()
        return answer.text

    def press(self, reference: str, state: str, **form: str) -> None:
        """Somebody of the workshop presses a button on the page."""
        answer = requests.post(
            f"{self.url}/work/{reference}", {"state": state} | form, auth=("workshop", PASSWORD), timeout=30
        )
        answer.raise_for_status()

    def count_orders(self) -> int:
        """How many orders its file holds; the page shows the newest 200."""
        with closing(sqlite3.connect(self.file)) as file:
            (count,) = file.execute("select count(*) from orders").fetchone()
        return int(count)

    def order(self, reference: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"orders/{reference}").json()
        return found


@contextmanager
def a_workshop(file: Path, kind: str = "make", webhook_url: str = "", makes: str = "") -> Iterator[Workshop]:
    workshop = Workshop(file, kind, webhook_url, makes=makes)
    workshop.start()
    try:
        yield workshop
    finally:
        workshop.kill()


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    with a_workshop(tmp_path / "workshop.db") as one:
        yield one


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Workshop]:
    with a_workshop(tmp_path / "cell.db", "pick") as one:
        yield one


class LosesAnswers:
    """A way to a workshop on which answers get lost: the call arrives, and the line is cut before the answer."""

    def __init__(self, target: str) -> None:
        self._left: Counter[str] = Counter()
        self._each: dict[str, int] = {}
        self._seen: Counter[bytes] = Counter()
        lost = self

        class Relay(BaseHTTPRequestHandler):
            def _relay(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                answer = requests.request(self.command, target + self.path, data=body, headers=headers, timeout=30)
                if lost._loses(self.command, self.path.encode() + body):
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                self.send_response(answer.status_code)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT = do_DELETE = _relay  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def lose(self, method: str, answers: int) -> None:
        self._left[method] = answers

    def lose_each(self, method: str, nth: int) -> None:
        """Of each `nth` thing that is asked for with this method, the first answer."""
        self._each[method] = nth

    def _loses(self, method: str, asked: bytes) -> bool:
        if nth := self._each.get(method):
            self._seen[asked] += 1
            return self._seen[asked] == 1 and len(self._seen) % nth == 0
        self._left[method] -= 1
        return self._left[method] >= 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def a_partner(url: str, **changes: Any) -> PartnerSpec:
    """A workshop that makes both shirts and sends them itself."""
    spec = PartnerSpec(
        adapter="microfactory",
        url=url,
        secret="partner.workshop",
        products=(
            PartnerProduct(PLAIN, "shirt-black-m", "front", price_minor=900),
            PartnerProduct(SCARCE, "shirt-red-s", "front", price_minor=950),
        ),
        shipping_minor=390,
        lead_days=3,
    )
    return replace(spec, **changes)


def a_place(partner: PartnerSpec, id_: str = WORKSHOP, kind: str = "partner") -> Location:
    return Location(id_, id_.title(), kind, HUB, 53.5, 10.1, ALWAYS, "DE", partner=partner)


@dataclass
class Partnership:
    """A floor with partners: their orders are asked about as the flow does it."""

    floor: Floor

    def reference(self, number: str) -> str:
        """Our key of the order at its partner."""
        (key,) = [key for key, _ in self.floor.effects("partner") if number in key]
        return key

    def ask(self, location: str = WORKSHOP) -> list[StepOutcome]:
        """Ask the partner about whatever is due, as the flow does."""
        from tasks.claiming import claim_partner, holding
        from tasks.partner_news import ask_partner

        outcomes: list[StepOutcome] = []
        while claim := claim_partner(self.floor.room, location):
            with holding(self.floor.room, claim):
                outcomes += ask_partner.fn(claim)
        return outcomes

    def ask_about(self, number: str, location: str = WORKSHOP) -> list[StepOutcome]:
        """Ask about one order, due or not, as its own run does."""
        from tasks.claiming import claim_partner, holding
        from tasks.partner_news import ask_partner

        claim = claim_partner(self.floor.room, location, number)
        if claim is None:
            return []
        with holding(self.floor.room, claim):
            return ask_partner.fn(claim)

    def placed(self, *lines: tuple[str, int], at: str = WORKSHOP, **changes: Any) -> str:
        """A new order, taken in and submitted to its partner; returns its number."""
        number = self.floor.taken_in(*lines, **changes)
        self.floor.fulfil(at)
        return number


def with_partners(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, *places: Location, rules: tuple[RoutingRule, ...] = ()
) -> Partnership:
    """The floor with partners; the hub serves whom they refuse. Their blocks are as Prefect would keep them."""
    shop = floor.room.shop
    first = tuple(
        RoutingRule(
            f"at-{place.id}",
            (),
            (Filter("location", "==", place.id),),
            (),
            short="next" if place.kind == "robot_cell" else "print",
        )
        for place in places
    )
    # A rule that finds no place leaves the order to the next one.
    shop = replace(shop, locations=shop.locations + places, rules=(rules or first) + shop.rules)
    secrets_of_the_shop = {"partner.workshop": TOKEN, "partner.sign": WEBHOOK_SECRET, "webhook.web": "hush"}
    secrets = Secrets(floor.room.home / "secrets.toml", secrets_of_the_shop)
    floor.room = replace(floor.room, shop=shop, secrets=secrets)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    accounts = {
        place.id: PartnerAccount(adapter=place.partner.adapter, secret=TOKEN) for place in places if place.partner
    }
    # Prefect's store of blocks is left out: whoever asks for one gets it as it was made from the secrets.
    monkeypatch.setattr("tasks.connections.partner_account", accounts.__getitem__)
    close_all()
    return Partnership(floor)
