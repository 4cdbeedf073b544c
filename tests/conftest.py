"""Fixtures that every test may ask for. Each stands in a module named for what it gives."""

pytest_plugins = ["tests.databases", "tests.shops", "tests.prefect_server"]
