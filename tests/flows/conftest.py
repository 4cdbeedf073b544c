"""One running shop for the tests of this folder: starting one takes half a minute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running import RunningShop, running_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """The demo shop on SQLite, running as `backroom up` runs it."""
    with running_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running
