"""`backroom doctor`: every connection is tried, each failure says what to do, and nothing is changed."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_httpserver import HTTPServer
from sqlalchemy import text

from backroom.cli import connections, doctor
from backroom.cli.environments import Ports, note_ports
from backroom.messaging.push_crypto import new_private_key
from backroom.outgoing.circuit import close_all
from backroom.privacy.backups import make
from backroom.shop.room import Room
from backroom.store.sealing import register
from tests.fake_shops import LOGIN, TOKEN
from tests.fake_tills import ShopifyTill, WooTill
from tests.integration.cli.typing_in import answered, typed
from tests.mapped_shops import API, LANTERN
from tests.prefect_server import free_port


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def running(room: Room, httpserver: HTTPServer) -> Room:
    """The demo shop, its own two servers answering."""
    note_ports(room.home, Ports(prefect_api=httpserver.url_for("/api"), gateway_url=httpserver.url_for("")))
    return room


@pytest.fixture
def shop_server() -> Iterator[HTTPServer]:
    with HTTPServer() as server:
        yield server


def add(room: Room, table: str, **secrets: str) -> None:
    """Write something into the shop file, and its secrets beside it."""
    path = room.home / "shop.toml"
    path.write_text(path.read_text(encoding="utf-8") + f"\n{table}\n", encoding="utf-8")
    room.secrets.add({name.replace("_", ".", 1): value for name, value in secrets.items()})


def change(room: Room, old: str, new: str) -> None:
    path = room.home / "shop.toml"
    words = path.read_text(encoding="utf-8")
    assert old in words
    path.write_text(words.replace(old, new, 1), encoding="utf-8")


def found(code: int = 0) -> dict[str, dict[str, Any]]:
    return {one["connection"]: one for one in answered("doctor", code=code)}


def test_a_shop_that_works_is_said_to_work(running: Room) -> None:
    told = found()
    assert {one["state"] for one in told.values()} == {"well", "untried"}
    assert {"the database", "Prefect", "the gateway"} <= set(told)
    shown = typed("doctor")
    assert shown.exit_code == 0
    assert "that were tried work" in shown.output


def test_what_stands_at_a_booth_is_not_tried_from_the_hub_and_says_so(running: Room) -> None:
    far = [one for name, one in found().items() if one["state"] == "untried" and "backups" not in name]
    assert far
    assert all("its worker stands at" in one["message"] for one in far)


def test_backups_without_their_keys_are_told_with_what_writes_them_again(running: Room) -> None:
    name = f"the backups in {running.home / 'backups'}"
    assert "backroom backup make" in found()[name]["message"]
    running.database.write(lambda c: register(c, running.seals))
    make(running)
    assert found()[name]["state"] == "well"
    for keys in (running.home / "backups").glob("people.keys*"):
        keys.unlink()
    told = found(code=1)[name]
    assert (told["state"], told["cause"]) == ("wrong", "no_keys")
    assert "backroom backup make" in told["remedy"]


def test_our_own_servers_that_are_down_are_told_with_what_starts_them(room: Room) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        note_ports(room.home, Ports(prefect_api=f"{nobody}/api", gateway_url=nobody))
        told = found(code=1)
    for name in ("Prefect", "the gateway"):
        assert (told[name]["state"], told[name]["remedy"]) == ("away", "Start it with `backroom up`.")
    assert told["the database"]["state"] == "well"


@pytest.mark.parametrize(("status", "words"), [(404, "does not know this shop"), (401, "refuses our auth string")])
def test_a_prefect_that_is_another_shops_is_told_from_one_that_is_down(
    room: Room, httpserver: HTTPServer, status: int, words: str
) -> None:
    with HTTPServer() as prefect:
        prefect.expect_request(re.compile("/.*")).respond_with_json({}, status=status)
        note_ports(room.home, Ports(prefect_api=prefect.url_for("/api"), gateway_url=httpserver.url_for("")))
        assert words in found(code=1)["Prefect"]["message"]


def test_a_database_of_an_older_program_is_told(running: Room) -> None:
    running.database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0001'")).rowcount)
    told = found(code=1)["the database"]
    assert (told["state"], told["cause"]) == ("wrong", "out_of_date")
    assert "backroom up" in told["remedy"]


def test_a_channel_whose_key_may_too_little_is_told_the_scopes(
    running: Room, shopify_till: ShopifyTill, shop_server: HTTPServer
) -> None:
    url = shopify_till.listen(shop_server)
    add(running, f'[channels.web.api]\nurl = "{url}"\nsecret = "channel.web"', channel_web=TOKEN)
    assert found()["channel web (shopify)"]["state"] == "well"
    shopify_till.scopes = ("write_orders",)
    told = found(code=1)["channel web (shopify)"]
    assert told["state"] == "wrong"
    assert "write_inventory" in told["remedy"]
    assert not any("mutation" in call["query"] for call in shopify_till.calls)


def test_a_secret_that_is_missing_keeps_no_other_connection_from_being_tried(
    running: Room, woo_till: WooTill, shop_server: HTTPServer
) -> None:
    url = woo_till.listen(shop_server)
    add(running, f'[channels.friends.api]\nurl = "{url}"\nsecret = "channel.friends"')
    told = found(code=1)
    assert told["channel friends (woocommerce)"]["cause"] == "secret_missing"
    assert told["the database"]["state"] == "well"
    running.secrets.add({"channel.friends": "ck_wrong:cs_wrong"})
    assert "refuses our calls" in found(code=1)["channel friends (woocommerce)"]["message"]
    running.secrets.add({"channel.friends": LOGIN})
    assert found()["channel friends (woocommerce)"]["state"] == "well"
    assert woo_till.writes == []


def test_a_mail_server_is_greeted_and_gets_no_mail(running: Room) -> None:
    mails: list[Any] = []

    class Keeps:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            mails.append(envelope)
            return "250 OK"

    server = Controller(Keeps(), hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        port = str(server.port)
        change(running, 'mail = "folder"', 'mail = "smtp"')
        running.secrets.add({"smtp.host": "127.0.0.1", "smtp.port": port, "smtp.security": "none"})
        assert found()["the mail server"]["state"] == "well"
        running.secrets.add({"smtp.security": "starttls"})
        told = found(code=1)["the mail server"]
        assert (told["state"], "offers no TLS" in told["message"]) == ("wrong", True)
    finally:
        server.stop()
    assert found(code=1)["the mail server"]["state"] == "away"
    assert mails == []


@pytest.mark.parametrize(("status", "state"), [(400, "well"), (403, "wrong"), (503, "away")])
def test_kannel_is_asked_for_a_sending_to_nobody(
    running: Room, shop_server: HTTPServer, status: int, state: str
) -> None:
    shop_server.expect_request("/cgi-bin/sendsms").respond_with_data("", status=status)
    change(running, 'sms = "folder"', 'sms = "gateway"')
    running.secrets.add(
        {"sms.url": shop_server.url_for("/cgi-bin/sendsms"), "sms.username": "u", "sms.password": "p4ssw0rd"}
    )
    told = found(code=0 if state == "well" else 1)["the SMS provider"]
    assert told["state"] == state
    assert "p4ssw0rd" not in str(told)
    # One that is away is asked again; nobody is written to by any of it.
    asked = [request for request, _ in shop_server.log]
    assert len(asked) == (1 if state != "away" else 3)
    assert not any("to" in request.args for request in asked)


def test_the_key_for_web_push_is_looked_at(running: Room) -> None:
    change(running, 'sms = "folder"', 'sms = "folder"\npush = "web"')
    assert "backroom key push" in str(found(code=1)) or "push.private_key" in str(found(code=1))
    running.secrets.add({"push.private_key": "none"})
    told = found(code=1)["the key for web push"]
    assert (told["state"], "backroom key push" in str(told)) == ("wrong", True)
    running.secrets.add({"push.private_key": new_private_key()})
    assert found()["the key for web push"]["state"] == "well"


def test_a_printer_that_has_no_room_or_cannot_be_written_to_is_told(running: Room) -> None:
    (name,) = [one for one in found() if one.startswith("printer ") and found()[one]["state"] == "well"][:1]
    spec = name.removeprefix("printer ").split(" at ")[0]
    folders = [
        running.printer_folder(printer)
        for place in running.shop.locations
        for printer in (*place.printers, *((place.label_printer,) if place.label_printer else ()))
        if printer.name == spec
    ]
    assert folders[0] is not None
    for folder in {folder for folder in folders if folder is not None}:
        if folder.exists():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        folder.write_text("a file stands where the folder should be", encoding="utf-8")
    assert found(code=1)[name]["state"] in ("away", "wrong")


def test_a_probe_that_breaks_is_told_without_its_words_and_the_others_go_on() -> None:
    def breaks() -> None:
        raise RuntimeError("https://user:s3cret@shop.example.com")

    made = [connections.Connection("one", breaks), connections.Connection("two", lambda: None)]
    told = {one.connection: one for one in doctor.examine(made)}
    assert (told["one"].state, told["two"].state) == ("wrong", "well")
    assert "s3cret" not in told["one"].message


def test_a_shop_that_is_not_there_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROOM_HOME", str(tmp_path / "nothing"))
    result = typed("doctor")
    assert result.exit_code == 1
    assert "backroom init" in str(result.exception)


def test_a_drop_folder_that_is_no_folder_is_told(running: Room) -> None:
    change(running, "[channels.boutiques] ", '[channels.boutiques]\nfolder = "drop/boutiques" ')
    assert found()["the drop folder of boutiques"]["state"] == "well"
    assert (running.home / "drop" / "boutiques" / "done").is_dir()
    (running.home / "shut").write_text("no folder")
    change(running, "drop/boutiques", "shut/boutiques")
    told = found(code=1)["the drop folder of boutiques"]
    assert (told["state"], told["cause"]) == ("wrong", "folder_unusable")
    assert "may read and write" in told["remedy"]


def test_a_mapped_shop_is_tried_by_its_own_call(running: Room, shop_server: HTTPServer) -> None:
    shop_server.expect_request("/me", headers={"Authorization": "Bearer k3y"}).respond_with_json({"me": 1})
    table = f'{LANTERN}\n[mapping.probe]\npath = "/me"\n{API.format(port=shop_server.port)}'
    table = re.sub(r"(?m)^(\[\[?)(mapping|api)", r"\1channels.lantern.\2", table)
    add(running, f"[channels.lantern]\n{table}", channel_lantern="k3y", webhook_lantern="hush")
    assert found()["channel lantern (mapped)"]["state"] == "well"
    running.secrets.add({"channel.lantern": "another"})
    shop_server.expect_request("/me").respond_with_json({}, status=401)
    assert "refuses our calls" in found(code=1)["channel lantern (mapped)"]["message"]
