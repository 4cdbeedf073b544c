"""Notes: what somebody of the shop wrote beside what they did to an order, in free words.

Free words name customers sooner or later. So a note is sealed under the customer's key and stands beside its event in
the history; it is opened on the order's page and by `backroom order show`, and nowhere else. Prefect gets the event's
code only.
"""

from __future__ import annotations

from sqlalchemy import Connection

from backroom.store.desk import find
from backroom.store.people import PersonErased, load
from backroom.store.seals import Seals, seal, unseal
from backroom.store.story import OrderStory

CONTEXT = "history.note"


def seal_note(connection: Connection, seals: Seals, number: str, words: str) -> bytes | None:
    """A note on an order, sealed; None for no words. Raises NoSuchOrder, and PersonErased."""
    if not words:
        return None
    person_id = find(connection, number)["person_id"]
    return seal(load(connection, seals, [person_id])[person_id].key, words.encode(), CONTEXT)


def open_notes(connection: Connection, seals: Seals, told: OrderStory) -> dict[int, str]:
    """The notes in an order's history, by the entry's id; none when the customer was erased."""
    person_id = told.order["person_id"]
    try:
        key = load(connection, seals, [person_id])[person_id].key
    except PersonErased:
        return {}
    return {
        entry["id"]: unseal(key, entry["note"], CONTEXT).decode() for entry in told.history if entry["note"] is not None
    }
