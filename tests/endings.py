"""What must be true of a whole shop when its orders have ended, whatever happened to it meanwhile.

What belongs here: counting what really came out against what the database says. What does not: how each order must end;
the demo's judge knows that (`backroom.cli.demo_judge`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select

from backroom.cli.demo_judge import Verdict, failed_run_names, judge
from backroom.shop.demo_orders import DemoOrder
from backroom.store.tables import effects, labels, messages, print_jobs, shipments, stock_levels, stock_movements
from tests.running import RunningShop, wait_until


def wait_for_endings(shop: RunningShop, sample: Sequence[DemoOrder], seconds: float) -> None:
    """Until every order that was sent has ended, and each as it must."""
    verdicts: list[Verdict] = []

    def ended() -> bool:
        verdicts[:] = judge(shop.room, sample, failed_run_names(shop.api))
        return all(one.ended for one in verdicts)

    try:
        wait_until(ended, "every order to end", seconds)
    except AssertionError as error:
        for one in [one for one in verdicts if not one.ended][:10]:
            error.add_note(f"{one.number or one.kind} is {one.ending}, not {one.expected}")
        raise
    assert [one for one in verdicts if one.wrong] == []


def check_nothing_twice(shop: RunningShop) -> None:
    """Every print, label, parcel and message happened once, and lies where it came out."""
    with shop.room.database.read() as connection:
        kinds = Counter(connection.execute(select(effects.c.kind).where(effects.c.state == "done")).scalars())
        jobs = connection.execute(select(print_jobs).where(print_jobs.c.state == "done")).mappings().all()
        parcels = connection.execute(select(func.count()).select_from(shipments)).scalar_one()
        per_parcel = connection.execute(select(labels.c.shipment_id, func.count()).group_by(labels.c.shipment_id)).all()
        told = connection.execute(select(messages).where(messages.c.state == "sent")).mappings().all()
    assert kinds["print"] == len(jobs)
    assert kinds["label"] == parcels
    assert {count for _, count in per_parcel} == {2}
    assert kinds["message"] == len(told)
    # What really came out: one file for each print and each message.
    printed = [*(shop.home / "printers").rglob("*.pdf"), *(shop.home / "booths").rglob("*.pdf")]
    assert len(printed) == len(jobs)
    mails = list((shop.home / "mail").glob("message-*.eml"))
    texts = list((shop.home / "sms").glob("message-*.txt"))
    assert (len(mails), len(texts)) == (
        sum(1 for one in told if one["medium"] == "email"),
        sum(1 for one in told if one["medium"] == "sms"),
    )


def check_stock(shop: RunningShop) -> None:
    """The stock counts again from its movements."""
    with shop.room.database.read() as connection:
        counted = {
            (row[0], row[1]): row[2]
            for row in connection.execute(
                select(stock_movements.c.location, stock_movements.c.sku, func.sum(stock_movements.c.pieces)).group_by(
                    stock_movements.c.location, stock_movements.c.sku
                )
            )
        }
        levels = connection.execute(select(stock_levels)).mappings().all()
    assert all(counted[level["location"], level["sku"]] == level["on_hand"] for level in levels)
    assert all(0 <= level["reserved"] <= level["on_hand"] for level in levels)
