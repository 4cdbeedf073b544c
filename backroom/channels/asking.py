"""Asking a channel for orders so that one that it cannot give keeps none of the others out.

What belongs here: which ids are asked again and one by one, and whether it is one order or the whole channel that gives
nothing. What does not: when it is asked, and what becomes of the answers (`tasks.fetch`, `reconciling`).

A source may ask for many orders by one call, so an error does not say whose it is. Those that it left open are asked
one by one. Whether the channel is there is told by any answer of it after the error: of an order that it surely has, or
of one of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backroom.channels.remote import Fetched, OrderSource
from backroom.domain.errors import BackroomError

# After so many orders in a row that it did not give, a channel is left alone: each may cost some seconds.
IN_A_ROW = 3


@dataclass(slots=True)
class Asked:
    """What came of it, each id in one place: `given`; `absent`, which the channel does not have; `failed`, which it
    cannot give while it gives others; `silent`, which were asked, and `untried`, which were not, when the channel gave
    nothing any more, for the reason `away`."""

    given: dict[str, Fetched] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    failed: dict[str, BackroomError] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    away: BackroomError | None = None


def ask_for(source: OrderSource, ids: Sequence[str], known: Callable[[], str]) -> Asked:
    """Ask for these orders, each once and the first ones first. `known` is the id of another order that the channel
    has, empty where there is none; it is only called after an error."""
    asked = Asked()
    if (error := _ask(source, ids, asked)) is None:
        asked.absent = set(ids) - asked.given.keys()
        return asked
    probe = next(reversed(asked.given), "") or known()
    there = bool(probe) and _is_there(source, probe)
    if probe and not there:
        asked.silent, asked.away = [one for one in ids if one not in asked.given], error
        return asked
    if len(ids) == 1:
        if there:
            asked.failed[ids[0]] = error
        else:
            asked.silent, asked.away = list(ids), error
        return asked
    _one_by_one(source, _left(ids, asked, there=there), asked, error, probe)
    return asked


def _one_by_one(source: OrderSource, left: list[str], asked: Asked, error: BackroomError, probe: str) -> None:
    """`silent` holds, until the channel answers again, whose fault is not known yet."""
    in_a_row, doubtful = 0 if probe else 1, dict[str, BackroomError]()
    while left and in_a_row < IN_A_ROW:
        id_ = left.pop(0)
        if (failure := _ask(source, [id_], asked)) is None:
            if id_ not in asked.given:
                asked.absent.add(id_)
            probe, in_a_row = probe or id_, 0
            asked.failed |= doubtful
            doubtful.clear()
            continue
        error, in_a_row = failure, in_a_row + 1
        doubtful[id_] = failure
        if probe:
            if not _is_there(source, probe):
                # It went away just now: what else is left would fail as well.
                break
            asked.failed |= doubtful
            doubtful.clear()
    asked.silent, asked.untried = list(doubtful), left
    asked.away = error if doubtful or left else None


def _left(ids: Sequence[str], asked: Asked, *, there: bool) -> list[str]:
    """What is open after an error, beginning where it stopped. Where nobody knows yet whether the channel is there, the
    next one goes before, for the first one most likely fails again."""
    stopped = max((number for number, one in enumerate(ids, 1) if one in asked.given), default=0)
    left = [one for one in (*ids[stopped:], *ids[:stopped]) if one not in asked.given]
    return left if there else [*left[1:2], *left[:1], *left[2:]]


def _ask(source: OrderSource, ids: Sequence[str], asked: Asked) -> BackroomError | None:
    try:
        for fetched in source.fetch(ids):
            asked.given[fetched.asked or fetched.external_id] = fetched
    except BackroomError as error:
        return error
    return None


def _is_there(source: OrderSource, probe: str) -> bool:
    return _ask(source, [probe], Asked()) is None
