"""What the documentation says is true of the code: links, commands, options, keys, columns, routes, hold reasons."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from backroom.channels.csvfile import COLUMNS
from backroom.cli.app import app
from backroom.domain import news, routing, tracking
from backroom.domain import quarantine as quarantine_rules
from backroom.domain.audit import DEFINITIONS, USUAL, Stage
from backroom.domain.breaker import LIMIT
from backroom.domain.carriers import CARRIER_KINDS
from backroom.domain.channels import CHANNEL_KINDS
from backroom.domain.kpi import KPIS
from backroom.domain.mapping import (
    CANCELLED_WORDS,
    LINE_WORDS,
    LIST_WORDS,
    ONE_WORDS,
    PAY_BACK_WORDS,
    SHIPPED_WORDS,
    STOCK_WORDS,
)
from backroom.domain.messaging import MAIL_KINDS, PUSH_KINDS, SMS_PROVIDERS
from backroom.domain.partners import ADAPTERS
from backroom.domain.quality import Severity
from backroom.domain.routing_filters import ORDER_FIELDS, PLACE_FIELDS, SHORTS, SORTS
from backroom.gateway import booth, carrier_events, event_page, event_sms, health, messages, pos, push, webhooks
from backroom.gateway.access import SESSION_SECONDS
from backroom.gateway.pages import (
    effects,
    event_count,
    events,
    hand_over,
    labels,
    login,
    order,
    orders,
    parcels,
    prints,
    quarantine,
    return_station,
    returns,
    scan,
    style,
    transfers,
)
from backroom.insight.past.columns import MEANINGS
from backroom.insight.words import say_seconds
from backroom.quality.suites import RULES, SUITES
from backroom.shop import catalogue
from backroom.shop.mapping import ADDRESS_FIELDS
from backroom.store import desk, own_artworks, partner_news, unfinished
from backroom.store.api_keys import SCOPES
from backroom.store.claims import LEASE
from backroom.store.print_attempts import MOST_FAILURES
from backroom.store.sickness import PROBE_EVERY

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("deployments/**/*.md"), *ROOT.glob("docs/**/*.md")]
)
GUIDE = ROOT / "docs" / "guide"
ROUTERS = (
    webhooks,
    messages,
    push,
    pos,
    booth,
    health,
    login,
    orders,
    order,
    labels,
    prints,
    effects,
    quarantine,
    returns,
    return_station,
    scan,
    style,
    events,
    event_count,
    transfers,
    carrier_events,
    parcels,
    hand_over,
    event_page,
    event_sms,
)
PROGRAM = typer.main.get_command(app)

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"^\s*(?:[A-Z_]+=\S+ +)*(?:uv run (?:--\S+ )?)?(?:\S*/)?backroom +([a-z].*)$")
_READERS = ("text", "parsed", "choice", "whole", "number", "money", "flag", "texts", "choices", "rows", "section")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_the_documentation_is_there() -> None:
    assert len(PAGES) > 30


@by_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(found), f"{page.name} links to {target}, and {found.name} has no such heading"


@by_page
def test_every_command_and_option_exists(page: Path) -> None:
    for line in _code(page):
        for said in (_COMMAND.match(line), re.search(r"\$\(backroom +([a-z][^)]*)\)", line)):
            if said:
                _check_command(page, said.group(1).partition("#")[0])


@by_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in _code(page):
        said = re.match(r"\s*make ([a-z-]+)", line)
        assert not said or said.group(1) in targets, f"{page.name}: {line}"


@by_page
def test_every_variable_of_ours_is_read_somewhere(page: Path) -> None:
    others = (ROOT / "tests" / "faults" / "table.py", ROOT / ".ci" / "peers")
    code = "".join([*_sources(), *(one.read_text(encoding="utf-8") for one in others)])
    for name in set(re.findall(r"\bBACKROOM_[A-Z_]+\b", page.read_text(encoding="utf-8"))):
        family = name.startswith(("BACKROOM_SECRET_", "BACKROOM_BOOTH_KEY_"))
        assert family or name in code, f"{page.name}: nobody reads {name}"


@by_page
def test_every_source_file_that_is_named_exists(page: Path) -> None:
    for name in re.findall(
        r"`((?:backroom|flows|tasks|blocks|data|tests|\.ci)/[\w/.-]+\.\w+)`", page.read_text("utf-8")
    ):
        assert (ROOT / name).exists(), f"{page.name}: there is no {name}"


@by_page
def test_every_module_that_is_named_exists(page: Path) -> None:
    for name in re.findall(r"`(backroom(?:\.[a-z_]+)+)", page.read_text(encoding="utf-8")):
        parts = name.split(".")
        paths = [ROOT.joinpath(*parts[:depth]) for depth in (len(parts), len(parts) - 1)]
        assert any(path.is_dir() or path.with_suffix(".py").exists() for path in paths), f"{page.name}: {name}"


def test_every_page_of_the_guide_is_in_its_contents() -> None:
    contents = (GUIDE / "README.md").read_text(encoding="utf-8")
    for page in GUIDE.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in contents, page.name


def test_every_decision_is_in_the_list_of_decisions() -> None:
    listed = (ROOT / "docs" / "adr" / "0001-record-decisions.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs" / "adr").glob("*.md"):
        assert page.name.startswith("0001") or f"({page.name})" in listed, page.name


def test_every_key_figure_is_defined_as_it_is_computed() -> None:
    page = (ROOT / "docs" / "kpis.md").read_text(encoding="utf-8")
    for kpi in KPIS:
        assert f"| `{kpi.name}` | {kpi.title} | {kpi.unit} | {kpi.of} | {kpi.definition} |\n" in page, kpi.name


def test_every_failure_and_every_column_of_a_past_is_defined_as_it_is_read() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    for failure, definition in DEFINITIONS.items():
        assert f"| `{failure}` | {definition} |\n" in page
    for field, meaning in MEANINGS.items():
        assert f"| `{field}` | {meaning} |\n" in page
    usual = {
        Stage(row[0]): row[1] for row in re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| [^|]*\|$", page, re.MULTILINE)
    }
    assert usual == {stage: say_seconds(USUAL[stage]) if USUAL[stage] else "at once" for stage in Stage}


def test_every_check_of_data_quality_is_described_as_it_is_made() -> None:
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    for suite in SUITES:
        assert f"\n### {suite.subject}\n" in page, suite.subject
        for rule in suite.rules:
            repaired = ", repaired" if rule.repair else ""
            line = f"| `{rule.code}` | {rule.severity}{repaired} | {rule.says} | {rule.person} |\n"
            assert line in page, rule.code
    assert page.count("\n| `") == len(RULES) + len(Severity) + 2


def test_every_hold_reason_has_a_line_in_the_guide() -> None:
    page = (GUIDE / "order-on-hold.md").read_text(encoding="utf-8")
    reasons = _hold_reasons()
    assert len(reasons) >= 15
    for reason in reasons:
        assert f"\n| `{reason}` |" in page, f"docs/guide/order-on-hold.md says nothing of {reason}"


def test_the_guide_knows_no_hold_reason_that_the_code_has_not() -> None:
    page = (GUIDE / "order-on-hold.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)) == _hold_reasons()


def test_how_much_one_check_may_put_aside_is_told_as_it_is() -> None:
    page = " ".join((ROOT / "docs" / "quality.md").read_text(encoding="utf-8").split())
    assert f"it would be more than {quarantine_rules.MOST_ROWS} orders" in page
    assert quarantine_rules.SHARE == 4
    assert f"more than a quarter of the orders under way ({quarantine_rules.LEAST_HELD} always may be)" in page


def test_the_numbers_that_people_are_told_are_those_of_the_code() -> None:
    told = {path.name: " ".join(path.read_text(encoding="utf-8").split()) for path in GUIDE.glob("*.md")}
    assert f"After {('no', 'one', 'two', 'three', 'four', 'five')[MOST_FAILURES]} such failures" in told["printer.md"]
    assert LIMIT == 10
    assert "more than ten orders" in told["order-failed.md"]
    assert timedelta(minutes=2) == PROBE_EVERY
    assert "every two minutes" in told["order-failed.md"]
    assert f"lease of {LEASE.total_seconds():.0f} seconds" in told["crash.md"]
    assert f"session of {SESSION_SECONDS // 3600} hours" in told["keys.md"]


def test_every_route_of_the_gateway_is_described() -> None:
    page = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
    for part in ROUTERS:
        for route in part.router.routes:
            for method in route.methods - {"HEAD"}:
                assert f"`{method} {route.path}`" in page, f"docs/gateway.md: {method} {route.path}"


def test_every_metric_is_described() -> None:
    page = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
    meters = (ROOT / "backroom" / "gateway" / "meters.py").read_text(encoding="utf-8")
    for name in re.findall(r'"(backroom_[a-z_]+)"', meters):
        assert f"`{name}`" in page, name


def test_every_mark_of_the_table_of_connectors_is_backed_by_a_test_of_that_name() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- connectors -->")[2].partition("\n## ")[0]
    marks = re.findall(r'\]\((tests/[a-z0-9_/]+\.py) "(test_[a-z0-9_]+)"\)', table)
    assert len(marks) == table.count("](")
    assert len(marks) > 60
    for path, name in marks:
        assert re.search(rf"def {name}\b", (ROOT / path).read_text(encoding="utf-8")), f"{path}: {name}"


def test_every_gap_in_the_table_of_connectors_has_its_reason() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- connectors -->")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    given = [cell for row in rows[1:] for cell in row[1:] if "](" not in cell]
    reasons = dict(re.findall(r"^(\d+)\. (\S+ .+)$", table, re.MULTILINE))
    assert {len(row) for row in rows} == {7}
    assert {cell.removeprefix("– (").removesuffix(")") for cell in given} == set(reasons)
    assert all(re.fullmatch(r"– \(\d+\)", cell) for cell in given)


def test_every_scope_of_a_key_is_described() -> None:
    page = (GUIDE / "keys.md").read_text(encoding="utf-8")
    for scope in SCOPES:
        assert f"| `{scope}` |" in page


@pytest.mark.parametrize(
    "module",
    ["load.py", "partners.py", "places.py", "restock.py", "retention.py", "returns.py", "rules.py", "samples.py"],
)
def test_every_key_of_the_shop_file_is_described(module: str) -> None:
    page = (ROOT / "docs" / "shop-file.md").read_text(encoding="utf-8")
    for key in _keys_read(ROOT / "backroom" / "shop" / module):
        assert re.search(rf"`{key}`|\[{key}\]|\[\[{key}\]\]|[.\[]{key}[\].]", page), f"docs/shop-file.md: {key}"


def test_every_key_of_a_mapping_is_described() -> None:
    """Its readers take their section first; the keys of an address and the words of a call stand in tuples."""
    page = (ROOT / "docs" / "shop-file.md").read_text(encoding="utf-8")
    folder = ROOT / "backroom" / "shop"
    text = "".join((folder / name).read_text(encoding="utf-8") for name in ("mapping.py", "mapping_calls.py"))
    keys = set(re.findall(r'(?:needed|source|path|words|_ended|_names|self\.path)\(section, "(\w+)"', text))
    keys |= {key for name in ("mapping.py", "mapping_calls.py") for key in _keys_read(folder / name)}
    keys |= set(re.findall(r'one_or_more\("(\w+)"|verbatim\("(\w+)"|table\("(\w+)"', text)[0]) - {""}
    assert len(keys) > 60
    for key in (*keys, *ADDRESS_FIELDS):
        assert re.search(rf"`(?:\w+\.)*{key}`|\[{key}\]|[.\[]{key}[\].]", page), f"docs/shop-file.md: {key}"
    words = LIST_WORDS | ONE_WORDS | SHIPPED_WORDS | LINE_WORDS | CANCELLED_WORDS | STOCK_WORDS | PAY_BACK_WORDS
    for word in words:
        assert f"`{{{word}}}`" in page, word


def test_every_word_of_a_routing_rule_is_described() -> None:
    page = (ROOT / "docs" / "shop-file.md").read_text(encoding="utf-8")
    for word in (*ORDER_FIELDS, *PLACE_FIELDS, *SORTS, *SHORTS):
        assert f"`{word}`" in page, word


def test_every_column_is_described() -> None:
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    for column in (*COLUMNS, *catalogue._VARIANT, *catalogue._VARIANT_OPTIONAL):
        assert f"`{column}`" in page, column


def test_every_dependency_is_weighed() -> None:
    page = (ROOT / "docs" / "adr" / "0008-dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    weighed = {name for row in re.findall(r"^\| ([a-z0-9, -]+) \|", page, re.MULTILINE) for name in row.split(", ")}
    assert weighed == {re.split(r"[^a-z0-9-]", line)[0] for line in project["dependencies"]}


def _anchors(page: Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _code(page: Path) -> Iterator[str]:
    """Lines of code blocks, and inline code."""
    text = page.read_text(encoding="utf-8")
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text))


def _check_command(page: Path, said: str) -> None:
    words = re.sub(r"[\[\]]", "", said).split()
    command: Any = PROGRAM
    for word in words:
        groups = getattr(command, "commands", None)
        if groups is None or word.startswith("-"):
            break
        assert word in groups, f"{page.name}: there is no `backroom {said}`"
        command = groups[word]
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    for word in words:
        assert not word.startswith("--") or word.partition("=")[0] in options, f"{page.name}: backroom {said}"


@cache
def _sources() -> tuple[str, ...]:
    folders = ("backroom", "tasks", "flows", "blocks")
    return tuple(path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def _hold_reasons() -> frozenset[str]:
    return frozenset(_find_hold_reasons())


def _find_hold_reasons() -> Iterator[str]:
    """Codes of problems that a person can mend, what routing holds for, and what holds name themselves."""
    yield from (value for name, value in vars(routing).items() if re.fullmatch("NO_[A-Z]+|SHORT_STOCK", name))
    yield desk.ASKED_BY_STAFF
    yield own_artworks.UNFIT
    yield from unfinished.TAKEN_FROM_BOOTHS
    yield quarantine_rules.IN_QUARANTINE
    yield from news.HOLDS
    yield from partner_news.HOLDS
    yield from tracking.HOLDS.values()
    for source in _sources():
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call):
                continue
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            name = ast.unparse(node.func)
            mendable = any(one.arg == "mendable" and ast.unparse(one.value) == "True" for one in node.keywords)
            # What was cancelled at its source is a cancelled order; a bad e-mail or phone is `unreachable`, or nothing.
            if name == "Problem" and mendable and texts[0] != "cancelled" and texts[1:2] not in (["email"], ["phone"]):
                yield texts[0]
            if name == "desk.hold" and texts and texts[0]:
                yield texts[0]


def _keys_read(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _READERS
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield node.args[0].value


# Who stands in `docs/connectors.md`, by what its heading says of it.
CONNECTORS = (
    *(f'kind = "{kind}"' for kind in (*CHANNEL_KINDS, *CARRIER_KINDS)),
    *(adapter for adapters in ADAPTERS.values() for adapter in adapters),
    *(f'sms.kind = "{kind}"' for kind in SMS_PROVIDERS),
    *(f'mail = "{kind}"' for kind in MAIL_KINDS if kind not in ("folder", "none")),
    *(f'push = "{kind}"' for kind in PUSH_KINDS if kind != "none"),
)
ROWS = ("Needs", "Permissions", "Limits", "Tested against", "Not tested")


def _sections_of_connectors() -> dict[str, dict[str, str]]:
    """The sections of `docs/connectors.md` that are of a connector, by heading, with their rows by their first cell."""
    text = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
    found = {}
    for section in text.split("\n### ")[1:]:
        heading, _, body = section.partition("\n")
        rows = {row[0]: row[1] for line in body.partition("\n## ")[0].splitlines() if len(row := cells(line)) == 2}
        if "Needs" in rows:
            found[heading] = rows
    return found


def cells(line: str) -> list[str]:
    """The cells of a row of a table; none of any other line."""
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("| ") else []


@pytest.mark.parametrize("connector", CONNECTORS)
def test_every_kind_of_connector_has_a_section(connector: str) -> None:
    assert [heading for heading in _sections_of_connectors() if f"`{connector}`" in heading], connector


def test_every_section_of_a_connector_says_needs_permissions_limits_and_what_was_tested_and_what_was_not() -> None:
    sections = _sections_of_connectors()
    assert "The hand-over point (click and collect)" in sections
    missing = {heading: [row for row in ROWS if not rows.get(row)] for heading, rows in sections.items()}
    assert {heading: rows for heading, rows in missing.items() if rows} == {}
    text = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
    assert not re.search(r"(?m)^-? ?\*{0,2}Tested against", text), "it is a row of its connector's table"
