"""Reconciliation as tasks: look at each source that is asked, show the figures, and tell people by rule.

Each may be run again at any time: what a look found is written down, and nothing comes in twice.
"""

from __future__ import annotations

from functools import partial

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from sqlalchemy import Connection

from backroom.channels.reconciling import Books, Looked, look_at
from backroom.channels.registry import channel_for
from backroom.domain.errors import AskPerson, Refuse
from backroom.domain.reconciliation import Look
from backroom.engine.runs import artifact_url
from backroom.insight.reconciled import rows, sentence, trouble_of
from backroom.shop.room import Room, this_room
from backroom.store import looks, paid_elsewhere
from backroom.store.database import now
from tasks.alerting import raise_alert
from tasks.connections import source_of
from tasks.waking import send

ARTIFACT = "reconciliation"


def asked_channels(room: Room) -> list[str]:
    """The channels that are asked for their orders, by their ids."""
    return [spec.id for spec in room.shop.channels if spec.api is not None and spec.api.ask]


@task(name="look at", task_run_name="look at {channel}")
def look(channel: str, reach: Look) -> Looked:
    """Compare a channel's orders with ours and fetch what is missing; a source that is away is written down."""
    room, log = this_room(), get_run_logger()
    spec = room.shop.channel(channel)
    books = Books(room.database, room.seals, room.shop.hub, send)
    looked = look_at(spec, channel_for(spec), partial(source_of, room, spec), books, reach)
    log.info("%s", sentence(channel, looked.figures))
    if looked.error is not None:
        log.warning("%s: %s", channel, looked.error)
    return looked


@task(name="show reconciliation", retries=2, retry_delay_seconds=5)
def show(channels: list[str]) -> None:
    """Write the artifact `reconciliation`: where the paid orders of every source are, and what to do."""
    room = this_room()
    room.database.write(lambda connection: looks.keep_only(connection, channels))
    with room.database.read() as connection:
        listed = rows(looks.all_looks(connection), paid_elsewhere.count_missing(connection), now(connection))
    shown = listed or [{"channel": "no channel is asked for its orders; docs/connectors.md says how"}]
    create_table_artifact(shown, key=ARTIFACT, description="Paid at the source, and ours")


@task(name="tell of trouble", retries=2, retry_delay_seconds=5)
def tell(looked: Looked, reach: Look) -> str:
    """Alert people of a source's trouble, once as long as it lasts; returns what was told now."""
    room = this_room()
    with room.database.read() as connection:
        at = now(connection)
        row = next(
            one for one in looks.all_looks(connection) if (one["channel"], one["look"]) == (looked.channel, reach)
        )
    for_a_person = isinstance(looked.error, AskPerson | Refuse)
    trouble = trouble_of(row, at, for_a_person=for_a_person, new_missing=len(looked.new_missing))
    # What is away and not yet overdue is no trouble, and the end of none.
    if trouble is None and looked.error is not None:
        return ""
    word = trouble.word if trouble else ""
    if trouble is not None and (word == "missing" or word != row["told"]):
        raise_alert(trouble.what, looked.channel, artifact_url(ARTIFACT))

    def commit(connection: Connection) -> None:
        looks.told(connection, looked.channel, reach, word)

    if word != row["told"]:
        room.database.write(commit)
    return trouble.what if trouble else ""
