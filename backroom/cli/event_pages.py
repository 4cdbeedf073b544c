"""Commands about the page of an event for everybody: publish it, and write it as files for a CDN."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from backroom.cli.events import Code, Json
from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json
from backroom.domain.errors import AskPerson
from backroom.eventpage import files
from backroom.store import event_page, events
from backroom.store.database import now


class NotPublished(AskPerson):
    """The event has no page for everybody."""

    cause = "not_published"


def publish(
    code: Code,
    off: Annotated[bool, typer.Option("--off", help="Take its page away again")] = False,
    as_json: Json = False,
) -> None:
    """Give an event its page for everybody. Until then nobody learns from us that it will be."""
    room = open_room()

    def work(connection: Connection) -> None:
        at = now(connection)
        event_page.publish(connection, code, None if off else at, by=getpass.getuser(), when=at)

    room.database.write(work)
    if as_json:
        show_json({"code": code, "published": not off, "path": f"/e/{code}/"})
    elif off:
        console.print(
            f"{code} has no page any more. Caches may show it for another minute and a half.", highlight=False
        )
    else:
        base = room.shop.messaging.public_url or "the gateway's address"
        console.print(f"[bold green]{code}[/] has a page: {base}/e/{code}/", highlight=False)
        console.print(f"As files for a CDN: backroom event page {code} --to FOLDER", highlight=False)


def page(
    code: Code,
    to: Annotated[Path, typer.Option("--to", help="The folder to write to; its own stands in it under the code")],
    as_json: Json = False,
) -> None:
    """Write an event's page as files: the page in each language, live.json, and what they load. Only what changed."""
    room = open_room()
    with room.database.read() as connection:
        if events.find(connection, code)["published_at"] is None:
            raise NotPublished(f"{code} has no page for everybody", remedy=f"Type: backroom event publish {code}")
    changed = files.write_event(room, code, to)
    if as_json:
        show_json({"code": code, "written": changed})
        return
    console.print(f"{len(changed)} files written to {to / code} and {to / files.ASSETS}.", highlight=False)
