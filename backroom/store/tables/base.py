"""The metadata and the column types that every table shares.

Times are aware UTC datetimes in Python; SQLite keeps them as fixed-width ISO 8601 text, so that they compare as text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Index, Integer, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Utc(TypeDecorator[datetime]):
    """An aware UTC datetime: timestamptz on PostgreSQL, ISO 8601 text with microseconds on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored: pass an aware UTC datetime")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.strftime(FORMAT)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value)


Id = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB, "postgresql")
# One in which nothing is NULL, and not JSON's own null.
NullableJson = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Sealed = LargeBinary().with_variant(BYTEA, "postgresql")


def id_column() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def claim_columns() -> list[Column[Any]]:
    """What every row that waits for a wave carries.

    `attempts` is counted at the claim and goes back to 0 when the row advances; a row with `sick_cause` is left alone
    by waves and waits for its own run, which `sick_since` names; `breaker_id` says that it waits for a breaker instead.
    One with a `next_attempt_at` beside its `sick_cause` is put off: waves try it again then; `failures` counts how
    often it was put off in a row.
    """
    return [
        Column("claim_token", Text),
        Column("attempts", Integer, nullable=False, default=0, server_default="0"),
        Column("failures", Integer, nullable=False, default=0, server_default="0"),
        Column("next_attempt_at", Utc),
        Column("sick_cause", Text),
        Column("sick_reason", Text),
        Column("sick_since", Utc),
        Column("breaker_id", Id),
    ]


def sparse_index(name: str, column: str) -> Index:
    """An index of the few rows in which `column` says anything."""
    there = text(f"{column} IS NOT NULL")
    return Index(name, column, sqlite_where=there, postgresql_where=there)
