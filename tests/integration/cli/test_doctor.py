"""`backroom doctor`: every connection is tried, each failure says what to do, and nothing is changed."""

from __future__ import annotations

import json
import re
import socket
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_httpserver import HTTPServer
from sqlalchemy import text
from werkzeug import Request, Response

from backroom.channels.stripe_calls import StripeApi
from backroom.channels.stripe_refunds import StripeRefunds
from backroom.cli import connections, doctor, own_house
from backroom.cli.environments import Ports, note_ports
from backroom.domain.channels import REFUNDING_KINDS, ChannelSpec, RefundsSpec
from backroom.messaging.push_crypto import new_private_key
from backroom.messaging.twilio import TwilioMessenger
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import ServiceAway
from backroom.outgoing.probe import Wide, beyond, wide_of
from backroom.privacy.backups import make
from backroom.shop.room import Room
from backroom.store.sealing import register
from tests.fake_shops import LOGIN, TOKEN
from tests.fake_tills import ShopifyTill, WooTill
from tests.integration.channels.test_mapped_paying import WHERE, WHOLE
from tests.integration.cli.typing_in import answered, typed
from tests.mapped_shops import API, LANTERN, a_spec
from tests.prefect_server import free_port


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def running(room: Room, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The demo shop, its own two servers answering. Its blocks are compared in `test_doctor_blocks.py` alone, where a
    real Prefect keeps them."""
    finders = tuple(find for find in connections.FINDERS if find is not connections._blocks)
    monkeypatch.setattr(connections, "FINDERS", finders)
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


@pytest.mark.parametrize("also", ["write_customers", "read_products", "write_inventory"])
def test_a_channel_whose_key_may_too_much_works_and_is_told_what(
    running: Room, shopify_till: ShopifyTill, shop_server: HTTPServer, also: str
) -> None:
    url = shopify_till.listen(shop_server)
    add(running, f'[channels.web.api]\nurl = "{url}"\nsecret = "channel.web"\ntell = ["cancelled"]', channel_web=TOKEN)
    shopify_till.scopes = ("read_orders", "write_orders", "read_all_orders")
    assert found()["channel web (shopify)"]["state"] == "well"
    shopify_till.scopes += (also,)
    told = found()["channel web (shopify)"]
    assert told["state"] == "wide"
    assert told["message"].endswith(f"may more than it is used for: {also}.")
    assert "install it anew" in told["remedy"]
    assert "works" in typed("doctor").output


def test_of_many_rights_some_are_named_and_the_rest_counted() -> None:
    wide = beyond("our token", [f"right_{number}" for number in range(9)], ["right_0"], "Take them.")
    assert wide is not None
    named = "right_1, right_2, right_3, right_4, right_5"
    assert wide.message == f"our token may more than it is used for: {named} and 3 more."


class Whispers:
    def wide(self) -> Wide:
        raise ServiceAway("Shop", "it tells nothing now.")


def test_a_key_whose_rights_are_not_told_now_is_no_fault() -> None:
    assert wide_of(Whispers()) is None
    assert wide_of(object()) is None


@pytest.mark.parametrize(("key", "wide"), [("sk_live_1", True), ("sk_test_1", True), ("rk_live_1", False)])
def test_a_secret_key_of_stripe_is_wide_and_a_restricted_one_is_not(key: str, wide: bool) -> None:
    said = [StripeApi("https://stripe.example", key).wide(), StripeRefunds("https://stripe.example", key).wide()]
    assert [one is not None for one in said] == [wide, wide]
    assert all("rk_" in one.remedy and key not in one.message for one in said if one)


@pytest.mark.parametrize(("user", "wide"), [("AC" + "0" * 32, True), ("SK" + "0" * 32, False)])
def test_twilios_account_login_is_wide_and_an_api_key_is_not(user: str, wide: bool) -> None:
    said = wide_of(TwilioMessenger("AC" + "0" * 32, user, "s3cret"))
    assert (said is not None) is wide
    if said:
        assert "sms.auth_token stays" in said.remedy


def publicly(room: Room, url: str) -> None:
    change(room, "[messaging]\n", f'[messaging]\npublic_url = "{url}"\n')


def test_a_shop_without_a_public_address_is_not_asked_for_one(running: Room) -> None:
    assert "our public address" not in found()


def test_a_public_address_that_leads_to_the_gateway_is_well(running: Room, shop_server: HTTPServer) -> None:
    shop_server.expect_request("/hooks/health").respond_with_json({"status": "ok", "database": "writable"})
    publicly(running, shop_server.url_for("/hooks"))
    assert found()["our public address"]["state"] == "well"


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (Response("<html>Buy this domain</html>"), "wrong", "somebody else than the gateway answers"),
        (Response('{"status": "UP"}', content_type="application/json"), "wrong", "somebody else"),
        (Response("", 404), "wrong", "somebody else than the gateway answers"),
        (Response("", 302, {"Location": "https://login.example"}), "wrong", "does not lead to the gateway"),
        (Response("", 403), "wrong", "does not lead to the gateway"),
        (Response("Bad Gateway", 502), "away", "does not reach the gateway (502)"),
        (Response("", 503), "away", "does not reach the gateway (503)"),
    ],
)
def test_a_public_address_that_leads_elsewhere_is_told_in_plain_words(
    running: Room,
    shop_server: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    answer: Response,
    state: str,
    words: str,
) -> None:
    monkeypatch.setattr("backroom.outgoing.client.FIRST_PAUSE", 0.01)
    shop_server.expect_request("/health").respond_with_handler(lambda _request: answer)
    publicly(running, shop_server.url_for("")[:-1])
    told = found(code=1)["our public address"]
    assert told["state"] == state
    assert words in told["message"]
    assert told["remedy"]


def test_a_public_address_where_nobody_listens_is_told_soon(running: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backroom.outgoing.client.FIRST_PAUSE", 0.01)
    publicly(running, f"http://127.0.0.1:{free_port()}")
    told = found(code=1)["our public address"]
    assert (told["state"], told["cause"]) == ("away", "not_running")
    assert "nobody answers at http://127.0.0.1" in told["message"]


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

    made = [own_house.Connection("one", breaks), own_house.Connection("two", lambda: None)]
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


KEY = "k3y-of-ours"
PLACE = """
[locations.far]
name = "Far"
kind = "partner"
pool = "hub"
latitude = 52.5
longitude = 13.4

[locations.far.partner]
adapter = "{adapter}"
url = "{{url}}"
secret = "test.key"

[[locations.far.partner.products]]
sku = "TEE-MOTH-BLK-M"
code = "4012"
"""
BEARER = ("Authorization", f"Bearer {KEY}")
ALLOWED = {"data": {"currentAppInstallation": {"accessScopes": [{"handle": "write_orders"}]}}}


@dataclass(frozen=True)
class Far:
    """A connection to somebody who is not here: how it is configured, and what a right key is answered."""

    name: str
    table: str
    paths: tuple[str, ...]
    header: tuple[str, str] = BEARER
    answer: object = ()
    change: tuple[str, str] = ("", "")
    secrets: tuple[tuple[str, str], ...] = ()


PARTNERS = [
    Far("the partner far", PLACE.format(adapter="microfactory"), ("/",), answer={"interface": "microfactory/1"}),
    Far("the partner far", PLACE.format(adapter="printful"), ("/v2/orders",), answer={"data": []}),
    Far("the partner far", PLACE.format(adapter="prodigi"), ("/v4.0/Orders",), ("X-API-Key", KEY), {"orders": []}),
]
BASIC = ("Authorization", "Basic " + b64encode(f"{KEY}:".encode()).decode())
EASYPOST = Far(
    "carrier far (easypost)",
    '[carriers.far]\nkind = "easypost"\nname = "Far"\ncountries = ["DE"]\n'
    'url = "{url}"\nsecret = "test.key"\nmode = "test"',
    ("/shipments",),
    BASIC,
    {"shipments": []},
)
TWILIO = Far(
    "the SMS provider",
    "",
    ("/2010-04-01/Accounts/AC1/Messages.json",),
    ("Authorization", "Basic " + b64encode(f"SK1:{KEY}".encode()).decode()),
    {"messages": []},
    ('sms = "folder"', 'sms = "gateway"'),
    (("sms.kind", "twilio"), ("sms.account", "AC1"), ("sms.username", "SK1")),
)
LOGIN_BASIC = ("Authorization", "Basic " + b64encode(f"{KEY}:cs_1".encode()).decode())
PAYING = [
    ("shopify", ("/admin/api/",), ("X-Shopify-Access-Token", KEY), ALLOWED),
    ("square", ("/v2/refunds",), BEARER, {"refunds": []}),
    ("stripe", ("/v1/refunds", "/v1/checkout/sessions"), BEARER, {"data": []}),
    ("woocommerce", ("/wp-json/wc/v3/orders",), LOGIN_BASIC, []),
    ("meta", ("/v24.0/me",), BEARER, {"id": "1"}),
]


@pytest.mark.parametrize("far", [*PARTNERS, EASYPOST, TWILIO], ids=lambda far: f"{far.name}{far.paths[0]}")
def test_a_right_key_a_wrong_one_and_nobody_there_are_told_apart(
    running: Room, shop_server: HTTPServer, far: Far
) -> None:
    asked = let_in(shop_server, far.header, far.answer)
    url = shop_server.url_for("").rstrip("/")
    if far.table:
        add(running, far.table.format(url=url))
    if far.change[0]:
        change(running, *far.change)
    place = {"sms.url": url, "sms.password": KEY} if far is TWILIO else {"test.key": KEY}
    running.secrets.add({**dict(far.secrets), **place})
    assert found()[far.name]["state"] == "well"
    assert {(request.method, request.path) for request in asked} == {("GET", path) for path in far.paths}

    running.secrets.add({name: value.replace(KEY, "an0ther") for name, value in place.items()})
    told = found(code=1)[far.name]
    assert (told["state"], bool(told["remedy"])) == ("wrong", True)
    assert not any(secret in str(told) for secret in (KEY, "an0ther"))

    running.secrets.add(place)
    shop_server.stop()
    told = found(code=1)[far.name]
    assert told["state"] == "away"
    assert KEY not in str(told)


def let_in(server: HTTPServer, header: tuple[str, str], right: object) -> list[Request]:
    """Answer whoever shows the right key; what was asked, as it comes."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        well = request.headers.get(header[0]) == header[1]
        return Response(json.dumps(right if well else {}), 200 if well else 401, mimetype="application/json")

    server.expect_request(re.compile("/.*")).respond_with_handler(answer)
    return asked


def pays_back(room: Room, kind: str, url: str, secret: str) -> doctor.Finding:
    """What the doctor says of a channel that pays back; a shop file takes no address without TLS there."""
    spec = ChannelSpec("far", kind, 2, "standard", refunds=RefundsSpec(url, "refunds.far"))
    room.secrets.add({"refunds.far": secret})
    (finding,) = doctor.examine(connections._channels(replace(room, shop=replace(room.shop, channels=(spec,)))))
    assert finding.connection == "the refunds of far"
    assert not any(one in str(finding) for one in (KEY, "an0ther"))
    return finding


@pytest.mark.parametrize(("kind", "paths", "header", "right"), PAYING, ids=[one[0] for one in PAYING])
def test_the_login_that_pays_back_is_tried_and_nothing_is_paid(
    room: Room, shop_server: HTTPServer, kind: str, paths: tuple[str, ...], header: tuple[str, str], right: object
) -> None:
    asked = let_in(shop_server, header, right)
    url, login = shop_server.url_for("").rstrip("/"), ":cs_1" if kind == "woocommerce" else ""
    assert pays_back(room, kind, url, KEY + login).state == "well"
    assert all(any(request.path.startswith(path) for request in asked) for path in paths)
    # Shopify's questions are posted as well.
    assert {request.method for request in asked} == ({"POST"} if kind == "shopify" else {"GET"})
    assert not any(b"mutation" in request.get_data() for request in asked)
    wrong = pays_back(room, kind, url, "an0ther" + login)
    assert (wrong.state, bool(wrong.remedy)) == ("wrong", True)
    shop_server.stop()
    assert pays_back(room, kind, url, KEY + login).state == "away"


def test_every_kind_that_pays_back_is_tried() -> None:
    # A mapped shop is tried by its own probe, below.
    assert {one[0] for one in PAYING} | {"mapped"} == set(REFUNDING_KINDS)


def test_a_mapped_shop_that_pays_back_is_tried_by_its_probe_or_said_to_be_untried(
    room: Room, shop_server: HTTPServer
) -> None:
    let_in(shop_server, BEARER, {"me": 1})
    url = shop_server.url_for("").rstrip("/")
    for probe, state in (('[mapping.probe]\npath = "/me"\n', ("well", "wrong")), ("", ("untried", "untried"))):
        spec = a_spec(f"{LANTERN}{WHERE}{WHOLE}\n{probe}")
        spec = replace(spec, refunds=RefundsSpec(url, "refunds.lantern"))
        for secret, expected in zip((KEY, "an0ther"), state, strict=True):
            room.secrets.add({"refunds.lantern": secret})
            at = connections._channels(replace(room, shop=replace(room.shop, channels=(replace(spec, secret=""),))))
            (finding,) = doctor.examine(at)
            assert finding.state == expected


def test_a_shopify_token_that_may_not_pay_back_is_told_the_scope(room: Room, shop_server: HTTPServer) -> None:
    few = {"data": {"currentAppInstallation": {"accessScopes": [{"handle": "read_orders"}]}}}
    shop_server.expect_request(re.compile("/.*")).respond_with_json(few)
    told = pays_back(room, "shopify", shop_server.url_for("").rstrip("/"), KEY)
    assert (told.state, "write_orders" in told.remedy) == ("wrong", True)


@pytest.mark.parametrize(
    ("table", "switch", "secrets", "door", "missing"),
    [
        (
            PLACE.format(adapter="microfactory").replace('"test.key"', '"test.key"\nwebhook_secret = "test.sign"'),
            ("", ""),
            {"test.key": KEY},
            "the messages of the partner far",
            "test.sign",
        ),
        (
            EASYPOST.table.replace('"test.key"', '"test.key"\nwebhook = "test.events"'),
            ("", ""),
            {"test.key": KEY},
            "the events of carrier far",
            "test.events",
        ),
        (
            "",
            ('sms = "folder"', 'sms = "gateway"\npublic_url = "https://orders.example.com"'),
            {"sms.kind": "twilio", "sms.account": "AC1", "sms.username": "SK1", "sms.password": KEY},
            "the calls of Twilio",
            "sms.auth_token",
        ),
        (
            "",
            ('sms = "folder"', 'sms = "gateway"\npublic_url = "https://orders.example.com"'),
            {"sms.url": "{url}", "sms.username": "u", "sms.password": KEY},
            "the calls of Kannel",
            "sms.token",
        ),
    ],
)
def test_a_door_whose_secret_is_missing_is_told_before_anybody_calls(
    running: Room,
    shop_server: HTTPServer,
    table: str,
    switch: tuple[str, str],
    secrets: dict[str, str],
    door: str,
    missing: str,
) -> None:
    url = shop_server.url_for("").rstrip("/")
    if table:
        add(running, table.format(url=url))
    if switch[0]:
        change(running, *switch)
    running.secrets.add({name: value.format(url=url) for name, value in secrets.items()})
    told = found(code=1)[door]
    assert (told["state"], told["cause"], missing in told["message"]) == ("wrong", "secret_missing", True)
    running.secrets.add({missing: "hush"})
    assert {one["connection"]: one for one in answered("doctor", code=1)}[door]["state"] == "well"


def test_each_tick_whose_words_the_shop_file_lacks_is_named(running: Room) -> None:
    assert "consents of web" not in found()
    change(running, 'sms_marketing = "Ja', '# sms_marketing = "Ja')
    told = found()["consents of web"]
    assert told["state"] == "untried"
    assert "Write them as sms_marketing in [channels.web.wordings]" in told["message"]
