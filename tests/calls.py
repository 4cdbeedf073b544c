"""What a process remembers of the sides that it calls is each test's own.

What belongs here: putting that back as it was, and which of them were called. What does not: making it (`tests.shops`),
and letting time pass.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from backroom.outgoing.circuit import keep_in


def _as_it_was() -> Iterator[None]:
    """A shop that a test opened keeps what others asked to wait in its database, which is gone with it."""
    before = keep_in(None)
    keep_in(before)
    yield
    keep_in(before)


@pytest.fixture(autouse=True, scope="module")
def waits_of_a_module() -> Iterator[None]:
    yield from _as_it_was()


@pytest.fixture(autouse=True)
def waits_of_a_test(waits_of_a_module: None) -> Iterator[None]:
    yield from _as_it_was()


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of all hosts whose address was looked up in this process: whoever calls one does that first."""
    hosts: set[str] = set()
    look_up = socket.getaddrinfo

    def noted(host: Any, *more: Any, **named: Any) -> Any:
        hosts.add(host.decode() if isinstance(host, bytes) else host)
        return look_up(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", noted)
    return hosts
