"""Rules and suites as plain values: what is expected of a subject's rows, how grave it is, and what a person does.

What belongs here: the words of a suite. What does not: which rules there are (`suites`), and carrying them out with
Great Expectations (`validate`). A value that is missing (NULL) is never wrong unless a rule says that it must be there:
batches leave empty what a rule does not apply to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from backroom.domain.quality import Severity
from backroom.domain.shop import Shop
from backroom.store.quality.windows import Rows, Source, Window, read

Made = Callable[[Connection, datetime, Shop], Rows]
CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of one subject.

    `code` names it for good, `says` what a row is that fails it, `person` what somebody does then. `expectation` is the
    name of an expectation of Great Expectations, `arguments` what it takes. `shown` are the columns kept of a row that
    fails. `repair` names a repair of `backroom.quality.repairing`, where one is certain.
    """

    code: str
    severity: Severity
    says: str
    person: str
    expectation: str
    arguments: Mapping[str, Any]
    shown: tuple[str, ...] = ()
    repair: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """What is expected of a subject. `of` says in a clause whose rows they are; `source` reads them, or makes them of
    what it reads."""

    subject: str
    of: str
    source: Source | Made
    rules: tuple[Rule, ...]

    @property
    def walked(self) -> Source | None:
        """The source, where its rows are walked by their ids; None where all are read at once."""
        return self.source if isinstance(self.source, Source) and self.source.id is not None else None

    def read(self, connection: Connection, window: Window, at: datetime, shop: Shop) -> Rows:
        """The rows of a window."""
        if isinstance(self.source, Source):
            return read(connection, self.source, window, at)
        return self.source(connection, at, shop)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the rules of one subject: each method is one kind of expectation; `code` is put behind the subject."""

    subject: str
    rules: list[Rule] = field(default_factory=list)

    def there(self, column: str, code: str, severity: Severity, says: str, person: str, **more: Any) -> None:
        """The column is not empty."""
        self._add("ExpectColumnValuesToNotBeNull", {"column": column}, code, severity, says, person, more)

    def one_of(
        self, column: str, values: Sequence[object], code: str, severity: Severity, says: str, person: str, **more: Any
    ) -> None:
        """The column is one of a few values."""
        wanted = {"column": column, "value_set": [_plain(value) for value in values]}
        self._add("ExpectColumnValuesToBeInSet", wanted, code, severity, says, person, more)

    def true(self, column: str, code: str, severity: Severity, says: str, person: str, **more: Any) -> None:
        """The column, which says 1 or 0, is 1."""
        self.one_of(column, [1], code, severity, says, person, **more)

    def within(
        self,
        column: str,
        low: float | None,
        high: float | None,
        code: str,
        severity: Severity,
        says: str,
        person: str,
        **more: Any,
    ) -> None:
        """The column is from `low` to `high`, both included; None is no bound."""
        wanted = {"column": column, "min_value": low, "max_value": high}
        self._add("ExpectColumnValuesToBeBetween", wanted, code, severity, says, person, more)

    def equal(
        self, first: str, second: str, code: str, severity: Severity, says: str, person: str, **more: Any
    ) -> None:
        """Two columns say the same."""
        wanted = {"column_A": first, "column_B": second, "ignore_row_if": "either_value_is_missing"}
        self._add("ExpectColumnPairValuesToBeEqual", wanted, code, severity, says, person, more)

    def at_least(
        self, first: str, second: str, code: str, severity: Severity, says: str, person: str, **more: Any
    ) -> None:
        """The first column is the second or more."""
        wanted = {
            "column_A": first,
            "column_B": second,
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        }
        self._add("ExpectColumnPairValuesAToBeGreaterThanB", wanted, code, severity, says, person, more)

    def matches(
        self, column: str, regex: str, code: str, severity: Severity, says: str, person: str, **more: Any
    ) -> None:
        """The column, a text, is as a regular expression says."""
        wanted = {"column": column, "regex": regex}
        self._add("ExpectColumnValuesToMatchRegex", wanted, code, severity, says, person, more)

    def unique(self, column: str, code: str, severity: Severity, says: str, person: str, **more: Any) -> None:
        """No value stands twice. For subjects that are read whole: in a part of the rows nobody sees the other one."""
        self._add("ExpectColumnValuesToBeUnique", {"column": column}, code, severity, says, person, more)

    def _add(
        self,
        expectation: str,
        arguments: Mapping[str, Any],
        code: str,
        severity: Severity,
        says: str,
        person: str,
        more: Mapping[str, Any],
    ) -> None:
        columns = tuple(arguments[name] for name in ("column", "column_A", "column_B") if name in arguments)
        shown = columns + tuple(more.get("shown", ()))
        rule = Rule(
            f"{self.subject}.{code}", severity, says, person, expectation, arguments, shown, more.get("repair", "")
        )
        self.rules.append(rule)


def suite(subject: str, of: str, source: Source | Made, write: Callable[[Writer], None]) -> Suite:
    """A suite, written by a function."""
    writer = Writer(subject)
    write(writer)
    return Suite(subject, of, source, tuple(writer.rules))


def _plain(value: object) -> object:
    # Members of our enums are texts; the engine that writes them down as JSON knows only those.
    return str(value) if isinstance(value, str) else value
