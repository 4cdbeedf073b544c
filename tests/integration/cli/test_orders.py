"""Commands about orders, as somebody or a program types them: what they say, in words and as JSON."""

from __future__ import annotations

from sqlalchemy import Connection, update

from backroom.domain.breaker import what_to_do
from backroom.shop.room import Room
from backroom.store import news, tables
from tests.integration.cli.typing_in import answered, refused, typed
from tests.integration.gateway.conftest import SKU, make_order


def test_holding_with_a_note_shows_the_note_and_stores_it_sealed(room: Room) -> None:
    number = make_order(room, location="booth-a")
    assert answered("order", "hold", number.lower(), "--note", "Frau Novak ruft zurück") == {
        "order": number,
        "state": "held",
        "hold_reason": "asked_by_staff",
    }
    shown = typed("order", "show", number).stdout
    # A narrow terminal breaks the words of a column over several lines.
    assert all(word in shown for word in ("Frau", "Novak", "ruft", "zurück"))
    told = answered("order", "show", number)
    assert told["history"][-1]["note"] == "Frau Novak ruft zurück"
    assert told["history"][-1]["data"] == {"reason": "asked_by_staff"}
    for file in room.home.glob("shop.db*"):
        assert b"Novak" not in file.read_bytes()


def test_an_order_behind_a_breaker_says_what_to_do(room: Room) -> None:
    number = make_order(room, location="booth-a")

    def fall_sick(connection: Connection) -> int:
        sick = {"sick_cause": "twilio-away", "sick_reason": "Twilio takes nothing now.", "breaker_id": 7}
        return connection.execute(update(tables.fulfilment_orders).values(**sick)).rowcount

    room.database.write(fall_sick)
    shown = " ".join(typed("order", "show", number).stdout.split())
    assert what_to_do(7) in shown


def test_every_act_on_an_order_answers_a_program(room: Room) -> None:
    number = make_order(room, location="booth-a")
    answered("order", "hold", number)
    assert answered("order", "release", number)["state"] == "released"
    assert answered("order", "retry", number)["state"] == "released"
    assert answered("order", "cancel", number, "--note", "they rang")["state"] == "cancelled"
    [decision] = answered("order", "explain", number)["decisions"]
    assert decision["outcome"] == "assigned"
    assert number in decision["sentence"]


def test_a_channel_that_is_told_hears_of_what_is_cancelled_here(room: Room) -> None:
    api = '[channels.web.api]\nurl = "https://web.example.com"\nsecret = "channel.web"'
    path = room.home / "shop.toml"
    before, number = path.read_text(encoding="utf-8"), make_order(room, location="booth-a")
    untold = make_order(room, location="booth-a")
    answered("order", "cancel", untold)
    path.write_text(f"{before}\n{api}\n", encoding="utf-8")
    answered("order", "cancel", number)
    with room.database.read() as connection:
        waiting = [(row["number"], row["channel"], row["kind"]) for row in news.untold(connection)]
    assert waiting == [(number, "web", "cancelled")]


def test_a_cancelled_order_is_paid_back_by_hand_in_a_terminal(room: Room) -> None:
    number, kept = make_order(room, location="booth-a"), make_order(room, location="booth-a")
    assert answered("order", "cancel", number)["state"] == "cancelled"
    assert answered("order", "cancel", kept, "--keep-money")["state"] == "cancelled"
    (owed,) = answered("return", "refunds")
    assert (owed["return"], owed["order"], owed["amount"], owed["by itself"]) == ("", number, "19.90 EUR", "")
    assert "did not cost that much" in refused("return", "refunded", number, "19.91")
    assert answered("return", "refunded", number.lower(), "19.90", "--reference", "re_1")["paid_minor"] == 1990
    assert answered("return", "refunds") == []
    assert "there is no return" in refused("return", "refunded", kept, "19.90")
    events = [entry["event"] for entry in answered("order", "show", number)["history"]]
    assert events[-3:] == ["order.cancelled", "refund.planned", "refund.confirmed"]


def test_a_scan_answers_a_program_and_a_wrong_piece_is_exit_code_one(room: Room) -> None:
    number = make_order(room, location="local-hub", from_stock=1, to_print=0)
    wrong = answered("scan", "local-hub", number, "nonsense", code=1)
    assert (wrong["accepted"], wrong["left"]) == (False, 1)
    assert answered("scan", "local-hub", number, SKU) == {"order": number, "accepted": True, "reason": "", "left": 0}
