"""F8 at the gateway: poison at every door, and with good orders in the same waves.

Files are in `test_poisoned_files`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from threading import local
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from sqlalchemy import select

from backroom.gateway.app import create_app
from backroom.shop import room as rooms
from backroom.store.api_keys import make_key
from backroom.store.tables import orders
from tests.benches import Bench, open_bench
from tests.faults import asks
from tests.faults.asks import Answer, Ask, Known, Line
from tests.faults.ends import check_ends, check_good, open_every_channel
from tests.faults.poison import MARK
from tests.faults.table import Fault
from tests.shops import BOOTH, CANARIES, HUB, SCARCE, SOUTH, Floor

CLIENTS = 4
# So many inputs meet in one wave, and every twelfth request beside them is a good order.
A_WAVE, GOOD_AMONG = 500, 12
# What an element of ours may be called: anything else in a page came from outside.
ELEMENTS = frozenset(
    {"html", "head", "meta", "title", "link", "body", "nav", "main", "section", "address", "h1", "h2", "p", "div", "br"}
    | {"a", "form", "input", "button", "label", "span", "strong", "q", "table", "thead", "tbody", "tr", "th", "td"}
    | {"time", "ul", "ol", "li", "details", "summary", "select", "option", "header"}
)
PAGES_A_WAVE = 12


@pytest.fixture
def known(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Known:
    """What poison may name: orders and a print job that are really there, and keys that work."""
    open_every_channel(floor, monkeypatch)
    victims = [floor.taken_in((SCARCE, 2), at=place) for place in (HUB, SOUTH, BOOTH, BOOTH)]
    # What the booth makes waits at its printers, for poison to tell of it.
    floor.fulfil(BOOTH)
    jobs = [job.id for job in floor.hand_out(BOOTH, most=1)]

    def key(scope: str, location: str = "") -> str:
        return floor.room.database.write(lambda c: make_key(c, "Ada", scope, location))

    return Known(victims, jobs, key("booth", BOOTH), key("pos", BOOTH), key("staff"), key("metrics"))


def drawn(strategy: Any, many: int, number: int) -> list[Ask]:
    """So many examples of a strategy; `number` replays them."""
    found: list[Ask] = []

    @seed(number)
    @settings(
        max_examples=many,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(ask: Ask) -> None:
        found.append(ask)

    draw()
    return found


class Sender:
    """Sends requests over a line for each thread, and looks at every answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = local()
        self.answers: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()

    def send(self, ask: Ask) -> Answer:
        if not hasattr(self._own, "line"):
            self._own.line = Line(self._url)
        answer: Answer = self._own.line.send(ask)
        if answer.status == 0 and not ask.wire and len(ask.content) <= asks.LONGEST_BODY:
            # A line that was idle may be closed as we write; a second one tells whether that was it.
            answer = self._own.line.send(ask)
            assert answer.status, f"no answer to {ask}"
        assert answer.status < 500, f"{answer.status} to {ask}"
        if answer.kind.startswith("text/html"):
            look(answer, ask)
        return answer

    def count(self, sent: Sequence[tuple[Ask, Answer]]) -> None:
        for ask, answer in sent:
            self.groups[ask.group.split()[0]] += 1
            self.answers[f"{answer.status // 100}xx" if answer.status else "cut"] += 1


class Look(HTMLParser):
    """Finds what no page of ours has: foreign elements, handlers, links that run."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        runs = (name == "href" and (value or "").strip().lower().startswith("javascript") for name, value in attrs)
        if tag not in ELEMENTS or any(runs) or any(name.startswith("on") for name, _ in attrs):
            self.wrong.append(self.get_starttag_text() or tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def look(answer: Answer, ask: Ask) -> str:
    """A page is ours, whatever it shows; returns its text."""
    page = Look()
    page.feed(answer.body.decode("utf-8"))
    page.close()
    assert page.wrong == [], f"unescaped in the answer to {ask}"
    return page.text


def mixed(poison: Sequence[Ask], floor: Floor) -> tuple[list[Ask], list[int]]:
    """Poison with good orders between, and the good ones' ids."""
    sent: list[Ask] = []
    ids: list[int] = []
    for number, ask in enumerate(poison):
        if number % GOOD_AMONG == 0:
            ids.append(next(floor.ids))
            sent.append(asks.good_order(ids[-1], f"good-{ids[-1]}"))
        sent.append(ask)
    return sent, ids


def look_at_pages(bench: Bench, known: Known, numbers: Sequence[str]) -> int:
    """The pages that show what poison became; how many of them show poison, as text."""
    line = Line(bench.url)
    headers = (("Authorization", f"Bearer {known.staff_key}".encode()), ("Accept", b"text/html"))
    shown = 0
    for path in ("/orders", "/quarantine", "/effects", f"/prints/{BOOTH}", *(f"/orders/{one}" for one in numbers)):
        ask = Ask("page", "GET", path, headers)
        answer = line.send(ask)
        assert answer.status == 200, f"{answer.status} to {ask}"
        shown += MARK in look(answer, ask)
    line.close()
    return shown


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No log line says what somebody sent, or who they are."""
    caplog.set_level(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).propagate = True
    yield
    for word in (*CANARIES, MARK, "ada@example.com"):
        assert word not in caplog.text


@pytest.mark.fault("F8 gateway")
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("quiet")
def test_poison_at_any_door_breaks_nothing_and_holds_no_good_order_up(floor: Floor, known: Known, fault: Fault) -> None:
    wanted = fault.volume(150, 5_000, 17_000)
    ends: Counter[str] = Counter()
    distinct: set[int] = set()
    good = shown = number = 0
    with open_bench(floor, floor.room.shop.location(BOOTH).printers) as bench:
        # The same room as the gateway's, for the waves.
        rooms._open[floor.room.home.resolve()] = floor.room
        strategy = asks.any_of(create_app(floor.room, None).openapi(), known)
        sender = Sender(bench.url)
        while (sent_already := sender.groups.total() - good) < wanted:
            number += 1
            poison = drawn(strategy, min(A_WAVE, wanted - sent_already), fault.seed + number)
            distinct.update(hash(ask.bytes()) for ask in poison)
            sent, ids = mixed(poison, floor)
            with ThreadPoolExecutor(CLIENTS) as clients:
                answers = list(clients.map(sender.send, sent))
            sender.count(list(zip(sent, answers, strict=True)))
            assert {answer.status for ask, answer in zip(sent, answers, strict=True) if ask.group == "good"} == {200}
            good += len(ids)
            floor.intake()
            for place in (HUB, SOUTH, BOOTH):
                floor.fulfil(place)
            check_good(floor, ids)
            ends = check_ends(floor)
            with floor.room.database.read() as connection:
                latest = select(orders.c.number).where(orders.c.external_id.not_in(map(str, ids)))
                newest = connection.execute(latest.order_by(orders.c.id.desc()).limit(PAGES_A_WAVE)).scalars().all()
            shown += look_at_pages(bench, known, newest)
        assert Line(bench.url).send(Ask("health", "GET", "/health")).status == 200
    fault.tell(inputs=sender.groups.total() - good, distinct=len(distinct), good=good)
    fault.tell(**{key: count for key, count in sorted(sender.groups.items()) if key != "good"})
    fault.tell(**{f"answers_{key}": count for key, count in sorted(sender.answers.items())})
    fault.tell(**{f"became_{key}": count for key, count in sorted(ends.items())}, pages_that_show_it=shown)
    # Of a few inputs none may be an order that a page shows.
    assert shown or fault.volume(True, False, False)
