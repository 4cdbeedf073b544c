"""`backroom doctor` compares the blocks that a real Prefect keeps with the shop file and the secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from backroom.cli.blocks_known import check_blocks, has_blocks
from backroom.cli.doctor import Finding, examine
from backroom.cli.environments import Ports, note_ports
from backroom.cli.own_house import Connection
from backroom.cli.prepare import PREFECT_AUTH
from backroom.shop.room import Room, open_room
from blocks.messaging import MAIL_BLOCK
from blocks.wanted import wanted_by
from tests.integration.cli.test_doctor import add, change
from tests.prefect_server import PrefectServer, asking, free_port

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

NAMES = (MAIL_BLOCK, "channel-web", "refunds-web")
API = """
[channels.web.api]
url = "https://far.myshopify.com"
secret = "channel.web"

[channels.web.refunds]
url = "https://far.myshopify.com"
secret = "refunds.web"
"""


@pytest.fixture
def known(room: Room, running_prefect: PrefectServer) -> Iterator[Room]:
    """The demo shop with a mail server and a channel that is asked and pays back, beside a Prefect without blocks."""
    note_ports(room.home, Ports(prefect_api=running_prefect.api_url))
    room.secrets.add({PREFECT_AUTH: running_prefect.auth, "smtp.host": "mail.example"})
    change(room, 'mail = "folder"', 'mail = "smtp"')
    add(room, API, channel_web="t0ken-1", refunds_web="t0ken-2")
    changed = open_room(room.home)
    with asking(running_prefect):
        drop()
        yield changed
        drop()
    changed.close()


def drop() -> None:
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents():
            if document.name in NAMES:
                client.delete_block_document(document.id)


def keep(room: Room) -> None:
    """As `backroom up` does."""
    for one in wanted_by(room):
        one.make().save(one.name, overwrite=True)


def told(room: Room) -> Finding:
    (finding,) = examine([Connection("the blocks at Prefect", lambda: check_blocks(room))])
    assert not any(secret in str(finding) for secret in ("t0ken", room.secrets.get(PREFECT_AUTH)))
    return finding


def test_blocks_that_are_missing_or_stale_are_named_with_what_makes_them(known: Room) -> None:
    assert has_blocks(known.shop)
    missing = told(known)
    assert (missing.state, missing.cause) == ("wrong", "blocks_differ")
    for block in ("the mail server (shop-mail)", "channel web (channel-web)", "the refunds of web (refunds-web)"):
        assert f"{block} is missing" in missing.message
    assert "backroom up" in missing.remedy
    keep(known)
    assert told(known).state == "well"
    known.secrets.add({"channel.web": "t0ken-3"})
    stale = told(known)
    assert (
        stale.state,
        "channel web (channel-web) has another secret." in stale.message,
        "shop-mail" in stale.message,
    ) == (
        "wrong",
        True,
        False,
    )
    keep(known)
    assert told(known).state == "well"


def test_a_secret_that_is_missing_leaves_the_other_blocks_compared(known: Room) -> None:
    keep(known)
    known.secrets.add({}, without=["refunds.web"])
    assert told(known).state == "well"


def test_a_prefect_that_is_away_is_said_to_be_away(known: Room) -> None:
    note_ports(known.home, Ports(prefect_api=f"http://127.0.0.1:{free_port()}/api"))
    away: Any = told(known)
    assert (away.state, away.cause) == ("away", "blocks_unseen")


def test_a_shop_without_connections_asks_prefect_for_no_blocks(room: Room) -> None:
    assert not has_blocks(room.shop)
