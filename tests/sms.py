"""A floor whose SMS go by a provider instead of into a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pydantic import SecretStr

from backroom.shop import room as rooms
from blocks.messaging import SmsProvider
from tests import fake_twilio
from tests.fake_twilio import FakeTwilio
from tests.shops import Floor


@contextmanager
def sending_by(floor: Floor, block: SmsProvider) -> Iterator[None]:
    """The shop's SMS go by this block, which comes from here instead of from Prefect's server."""
    messaging = replace(floor.room.shop.messaging, sms="gateway")
    floor.room = replace(floor.room, shop=replace(floor.room.shop, messaging=messaging))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SmsProvider, "load", lambda _name: block)
        patch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
        yield


def twilio_block(twilio: FakeTwilio) -> SmsProvider:
    """The block of a shop with this Twilio, whose reports come to shop.example."""
    return SmsProvider(
        kind="twilio",
        url=twilio.url,
        account=fake_twilio.ACCOUNT,
        username=fake_twilio.KEY,
        password=SecretStr(fake_twilio.SECRET),
        report_url="https://shop.example/messages/twilio/{key}",
    )
