"""Partners in the shop file: what is read, and every slip with its remedy."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from backroom.domain.partners import ADAPTERS
from backroom.partners.registry import HINTS, PARTNERS
from backroom.shop.check import ShopFileInvalid
from backroom.shop.load import load_shop
from tests.unit.shop.test_load import DATA

HEAD = """
[locations.atelier]
name = "Atelier"
kind = "{kind}"
pool = "hub"
latitude = 52.5
longitude = 13.4
"""
PARTNER = """
[locations.atelier.partner]
adapter = "microfactory"
url = "https://atelier.example.com"
secret = "partner.atelier"
"""
PRODUCT = """
[[locations.atelier.partner.products]]
sku = "TEE-BLK-M"
code = "4012"
price = 9.50
"""


def loaded(tmp_path: Path, more: str, kind: str = "partner"):
    text = (DATA / "shop.toml").read_text(encoding="utf-8") + HEAD.format(kind=kind) + more
    for name in ("postcodes.csv",):
        if (DATA / name).exists():
            (tmp_path / name).write_bytes((DATA / name).read_bytes())
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    return load_shop(tmp_path / "shop.toml").location("atelier")


def problems(tmp_path: Path, more: str, kind: str = "partner") -> str:
    with pytest.raises(ShopFileInvalid) as invalid:
        loaded(tmp_path, more, kind)
    return str(invalid.value)


def test_a_partner_is_read_whole(tmp_path: Path) -> None:
    more = 'currency = "JPY"\nexchange = 0.0061\nshipping = 500\ncountries = ["de"]\nlead_days = 3\n'
    location = loaded(tmp_path, PARTNER + more + PRODUCT.replace("9.50", "1200"))
    spec = location.partner
    assert spec is not None
    assert location.partner_ships
    assert (spec.countries, spec.lead_days, spec.shipping_minor) == (("DE",), 3, 500)
    # 1700 yen, which have no smaller part, in cents.
    assert spec.price_minor({"TEE-BLK-M": 1}) == round(1700 * Decimal("0.61"))


def test_who_prints_on_demand_needs_no_address(tmp_path: Path) -> None:
    more = PARTNER.replace("microfactory", "prodigi").replace('url = "https://atelier.example.com"\n', "")
    spec = loaded(tmp_path, more + PRODUCT).partner
    assert spec is not None
    assert (spec.url, spec.products[0].placement) == ("https://api.prodigi.com", "default")


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        ("", "partner", "locations.atelier.partner: is missing"),
        (PARTNER, "partner", "Add what it makes: [[locations.atelier.partner.products]]"),
        (PARTNER + PRODUCT + PRODUCT, "partner", "is listed twice"),
        (PARTNER + PRODUCT, "hub", "a location of kind hub is our own"),
        (PARTNER.replace("https:", "http:") + PRODUCT, "partner", "an address such as https://workshop"),
        (PARTNER.replace("partner.atelier", "s3cr3t") + PRODUCT, "partner", "the name of a secret"),
        (PARTNER + 'ships_to = "customer"\n', "robot_cell", "sends nothing to customers"),
        (PARTNER + 'currency = "USD"\n' + PRODUCT, "partner", "exchange"),
        (PARTNER + "exchange = 2\n" + PRODUCT, "partner", "of no use in the shop's own currency"),
        (PARTNER.replace("microfactory", "printfull") + PRODUCT, "partner", "Did you mean printful?"),
        (
            PARTNER.replace("microfactory", "printful") + PRODUCT.replace("4012", "shirt"),
            "partner",
            "the number of a catalogue variant",
        ),
        (
            PARTNER.replace("microfactory", "prodigi") + 'webhook_secret = "partner.x"\n' + PRODUCT,
            "partner",
            "signs nothing",
        ),
        (PARTNER + PRODUCT + "attributes = { size = 3 }\n", "partner", "is not a text"),
    ],
)
def test_every_slip_is_named_with_its_remedy(tmp_path: Path, more: str, kind: str, said: str) -> None:
    assert said in problems(tmp_path, more, kind)


def test_every_adapter_of_the_shop_file_has_somebody_who_speaks_it() -> None:
    known = {adapter for adapters in ADAPTERS.values() for adapter in adapters}
    assert known == set(PARTNERS) == set(HINTS)
