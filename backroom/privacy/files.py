"""What the shop's own folders hold of somebody: mails and SMS as files, label sheets, pictures of their own, and files
that orders came in.

What belongs here: removing it. What does not: where it is written (`backroom.messaging.mailfolder`,
`backroom.printing.folder`), and what real mail servers, SMS gateways and printers have taken: that has left the house.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from backroom.carriers.mixed import Printed, render_sheet
from backroom.channels.dropping import DropFolder
from backroom.domain.consent import MEDIA
from backroom.domain.locations import PrinterSpec
from backroom.domain.own_artwork import DRAFTS, PREFIX, is_own_file
from backroom.domain.shop import NotInShopFile
from backroom.messaging.mailfolder import MailFolder
from backroom.printing.folder import FolderPrinter
from backroom.shop.room import Room
from backroom.store import erased, own_artworks, shipping
from backroom.store.personal import Whose

MAIL_FOLDERS = {"email": "mail", "sms": "sms"}
# For so long a picture that no line names is left: a wave takes seconds, and a person may think better of a correction.
UNNAMED_FOR = timedelta(days=1)


def remove_files(room: Room, whose: Whose) -> int:
    """Remove what lies in folders of somebody who was forgotten; returns how many files were removed or written anew.

    A sheet on which others' labels stand as well is written anew with those alone. Safe to do again.
    """
    with room.database.read() as connection:
        keys = erased.message_keys(connection, whose)
        sheets = erased.sheets_of(connection, whose)
        ids = erased.external_ids(connection, whose)
        others = {sheet["id"]: _labels_left(room, connection, sheet["id"]) for sheet in sheets}
    count = sum(mails.remove(key) for mails in mail_folders(room) for key in keys)
    for sheet in sheets:
        printer = label_folder(room, sheet["location"])
        if printer is not None:
            left = others[sheet["id"]]
            count += printer.rewrite(sheet["key"], render_sheet(left) if left else None)
    for folder in drop_folders(room):
        count += folder.forget({id_ for channel, id_ in ids if channel == folder.spec.id})
    return count


def remove_pictures(room: Room, whose: Iterable[Whose] = ()) -> int:
    """Remove pictures of buyers' own that nobody needs any more; returns how many. Safe to do again.

    What these people, who were forgotten, had on their lines goes at once, everything else a day after it was fetched:
    a source may have changed its order, a person its line, or a wave may have died before it named what it had fetched.
    """
    # Before the rows are read: what a wave puts there later is younger, and is left alone.
    at = time.time()
    with room.database.read() as connection:
        # A wave may be about to name what another had, and has it in the folder already.
        waits = own_artworks.are_being_fetched(connection)
        forgotten = set[str]() if waits else {name for one in whose for name in own_artworks.files_of(connection, one)}
        needed = own_artworks.files_needed(connection)
    folder = room.artwork()
    kept = [path for path in folder.glob(f"{PREFIX}*") if is_own_file(path.name) and path.name not in needed]
    return sum(
        _remove(path, at if path.name in forgotten else at - UNNAMED_FOR.total_seconds())
        for path in [*kept, *folder.glob(f"{DRAFTS}/*/*")]
    )


def _remove(path: Path, before: float) -> bool:
    """Remove a file that was written before then; False where it is younger, or gone."""
    try:
        if path.stat().st_mtime >= before:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def drop_folders(room: Room) -> list[DropFolder]:
    """The folders in which files of orders are kept after they were taken in."""
    country = room.shop.owner.country
    return [DropFolder(room.folder(spec.folder), spec, country) for spec in room.shop.channels if spec.folder]


def mail_folders(room: Room) -> list[MailFolder]:
    """The folders that messages are, or once were, written to: what the shop file says now does not matter."""
    return [MailFolder(room.folder(MAIL_FOLDERS[medium]), medium) for medium in MEDIA]


def label_folder(room: Room, location: str) -> FolderPrinter | None:
    """The folder that a location's label sheets are written to, None where a real printer has them."""
    try:
        spec = room.shop.location(location).label_printer
    except NotInShopFile:
        # A place that is gone from the shop file: where its sheets lay, nobody knows any more.
        return None
    return _folder(room, spec) if spec is not None else None


def _folder(room: Room, spec: PrinterSpec) -> FolderPrinter | None:
    path = room.printer_folder(spec)
    return FolderPrinter(spec.name, path) if path is not None else None


def _labels_left(room: Room, connection: Connection, sheet: int) -> list[Printed]:
    rows = shipping.labels_of(connection, (row["id"] for row in shipping.shipments_on(connection, sheet)))
    return [shipping.open_label(room.seals.unwrap(row["wrapped_key"]), row) for row in rows]
