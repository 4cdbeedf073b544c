"""Channels whose messages only say which order to fetch: what the shop file must say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.domain.channels import ApiSpec
from backroom.shop.load import load_shop
from tests.mapped_shops import LANTERN, a_spec
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


def test_an_etsy_shop_may_have_no_webhooks_and_is_told_of_stock_only_where_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PLAIN + ETSY, encoding="utf-8")
    stall = load_shop(tmp_path / "shop.toml").channel("stall")
    assert stall.api is not None
    assert (stall.secret, stall.api.tell, stall.api.account) == ("", ("shipped",), "123456")
    (tmp_path / "shop.toml").write_text(PLAIN + ETSY + 'tell = ["shipped", "stock"]\n', encoding="utf-8")
    assert load_shop(tmp_path / "shop.toml").told_ids("stock") == {"stall"}
    wrong = PLAIN + ETSY + 'tell = ["cancelled"]\n'
    assert [one.field for one in problems(tmp_path, wrong)] == ["channels.stall.api.tell"]


META = """
[channels.insta]
kind = "meta"
sla = "standard"

[channels.insta.api]
url = "https://graph.facebook.com"
secret = "channel.insta"
account = "1710505299100321"

[channels.insta.refunds]
url = "https://graph.facebook.com"
secret = "channel.insta"
"""


def test_meta_is_asked_and_told_what_we_took_and_what_became_of_it(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PLAIN + META, encoding="utf-8")
    shop = load_shop(tmp_path / "shop.toml")
    insta = shop.channel("insta")
    assert insta.api is not None
    assert (insta.secret, insta.api.ask, insta.api.tell) == ("", True, ("taken", "shipped", "cancelled"))
    assert shop.told_ids("taken") == {"insta"}
    assert shop.pays_back("insta")
    for wrong, field in (
        (META + "x = 1", "refunds.x"),
        (META.replace('account = "1710505299100321"\n', ""), "api.account"),
    ):
        assert f"channels.insta.{field}" in [one.field for one in problems(tmp_path, PLAIN + wrong)]
    assert [one.field for one in problems(tmp_path, PLAIN + META.split("[channels.insta.api]")[0])] == [
        "channels.insta.api"
    ]
    api, rest = META.split("[channels.insta.refunds]")
    catalogue, stock = 'catalogue = "912345678901234"\n', 'tell = ["stock"]\n'
    (tmp_path / "shop.toml").write_text(f"{PLAIN}{api}{catalogue}[channels.insta.refunds]{rest}", encoding="utf-8")
    told = load_shop(tmp_path / "shop.toml").channel("insta").api
    assert told is not None
    assert told.tell == ("taken", "shipped", "stock", "cancelled")
    for words in (api + stock, api + catalogue.replace("9", "nine"), f"{ETSY}{catalogue}"):
        assert [one.field.rpartition(".")[2] for one in problems(tmp_path, PLAIN + words)] == ["catalogue"]
    wrong = PLAIN + ETSY + 'tell = ["taken"]\n'
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


@pytest.mark.parametrize(("said", "pays"), [("", False), ("pays_back = true\n", True), ("pays_back = false\n", False)])
def test_a_mapped_shop_says_whether_its_cancellation_gives_the_money_back(said: str, pays: bool) -> None:
    calls = f'[mapping.tell.cancelled]\n{said}[[mapping.tell.cancelled.calls]]\npath = "/x"\nmethod = "POST"\n'
    tell = a_spec(f"{LANTERN}\n{calls}").mapping
    assert tell is not None
    assert tell.tell["cancelled"].pays_back is pays


WORDED = """
[channels.far]
kind = "shopify"
sla = "standard"
secret = "webhook.far"

[channels.far.wordings]
email_marketing = "Yes, send me news."
"""


def test_the_words_beside_a_tick_are_the_shop_files_where_the_channel_does_not_tell_them(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PLAIN + WORDED, encoding="utf-8")
    shop = load_shop(tmp_path / "shop.toml")
    assert shop.channel("far").wordings == {"email_marketing": "Yes, send me news."}
    for wrong, field in (
        (WORDED.replace("shopify", "square"), "channels.far.wordings"),
        (WORDED.replace("email_marketing", "fax_marketing"), "channels.far.wordings.fax_marketing"),
    ):
        assert field in [one.field for one in problems(tmp_path, PLAIN + wrong)]


PICTURED = """
[channels.far]
kind = "woocommerce"
sla = "standard"
secret = "webhook.far"
artwork_field = "_upload"
"""


def test_which_field_of_a_line_brings_a_picture_is_said_where_the_shop_names_such_fields(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PLAIN + PICTURED, encoding="utf-8")
    assert load_shop(tmp_path / "shop.toml").channel("far").artwork_field == "_upload"
    wrong = PICTURED.replace("woocommerce", "square")
    assert "channels.far.artwork_field" in [one.field for one in problems(tmp_path, PLAIN + wrong)]
