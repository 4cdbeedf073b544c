"""The whole shop and a real workshop beside it: an order is routed, placed, accepted, made, shipped, told of and paid.

The hub's worker and the workshop are killed on the way. All goes through Prefect: blocks, deployments, wake-ups.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from backroom.channels.signing import sign
from backroom.shop.secrets import Secrets
from backroom.store.tables import orders, partner_orders
from tests.prefect_server import everything
from tests.running import RunningShop, running_shop, shop_database, wait_until
from tests.shops import CANARIES, an_order
from tests.workshops import TOKEN, WEBHOOK_SECRET, WORKSHOP, Workshop, a_workshop

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]

SKU = "TEE-MOTH-INK-M"
_IDS = itertools.count(770_001)
RULE = """
[[rules]]
name = "workshop"
when = [["source", "==", "workshop"]]
where = [["location", "==", "workshop"], ["can_print", "==", true]]
sort = ["cheapest"]
short = "print"

"""
PLACE = """
[locations.workshop]
name = "Hofwerkstatt"
kind = "partner"
pool = "hub"
latitude = 52.51
longitude = 13.39

[locations.workshop.partner]
adapter = "microfactory"
url = "{url}"
secret = "partner.workshop"
webhook_secret = "partner.sign"
countries = ["DE"]
lead_days = 2

[[locations.workshop.partner.products]]
sku = "TEE-MOTH-INK-M"
code = "moth-ink-m"
price = 11.00
"""


@dataclass
class Both:
    shop: RunningShop
    workshop: Workshop

    def send(self) -> int:
        external_id = next(_IDS)
        order = an_order(external_id, [(SKU, 1)], source_name="workshop")
        body = json.dumps(order).encode()
        headers = sign("shopify", body, self.shop.room.secret("webhook.web"), topic="orders/create")
        answer = requests.post(f"{self.shop.ports.pages}/webhooks/web", data=body, headers=headers, timeout=60)
        # Beside live workers the database may be crowded.
        assert answer.json()["outcome"] in ("accepted", "spooled")
        return external_id

    def row(self, external_id: int) -> Any:
        """The order, and how it stands at the workshop; None until it is there."""
        query = select(
            orders.c.number, orders.c.state, partner_orders.c.state.label("there"), partner_orders.c.reference
        )
        query = query.join(partner_orders, partner_orders.c.order_id == orders.c.id)
        with self.shop.room.database.read() as connection:
            return connection.execute(query.where(orders.c.external_id == str(external_id))).first()

    def until(self, external_id: int, there: str, state: str = "") -> Any:
        wait_until(
            lambda: (row := self.row(external_id)) is not None and row.there == there and state in ("", row.state),
            f"{external_id} to be {there} {state}",
        )
        return self.row(external_id)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    home: Path = tmp_path_factory.mktemp("shop") / "home"
    home.mkdir()
    with shop_database(request), a_workshop(home.parent / "workshop.db") as workshop:
        Secrets.read(home / "secrets.toml").add({"partner.workshop": TOKEN, "partner.sign": WEBHOOK_SECRET})

        def change(text: str) -> str:
            return text.replace("[[rules]]", RULE + "[[rules]]", 1) + PLACE.format(url=workshop.url)

        with running_shop(home, change) as shop:
            workshop.kill()
            workshop.webhook_url = f"{shop.ports.pages}/partners/{WORKSHOP}/messages"
            workshop.start()
            yield Both(shop, workshop)


def test_an_order_goes_to_the_workshop_and_comes_back_shipped_told_of_and_paid(both: Both) -> None:
    shop, workshop = both.shop, both.workshop
    external_id = both.send()
    reference = both.until(external_id, "submitted").reference
    assert f"{CANARIES[0]} {CANARIES[1]}" in workshop.page()
    workshop.press(reference, "accepted", cost="14.90", currency="EUR")
    both.until(external_id, "accepted")
    shop.kill("worker-hub")
    workshop.press(reference, "in_progress")
    both.until(external_id, "in_progress")
    workshop.kill()
    workshop.start()
    workshop.press(reference, "shipped", carrier="DHL", tracking="JJD000390007827009999")
    number = both.until(external_id, "shipped", "fulfilled").number
    story = shop.story(number)
    assert [part["state"] for part in story.parts] == ["done"]
    assert [entry["event"] for entry in story.history if entry["event"].startswith("partner.")] == [
        "partner.submitted",
        "partner.accepted",
        "partner.in_progress",
        "partner.shipped",
    ]
    with shop.room.database.read() as connection:
        bills = connection.execute(select(partner_orders.c.cost_minor)).scalars().all()
    assert bills == [1490]
    mails = [message_from_bytes(file.read_bytes(), policy=default) for file in (shop.home / "mail").glob("*.eml")]
    assert any("JJD000390007827009999" in str(mail.get_body().get_content()) for mail in mails)
    assert workshop.page().count("<article>") == 1


def test_what_the_workshop_refuses_is_made_in_the_house_and_nobodys_name_is_in_prefect(both: Both) -> None:
    shop, workshop = both.shop, both.workshop
    external_id = both.send()
    reference = both.until(external_id, "submitted").reference
    workshop.press(reference, "rejected", reason=f"{CANARIES[0]} wants it too soon")
    number = both.until(external_id, "rejected", "fulfilled").number
    parts = {part["location"]: part["state"] for part in shop.story(number).parts}
    assert parts.pop(WORKSHOP) == "cancelled"
    assert set(parts.values()) == {"done"}

    def post(path: str, body: dict[str, Any]) -> Any:
        return shop.prefect("POST", path, body)

    runs = everything(post, "/flow_runs/filter")
    over = [
        run["id"]
        for run in runs
        if run["state_type"] == "COMPLETED" and ("partners" in run["name"] or run["name"].startswith("partner "))
    ]

    assert over

    def ends() -> bool:
        logs = everything(post, "/logs/filter", {"logs": {"flow_run_id": {"any_": over}}})
        return any("Finished in state Completed" in line["message"] for line in logs)

    # Logs are sent a moment later than what they are of.
    wait_until(ends, "the log of a partner's run")
    told = json.dumps([runs, everything(post, "/logs/filter"), everything(post, "/artifacts/filter")])
    assert not [canary for canary in CANARIES if canary in told]
