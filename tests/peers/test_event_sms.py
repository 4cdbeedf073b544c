"""Agreeing to SMS on an event's page in a whole shop: the code comes by a real Kannel, and STOP ends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, select

from backroom.domain.events import Event, Session
from backroom.domain.opt_in import wording
from backroom.store import event_page, events
from backroom.store.database import now
from backroom.store.tables import consents, event_history, opt_ins
from backroom.store.tables import events as events_table
from tests.browser import Browser
from tests.peers.conftest import PHONE
from tests.peers.kannel import Kannel
from tests.running import RunningShop, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]

NUMBER = "+4915112349876"
CODE, SHOP = "late-market", "Motte & Mond"


@pytest.fixture
def url(shop: RunningShop) -> Iterator[str]:
    """An event next week; gone afterwards, because a booth that ever had one is shut without one."""

    def work(connection: Connection) -> None:
        at = now(connection)
        sessions = (Session(at + timedelta(days=7), at + timedelta(days=7, hours=5)),)
        events.add(connection, Event(CODE, "Late market", "street", "booth-a", "", sessions), (), at, "Ada")
        event_page.publish(connection, CODE, at, by="Ada", when=at)

    def gone(connection: Connection) -> None:
        mine = select(events_table.c.id).where(events_table.c.code == CODE).scalar_subquery()
        for table in (opt_ins, event_history):
            connection.execute(delete(table).where(table.c.event_id == mine))
        connection.execute(delete(events_table).where(events_table.c.code == CODE))

    shop.room.database.write(work)
    yield f"{shop.ports.pages}/e/{CODE}/"
    shop.room.database.write(gone)


def stated(shop: RunningShop) -> list[tuple[bool, str, str]]:
    """What was said of SMS about orders by whoever said it on an event's page, oldest first."""
    with shop.room.database.read() as connection:
        whose = select(consents.c.person_id).where(consents.c.source == "event.page")
        query = select(consents).where(
            consents.c.person_id.in_(whose), consents.c.medium == "sms", consents.c.purpose == "order_updates"
        )
        rows = connection.execute(query.order_by(consents.c.id))
        return [(row.granted, row.source, row.wording) for row in rows]


def test_a_code_comes_by_sms_proves_the_number_and_stop_ends_it(
    window: Browser, shop: RunningShop, sms_centre: Kannel | None, url: str
) -> None:
    if sms_centre is None:
        pytest.skip("Kannel is not installed: bash .ci/peers")
    window.window(*PHONE, phone=True)
    window.open(url)
    window.see(wording("de", SHOP))
    window.type("#phone", NUMBER)
    window.click("button", "Zustimmen")
    window.see("ist ein Code unterwegs")
    wait_until(lambda: any(one.recipient == NUMBER for one in sms_centre.arrived()), "the code to arrive")
    [sms] = [one for one in sms_centre.arrived() if one.recipient == NUMBER]
    assert sms.text.startswith(f"{SHOP}: dein Code ist ")
    window.type("#code", re.findall(r"\b\d{6}\b", sms.text)[0])
    window.click("button", "Bestätigen")
    window.see("Fertig: du bekommst SMS")
    assert stated(shop) == [(True, "event.page", wording("de", SHOP))]
    sms_centre.write_back(NUMBER, "+4930999999", "STOP")
    wait_until(lambda: len(stated(shop)) == 2, "STOP to come in")
    assert stated(shop)[-1][0] is False
    # And whoever asks again for that number is answered the same, and no code goes.
    window.open(url)
    window.type("#phone", NUMBER)
    window.click("button", "Zustimmen")
    window.see("ist ein Code unterwegs")
    with shop.room.database.read() as connection:
        assert connection.execute(select(opt_ins.c.state)).scalars().all() == ["confirmed"]
