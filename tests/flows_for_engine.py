"""Flows for the tests of the engine: each writes what happened to it into the file it is given.

Files instead of states: a test wants the moment a task began, not the moment the server heard of it.
"""

from __future__ import annotations

import time
from pathlib import Path

from prefect import flow, suspend_flow_run, task


def _say(path: str, word: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{word} {time.time():.6f}\n")


@task
def say(path: str, word: str) -> None:
    """Write a word and the time."""
    _say(path, word)


@task
def hold(path: str, seconds: float) -> None:
    """Take a while, in small steps of Python."""
    _say(path, "holding")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.02)


@flow(name="quick", validate_parameters=False)
def quick(path: str) -> None:
    """One task and no more."""
    say(path, "first")


@flow(name="slow", validate_parameters=False)
def slow(path: str, seconds: float = 2.0, steps: int = 1) -> None:
    """Tasks that take a while; a second start of the same run says so and does not wait."""
    if Path(path).exists():
        say(path, "again")
        return
    say(path, "first")
    for _ in range(steps):
        hold(path, seconds)
    say(path, "last")


@flow(name="fails-once", validate_parameters=False)
def fails_once(path: str) -> None:
    """Fails until somebody mends it by writing `mended`."""
    say(path, "tried")
    if "mended" not in Path(path).read_text():
        raise RuntimeError("not mended")


@flow(name="retries", retries=1, retry_delay_seconds=15, validate_parameters=False)
def retries(path: str) -> None:
    """Fails the first time, and is retried by its own process after a while; the second time it takes a minute."""
    tried = Path(path).read_text().count("tried") if Path(path).exists() else 0
    say(path, "tried")
    if not tried:
        raise RuntimeError("once more")
    if tried == 1:
        hold(path, 60)


@flow(name="exits", validate_parameters=False)
def exits(path: str) -> None:
    """What no flow should do."""
    say(path, "first")
    raise SystemExit(3)


@flow(name="alert", validate_parameters=False)
def alert(path: str, what: str, subject: str = "", link: str = "") -> None:
    """Write down what an automation told."""
    with Path(path).open("a") as file:
        file.write(f"{subject}: {what}, see {link}\n")


@flow(name="order", validate_parameters=False)
def order(order_number: str) -> None:
    """An order that never succeeds."""
    raise RuntimeError(f"{order_number} is sick")


@flow(name="sweep", validate_parameters=False)
def sweep() -> None:
    """A sweep that never succeeds."""
    raise RuntimeError("nothing can be swept")


@flow(name="data-quality", validate_parameters=False)
def data_quality() -> None:
    """Checks that never come to an end."""
    raise RuntimeError("nothing can be checked")


@flow(name="breaker", validate_parameters=False)
def breaker(breaker_id: int) -> None:
    """A breaker that never closes."""
    raise RuntimeError(f"breaker {breaker_id} is open")


@flow(name="decide", validate_parameters=False)
def decide(order_number: str) -> None:
    """A form that nobody fills in."""
    suspend_flow_run(timeout=300, key=order_number)


@flow(name="suspends", validate_parameters=False)
def suspends(path: str) -> None:
    """Waits for a person once, holding no process."""
    say(path, "before")
    suspend_flow_run(timeout=300, key="person")
    say(path, "after")
