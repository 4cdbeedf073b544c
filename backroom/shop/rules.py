"""Routing rules of the shop file: `[[rules]]`, each with a name, conditions, sorts and what to do when stock is short.

What belongs here: the form of a rule in the file, `["distance_km", "<=", 10]` for each condition. What does not: what
the fields and operators mean, which is `backroom.domain.routing_filters`; it also judges every value here.
"""

from __future__ import annotations

from decimal import Decimal

from backroom.domain.routing_filters import (
    NUMBER_OPS,
    ORDER_FIELDS,
    PLACE_FIELDS,
    SHORTS,
    SORTS,
    TEXT_OPS,
    BadRule,
    compile_rules,
)
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.shop.check import suggest
from backroom.shop.section import Section

FIELDS = {"when": ORDER_FIELDS, "where": PLACE_FIELDS}
OPS = tuple(dict.fromkeys((*TEXT_OPS, *NUMBER_OPS)))


def read_rules(root: Section) -> tuple[RoutingRule, ...]:
    """The rules in the order of the file: the first that fits wins."""
    rules: dict[str, RoutingRule] = {}
    for number, row in enumerate(root.rows("rules"), 1):
        if not isinstance(row, dict):
            root.problem("rules", "is not a list of tables", "Begin each rule with [[rules]].")
            continue
        name = row.get("name")
        section = Section(row, f"rules.{name if isinstance(name, str) and name else number}", root.report)
        rule = _read_rule(section)
        if rule.name in rules:
            section.problem("name", "is the name of two rules", "Give every rule a name of its own.")
        rules[rule.name] = rule
        section.done()
    if not rules:
        root.problem("rules", "there is no routing rule", "Add one: [[rules]] with a name, such as everything.")
    return tuple(rules.values())


def _read_rule(section: Section) -> RoutingRule:
    return RoutingRule(
        name=section.text("name"),
        when=_read_filters(section, "when"),
        where=_read_filters(section, "where"),
        sort=section.choices("sort", SORTS, ()),
        split=section.flag("split"),
        short=section.choice("short", SHORTS, "print"),
    )


def _read_filters(section: Section, key: str) -> tuple[Filter, ...]:
    filters = []
    for number, row in enumerate(section.rows(key), 1):
        path = f"{key}.{number}"
        if not (isinstance(row, list) and len(row) == 3 and isinstance(row[0], str) and isinstance(row[1], str)):
            section.problem(path, "is not a condition", 'Write it like ["distance_km", "<=", 10].')
            continue
        field, op, value = row
        if field not in FIELDS[key]:
            section.problem(path, f"{field!r} is not known in {key}", suggest(field, FIELDS[key]))
        elif op not in OPS:
            section.problem(path, f"{op!r} is not an operator", f"Use one of: {', '.join(OPS)}.")
        else:
            filter_ = Filter(field, op, _value(value))
            _judge(section, path, key, filter_)
            filters.append(filter_)
    return tuple(filters)


def _value(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return tuple(value) if isinstance(value, list) else value


def _judge(section: Section, path: str, key: str, filter_: Filter) -> None:
    """Let the routing itself say whether it could work with this condition."""
    alone = (filter_,)
    try:
        compile_rules([RoutingRule("", alone if key == "when" else (), alone if key == "where" else (), ())])
    except BadRule as error:
        section.problem(path, f"{filter_.field} {filter_.op} {filter_.value!r} cannot be asked", error.remedy)
