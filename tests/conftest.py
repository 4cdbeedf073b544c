"""Fixtures that every test may ask for. Each stands in a module named for what it gives."""

from hypothesis import HealthCheck, settings

# Machines are shared and noisy: how long an example takes to make says nothing about our rules.
settings.register_profile("backroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("backroom")

pytest_plugins = [
    "tests.calls",
    "tests.databases",
    "tests.fake_shops",
    "tests.fake_tills",
    "tests.shops",
    "tests.told",
    "tests.markets",
    "tests.prefect_server",
    "tests.standing",
    "tests.workshops",
    "tests.faults.table",
]
