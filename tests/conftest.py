"""Fixtures that every test may ask for. Each stands in a module named for what it gives."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared and noisy: how long an example takes to make says nothing about our rules.
settings.register_profile("backroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("backroom")

pytest_plugins = ["tests.databases", "tests.shops", "tests.prefect_server"]

WHOLE_SYSTEMS = (Path(__file__).parent / "flows", Path(__file__).parent / "integration" / "engine")


# First, because xdist reads the marks in a hook of the same name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side (`make test`), those that start Prefect's server run one after another: they
    measure how soon something happens, and two whole shops are too much for two cores."""
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WHOLE_SYSTEMS):
            item.add_marker(pytest.mark.xdist_group("whole systems"))
