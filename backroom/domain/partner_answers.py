"""A partner's answer beside what was asked: line by line, and at a cell tote by tote.

What belongs here: where the two differ, and what is missing. What does not: the values of both sides
(`partner_orders`), and what follows from a difference (`backroom.store.partner_news`).

Never a partial order in silence: an answer that differs in any line is a difference that a person sees, and so is one
that leaves out what the partner's interface has it say. What an interface does not repeat is not compared, and a file
address that a partner rewrote says nothing of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backroom.domain.partner_orders import AskedLine, ToldLine, Tote

# What is told where a partner leaves out what its interface has it say.
UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a partner has otherwise than it was asked: codes and figures only. `line_no` 0 is the order as a whole.
    `told` is UNSAID where it does not say."""

    line_no: int
    what: str
    asked: str
    told: str

    def sentence(self) -> str:
        where = f"line {self.line_no}" if self.line_no else "the order"
        if self.told == UNSAID:
            return f"{where} does not say its {self.what}, where {self.asked} was asked"
        return f"{where} has {self.what} {self.told or 'none'} where {self.asked or 'none'} was asked"


def compare(asked: Sequence[AskedLine], told: Sequence[ToldLine] | None) -> tuple[Difference, ...]:
    """Where the partner's lines differ from ours: none missing, none more, none in two, each with its code, pieces,
    artwork and how that is printed, or none said of what was asked. What was not asked of a print is the partner's to
    choose.

    Nothing, as long as it does not say what it has (None).
    """
    if told is None:
        return ()
    differences = []
    theirs: dict[int, ToldLine] = {}
    for line in told:
        if line.line_no in theirs:
            differences.append(Difference(line.line_no, "lines", "1", "2"))
            line = replace(line, quantity=line.quantity + theirs[line.line_no].quantity)
        theirs[line.line_no] = line
    for ours in asked:
        line_of = theirs.pop(ours.line_no, None)
        if line_of is None:
            differences.append(Difference(ours.line_no, "pieces", str(ours.quantity), "0"))
            continue
        pairs = (
            ("code", ours.code, line_of.code),
            ("pieces", str(ours.quantity), str(line_of.quantity)),
            ("print area", ours.placement, line_of.placement),
            ("artwork", ours.artwork, line_of.artwork),
        )
        for what, mine, yours in pairs + _print(ours, line_of) + _attributes(ours, line_of):
            if yours is None and mine and line_of.repeats:
                yours = UNSAID
            if yours is not None and mine != yours:
                differences.append(Difference(ours.line_no, what, mine, yours))
    differences += [Difference(no, "pieces", "0", str(line.quantity)) for no, line in sorted(theirs.items())]
    return tuple(differences)


def undone(asked: Sequence[AskedLine], told: Sequence[ToldLine] | None) -> tuple[Difference, ...]:
    """Which lines of an order that is said to be picked are not whole by the same word, or not counted."""
    done = {line.line_no: line.done for line in told or () if line.done is not None}
    return uncounted(asked, told) + tuple(
        Difference(line.line_no, "pieces done", str(line.quantity), str(done[line.line_no]))
        for line in asked
        if done.get(line.line_no, line.quantity) != line.quantity
    )


def uncounted(asked: Sequence[AskedLine], told: Sequence[ToldLine] | None) -> tuple[Difference, ...]:
    """Which lines of an order that has ended do not say how much of them is done, though they must."""
    silent = {line.line_no for line in told or () if line.repeats and line.done is None}
    return tuple(
        Difference(line.line_no, "pieces done", str(line.quantity), UNSAID) for line in asked if line.line_no in silent
    )


def not_in_totes(asked: Sequence[AskedLine], totes: Sequence[Tote]) -> tuple[Difference, ...]:
    """Where what came back in totes is not what was asked; nothing where the cell does not say what is in them."""
    found: dict[int, int] = {line.line_no: 0 for line in asked}
    for tote in totes:
        for line_no, count in tote.pieces.items():
            found[line_no] = found.get(line_no, 0) + count
    wanted = {line.line_no: line.quantity for line in asked}
    return tuple(
        Difference(line_no, "pieces in totes", str(wanted.get(line_no, 0)), str(count))
        for line_no, count in sorted(found.items())
        if any(tote.pieces for tote in totes) and count != wanted.get(line_no, 0)
    )


def contents(asked: Sequence[AskedLine], totes: Sequence[Tote]) -> list[dict[str, object]]:
    """What is in each tote by SKU, for whoever opens it: only of this order, whatever else it carries."""
    skus = {line.line_no: line.sku for line in asked}
    told: list[dict[str, object]] = []
    for tote in totes:
        pieces: dict[str, int] = {}
        for line_no, count in tote.pieces.items():
            sku = skus.get(line_no, f"line {line_no}")
            pieces[sku] = pieces.get(sku, 0) + count
        told.append({"tote": tote.id, "at": tote.at, "pieces": pieces})
    return told


def _print(asked: AskedLine, told: ToldLine) -> tuple[tuple[str, str, str | None], ...]:
    """How it is printed: with how many files, by which technique, how large."""
    pairs: list[tuple[str, str, str | None]] = []
    if told.prints is not None and told.placement in (None, asked.placement):
        # Files on another area, or on two, are a difference already.
        pairs.append(("print files", str(int(bool(asked.artwork))), str(told.prints)))
    if asked.technique:
        pairs.append(("technique", asked.technique, told.technique))
    for what, mine, yours in (
        ("width in mm", asked.width_mm, told.width_mm),
        ("height in mm", asked.height_mm, told.height_mm),
    ):
        if mine:
            pairs.append((what, str(mine), None if yours is None else str(yours)))
    return tuple(pairs)


def _attributes(asked: AskedLine, told: ToldLine) -> tuple[tuple[str, str, str | None], ...]:
    """Size, colour and the like, where they are no part of the code: what was asked of each, and what is told."""
    theirs = told.attributes
    return tuple(
        (name, value, None if theirs is None else theirs.get(name, ""))
        for name, value in sorted(asked.attributes.items())
    )


def missing_pieces(asked: Sequence[AskedLine], told: Sequence[ToldLine] | None) -> dict[str, int]:
    """Pieces by SKU that are asked for and, by what the partner says, neither made nor picked."""
    done = {line.line_no: line.done for line in told or ()}
    missing: dict[str, int] = {}
    for line in asked:
        made = done.get(line.line_no)
        if made is not None and made < line.quantity:
            missing[line.sku] = missing.get(line.sku, 0) + line.quantity - made
    return missing
