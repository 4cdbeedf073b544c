"""Trying a message and taking dropped files, as somebody or a program types it."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backroom.channels import dropping
from backroom.shop.room import Room
from backroom.store.tables import inbox
from tests.integration.cli.typing_in import answered, refused, typed
from tests.mapped_shops import LANTERN
from tests.unit.channels.samples import PAYLOADS, payload, raw

MESSAGE = PAYLOADS / "mapped_order.json"


@pytest.fixture
def lantern(room: Room) -> Room:
    """The demo shop with a mapped channel and a drop folder."""
    table = LANTERN.replace("[mapping", "[channels.lantern.mapping").replace(
        "[channels.lantern.mapping]\norder", 'folder = "drop/lantern"\n[channels.lantern.mapping]\norder'
    )
    path = room.home / "shop.toml"
    text = path.read_text().replace("[channels.boutiques] ", "[channels.boutiques]\nfolder = 'drop/boutiques' ")
    table = table.replace("[[mapping", "[[channels.lantern.mapping")
    path.write_text(f"{text}\n[channels.lantern]\n{table}")
    room.secrets.add({"webhook.lantern": "hush"})
    return room


def stored(room: Room) -> int:
    with room.database.read() as connection:
        return connection.execute(select(func.count()).select_from(inbox)).scalar_one()


def test_a_message_is_shown_field_by_field_with_its_places(lantern: Room) -> None:
    said = typed("channel", "test", str(MESSAGE), "--channel", "lantern").stdout
    assert "Signature: not looked at, because no --header was given." in said
    rows = {tuple(cell.strip() for cell in line.split("│")[1:-1]) for line in said.splitlines()}
    assert ("total_minor", "6640", "data.order.money.total") in rows
    assert ("line 1 personalisation", "for Mo", "data.order.items[0].extras[1].value") in rows
    assert ("address.line1", "Wurbelgasse 4b", "data.order.shipTo.street + data.order.shipTo.house") in rows
    assert stored(lantern) == 0


def test_what_intake_would_find_is_said_too(lantern: Room) -> None:
    [order] = answered("channel", "test", str(MESSAGE), "--channel", "lantern")["orders"]
    assert {(one["code"], one["mendable"]) for one in order["problems"]} == {("unknown_sku", True)}


def test_a_signature_is_right_or_wrong(lantern: Room) -> None:
    right = "sha256=" + hmac.new(b"hush", raw("mapped_order.json"), hashlib.sha256).hexdigest()
    words = ("channel", "test", str(MESSAGE), "--channel", "lantern", "--header")
    assert answered(*words, f"X-Lantern-Signature: {right}")["signature"] == "right"
    told = answered(*words, f"X-Lantern-Signature: {right[:-1]}", code=1)["signature"]
    assert told.startswith("wrong: the signature does not match")


def test_every_problem_of_a_message_is_told(lantern: Room, tmp_path: Path) -> None:
    message = payload("mapped_order.json")
    message["data"]["order"]["items"][1]["count"] = "some"
    message["data"]["order"]["money"].pop("total")
    path = tmp_path / "message.json"
    path.write_text(json.dumps(message))
    result = typed("channel", "test", str(path), "--channel", "lantern")
    assert result.exit_code == 1
    assert "data.order.items[1].count is not a whole number" in result.stdout
    assert "data.order.money.total is missing. It would go into quarantine." in result.stdout
    assert stored(lantern) == 0


def test_a_ping_is_called_so(lantern: Room, tmp_path: Path) -> None:
    path = tmp_path / "ping.json"
    path.write_text('{"event": "hello"}')
    assert "It only asks whether somebody is here" in typed("channel", "test", str(path), "--channel", "lantern").stdout


def test_another_channels_message_is_tried_as_well(lantern: Room) -> None:
    path = PAYLOADS / "shopify_order.json"
    told = answered("channel", "test", str(path), "--channel", "web")
    fields = {one["field"]: one["value"] for one in told["orders"][0]["fields"]}
    assert fields["channel"] == "web"
    assert "lines[0].sku" in fields


def test_a_file_of_orders_is_tried_order_by_order(lantern: Room) -> None:
    told = answered("channel", "test", str(PAYLOADS / "orders.csv"), "--channel", "boutiques")
    assert len(told["orders"]) > 1
    assert told["signature"] == "this channel takes no webhooks"
    assert stored(lantern) == 0


def test_what_is_no_message_or_no_header_is_refused(lantern: Room, tmp_path: Path) -> None:
    path = tmp_path / "message.json"
    path.write_text("{")
    assert "is not JSON" in refused("channel", "test", str(path), "--channel", "lantern")
    assert "has no value" in refused("channel", "test", str(MESSAGE), "--channel", "lantern", "--header", "X-Sig")


def test_dropped_files_are_taken_at_once(lantern: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropping, "STILL_SECONDS", -1.0)
    assert "no file is waiting" in typed("channel", "take", "--channel", "lantern").stdout
    (lantern.home / "drop" / "lantern" / "one.json").write_bytes(raw("mapped_order.json"))
    said = typed("channel", "take").stdout
    assert "lantern: one.json: 1 new orders, 0 known already" in said
    assert stored(lantern) == 1
    assert "web has no drop folder" in refused("channel", "take", "--channel", "web")


def test_a_file_of_a_mapped_shop_is_imported(lantern: Room) -> None:
    assert "1 orders in mapped_order.json, 1 new" in typed("import", str(MESSAGE), "--channel", "lantern").stdout
    assert stored(lantern) == 1
