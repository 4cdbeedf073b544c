"""Requests about privacy: taking those that a channel sends, and carrying out what can be.

What belongs here: from what a channel says to whom it means, and the erasures that wait. What does not: a channel's
words (`backroom.channels.shopify_privacy`); exports, which a person hands over.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sqlalchemy import Connection, RowMapping

from backroom.channels import shopify_privacy
from backroom.privacy.erasure import ForgetRuns, Report, erase
from backroom.shop.room import Room
from backroom.store import knowing, requests
from backroom.store.personal import Whose
from backroom.store.seals import Seals

_KINDS = {
    shopify_privacy.DATA_REQUEST: requests.EXPORT,
    shopify_privacy.REDACT: requests.ERASE,
    shopify_privacy.SHOP_REDACT: requests.CLOSE,
}
CHUNK = 100


def take(connection: Connection, seals: Seals, channel: str, delivery_key: str, asked: shopify_privacy.Asked) -> bool:
    """Write a channel's request down, with the people it means as they are known now; False where it is there already.

    What they were called by is not kept. Whoever is not known here has nothing here: that request is done as it comes.
    """
    found: set[int] = set(knowing.of_channel_orders(connection, channel, list(asked.orders)))
    for kind, value in (("email", asked.email), ("phone", asked.phone)):
        if value:
            found.update(knowing.by_digest(connection, kind, seals.digest(kind, value)))
    return requests.ask(connection, _KINDS[asked.topic], f"{channel}:{delivery_key}", found, channel, channel)


def carry_out(
    room: Room, forget_runs: ForgetRuns | None, confirmed: int | None = None
) -> Iterator[tuple[RowMapping, Report]]:
    """Carry out every erasure that waits, as far as it can be; yields each request with what was done.

    A person who is still served keeps a request waiting: it is tried again the next time. A channel that closes loses
    its customers: those who bought elsewhere as well stay known there, and what this channel brought of them goes.
    While the channel stands in the shop file somebody must say so, as `confirmed`, the request's number.
    """
    with room.database.read() as connection:
        waiting = requests.waiting(connection, requests.ERASE, requests.CLOSE)
    for request in waiting:
        if confirmed is not None and request["id"] != confirmed:
            continue
        if request["kind"] == requests.CLOSE and confirmed is None and room.shop.find_channel(request["channel"]):
            continue
        report = Report()
        for some in _people(room, request):
            done = erase(room, some, request["actor"], forget_runs)
            report.people += done.people
            report.still += done.still
            report.files += done.files
            report.left = done.left
        if not report.still:
            room.database.write(
                partial(requests.settle, request_id=request["id"], state=requests.DONE, actor=request["actor"])
            )
        yield request, report


def _people(room: Room, request: RowMapping) -> Iterator[list[Whose]]:
    if request["kind"] == requests.ERASE:
        yield [Whose(person_id) for person_id in request["people"]]
        return
    after = 0
    while True:
        with room.database.read() as connection:
            some = knowing.of_channel(connection, request["channel"], after, CHUNK)
        if not some:
            return
        after = some[-1][0]
        yield [Whose(person_id, request["channel"] if elsewhere else "") for person_id, elsewhere in some]
