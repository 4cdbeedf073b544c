"""What the web shops may sell, as somebody or a program asks for it: by channel, and as each is told."""

from __future__ import annotations

import pytest

from backroom.shop.load import load_shop
from backroom.shop.room import Room
from backroom.store import selling, stock
from backroom.store.database import now
from tests.integration.cli.typing_in import answered, typed

SKU, HUB, BOOTH = "TEE-MOTH-INK-M", "main-hub", "booth-a"


def may_sell(channel: str) -> int:
    rows = {(row["channel"], row["sku"]): row["pieces"] for row in answered("stock", "online")}
    pieces: int = rows[channel, SKU]
    return pieces


@pytest.fixture
def at_booth(room: Room) -> Room:
    """The demo shop, with three pieces more at a booth."""
    room.database.write(lambda c: stock.receive(c, "brought", [(BOOTH, SKU, 3)], "delivered", now(c)))
    return room


def tell(room: Room, channel: str, *lines: str) -> None:
    """Have a channel told of stock, by the shop file."""
    path = room.home / "shop.toml"
    head = (
        f'[channels.{channel}.api]\nurl = "https://{channel}.example"\nsecret = "channel.{channel}"\ntell = ["stock"]'
    )
    path.write_text("\n".join([path.read_text(), head, *lines, ""]))


def test_each_channel_may_sell_what_it_is_told_and_a_booths_pieces_only_where_it_names_the_booth(
    at_booth: Room,
) -> None:
    before = may_sell("")
    tell(at_booth, "web")
    tell(at_booth, "friends", f'locations = ["{HUB}", "{BOOTH}"]', "keep_back = 1")
    shop = load_shop(at_booth.home / "shop.toml")
    with at_booth.database.read() as connection:
        told = {spec: selling.for_sale(connection, shop, spec)[SKU] for spec in ("web", "friends")}
        hub, booth = (stock.levels(connection)[place, SKU].available for place in (HUB, BOOTH))
    assert {channel: may_sell(channel) for channel in told} == told
    assert told == {"web": before, "friends": hub + booth - 1}
    heading = typed("stock", "online").stdout.split("\n")[2]
    assert [cell.strip() for cell in heading.split("┃")[1:-1]] == ["sku", "web", "friends"]


def test_where_no_channel_is_told_one_number_is_said_to_be_that_of_all(at_booth: Room) -> None:
    with at_booth.database.read() as connection:
        levels = stock.levels(connection)
    assert may_sell("") == sum(levels[place, SKU].available for place in (HUB, "local-hub") if (place, SKU) in levels)
    assert "No channel is told of stock: each may sell so many" in " ".join(typed("stock", "online").stdout.split())
