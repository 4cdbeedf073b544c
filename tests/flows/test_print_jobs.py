"""The flow beside the printers, on a real Prefect server: what an ops lead sees, and what Prefect never learns."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from backroom.domain.locations import PrinterSpec
from backroom.printing.holder import hold_bench
from backroom.printing.keeper import Keeper
from flows.print_jobs import print_jobs
from tasks.print_job import BoothNotSetUp, bench_folder, open_booth
from tests.benches import Bench, open_bench
from tests.prefect_server import PrefectServer
from tests.printers import wait_for
from tests.shops import BOOTH, CANARIES, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]

pytestmark = pytest.mark.prefect


@pytest.fixture
def bench(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A booth with two folders for printers, and this process as its worker."""
    specs = [PrinterSpec(name, f"folder:{name}", ("dtg",)) for name in ("left", "right")]
    with (
        open_bench(floor, specs) as bench,
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        monkeypatch.setenv("BACKROOM_GATEWAY_URL", bench.url)
        monkeypatch.setenv("BACKROOM_BOOTH_KEY", bench.key)
        yield bench


def task_runs(server: PrefectServer, since: str, count: int) -> list[tuple[str, str]]:
    """Names and states of the task runs that ended after a moment, as soon as the server knows of so many."""

    def look() -> list[tuple[str, str]] | None:
        seen = server.post("/task_runs/filter", {"task_runs": {"start_time": {"after_": since}}, "limit": 200})
        ended = [(one["name"], one["state_type"]) for one in seen if one["end_time"]]
        return ended if len(ended) >= count else None

    return wait_for(look, pause_s=0.2, deadline_s=60)


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))


def test_each_job_is_a_task_run_named_after_order_and_printer_and_prefect_learns_no_key_and_no_document(
    bench: Bench, running_prefect: PrefectServer
) -> None:
    since = now()
    numbers = bench.orders(*[1] * 12)
    assert print_jobs(BOOTH) == f"prints at {BOOTH}: 12 done"
    home = bench.floor.room.home
    came_out = sorted(path.name for name in ("left", "right") for path in (home / name).glob("*.json"))
    assert len(came_out) == len(numbers)
    seen = task_runs(running_prefect, since, len(numbers))
    assert {state for _, state in seen} == {"COMPLETED"}
    assert sorted(name.split(" on ")[0] for name, _ in seen) == sorted(numbers)
    assert {name.split(" on ")[1] for name, _ in seen} == {"left", "right"}
    stored = b"".join(path.read_bytes() for path in running_prefect.home.glob("prefect.db*"))
    assert numbers[0].encode() in stored, "this is where Prefect writes"
    for secret in (bench.key, "%PDF", *CANARIES):
        assert secret.encode() not in stored


def test_a_run_beside_another_one_leaves_the_printers_to_it(bench: Bench, running_prefect: PrefectServer) -> None:
    bench.orders(1)
    with hold_bench(bench_folder(BOOTH)):
        assert print_jobs(BOOTH) == f"prints at {BOOTH}: another run prints here"
    assert print_jobs(BOOTH) == f"prints at {BOOTH}: 1 done"
    assert print_jobs(BOOTH) == f"prints at {BOOTH}: nothing waited"


def test_a_worker_without_a_gateway_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BACKROOM_GATEWAY_URL", raising=False)
    with pytest.raises(BoothNotSetUp, match="BACKROOM_BOOTH_KEY_FAIR_WEST"):
        open_booth("fair-west", "bench")


def test_what_was_printed_without_the_shop_is_shown_by_the_next_run(
    bench: Bench, running_prefect: PrefectServer
) -> None:
    home = bench.floor.room.home
    numbers = bench.orders(1, 1)
    with hold_bench(bench_folder(BOOTH)) as holder, open_booth(BOOTH, holder) as booth:
        booth.printers()
        booth.claim(1)
        assert booth.fetcher is not None
        booth.fetcher.join()
    nobody_listens = "http://127.0.0.1:9"
    assert Keeper(nobody_listens, bench.key, BOOTH, home).look() == {"done": 2}
    assert {row["state"] for row in bench.jobs().values()} == {"handed"}
    since = now()
    assert print_jobs(BOOTH) == f"prints at {BOOTH}: nothing waited"
    assert {row["state"] for row in bench.jobs().values()} == {"done"}

    # The server is the session's: runs of other tests are named alike, but for these.
    def shown() -> list[str] | None:
        names = [name for name, _ in task_runs(running_prefect, since, 2) if name.endswith(", without the shop")]
        return sorted(name.split(" on ")[0] for name in names) if len(names) >= len(numbers) else None

    assert wait_for(shown, pause_s=0.2, deadline_s=60) == sorted(numbers)
