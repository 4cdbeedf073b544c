"""Two hub workers on one PostgreSQL: both take their share, one of them is killed, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from backroom.cli.demo_judge import Verdict, failed_run_names, judge
from backroom.shop.demo_orders import DemoOrder
from backroom.store.tables import effects, history, messages, shipments
from tests.databases import PostgresServer
from tests.running import RunningShop, running_shop, wait_until

pytestmark = [pytest.mark.prefect, pytest.mark.postgres, pytest.mark.whole, pytest.mark.timeout(900)]

WORKERS = {"backroom hub", "backroom hub-2"}
# Which of two takes a run is a matter of milliseconds: orders come until both have taken some, the next ones when the
# run that takes those in is over. It would take them in as well.
TOGETHER, MOST = 20, 12
UNDER_WAY = {"name": {"like_": "intake"}, "state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}


@pytest.fixture(scope="module")
def shop(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """The demo shop on PostgreSQL, as `backroom up --hub-workers 2` runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKROOM_SECRET_DATABASE_URL", postgres_server.url(postgres_server.create()))
        with running_shop(tmp_path_factory.mktemp("two"), hub_workers=2) as running:
            yield running


@pytest.fixture(scope="module")
def shares(shop: RunningShop) -> Counter[str]:
    """Orders of every kind, sent and ended; when both workers had their share, which is told, one of them is killed."""
    sample: list[DemoOrder] = []
    shares: Counter[str] = Counter()
    for seed in range(1, MOST + 1):
        known = len(shop.numbers())
        sample += shop.send(TOGETHER, seed)
        wait_until(lambda known=known: len(shop.numbers()) > known, "orders to be taken in")
        wait_until(lambda: not shop.prefect("POST", "/flow_runs/filter", {"flow_runs": UNDER_WAY}), "intake to end")
        if shares:
            break
        if set(found := released_by(shop)) == WORKERS:
            # The next ones come while it is away, and comes back. What it had goes on in the hands of whoever is there.
            shares = found
            shop.kill("worker-hub-2")
    verdicts: list[Verdict] = []

    def ended() -> bool:
        verdicts[:] = judge(shop.room, sample, failed_run_names(shop.api))
        return all(one.ended for one in verdicts)

    wait_until(ended, "every order to end", 400)
    assert [one for one in verdicts if one.wrong] == []
    return shares


def released_by(shop: RunningShop) -> Counter[str]:
    """How many orders each worker released: by the run that wrote it down, and by who ran that run."""
    query = select(history.c.run_id, func.count()).where(history.c.event == "order.released").group_by(history.c.run_id)
    with shop.room.database.read() as connection:
        runs = [(run_id, count) for run_id, count in connection.execute(query)]
    found: Counter[str] = Counter()
    for run_id, count in runs:
        signed: str | None = shop.prefect("GET", f"/flow_runs/{run_id}")["infrastructure_pid"]
        # A worker signs with its name and what tells it from one of the same name elsewhere.
        found[(signed or "").rpartition(" ")[0]] += count
    return found


def test_both_workers_took_their_share(shares: Counter[str]) -> None:
    assert set(shares) == WORKERS


def test_what_two_workers_shared_was_done_once(shop: RunningShop, shares: Counter[str]) -> None:
    with shop.room.database.read() as connection:
        done = Counter(connection.execute(select(effects.c.kind).where(effects.c.state == "done")).scalars())
        parcels = connection.execute(select(func.count()).select_from(shipments)).scalar_one()
        told = Counter(connection.execute(select(messages.c.medium).where(messages.c.state == "sent")).scalars())
        ended = connection.execute(select(history.c.order_id).where(history.c.event == "order.fulfilled")).scalars()
        times = Counter(ended.all())
    assert done["label"] == parcels
    assert done["message"] == told.total()
    # What really came out: one file for each print and each message.
    printed = [*(shop.home / "printers").rglob("*.pdf"), *(shop.home / "booths").rglob("*.pdf")]
    assert len(printed) == done["print"]
    assert len(list((shop.home / "mail").glob("message-*.eml"))) == told["email"]
    assert len(list((shop.home / "sms").glob("message-*.txt"))) == told["sms"]
    assert set(times.values()) == {1}
    assert len(times) == len(shop.numbers("fulfilled"))
