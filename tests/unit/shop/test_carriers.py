"""Carriers as the shop file words them."""

from __future__ import annotations

from typing import Any

import pytest

from backroom.domain.carriers import CarrierApi, CarrierSpec
from backroom.shop.carriers import read_carrier
from backroom.shop.check import Report
from backroom.shop.section import Section
from tests.shops import a_shop

WORLD = {"kind": "easypost", "name": "EasyPost", "secret": "carrier.world"}


def read(**table: Any) -> tuple[CarrierSpec, list[str]]:
    report = Report("shop.toml")
    spec = read_carrier("world", Section(table, "carriers.world", report), a_shop().owner)
    return spec, [str(problem) for problem in report.problems]


def test_an_account_needs_a_secret_and_no_price() -> None:
    spec, problems = read(**WORLD)
    assert problems == []
    assert spec.api == CarrierApi("carrier.world")
    assert (spec.countries, spec.price_minor, spec.services) == (("DE",), 0, ())
    _, problems = read(kind="easypost", name="EasyPost")
    assert "carriers.world.secret: is missing" in problems[0]


def test_all_of_an_account_is_read() -> None:
    spec, problems = read(
        **WORLD,
        countries=["US", "DE"],
        mode="test",
        webhook="carrier.world-events",
        services=["USPS Priority"],
        label_format="png",
        zpl=True,
        box_mm=[300, 220, 60],
        label_hosts=["labels.example.com:8443"],
        return_labels=False,
        url="http://127.0.0.1:8080/v2",
    )
    assert problems == []
    assert spec.services == ("USPS Priority",)
    assert spec.api == CarrierApi(
        "carrier.world",
        "carrier.world-events",
        "http://127.0.0.1:8080/v2",
        "test",
        ("labels.example.com:8443",),
        "png",
        True,
        (300, 220, 60),
        False,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "live"),
        ("secret", "EZAK0123456789"),
        ("box_mm", [1, 2]),
        ("box_mm", [1, 2, "3"]),
        ("label_hosts", ["https://labels.example.com"]),
        ("label_format", "zpl"),
        ("url", "http://api.example.com"),
        ("days", 3),
        ("countries", ["XX"]),
    ],
)
def test_what_is_wrong_is_named(field: str, value: object) -> None:
    _, problems = read(**(WORLD | {field: value}))
    assert len(problems) == 1
    assert problems[0].startswith(f"shop.toml: carriers.world.{field}")
    assert "EZAK" not in problems[0]


def test_our_own_courier_has_a_price_and_may_say_how_long_it_takes() -> None:
    spec, problems = read(kind="local", name="Nachtbote", price=5, days=1)
    assert problems == []
    assert (spec.price_minor, spec.days, spec.api) == (500, 1, None)
    _, problems = read(kind="local", name="Nachtbote", secret="carrier.world")
    assert ["price" in problem or "secret" in problem for problem in problems] == [True, True]


@pytest.mark.parametrize(
    ("country", "weight", "takes"), [("DE", 20_000, True), ("DE", 20_001, False), ("FR", 1, False)]
)
def test_a_carrier_takes_what_goes_there_and_is_light_enough(country: str, weight: int, takes: bool) -> None:
    assert CarrierSpec("a", "local", "a", ("DE",), 20_000, 490).takes(country, weight) is takes
