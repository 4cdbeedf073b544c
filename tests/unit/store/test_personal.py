"""The map of what is held of a person is held against the schema: nothing is left out of an export or an erasure."""

from __future__ import annotations

from sqlalchemy import LargeBinary

from backroom.store.personal import HOLDINGS, OF_NOBODY
from backroom.store.tables import metadata

# Sealed with the master key alone, or the key itself; or for a booth, with a key that was never in the database; or a
# login of a channel's, with a key made of its secret.
NOT_WITH_A_PERSONS_KEY = {
    ("people", "wrapped_key"),
    ("sealing", "hash_key"),
    ("print_seals", "description"),
    ("channel_logins", "sealed"),
}


def test_every_table_says_what_it_holds_of_a_person() -> None:
    """A new table: add it to HOLDINGS in backroom/store/personal.py, or to OF_NOBODY if it holds nothing of one."""
    told = [holding.table.name for holding in HOLDINGS] + [table.name for table in OF_NOBODY]
    assert sorted(told) == sorted(metadata.tables)


def test_every_sealed_column_is_opened_in_an_export_and_emptied_by_an_erasure() -> None:
    """A new sealed column: name it with its context at its table in HOLDINGS."""
    sealed = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    told = {(holding.table.name, name) for holding in HOLDINGS for name in holding.sealed}
    assert sealed - NOT_WITH_A_PERSONS_KEY == told


def test_no_table_of_nobody_names_a_person_or_an_order_by_a_column() -> None:
    named = {(table.name, name) for table in OF_NOBODY for name in ("person_id", "order_id") if name in table.c}
    assert named == {("erasures", "person_id")}
