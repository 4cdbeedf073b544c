"""What people are told of a run: a table of the subjects, the findings with what to do, and the sentence of an alert.

Orders are named by number and rows by id: never a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from backroom.domain.quality import Scope, Severity
from backroom.domain.quarantine import Aside
from backroom.quality.suites import BY_SUBJECT, RULES, SUITES, advice_of, is_certain
from backroom.store.quality import findings, quarantine, runs

TOLD_MOST = 50
NAMED_MOST = 5
TREND_RUNS = 60


@dataclass(frozen=True, slots=True)
class Told:
    """What stands after the last run: the run, what each check counted in it, what is open, and earlier runs."""

    run: RowMapping
    results: Sequence[RowMapping]
    open: Sequence[RowMapping]
    counts: Mapping[str, int]
    aside: Mapping[Aside, int]
    earlier: Sequence[Mapping[str, Any]]


def read_told(connection: Connection, run_id: int | None = None) -> Told | None:
    """What stands now; None before the first run has ended."""
    ended = runs.last(connection, TREND_RUNS)
    run = next((one for one in ended if run_id is None or one["id"] == run_id), None)
    if run is None:
        return None
    return Told(
        run,
        runs.results(connection, run["id"]),
        findings.open_findings(connection, TOLD_MOST),
        findings.count_open(connection),
        quarantine.count(connection),
        [dict(row) for row in reversed(ended)],
    )


def sentence(told: Told) -> str:
    """How it stands, in one sentence."""
    rows = sum(rows_of(told.results).values())
    found = ", ".join(f"{told.counts.get(severity, 0)} {severity}" for severity in Severity)
    return f"{rows} rows of {len(rows_of(told.results))} subjects checked; open findings: {found}"


def rows_of(results: Sequence[RowMapping]) -> dict[str, int]:
    """How many rows of each subject were looked at, in the order of the suites."""
    most: dict[str, int] = {suite.subject: 0 for suite in SUITES}
    for row in results:
        most[row["subject"]] = max(most.get(row["subject"], 0), row["rows"])
    return {subject: count for subject, count in most.items() if count}


def table(found: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Findings as a table: what, of which order or row, since when, and what to do."""
    return [
        {
            "id": row["id"],
            "severity": row["severity"],
            "what": RULES[row["code"]].says if row["code"] in RULES else row["code"],
            "check": row["code"],
            "of": row["number"] or row["row_key"],
            "since": f"{row['first_at']:%Y-%m-%d %H:%M}",
            "seen": ", ".join(f"{name} {value}" for name, value in row["data"].items()),
            "repair": "certain" if is_certain(row["code"]) else "",
            "do": advice_of(row["code"]),
        }
        for row in found
    ]


def markdown(told: Told, page: str, chart: str = "") -> str:
    """For an artifact: how it stands, what is open and what to do, the subjects, the trend as a picture."""
    scope = "every row" if told.run["scope"] == Scope.FULL else "what changed and what is under way"
    lines = ["# Data quality", "", f"{sentence(told)}. Run {told.run['id']} over {scope}.", ""]
    lines += ["## What needs somebody", ""]
    if told.open:
        lines += ["| id | severity | of | what | what to do |", "|--:|---|---|---|---|"]
        lines += [
            f"| {row['id']} | {row['severity']} | {row['of']} | {row['what']} ({row['seen']}) | {row['do']} |".replace(
                "\n", " "
            )
            for row in table(told.open)
        ]
        left = sum(told.counts.values()) - len(told.open)
        lines += ["", f"{left} more: `backroom quality list`."] if left > 0 else []
        lines += ["", "Repair what is certain: `backroom quality repair --all`."]
    else:
        lines += ["Nothing."]
    lines += ["", "## In quarantine", "", _said_aside(told.aside)]
    lines += [
        "",
        "## What was looked at",
        "",
        "| subject | whose rows | rows | checks | failed |",
        "|---|---|--:|--:|--:|",
    ]
    for subject, rows in rows_of(told.results).items():
        mine = [row for row in told.results if row["subject"] == subject]
        of = BY_SUBJECT[subject].of if subject in BY_SUBJECT else ""
        lines += [f"| {subject} | {of} | {rows} | {len(mine)} | {sum(bool(row['failed']) for row in mine)} |"]
    if chart:
        lines += ["", "## Open findings over time", "", f"![Open findings over time]({chart})"]
    return "\n".join([*lines, "", f"All of it, offline: `{page}` in the home folder."])


def _said_aside(counted: Mapping[Aside, int]) -> str:
    """How many findings keep their rows aside, and where they are listed."""
    lines = [
        f"{counted[Aside.IN]} findings keep their rows in quarantine, listed in the artifact `quality-quarantine`."
    ]
    if counted[Aside.TOO_MANY]:
        lines.append(
            f"{counted[Aside.TOO_MANY]} more are of checks that too many rows failed at once: none of those is put "
            "aside. `backroom quality quarantine` lists them as well."
        )
    return " ".join(lines)


def trend_of(told: Told) -> list[tuple[str, str, int]]:
    """What was open after each run, by severity: (when, severity, how many), oldest run first."""
    return [
        (run["ended_at"].isoformat(), severity.value, run[severity.value])
        for run in told.earlier
        for severity in Severity
    ]


def alert(code: str, found: Sequence[RowMapping]) -> tuple[str, str]:
    """(subject, what) of an alert about new findings of one check: which orders or rows, and what is wrong."""
    names = list(dict.fromkeys(map(findings.name_of, found)))
    more = f" and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else ""
    rule = RULES[code]
    what = f"{rule.says} {rule.person} {_of_quarantine(code, found)}"
    return f"Data quality, {', '.join(names[:NAMED_MOST])}{more}", what.strip()


def _of_quarantine(code: str, found: Sequence[RowMapping]) -> str:
    """What became of the rows of an alert."""
    if any(row["aside"] == Aside.TOO_MANY for row in found):
        return (
            "So many rows fail this check at once that it may be wrong itself: none was put on hold or left out. If it "
            f"is right, `backroom quality quarantine --check {code}` puts all of them into quarantine."
        )
    if any(row["aside"] == Aside.IN for row in found):
        return "It is in quarantine: on hold if it has not left, and in no figure, until it is mended or accepted."
    return ""


def summary(found: Mapping[str, Sequence[RowMapping]]) -> tuple[str, str]:
    """(subject, what) of one alert about new findings of several checks."""
    said = "; ".join(f"{len(rows)} × {RULES[code].says.rstrip('.')}" for code, rows in found.items())
    count = sum(len(rows) for rows in found.values())
    return f"Data quality, {count} new", f"{said}. The artifact quality says what to do about each."
