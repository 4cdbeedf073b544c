"""Channels whose messages only say which order to fetch: what the shop file must say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.domain.shop import ApiSpec
from backroom.shop.load import load_shop
from tests.unit.shop.test_load import DEMO, problems

PLAIN = DEMO.replace("postcodes = ", "# postcodes = ")
SQUARE = """
[channels.market]
kind = "square"
sla = "standard"
secret = "webhook.market"
notification_url = "https://orders.example.com/webhooks/market"
location = "booth-a"

[channels.market.api]
url = "https://connect.squareup.com"
secret = "channel.market"
account = "L88917AVBK2S5"

[channels.market.refunds]
url = "https://connect.squareup.com"
secret = "refunds.market"
"""


STRIPE = """
[channels.links]
kind = "stripe"
sla = "standard"
secret = "webhook.links"

[channels.links.api]
url = "https://api.stripe.com"
secret = "channel.links"
"""


def test_stripe_is_asked_and_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PLAIN + STRIPE, encoding="utf-8")
    api = load_shop(tmp_path / "shop.toml").channel("links").api
    assert api is not None
    assert (api.ask, api.tell, api.account) == (True, (), "")
    wrong = PLAIN + STRIPE + 'tell = ["shipped"]\n'
    assert [one.field for one in problems(tmp_path, wrong)] == ["channels.links.api.tell"]


ETSY = """
[channels.stall]
kind = "etsy"
sla = "standard"

[channels.stall.api]
url = "https://api.etsy.com"
secret = "channel.stall"
account = "123456"
"""


def test_an_etsy_shop_may_have_no_webhooks_and_is_told_of_parcels_only(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PLAIN + ETSY, encoding="utf-8")
    stall = load_shop(tmp_path / "shop.toml").channel("stall")
    assert stall.api is not None
    assert (stall.secret, stall.api.tell, stall.api.account) == ("", ("shipped",), "123456")
    wrong = PLAIN + ETSY + 'tell = ["stock"]\n'
    assert [one.field for one in problems(tmp_path, wrong)] == ["channels.stall.api.tell"]


def test_a_square_account_says_where_its_events_go_and_which_locations_are_ours(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PLAIN + SQUARE, encoding="utf-8")
    shop = load_shop(tmp_path / "shop.toml")
    market = shop.channel("market")
    assert market.notification_url == "https://orders.example.com/webhooks/market"
    assert market.api == ApiSpec(
        "https://connect.squareup.com",
        "channel.market",
        tell=("shipped", "stock", "cancelled"),
        account="L88917AVBK2S5",
    )
    assert shop.pays_back("market")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('secret = "webhook.market"\n', "", "channels.market.secret"),
        ('notification_url = "https://orders.example.com/webhooks/market"\n', "", "channels.market.notification_url"),
        ("https://orders.example.com/w", "http://orders.example.com/w", "channels.market.notification_url"),
        ('account = "L88917AVBK2S5"\n', "", "channels.market.api.account"),
        ('kind = "square"', 'kind = "woocommerce"', "channels.market.notification_url"),
        ("[channels.market.api]", "[channels.market.app]", "channels.market.api"),
    ],
)
def test_what_is_missing_of_a_square_account_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert old in SQUARE
    assert field in [one.field for one in problems(tmp_path, PLAIN + SQUARE.replace(old, new, 1))]
