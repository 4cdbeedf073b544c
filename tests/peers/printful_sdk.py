"""Printful's own types and client of version 2 (npm `printful-sdk-js-v2`), which were generated from its OpenAPI file.

What belongs here: holding JSON against the types by the TypeScript compiler, and the calls that the client makes. What
does not: our calls.

A value is written as a literal of its type, so the compiler finds a name which the type has not as well as one that is
missing. Two things of the types are put right first, and nothing else:

- An enum becomes the union of its values: JSON has no enums.
- What is printed in one place, `Placement`, was lost to a query parameter of the same name, and with it `layers`,
  `status` and `status_explanation`, which stand in the file. The two that only Printful writes are in answers alone.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backroom.cli.processes import ROOT

INSTALLED = ROOT / ".tools" / "printful" / "node_modules"
TYPES = INSTALLED / "printful-sdk-js-v2" / "dist" / "index.d.ts"
COMPILER = INSTALLED / "typescript" / "bin" / "tsc"
PLACED = "Array<Placement_2 & { layers: Array<Layer> }>"
PLACED_THERE = 'Array<Placement_2 & { layers: Array<Layer>; status: "ok" | "failed"; status_explanation: string }>'
CLIENT = """
const { PrintfulClient } = require("printful-sdk-js-v2");
const [base, token, order] = process.argv.slice(1);
const { ordersV2 } = new PrintfulClient({ BASE: base, TOKEN: token });
(async () => {
    await ordersV2.getOrders(1);
    const { data } = await ordersV2.createOrder(undefined, JSON.parse(order));
    await ordersV2.getOrder(`@${data.external_id}`);
    await ordersV2.getItemsByOrderId(data.id, "order_item", 100, 0);
    await ordersV2.confirmOrder(data.id);
    await ordersV2.getShipments(data.id, undefined, 100, 0);
    const again = await ordersV2.createOrder(undefined, { ...JSON.parse(order), external_id: "another" });
    await ordersV2.getOrder(again.data.id);
    await ordersV2.deleteOrder(again.data.id);
})().catch((error) => { console.error(error); process.exit(1); });
"""


_BUILT_IN = frozenset({"Array", "NonNullable", "Parameters"})


def can_hold() -> bool:
    return shutil.which("node") is not None and TYPES.is_file() and COMPILER.is_file()


@dataclass(frozen=True, slots=True)
class Held:
    """A value that should be of a type, and what it is in sentences."""

    what: str
    type: str
    value: Any


def wrong(folder: Path, held: Sequence[Held]) -> list[str]:
    """What the compiler finds wrong with each, in its own sentences; none is as it should be."""
    (folder / "printful.d.ts").write_text(_types(), encoding="utf-8")
    names = sorted(set(re.findall(r"\b[A-Z]\w+\b", " ".join(one.type for one in held))) - _BUILT_IN)
    lines = [f'import type {{ {", ".join(names)} }} from "./printful";']
    lines += [f"export const v{n}: {one.type} = {json.dumps(one.value)};" for n, one in enumerate(held)]
    (folder / "held.ts").write_text("\n".join(lines), encoding="utf-8")
    command = ["node", str(COMPILER), "--noEmit", "--strict", "--skipLibCheck", "--pretty", "false", "held.ts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    found = []
    # What follows a finding in lines that stand further in says why.
    for line in re.sub(r"\n\s+", " ", done.stdout).splitlines():
        at = re.match(r"held\.ts\((\d+),\d+\): error (.*)", line)
        found.append(f"{held[int(at[1]) - 2].what}: {at[2]}" if at and int(at[1]) > 1 else line)
    assert found or done.returncode == 0, done
    return found


def call_all(base: str, token: str, order: dict[str, Any]) -> None:
    """Have their client make each of the calls that we make."""
    command = ["node", "-e", CLIENT, "--", base, token, json.dumps(order)]
    subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True, timeout=120)


def _types() -> str:
    text = TYPES.read_text(encoding="utf-8")
    text = re.sub(r"(?:declare )?enum (\w+) \{([^}]*)\}", _union, text)
    text = _replaced(text, "type PlacementsList = Array<Placement>;", f"type PlacementsList = {PLACED};")
    return _replaced(text, "    placements: PlacementsList;", f"    placements: {PLACED_THERE};")


def _union(enum: re.Match[str]) -> str:
    values = re.findall(r'= ("[^"]*")', enum[2])
    assert values, enum[1]
    return f"type {enum[1]} = {' | '.join(values)};"


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)
