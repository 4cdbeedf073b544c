"""Vendors' own OpenAPI descriptions, served by Prism: what we call is held against them, and so is what fakes answer.

What belongs here: trimming a description by rule, Prism as a process, and hearing what it finds. What does not: our
calls.

Prism runs in one of two ways: as a *mock* it answers with what the description gives as examples; *before a fake* it
passes calls on and judges call and answer. It tells violations in the header `sl-violations`. A small door stands
before it, which notes every call with its violations and ends lists, because a mock has no last page.

How a description is trimmed, and nothing else is changed:

- Only the paths that are named are kept, and of the components what they lead to.
- Stripe: what may be expanded is an id, where we do not ask to expand it; all else would be endless.
- Objects that name their properties take no others, so that a name which the vendor does not know is seen.
- Optional parameters that are objects with names that they need are left out: Prism takes an absent one for an empty
  one.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.cli.processes import ROOT
from tests.prefect_server import free_port

INSTALLED = ROOT / ".tools" / "openapi"
PRISM = INSTALLED / "node_modules" / ".bin" / "prism"
READY_WITHIN = 90.0
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"})


def can_mock(vendor: str) -> bool:
    return shutil.which("node") is not None and PRISM.exists() and (INSTALLED / f"{vendor}.json").is_file()


def trimmed(vendor: str, paths: tuple[str, ...], expanded: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A vendor's description of these paths. `expanded` are the fields that we ask Stripe to expand."""
    whole = _of_paths(vendor, paths)
    kept: dict[str, Any] = _closed(_unexpanded(whole, expanded))
    for operation in operations(kept).values():
        operation["parameters"] = [one for one in operation.get("parameters", []) if not _optional_object(one)]
    reached: set[tuple[str, str]] = set()
    _reach(kept, kept["paths"], reached)
    kept["components"] = {
        kind: some
        if kind == "securitySchemes"
        else {name: one for name, one in some.items() if (kind, name) in reached}
        for kind, some in kept["components"].items()
    }
    return kept


def _of_paths(vendor: str, paths: tuple[str, ...]) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads((INSTALLED / f"{vendor}.json").read_text(encoding="utf-8"))
    return whole | {"paths": {path: whole["paths"][path] for path in paths}}


def operations(description: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Each operation by method and path, as in `("GET", "/v1/refunds")`."""
    return {
        (method.upper(), path): one
        for path, methods in description["paths"].items()
        for method, one in methods.items()
        if isinstance(one, dict) and "responses" in one
    }


def _unexpanded(node: Any, expanded: frozenset[str], name: str = "") -> Any:
    if isinstance(node, list):
        return [_unexpanded(one, expanded, name) for one in node]
    if not isinstance(node, dict):
        return node
    if "x-expansionResources" in node and name not in expanded:
        return {"type": "string", "nullable": bool(node.get("nullable"))}
    return {key: _unexpanded(value, expanded, key) for key, value in node.items()}


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and isinstance(node.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made


def _optional_object(parameter: dict[str, Any]) -> bool:
    return not parameter.get("required") and bool(parameter.get("schema", {}).get("required"))


def _reach(whole: dict[str, Any], node: Any, reached: set[tuple[str, str]]) -> None:
    if isinstance(node, list):
        for one in node:
            _reach(whole, one, reached)
    elif isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/"):
            _, _, kind, name = reference.split("/")
            if (kind, name) not in reached:
                reached.add((kind, name))
                _reach(whole, whole["components"][kind][name], reached)
        for one in node.values():
            _reach(whole, one, reached)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that went through: what was wrong with it, and with its answer, by the description.

    `unknown` are names in its query or form that the description has not. `asked` and `answered` are sentences of
    Prism's.
    """

    method: str
    path: str
    status: int
    asked: tuple[str, ...]
    answered: tuple[str, ...]
    unknown: frozenset[str]
    in_description: bool


@dataclass
class Mock:
    """Prism, to be called at `url`."""

    url: str
    description: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    # The names that each operation's query and form may have, by the description as it came.
    _names: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _upstream: str = ""
    _last_page: Callable[[dict[str, Any]], None] = lambda _body: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrong(self) -> list[str]:
        """What is wrong with what we asked, in sentences: none is as it should be."""
        found = []
        for call in self.calls:
            what = f"{call.method} {call.path}"
            found += [f"{what}: {one}" for one in call.asked]
            found += [] if call.in_description else [f"{what}: not in the description"]
        return found

    def wrong_answers(self) -> list[str]:
        return [f"{call.method} {call.path}: {one}" for call in self.calls for one in call.answered]

    def unknown(self) -> set[str]:
        return {name for call in self.calls for name in call.unknown}

    def used(self) -> set[tuple[str, str]]:
        """The operations of the description that were called, by method and path."""
        return {one for call in self.calls if (one := self._operation(call.method, call.path))}

    def answer(self, request: Request) -> Response:
        query = request.query_string.decode()
        path = request.path + (f"?{query}" if query else "")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP | {"host"}}
        got = requests.request(
            request.method, self._upstream + path, headers=headers, data=request.get_data(cache=True), timeout=60
        )
        asked, answered = _judged(got)
        operation = self._operation(request.method, request.path)
        names = self._names.get(operation, frozenset()) if operation else frozenset()
        unknown = {name for name in (*request.args, *request.form) if name.partition("[")[0] not in names}
        call = Call(
            request.method,
            request.path,
            got.status_code,
            asked,
            answered,
            frozenset(unknown),
            operation is not None,
        )
        with self._lock:
            self.calls.append(call)
        body = got.content
        if got.status_code == 200:
            document = json.loads(body)
            self._last_page(document)
            body = json.dumps(document).encode()
        kept = {name: value for name, value in got.headers.items() if name.lower() not in _HOP}
        return Response(body, got.status_code, kept)

    def _operation(self, method: str, path: str) -> tuple[str, str] | None:
        for known in operations(self.description):
            pattern = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", re.escape(known[1]))
            if known[0] == method and re.fullmatch(pattern, path):
                return known
        return None


