"""Carrying suites out with Great Expectations: batches of pandas, in a context that lives in memory and tells nobody.

Great Expectations and pandas are loaded when an `Inspector` is made, not before. One inspector belongs to one thread: a
context that is shared validates another's frame.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backroom.domain.errors import Refuse
from backroom.quality.batch import columns_of
from backroom.quality.rules import Rule, Suite
from backroom.store.quality.windows import Rows

# Great Expectations keeps the context that it works on in a global: whoever uses it in a process of many threads does
# so in turn.
in_turn = threading.Lock()
# The column that names a row in an answer: its place in the batch.
PLACE = "place"
RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [PLACE],
    # What stands in a row is kept by us, a few columns of it; an answer names rows and nothing else.
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
    "partial_unexpected_count": 0,
}


class CheckBroken(Refuse):
    """A check could not be carried out, so that nobody knows whether it holds; the message names it."""

    cause = "check_broken"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one rule over one batch: how many rows there were, and the places of those that failed."""

    rule: Rule
    rows: int
    failed: Sequence[int]


def quiet() -> None:
    """Say before it is loaded that Great Expectations reports to nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"


class Inspector:
    """Checks batches against suites. Making one loads Great Expectations: five seconds of processor."""

    def __init__(self) -> None:
        quiet()
        import great_expectations
        import pandas
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        self._gx, self._pandas = great_expectations, pandas
        # Without a configuration it would make a temporary folder for pages at each run, and leave it there.
        config = DataContextConfig(
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
            store_backend_defaults=InMemoryStoreBackendDefaults(),
        )
        self._context = great_expectations.get_context(mode="ephemeral", project_config=config)
        self._shop = self._context.data_sources.add_pandas("shop")
        self._known: dict[str, tuple[Any, Any]] = {}

    def check(self, suite: Suite, rows: Rows) -> list[Checked]:
        """Check rows against a suite; an answer for each rule. Raises CheckBroken."""
        if not rows:
            return [Checked(rule, 0, ()) for rule in suite.rules]
        frame = self._pandas.DataFrame(columns_of(rows))
        frame[PLACE] = range(len(rows))
        definition, expected = self._of(suite)
        batch = definition.get_batch(batch_parameters={"dataframe": frame})
        answers = batch.validate(expected, result_format=RESULT_FORMAT).results
        by_code = {answer.expectation_config.meta["code"]: answer for answer in answers}
        return [Checked(rule, len(rows), _failed(rule, by_code[rule.code])) for rule in suite.rules]

    def _of(self, suite: Suite) -> tuple[Any, Any]:
        if suite.subject not in self._known:
            asset = self._shop.add_dataframe_asset(name=suite.subject)
            definition = asset.add_batch_definition_whole_dataframe("all")
            self._known[suite.subject] = definition, expectation_suite(self._gx, suite)
        return self._known[suite.subject]


def expectation_suite(gx: Any, suite: Suite) -> Any:
    """The suite as Great Expectations has it, each rule with its severity, its words and its code."""
    return gx.ExpectationSuite(
        name=suite.subject, expectations=[expectation(gx, rule) for rule in suite.rules], meta={"of": suite.of}
    )


def expectation(gx: Any, rule: Rule) -> Any:
    """One rule as an expectation."""
    kind = getattr(gx.expectations, rule.expectation)
    return kind(**rule.arguments, severity=rule.severity.value, meta={"code": rule.code}, notes=rule.says)


def _failed(rule: Rule, answer: Any) -> list[int]:
    if answer.success:
        return []
    places: Sequence[Mapping[str, Sequence[Any]]] = answer.result.get("unexpected_index_list") or ()
    if not places:
        # It did not hold and names no row: it could not be carried out, and must not pass for one that held.
        raise CheckBroken(f"the check {rule.code} could not be carried out", remedy="Tell whoever keeps the program.")
    # Without the values it gives one entry, with all places in it.
    return [int(place) for entry in places for place in entry[PLACE]]
