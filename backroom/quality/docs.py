"""Data Docs: what Great Expectations writes about a run, as pages that load nothing and name nobody.

What belongs here: its pages, rid of what they would fetch from elsewhere. What does not: what a run counted
(`backroom.store.quality.runs`); the pages are made of that, so that a run of many pieces is one page a subject.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping

from backroom.quality.rules import Rule, Suite
from backroom.quality.suites import SUITES
from backroom.quality.validate import expectation, quiet

FOLDER = "quality"
INDEX = "index.html"
# What a page of Great Expectations would fetch from elsewhere, or leads there.
_FETCHED = (
    re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<link\b[^>]*>", re.IGNORECASE),
    re.compile(r"<img\b[^>]*>", re.IGNORECASE),
    re.compile(r"<footer\b.*?</footer>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<nav\b.*?</nav>\s*</nav>", re.DOTALL | re.IGNORECASE),
    re.compile(r"@font-face\s*\{.*?\}", re.DOTALL | re.IGNORECASE),
)
_ABROAD = re.compile(r"""(\b(?:href|src|action)\s*=\s*)(["'])(?:https?:)?//.*?\2""", re.IGNORECASE)
# The policy forbids them; taken out as well, the browser has nothing to complain of.
_HANDLER = re.compile(r"""\son[a-z]+\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
_URL = re.compile(r"url\([^)]*\)", re.IGNORECASE)
# Nothing is loaded, whatever is left in a page.
_POLICY = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;display:block;margin:.5rem 0 1.5rem;overflow-x:auto}
td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}
.text-success::before{content:"✓ ";color:#18794e}.text-danger::before{content:"✗ ";color:#c62a2f}
.collapse{display:block}.critical{color:#c62a2f;font-weight:600}.warning{color:#8a5a00}a{color:#1a56a0}
"""


def write_pages(
    folder: Path, shop: str, run: RowMapping, results: Sequence[RowMapping], suites: Sequence[Suite] = SUITES
) -> Path:
    """Write a page for each subject that the run looked at, and the index; returns the index. Each is whole or not
    there."""
    quiet()
    import great_expectations as gx
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    folder.mkdir(parents=True, exist_ok=True)
    counted = {row["code"]: row for row in results}
    renderer, view = ValidationResultsPageRenderer(run_info_at_end=True), DefaultJinjaPageView()
    seen = [suite for suite in suites if any(rule.code in counted for rule in suite.rules)]
    for suite in seen:
        answers = [_answer(gx, rule, counted[rule.code]) for rule in suite.rules if rule.code in counted]
        rendered = renderer.render(_of_suite(gx, suite, run, answers))
        _write(folder / f"{suite.subject}.html", offline(view.render(rendered), suite.subject, _legend(suite, counted)))
    _write(folder / INDEX, _index(shop, run, counted, seen))
    return folder / INDEX


def offline(page: str, title: str, legend: str) -> str:
    """A page of Great Expectations without anything that it would fetch, with a style of its own, a way back, and
    above all else what its checks mean."""
    for fetched in _FETCHED:
        page = fetched.sub("", page)
    page = _HANDLER.sub("", _URL.sub("none", _ABROAD.sub(r"\1\2#\2", page)))
    head = f"{_POLICY}<style>{_STYLE}</style>"
    page = re.sub(r"<title>.*?</title>\s*", "", page, flags=re.DOTALL)
    page = page.replace("<head>", f"<head><title>{html.escape(title)}</title>{head}", 1)
    return page.replace("<body>", f'<body><p><a href="{INDEX}">All subjects</a></p>{legend}', 1)


def _answer(gx: Any, rule: Rule, row: RowMapping) -> Any:
    from great_expectations.core import ExpectationValidationResult

    share = 100 * row["failed"] / row["rows"] if row["rows"] else 0.0
    return ExpectationValidationResult(
        success=not row["failed"],
        expectation_config=expectation(gx, rule).configuration,
        result={
            "element_count": row["rows"],
            "unexpected_count": row["failed"],
            "unexpected_percent": share,
            "partial_unexpected_list": [],
        },
    )


def _of_suite(gx: Any, suite: Suite, run: RowMapping, answers: Sequence[Any]) -> Any:
    from great_expectations.core import ExpectationSuiteValidationResult

    held = sum(bool(answer.success) for answer in answers)
    return ExpectationSuiteValidationResult(
        success=held == len(answers),
        results=list(answers),
        suite_name=suite.subject,
        statistics={
            "evaluated_expectations": len(answers),
            "successful_expectations": held,
            "unsuccessful_expectations": len(answers) - held,
            "success_percent": 100 * held / len(answers),
        },
        meta={
            "great_expectations_version": gx.__version__,
            "run_id": {"run_name": f"run {run['id']}", "run_time": run["started_at"].isoformat()},
            "active_batch_definition": {"data_asset_name": suite.of},
        },
    )


def _legend(suite: Suite, counted: Mapping[str, RowMapping]) -> str:
    """Each check in words, what failed first."""
    mine = [(rule, counted[rule.code]["failed"]) for rule in suite.rules if rule.code in counted]
    rows = "".join(
        f'<tr><td class="{rule.severity if failed else ""}">{failed}</td><td>{rule.code}</td><td>{rule.severity}</td>'
        f"<td>{html.escape(rule.says)}</td><td>{html.escape(rule.person)}</td></tr>"
        for rule, failed in sorted(mine, key=lambda one: not one[1])
    )
    head = "<tr><th>Failed</th><th>Check</th><th>Severity</th><th>What fails it</th><th>What a person does</th></tr>"
    return f"<h1>{suite.subject}</h1><p>{html.escape(suite.of)}</p><table>{head}{rows}</table>"


def _index(shop: str, run: RowMapping, counted: Mapping[str, RowMapping], suites: Sequence[Suite]) -> str:
    rows = []
    for suite in suites:
        mine = [counted[rule.code] for rule in suite.rules if rule.code in counted]
        failed = [row for row in mine if row["failed"]]
        said = ", ".join(
            f'<span class="{row["severity"]}">{html.escape(row["code"])}: {row["failed"]}</span>' for row in failed
        )
        rows.append(
            f'<tr><td><a href="{suite.subject}.html">{suite.subject}</a></td><td>{html.escape(suite.of)}</td>'
            f"<td>{max(row['rows'] for row in mine)}</td><td>{len(mine)}</td><td>{said or 'all hold'}</td></tr>"
        )
    title = f"{html.escape(shop)}: data quality"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{_POLICY}'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>{title}</h1>'
        f"<p>Run {run['id']} over {_SCOPES[run['scope']]}, {_moment(run['started_at'])}</p><table>"
        "<tr><th>Subject</th><th>Whose rows</th><th>Rows</th><th>Checks</th><th>Failed</th></tr>"
        f"{''.join(rows)}</table></body></html>"
    )


_SCOPES = {"full": "every row", "changed": "what changed and what is under way"}


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)  # noqa: PTH105 - one atomic call
