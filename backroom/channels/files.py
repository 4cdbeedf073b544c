"""Files that hold orders, split into one message for each: CSV by its columns, JSON of a mapped shop by its mapping.

What belongs here: which kind takes which files, and the split. What does not: where files lie and what becomes of them
(`dropping`), and what a message means (`csvorder`, `mapped_order`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from backroom.channels.csvfile import LARGEST_FILE, BrokenFile, read_file
from backroom.channels.mapped import MappedChannel, mapping_of
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import Refuse
from backroom.domain.json_path import find

# What a file of each kind is called, and how it is made.
ENDINGS = {"csv": ".csv", "mapped": ".json"}
_SAVE_AS = {"csv": "Save it as CSV (UTF-8), with a name that ends in .csv.", "mapped": "Give it a name with .json."}


class TakesNoFiles(Refuse):
    """This kind of channel takes no files."""

    cause = "takes_no_files"


@dataclass(frozen=True, slots=True)
class FileOrder:
    """One order of a file as the message for the inbox. `place` is where it stands: `order X-17`, `orders[3]`."""

    place: str
    body: bytes


@dataclass(frozen=True, slots=True)
class FileOrders:
    """The orders of a file, and what in it belongs to none, each as a sentence."""

    orders: tuple[FileOrder, ...]
    problems: tuple[str, ...]


def split_file(spec: ChannelSpec, data: bytes, name: str) -> FileOrders:
    """The orders of a file; BrokenFile when it has no usable form, TakesNoFiles for a channel that takes none."""
    if spec.kind not in ENDINGS:
        raise TakesNoFiles(f"channel {spec.id} is of kind {spec.kind} and takes no files.", remedy="Name another one.")
    return _csv(data, name) if spec.kind == "csv" else _json(spec, data, name)


def check_ending(spec: ChannelSpec, name: str) -> None:
    """BrokenFile for a name that says that somebody dropped something else."""
    ending = ENDINGS.get(spec.kind, "")
    if not name.lower().endswith(ending):
        raise BrokenFile(f"{name} is no {ending} file.", remedy=_SAVE_AS[spec.kind])


def _csv(data: bytes, name: str) -> FileOrders:
    drop = read_file(data, name)
    return FileOrders(
        tuple(FileOrder(f"order {order.order_id}", order.body) for order in drop.orders),
        tuple(map(str, drop.problems)),
    )


def _json(spec: ChannelSpec, data: bytes, name: str) -> FileOrders:
    """A list of messages, one alone, or what the mapping's `file` leads to; each as a webhook would bring it."""
    if len(data) > LARGEST_FILE:
        raise BrokenFile(f"{name} is larger than {LARGEST_FILE} bytes.", remedy="Split it into smaller files.")
    try:
        document = parse_json(data)
    except BrokenJson as error:
        raise BrokenFile(f"{name}: {error.message}.", remedy="Export it again.") from error
    path = mapping_of(spec).file
    found = [(one.path, one.value) for one in find(document, path)] if path is not None else []
    if not found and isinstance(document, list):
        found = [(f"[{index}]", value) for index, value in enumerate(document)]
    elif not found:
        # One alone. Where it is something else, its own problems say so.
        found = [("", document)]
    if not found:
        raise BrokenFile(f"{name} holds no orders.", remedy="Export it again.")
    channel = MappedChannel(spec)
    orders, problems = [], []
    for place, value in found:
        if not isinstance(value, dict):
            problems.append(f"{name}, {place or 'the whole of it'}: is not an order.")
            continue
        id_ = channel.external_id(value)
        orders.append(
            FileOrder(f"order {id_}" if id_ else place or name, json.dumps(value, ensure_ascii=False).encode())
        )
    return FileOrders(tuple(orders), tuple(problems))
