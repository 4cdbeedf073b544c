"""A client of Etsy's API that is generated from Etsy's own description, as what Etsy takes and answers.

What belongs here: writing our calls as that client's, having TypeScript judge them and their answers, and making them.
What does not: our calls. `etsy-ts` (npm, ISC) carries for each operation of the description its method, path and media
type, and the type of everything that goes in and out; names that a type does not have are errors in a literal.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug import Request

from backroom.cli.processes import ROOT

FOLDER = ROOT / ".tools" / "etsy"
_API = FOLDER / "node_modules" / "etsy-ts" / "dist" / "api"
_OPERATION = re.compile(r"@request ([A-Z]+):(\S+).*?this\.(\w+) = function \(.*?http\.request\((.*?)\n", re.DOTALL)
_HEAD = """import { Etsy } from "etsy-ts";
const tokens = { accessToken: %s, refreshToken: "", expiresIn: 3600, tokenType: "Bearer" };
const securityDataStorage = { storeAccessToken: async () => {}, findAccessToken: async () => tokens };
const app = { apiKey: %s, sharedSecret: %s, securityDataStorage, enableTokenRefresh: false };
const etsy = new Etsy(app, { baseURL: %s });
export type Answer<T extends (...told: any[]) => Promise<{ data: any }>> = Awaited<ReturnType<T>>["data"];
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: where the client has it, as `ShopReceipt.getShopReceipt`, and how it is called."""

    name: str
    method: str
    path: str
    has_query: bool
    has_body: bool

    def names(self, path: str) -> dict[str, str] | None:
        """What stands in the path's places; None where it is another path."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


@dataclass(frozen=True, slots=True)
class Said:
    """One call as it was heard: query and body as they read, and the media type of the body."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    media_type: str
    body: Any
    login: tuple[str, str]


def is_there() -> bool:
    return shutil.which("node") is not None and _API.is_dir()


def heard(request: Request) -> Said:
    media_type = request.mimetype if request.get_data() else ""
    body: Any = request.form.to_dict() if "form" in media_type else request.get_json(silent=True)
    login = (request.headers.get("x-api-key", ""), request.headers.get("Authorization", ""))
    return Said(request.method, request.path, tuple(sorted(request.args.items())), media_type, body, login)


@cache
def operations() -> tuple[Operation, ...]:
    found = []
    for file in sorted(_API.glob("*.js")):
        for method, path, name, told in _OPERATION.findall(file.read_text(encoding="utf-8")):
            found.append(Operation(f"{file.stem}.{name}", method, path, "query: query" in told, "body: data" in told))
    return tuple(found)


def operation_of(said: Said) -> Operation:
    """The operation that a call is; a place that is written out goes before one that anything fills."""
    fits = [one for one in operations() if one.method == said.method and one.names(said.path) is not None]
    assert fits, f"Etsy's description has no {said.method} {said.path}"
    return min(fits, key=lambda one: one.path.count("{"))


def called(said: Said) -> str:
    """A call in the client's words."""
    one = operation_of(said)
    places = {_camel(name): _literal(value) for name, value in (one.names(said.path) or {}).items()}
    query = {name: _literal(value) for name, value in said.query}
    # Where an operation has no query, the places stand one after the other.
    told = [json.dumps(places | query)] if one.has_query else [json.dumps(place) for place in places.values()]
    told += [json.dumps(said.body or {})] if one.has_body else []
    return f"etsy.{one.name}({', '.join(told)})"


class Program:
    """A program of the client's calls and of answers with their types, judged and run in a folder of its own."""

    def __init__(self, folder: Path, url: str, key: str, access: str) -> None:
        self._folder = folder
        app, _, secret = key.partition(":")
        self._lines = [_HEAD % tuple(json.dumps(one) for one in (access, app, secret, url)), "async function all() {"]

    def call(self, said: Said) -> None:
        self._lines.append(f"await {called(said)};")

    def answer(self, said: Said, body: Any) -> None:
        """What was answered to a call: a literal of the type that the client reads."""
        number = len(self._lines)
        self._lines.append(f"const answer{number}: Answer<typeof etsy.{operation_of(said).name}> = {json.dumps(body)};")

    def wrong(self) -> list[str]:
        """What TypeScript says of it, in its sentences: none is as it should be. Afterwards it can be run."""
        (self._folder / "calls.ts").write_text("\n".join([*self._lines, "}", "all();", ""]), encoding="utf-8")
        if not (self._folder / "node_modules").exists():
            (self._folder / "node_modules").symlink_to(FOLDER / "node_modules")
        compiler = FOLDER / "node_modules" / ".bin" / "tsc"
        options = ["--strict", "--skipLibCheck", "--noErrorTruncation", "--module", "commonjs", "--target", "es2022"]
        done = subprocess.run(
            [str(compiler), *options, "calls.ts"], cwd=self._folder, capture_output=True, text=True, timeout=120
        )
        said = [line for line in done.stdout.splitlines() if line.startswith("calls.ts")]
        assert said or done.returncode == 0, done.stdout + done.stderr
        return said

    def run(self) -> None:
        done = subprocess.run(["node", "calls.js"], cwd=self._folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]


def _literal(value: str) -> Any:
    """Of a path or a query, which are text: numbers where they read as such."""
    return int(value) if value.isdecimal() else {"true": True, "false": False}.get(value, value)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.capitalize() for one in others)
