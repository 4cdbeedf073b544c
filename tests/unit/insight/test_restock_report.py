"""How a plan went, in words and tables: only what the books hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from backroom.domain.prestaging import Plan
from backroom.domain.restock_review import Carried, CarriedPacks, Outcome, Reviewed, review
from backroom.insight.restock_report import outcome_rows, pack_rows, review_markdown, review_sentences
from backroom.insight.restocking import Compared
from backroom.store.restock_plans import StoredPlan

SHIRT = Carried("a", planned=5, brought=4, asked=6, gone=4, to_print=3, printed=2, back=0, missing=0)
BLANK = Carried("tee", planned=3, brought=3, asked=None, gone=1, back=2, missing=0)
INK = CarriedPacks("ink", "bottle", planned=2, sent=2, arrived=1)
OUTCOME = Outcome((SHIRT, BLANK), (INK,), lost_without=9.04, lost_with=2.51)


def compared(outcome: Outcome) -> Compared:
    found = review([Reviewed("a", 4.0, 2, 7, 3.0, brought=4, asked=6)], {"tee": 3}, {"tee": ["a"]})
    stored = StoredPlan(1, Plan((), (), 9.04, 2.51, {}), {}, 0.0, datetime(2026, 11, 1, tzinfo=UTC))
    return Compared(found, outcome, stored)


def test_a_row_says_what_was_planned_and_what_became_of_it() -> None:
    shirt, blank = outcome_rows(OUTCOME, {"a": "Owl shirt"})
    assert list(shirt.values()) == ["a", "Owl shirt", "5", "2 of 3", "4", "6", "4", "0", "2"]
    assert list(blank.values()) == ["tee", "tee", "3", "", "3", "", "1", "2", ""]
    assert pack_rows(OUTCOME) == [
        {"material": "ink", "pack": "bottle", "planned": "2", "sent": "2", "arrived": "1"},
    ]


def test_what_the_settlement_does_not_name_is_left_empty() -> None:
    items = (
        replace(SHIRT, back=None, missing=None),
        replace(SHIRT, item="b", back=1, missing=2),
        replace(SHIRT, item="c", back=3, missing=-1),
    )
    unknown, lost, found = outcome_rows(replace(OUTCOME, items=items), {})
    assert unknown["back"] == ""
    assert (lost["back"], found["back"]) == ("1, 2 missing", "3, 1 more than by the books")
    assert {row["back"] for row in outcome_rows(replace(OUTCOME, settled=False), {})} == {"not settled"}


def test_the_sums_hold_the_plans_lost_sales_against_what_was_short() -> None:
    said = " ".join(review_sentences(compared(OUTCOME)))
    assert "Planned to bring: 8 pieces and blanks; 7 of them were brought, and 0 that no plan had named." in said
    assert "3 pieces were to be printed before leaving; 2 were." in said
    assert "Lost sales that were expected: 2.5 with all that was planned, 9.0 without it. Asked for" in said
    assert "beyond what was there: 0; who left without ordering nobody counted." in said
    assert "Sold, or printed on as a blank: 5; 2 came back, 0 are missing." in said
    assert "Packs of ink and paper: 2 planned, 2 sent, 1 seen at the booth; how much of it was" in said


def test_a_plan_made_while_it_was_open_says_so_and_one_that_is_not_settled_too() -> None:
    outcome = Outcome((replace(SHIRT, to_print=0, printed=0),), (), 3.0, 1.0, open_share=0.4, settled=False)
    said = " ".join(review_sentences(compared(outcome)))
    assert "3.0 without it, of what was left with 40% of the hours over. " in said
    assert "so far; what came back is known when the event is settled" in said
    assert "printed before leaving" not in said
    assert "ink and paper" not in said
    assert "## Ink and paper" not in review_markdown("fair", compared(outcome), {})


def test_the_page_holds_plan_materials_and_forecast() -> None:
    told = review_markdown("fair", compared(OUTCOME), {})
    assert told.startswith("# How the plan for fair went")
    heads = [line for line in told.splitlines() if line.startswith("## ")]
    assert heads == ["## What was planned, and what became of it", "## Ink and paper", "## What was expected"]
