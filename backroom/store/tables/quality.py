"""Tables of data quality: the runs, what each check counted, and the rows that failed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from backroom.store.tables.base import Id, Json, Utc, id_column, metadata

# A run goes through the subjects in their order: `subject` and `after` say where it stands, so that the next one goes
# on there when it was broken off. `upto` is the newest history entry that it answers for.
quality_runs = Table(
    "quality_runs",
    metadata,
    id_column(),
    Column("scope", Text, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("subject", Text, nullable=False, default=""),
    Column("after", Id, nullable=False, default=0),
    Column("upto", Id, nullable=False, default=0),
    # Open findings by severity when it ended, for trends.
    Column("critical", Integer, nullable=False, default=0),
    Column("warning", Integer, nullable=False, default=0),
    Column("info", Integer, nullable=False, default=0),
    Index("ix_quality_runs_scope_id", "scope", "id"),
)

quality_results = Table(
    "quality_results",
    metadata,
    Column("run_id", Id, ForeignKey("quality_runs.id"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Index("ix_quality_results_code", "code"),
)

# A row that failed a check, once as long as it is the same row and check. `row_key` names the row (an id, or the words
# of its key), `number` the order it belongs to, `data` what was seen: ids, codes and figures, never personal data.
# `aside` says whether its row is in quarantine (`backroom.domain.quarantine.Aside`).
quality_findings = Table(
    "quality_findings",
    metadata,
    id_column(),
    Column("code", Text, nullable=False),
    Column("row_key", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("number", Text, nullable=False, default=""),
    Column("data", Json, nullable=False, default=dict),
    Column("state", Text, nullable=False),
    Column("aside", Text, nullable=False, default="", server_default=""),
    Column("first_at", Utc, nullable=False),
    Column("last_at", Utc, nullable=False),
    Column("last_run", Id, nullable=False),
    Column("told_at", Utc),
    Column("ended_at", Utc),
    Column("actor", Text, nullable=False, default=""),
    UniqueConstraint("code", "row_key"),
    Index("ix_quality_findings_state_severity", "state", "severity"),
    Index("ix_quality_findings_subject_state", "subject", "state"),
    Index("ix_quality_findings_number", "number"),
)