def _judged(got: requests.Response) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What Prism says of a call and of its answer: in a header, or in an answer of its own."""
    found = json.loads(got.headers.get("sl-violations", "[]"))
    own = got.headers.get("Content-Type", "").startswith("application/problem+json")
    if own and not found:
        # It refuses by itself what it cannot answer: whatever it names then is of the call.
        refused = got.json()
        found = refused.get("validation") or [{"location": [], "message": refused["title"]}]
        found = [one | {"location": ["request", *one["location"]]} for one in found]
    sentences: dict[bool, list[str]] = {True: [], False: []}
    for one in found:
        sentences[one["location"][0] == "request"].append(f"{'.'.join(one['location'])}: {one['message']}")
    return tuple(sentences[True]), tuple(sentences[False])


def _names_of(operation: dict[str, Any]) -> frozenset[str]:
    """The names that a call's query and form may have."""
    form = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
    names = [one["name"] for one in operation.get("parameters", [])] + list(
        form.get("schema", {}).get("properties", {})
    )
    return frozenset(name.partition("[")[0] for name in names)


@contextmanager
def running_mock(
    folder: Path,
    vendor: str,
    paths: tuple[str, ...],
    *,
    fake: str = "",
    expanded: frozenset[str] = frozenset(),
    last_page: Callable[[dict[str, Any]], None] = lambda _body: None,
) -> Iterator[Mock]:
    """Prism with a vendor's description of these paths: as a mock, or before `fake`, the address of one."""
    description = trimmed(vendor, paths, expanded)
    file, port = folder / f"{vendor}.json", free_port()
    file.write_text(json.dumps(description), encoding="utf-8")
    way = ["proxy", str(file), fake] if fake else ["mock", str(file)]
    log = folder / "prism.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(PRISM), *way, "-h", "127.0.0.1", "-p", str(port)], cwd=folder, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + READY_WITHIN
        while "Prism is listening" not in log.read_text(errors="replace"):
            assert process.poll() is None, log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)
        with HTTPServer("127.0.0.1", 0, threaded=True) as door:
            names = {key: _names_of(operation) for key, operation in operations(_of_paths(vendor, paths)).items()}
            prism = f"http://127.0.0.1:{port}"
            one = Mock(door.url_for("").rstrip("/"), description, [], names, prism, last_page)
            door.expect_request(re.compile(".*")).respond_with_handler(one.answer)
            yield one
    finally:
        process.terminate()
        process.wait(20)
