"""`backroom doctor` over a shop that has a connection of every kind: each is tried, and each way of being wrong is told
in words that say what to do."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.cli import connections
from backroom.cli.doctor import Finding, examine
from backroom.cli.prepare import prepare
from backroom.cli.processes import ROOT
from backroom.domain.messaging import SMS_PROVIDERS
from backroom.outgoing.circuit import close_all
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from tests.all_kinds import CHANNELS, PARTNERS, every_secret, moved, write_every_kind
from tests.prefect_server import free_port

# Who has a key of ours that is only looked at: nobody is called with it.
LOOKED_AT = "the key for web push"
FINDERS = (
    connections._proofs,
    connections._channels,
    connections._partners,
    connections._carriers,
    connections._messages,
)


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The demo shop with a connection of every kind, all with secrets, whose other sides are nowhere."""
    home = tmp_path_factory.mktemp("every") / "home"
    shutil.copytree(ROOT / "data", home, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    write_every_kind(home / "shop.toml")
    opened = prepare(home)
    yield secrets(opened, every_secret())
    opened.close()


def secrets(room: Room, values: dict[str, str]) -> Room:
    """The room with these secrets and no others."""
    return replace(room, secrets=Secrets(room.home / "secrets.toml", values))


def at(room: Room, url: str, sms: str = "kannel", **changes: str) -> Room:
    """All other sides at an address; mail at a port where nobody listens (`__` is a dot)."""
    values = every_secret(sms) | {"sms.url": f"{url}/sms", "smtp.host": "127.0.0.1", "smtp.port": str(free_port())}
    values |= {name.replace("__", "."): value for name, value in changes.items()}
    return secrets(replace(room, shop=moved(room.shop, url)), values)


def told(room: Room, only: str = "") -> dict[str, Finding]:
    """What is found of all that is outside the house, or of one line only."""
    there = [one for find in FINDERS for one in find(room) if only in ("", one.name)]
    return {one.connection: one for one in examine(there)}


def doors(found: dict[str, Finding]) -> set[str]:
    """The lines that call nobody: at these others call us."""
    return {name for name in found if re.match("the (webhook|messages|events|calls) of", name)}


def calls(found: dict[str, Finding]) -> dict[str, Finding]:
    """The lines that call somebody."""
    return {name: one for name, one in found.items() if name not in doors(found) and name != LOOKED_AT}


def test_every_connection_of_the_shop_file_has_a_line(every: Room) -> None:
    names = [one.name for find in FINDERS for one in find(every)]
    for kind in CHANNELS:
        channel = every.shop.channel(f"far-{kind}")
        wanted = [f"channel far-{kind} ({kind})"] if channel.api else []
        wanted += [f"the refunds of far-{kind}"] if channel.refunds else []
        wanted += [f"the webhook of far-{kind}"] if channel.secret else []
        assert wanted
        assert set(wanted) <= set(names)
    assert {f"the partner far-{adapter}" for adapter in PARTNERS} <= set(names)
    assert {"carrier far-easypost (easypost)", "the events of carrier far-easypost"} <= set(names)
    assert {"the mail server", "the SMS provider", LOOKED_AT} <= set(names)
    assert len(names) == len(set(names))


def test_without_any_secret_each_line_names_its_own(every: Room) -> None:
    found = told(secrets(every, {}))
    assert {(one.state, one.cause) for one in found.values()} == {("wrong", "secret_missing")}
    assert all(re.search(r"the secret '[a-z0-9_.-]+' is missing", one.message) for one in found.values())
    assert all("secrets.toml" in one.remedy for one in found.values())


def test_whoever_is_not_there_is_away_and_no_key_is_blamed(every: Room) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    found = told(at(every, nowhere))
    for sms in SMS_PROVIDERS:
        found[f"SMS by {sms}"] = told(at(every, nowhere, sms), "the SMS provider")["the SMS provider"]
    assert {name: one.state for name, one in calls(found).items()} == dict.fromkeys(calls(found), "away")
    assert {found[name].state for name in {*doors(found), LOOKED_AT}} == {"well"}


@pytest.mark.parametrize(("status", "body"), [(200, "<h1>Hello</h1>"), (401, "{}"), (404, ""), (302, "")])
def test_whoever_answers_as_another_does_is_wrong_with_what_to_do(every: Room, status: int, body: str) -> None:
    with HTTPServer() as somebody:
        answer = Response(body, status, headers={"Location": "/login"} if status == 302 else {})
        somebody.expect_request(re.compile("/.*")).respond_with_handler(lambda _: answer)
        url = somebody.url_for("").rstrip("/")
        found = calls(told(at(every, url)))
        for sms in SMS_PROVIDERS:
            found[f"SMS by {sms}"] = told(at(every, url, sms), "the SMS provider")["the SMS provider"]
    del found["the mail server"]
    if status == 200:
        # Which methods an address takes is no JSON: whoever answers may be the gateway.
        assert found.pop("SMS by json").state == "well"
    assert {name: (one.state, one.cause == "broke", bool(one.remedy)) for name, one in found.items()} == dict.fromkeys(
        found, ("wrong", False, True)
    )


@pytest.mark.parametrize("sign", ["\n", "\u20ac"])
def test_a_key_that_was_copied_badly_is_told_and_breaks_no_line(every: Room, sign: str) -> None:
    with HTTPServer() as somebody:
        somebody.expect_request(re.compile("/.*")).respond_with_json({}, status=401)
        values = every_secret("twilio") | {"sms.url": somebody.url_for("")}
        plain = ("sms.kind", "sms.url", "smtp.host")
        bad = {name: value if name in plain else value + sign for name, value in values.items()}
        found = calls(told(secrets(at(every, somebody.url_for("").rstrip("/")), bad)))
    assert found.pop("the mail server").state == "away"
    assert {(one.state, one.cause == "broke", bool(one.remedy)) for one in found.values()} == {("wrong", False, True)}
    assert not any(secret in str(found) for secret in ("t0ken", "p4ss", "ck_1"))


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"sms__kind": "pigeon"}, "the SMS provider", "sms.kind"),
        ({"smtp__port": "fivehundred"}, "the mail server", "smtp.port"),
        ({"smtp__security": "maybe"}, "the mail server", "smtp.security"),
        ({"smtp__security": "none"}, "the mail server", "without TLS"),
        ({"smtp__ca_file": "/nowhere.pem", "smtp__security": "tls"}, "the mail server", "file of authorities"),
        ({"push__private_key": "none"}, LOOKED_AT, "key"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(every: Room, change: dict[str, str], name: str, words: str) -> None:
    found = told(at(every, f"http://127.0.0.1:{free_port()}", **change), name)[name]
    assert (found.state, found.cause == "broke", words in found.message) == ("wrong", False, True), found
    assert found.remedy
