"""The flow `reconcile` at a real Prefect server: one source answers, one is away, and people see both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from blocks.channels import ChannelAccount, block_name
from flows.reconcile import reconcile
from tests.fake_shops import LOGIN, TOKEN, FakeShopify, FakeWoo
from tests.prefect_server import PrefectServer, artifacts
from tests.shops import PLAIN, Floor, an_order

pytestmark = [pytest.mark.prefect, pytest.mark.slow]


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def shop(
    floor: Floor,
    fake_shopify: FakeShopify,
    fake_woo: FakeWoo,
    httpserver: HTTPServer,
    running_prefect: PrefectServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Floor:
    """The floor with two channels that are asked, each with a shop behind it."""
    web = replace(floor.room.shop.channel("web"), api=ApiSpec(fake_shopify.listen(httpserver), "channel.web"))
    blog = ChannelSpec("blog_shop", "woocommerce", 3, "standard", api=ApiSpec(fake_woo.listen(httpserver), "channel.b"))
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(blog, web)))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    ChannelAccount(kind="shopify", secret=TOKEN).save(block_name("web"), overwrite=True)
    ChannelAccount(kind="woocommerce", secret=LOGIN).save(block_name("blog_shop"), overwrite=True)
    return floor


def test_a_source_that_is_away_is_told_in_words_and_keeps_no_other_from_being_looked_at(
    shop: Floor, fake_shopify: FakeShopify, fake_woo: FakeWoo
) -> None:
    shop.deliver(an_order(1, [(PLAIN, 1)]))
    shop.intake()
    fake_shopify.orders = {1: an_order(1, [(PLAIN, 1)]), 2: an_order(2, [(PLAIN, 1)])}
    fake_woo.bad = [Response("", status=503, headers={"Retry-After": "60"})]
    said = reconcile("recent")
    assert "web: 2 paid, 1 ours, 1 fetched, 0 unaccounted" in said
    assert (
        "blog_shop: 0 paid, 0 ours, 0 fetched, 0 unaccounted (WooCommerce takes nothing now (blog_shop, 503).)" in said
    )
    shown = artifacts("reconciliation")[0]
    assert '"channel": "web"' in shown
    assert "never yet" in shown
    assert "WooCommerce takes nothing now" in shown
    shop.intake()
    assert shop.state(shop.number(2)) == ("released", ["open"])


def test_a_key_that_is_refused_alerts_people_once(shop: Floor, fake_woo: FakeWoo) -> None:
    before = len(artifacts("alerts"))
    ChannelAccount(kind="woocommerce", secret="ck_a:cs_b").save(block_name("blog_shop"), overwrite=True)
    reconcile("recent")
    reconcile("recent")
    told = artifacts("alerts")
    assert len(told) == before + 1, "told once as long as it lasts"
    assert "blog_shop: its orders cannot be compared with ours: WooCommerce refuses our calls" in told[0]
    ChannelAccount(kind="woocommerce", secret=LOGIN).save(block_name("blog_shop"), overwrite=True)
    assert "(" not in reconcile("recent")
    ChannelAccount(kind="woocommerce", secret="ck_a:cs_b").save(block_name("blog_shop"), overwrite=True)
    reconcile("recent")
    assert len(artifacts("alerts")) == before + 2, "and again when it comes back"


def test_a_channel_that_prefect_was_never_told_of_is_trouble_of_its_own(shop: Floor, fake_shopify: FakeShopify) -> None:
    ChannelAccount.delete(block_name("blog_shop"))
    fake_shopify.orders = {1: an_order(1, [(PLAIN, 1)])}
    said = reconcile("full")
    assert "Prefect has no block for channel blog_shop. Start `backroom up` again" in said
    assert "web: " in said
