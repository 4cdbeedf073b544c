"""Suites as plain values: every rule can be carried out, is told in words, and its repair exists."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from backroom.quality.batch import columns_of, completed
from backroom.quality.repairing import REPAIRS
from backroom.quality.rules import Rule, Suite
from backroom.quality.suites import RULES, SUITES
from backroom.store.database import Database
from backroom.store.quality.windows import Window
from tests.shops import a_shop

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
# Nothing of a person may be in a batch: neither these, nor what is sealed.
PERSONAL = {"contact", "note", "data", "zpl", "content", "body", "wording", "fingerprint", "person_id", "actor"}


def test_no_two_rules_have_one_code() -> None:
    assert len(RULES) == sum(len(suite.rules) for suite in SUITES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rule_says_in_a_sentence_what_is_wrong_and_what_somebody_does(rule: Rule) -> None:
    for said in (rule.says, rule.person):
        assert said[0] in "`" + said[0].upper()
        assert said.endswith((".", ")."))
        assert "|" not in said
    assert not rule.repair or rule.repair in REPAIRS
    assert ("`backroom quality repair`" in rule.person) == bool(rule.repair)


def test_every_repair_is_some_rules() -> None:
    assert {rule.repair for rule in RULES.values() if rule.repair} == set(REPAIRS)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.subject)
def test_a_batch_has_nothing_of_a_person(suite: Suite, database: Database) -> None:
    with database.read() as connection:
        assert suite.read(connection, Window(), AT, a_shop()) is not None
        query = getattr(suite.source, "query", None)
        columns = set(query(AT).selected_columns.keys()) if query else set()
    assert columns.isdisjoint(PERSONAL)


def test_what_cannot_be_told_by_a_query_is_computed() -> None:
    rows = [{"key": "x", "gtin": "4006381333931", "currency": "EUR"}, {"key": "y", "gtin": None, "currency": "EURO"}]
    first, second = completed("catalogue", rows, a_shop(), AT)
    assert (first["gtin_right"], first["currency_known"]) == (1, 1)
    assert (second["gtin_right"], second["currency_known"]) == (None, 0)


def test_times_are_seconds_in_a_batch_and_have_an_age() -> None:
    rows = completed(
        "orders", [{"key": 1, "currency": "EUR", "placed_at": datetime(2026, 11, 25, 8, tzinfo=UTC)}], a_shop(), AT
    )
    assert rows[0]["placed_at_age_s"] == 3600
    assert columns_of(rows)["placed_at"] == [datetime(2026, 11, 25, 8, tzinfo=UTC).timestamp()]


def test_a_row_that_lacks_a_column_of_the_others_has_nothing_there() -> None:
    assert columns_of([{"a": 1}, {"b": 2}]) == {"a": [1, None], "b": [None, 2]}


def test_the_program_and_the_flow_load_neither_pandas_nor_great_expectations_before_they_check() -> None:
    program = (
        "import sys, backroom.cli.app, backroom.quality.checking, backroom.quality.docs, backroom.quality.repairing;"
        "sys.exit(', '.join({'pandas', 'great_expectations', 'prefect'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "\n")
