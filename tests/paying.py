"""A process of its own that pays cancelled orders back at a Shopify (`python -m tests.paying HOME URL`), so that it can
be killed."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import tasks.connections
from backroom.domain.channels import RefundsSpec
from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store.database import Database
from blocks.channels import RefundsAccount
from tests.fake_shops import TOKEN
from tests.shops import reopen_floor


def main(home: Path, url: str) -> None:
    """Pay what waits, once."""
    os.environ["BACKROOM_HOME"] = str(home)
    floor = reopen_floor(Database(f"sqlite:///{home.parent / 'shop.db'}"), home)
    vars(wake)["_this"] = floor.waker
    (web,) = floor.room.shop.channels
    paying = replace(web, refunds=RefundsSpec(url, "refunds.web"))
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(paying,)))
    rooms._open[home.resolve()] = floor.room
    # As the fixture `floor` does: the block is made here, and Prefect's store of them is left out.
    vars(tasks.connections)["refunds_account"] = lambda _channel: RefundsAccount(kind="shopify", secret=TOKEN)
    floor.pay_cancelled()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
