"""Meta's own SDK as what its API takes: which calls each of its objects has, with what names and kinds of values.

What belongs here: reading the SDK's classes, as source, for they are generated and all alike. What does not: our calls.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from backroom.cli.processes import ROOT

FOLDER = ROOT / ".tools" / "meta" / "facebook_business"
# Every call of the Graph API takes them: which fields, how many, and where to go on.
OF_EVERY_CALL = frozenset({"fields", "limit", "after", "before"})
_KINDS: Mapping[str, type] = {"string": str, "bool": bool, "map": dict, "unsigned int": int}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one call takes: the kind of each parameter, and the words of each enumeration among the kinds."""

    kinds: Mapping[str, str]
    words: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Node:
    """One kind of object: its fields, and its calls, as `("POST", "/shipments")`."""

    fields: frozenset[str]
    calls: Mapping[tuple[str, str], Parameters]


def is_there() -> bool:
    return FOLDER.is_dir()


def version() -> str:
    """The version of the API that this SDK speaks, such as v24.0."""
    tree = ast.parse((FOLDER / "apiconfig.py").read_text(encoding="utf-8"))
    [config] = [one.value for one in tree.body if isinstance(one, ast.Assign)]
    told: str = ast.literal_eval(config)["API_VERSION"]
    return told


@cache
def node(name: str) -> Node:
    """One class of the SDK, by the name of its file: `commerceorder`."""
    whole = _class(name)
    calls: dict[tuple[str, str], Parameters] = {}
    for one in whole.body:
        if isinstance(one, ast.FunctionDef):
            calls |= _call(one)
    return Node(_words(whole, "Field"), calls)


def wrong(name: str, method: str, edge: str, told: Mapping[str, Any]) -> list[str]:
    """What the SDK has otherwise than this call of an object: none is as it should be."""
    of, what = node(name), f"{method} {name}/{edge}"
    parameters = of.calls.get((method, f"/{edge}"))
    if parameters is None:
        return [f"{what}: no such call"]
    found = []
    for key, value in told.items():
        kind = parameters.kinds.get(key)
        if kind is None:
            found += [] if key in OF_EVERY_CALL else [f"{what}: no parameter {key}"]
        elif not _is(kind, value, parameters.words):
            found.append(f"{what}: {key} is no {kind}")
    if not edge:
        found += [f"{what}: no field {one}" for one in sorted(set(told.get("fields", "id").split(",")) - of.fields)]
    return found


def _is(kind: str, value: Any, words: Mapping[str, frozenset[str]]) -> bool:
    """Whether a value is of a kind of the SDK's. In a query all is text: a list there has commas."""
    if kind.startswith("list<"):
        parts = value.split(",") if isinstance(value, str) else value
        return isinstance(parts, list) and all(_is(kind[5:-1], one, words) for one in parts)
    if kind in words:
        return value in words[kind]
    if kind == "datetime":
        return str(value).isdecimal()
    return isinstance(value, _KINDS[kind])


def _call(method: ast.FunctionDef) -> dict[tuple[str, str], Parameters]:
    """The one call that a method of the SDK makes; nothing for its other methods."""
    kinds: dict[str, str] = {}
    words: dict[str, frozenset[str]] = {}
    for one in ast.walk(method):
        match one:
            case ast.Assign(targets=[ast.Name(id="param_types")]):
                kinds = ast.literal_eval(one.value)
            case ast.Assign(targets=[ast.Name(id="enums")], value=ast.Dict(keys=names, values=values)):
                named = zip(names, values, strict=True)
                words = {ast.literal_eval(name): _enumerated(of) for name, of in named if name}
    for one in ast.walk(method):
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "FacebookRequest":
            told = {word.arg: word.value for word in one.keywords}
            where = (ast.literal_eval(told["method"]), ast.literal_eval(told["endpoint"]))
            return {where: Parameters(kinds, words)}
    return {}


def _enumerated(of: ast.expr) -> frozenset[str]:
    """The words of an enumeration: a list of them, or `CommerceOrder.State.__dict__.values()`."""
    if isinstance(of, ast.List):
        return frozenset(ast.literal_eval(of))
    owner, name, _ = ast.unparse(of).split(".", 2)
    return _words(_class(owner.lower()), name)


def _words(whole: ast.ClassDef, name: str) -> frozenset[str]:
    """What an enumeration of a class has."""
    [found] = [one for one in whole.body if isinstance(one, ast.ClassDef) and one.name == name]
    return frozenset(ast.literal_eval(line.value) for line in found.body if isinstance(line, ast.Assign))


def _class(name: str) -> ast.ClassDef:
    tree = ast.parse((FOLDER / "adobjects" / f"{name}.py").read_text(encoding="utf-8"))
    [whole] = [one for one in tree.body if isinstance(one, ast.ClassDef)]
    return whole
