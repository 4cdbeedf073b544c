"""Everything that is held of one person, table by table and opened: for the export that they may ask for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from backroom.store.people import load
from backroom.store.personal import HOLDINGS, Whose
from backroom.store.seals import Seals, unseal

Rows = list[dict[str, Any]]


def everything(connection: Connection, seals: Seals, person_id: int) -> dict[str, Rows]:
    """Rows by table, in the order of `personal.HOLDINGS`; what was sealed as what it says. Raises PersonErased.

    Nothing in it may go anywhere but to the person who asks and to whoever hands it to them.
    """
    key = load(connection, seals, [person_id])[person_id].key
    whose, told = Whose(person_id), dict[str, Rows]()
    for holding in HOLDINGS:
        columns = [column for column in holding.table.c if column.name not in holding.untold]
        query = select(*columns).where(holding.rows(whose)).order_by(*holding.table.primary_key.columns)
        told[holding.table.name] = [
            {name: _opened(key, value, holding.sealed.get(name, "")) for name, value in row.items()}
            for row in connection.execute(query).mappings()
        ]
    return told


def _opened(key: bytes, value: Any, context: str) -> Any:
    if not context:
        return value
    if not value:
        # Emptied by retention.
        return None
    text = unseal(key, value, context).decode("utf-8", "replace")
    try:
        opened = json.loads(text)
    except ValueError:
        return text
    return opened if isinstance(opened, Mapping | list) else text
