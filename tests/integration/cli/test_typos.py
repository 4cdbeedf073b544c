"""A word mistyped gets a sentence that lists what there is, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.cli.processes import NotMadeKnown, free_ports, make_known
from backroom.shop.room import Room, open_room
from backroom.store import stock
from tests.integration.cli.typing_in import refused, typed

ORDERS = "order_id,placed_at,sku,quantity,unit_price,total,currency\n"


def pieces(room: Room) -> int:
    with room.database.read() as connection:
        return sum(level.on_hand for level in stock.levels(connection).values())


@pytest.mark.parametrize(
    "words",
    [
        ("stock", "receive", "hub", "TEE-MOTH-INK-M", "1"),
        ("print", "queue", "hub"),
        ("key", "make", "booth", "--location", "hub"),
        ("scan", "hub", "A-1001", "TEE-MOTH-INK-M"),
    ],
)
def test_an_unknown_location_lists_the_locations(room: Room, words: tuple[str, ...]) -> None:
    before = pieces(room)
    said = refused(*words)
    assert "no location 'hub'" in said
    assert "main-hub, local-hub, booth-a" in said
    assert pieces(room) == before


def test_an_unknown_sku_is_not_taken_in_and_the_nearest_are_named(room: Room) -> None:
    before = pieces(room)
    said = refused("stock", "receive", "main-hub", "TEE-MOTH-INK-N", "1")
    assert "TEE-MOTH-INK-M" in said
    assert pieces(room) == before


def test_a_stock_file_with_a_typo_changes_nothing(room: Room, tmp_path: Path) -> None:
    before = pieces(room)
    counted = tmp_path / "counted.csv"
    catalogue = str(room.home / "catalogue.csv")
    for row, expected in (("hub,TEE-MOTH-INK-M,1", "main-hub"), ("main-hub,TEE-MOTH-INK-N,1", "TEE-MOTH-INK-M")):
        counted.write_text(f"location,sku,on_hand\n{row}\n")
        assert expected in refused("stock", "load", catalogue, str(counted))
    assert pieces(room) == before


def test_a_file_comes_in_by_the_only_channel_for_files_or_by_one_that_is_named(room: Room, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(ORDERS)
    assert typed("import", str(file)).exit_code == 0
    assert "no channel 'csv'" in refused("import", str(file), "--channel", "csv")
    assert "boutiques" in refused("import", str(file), "--channel", "csv")
    assert "there are: boutiques" in refused("import", str(file), "--channel", "web")


def test_a_secret_that_is_missing_or_unusable_is_said_by_whoever_starts_the_shop(room: Room) -> None:
    shop_file = room.home / "shop.toml"
    shop_file.write_text(shop_file.read_text().replace('mail = "folder"', 'mail = "smtp"'))
    with pytest.raises(NotMadeKnown, match=r"smtp\.host"):
        make_known(open_room(room.home), free_ports())
    room.secrets.add({"smtp.host": "localhost", "smtp.port": "many"})
    with pytest.raises(NotMadeKnown, match=r"smtp\.port") as refusal:
        make_known(open_room(room.home), free_ports())
    assert "many" not in str(refusal.value)
