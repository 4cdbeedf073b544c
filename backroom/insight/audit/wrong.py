"""Wrong: pieces that were taken for another or came back, codes nobody knows, codes that stand for two variants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from backroom.domain.audit import Action, Failure, Finding
from backroom.domain.audit_money import FailureCosts
from backroom.domain.shop import Shop
from backroom.store.audit_wrong import ForeignPiece, RefusedScan, WrongReturn

WRONG_PIECE, UNKNOWN_CODE, SHARED_CODE = "wrong_piece", "unknown_code", "shared_code"
SENT_WRONG, LABEL_MISMATCH = "sent_wrong", "label_mismatch"
NAMED = 3


def refused(scans: Sequence[RefusedScan], costs: FailureCosts, names: dict[str, str]) -> list[Finding]:
    """Wrong pieces by place and by what was taken for what, and unknown codes by place; the most frequent first.

    A piece that is scanned once too often is none: it is in the order.
    """
    pairs: dict[tuple[str, str, str], list[RefusedScan]] = defaultdict(list)
    unknown: dict[str, list[RefusedScan]] = defaultdict(list)
    for one in scans:
        if not one.sku:
            unknown[one.place].append(one)
        elif one.sku not in one.wanted:
            pairs[one.place, one.sku, _meant(one)].append(one)
    found = [_pair(mine, taken, meant, place, costs, names) for (place, taken, meant), mine in pairs.items()]
    found += [_unknown(mine, place, costs, names) for place, mine in unknown.items()]
    return sorted(found, key=lambda finding: -finding.times)


def returned(pieces: Sequence[WrongReturn], costs: FailureCosts, shop: Shop) -> list[Finding]:
    """Wrong items that went out unseen, by place and by what was sent for what; the most frequent first."""
    pairs: dict[tuple[str, str, str], list[WrongReturn]] = defaultdict(list)
    for one in pieces:
        pairs[one.place, one.sku, one.received].append(one)
    found = [_sent(mine, place, sku, came, costs, shop) for (place, sku, came), mine in pairs.items()]
    return sorted(found, key=lambda finding: -finding.times)


def swapped(pieces: Sequence[ForeignPiece], costs: FailureCosts) -> list[Finding]:
    """Pieces that came back with a return they are not part of: two parcels had each other's label."""
    return [
        Finding(
            Failure.WRONG,
            LABEL_MISMATCH,
            one.sku,
            one.number,
            f"{one.sku} came back in the parcel of {one.number}, which has none: two parcels had each other's label.",
            Action(
                f"Find the order that misses {one.sku}; take the piece in as sent by mistake, and send the right one.",
                f"backroom return show {one.back}",
            ),
            since=one.at,
            minor=costs.sent_wrong,
        )
        for one in pieces
    ]


def shared(codes: Sequence[tuple[str, tuple[str, ...]]]) -> list[Finding]:
    """GTINs of several variants: the scanner takes each of them for the others."""
    words = "Give each variant a GTIN of its own in the catalogue, and print new labels for the pieces."
    return [
        Finding(
            Failure.WRONG,
            SHARED_CODE,
            skus[0],
            "catalogue",
            f"The GTIN {gtin} stands for {' and '.join(skus)}: no scan can tell them apart.",
            Action(words, "backroom stock load catalogue.csv"),
        )
        for gtin, skus in codes
    ]


def _meant(one: RefusedScan) -> str:
    """The SKU that was probably meant: the order's only one, or its only one of the same product."""
    product = one.sku.rpartition("-")[0]
    alike = [sku for sku in one.wanted if product and sku.rpartition("-")[0] == product]
    candidates = alike or one.wanted
    return candidates[0] if len(candidates) == 1 else ""


def _pair(
    mine: Sequence[RefusedScan], taken: str, meant: str, place: str, costs: FailureCosts, names: dict[str, str]
) -> Finding:
    instead = f"for {meant}" if meant else "for a piece that was not ordered"
    words = f"Put {taken} and {meant} on shelves apart, and write both names large." if meant else ""
    return Finding(
        Failure.WRONG,
        WRONG_PIECE,
        taken,
        place,
        f"At {names.get(place, place)} {taken} was taken {instead} {_times(mine)} ({_orders(mine)}); a scan caught it.",
        Action(words or f"Look how {taken} lies on its shelf, and count it.", "backroom stock list"),
        since=mine[0].at,
        minor=costs.caught * len(mine),
        times=len(mine),
    )


def _unknown(mine: Sequence[RefusedScan], place: str, costs: FailureCosts, names: dict[str, str]) -> Finding:
    # What the code said is not repeated: anything can be held before a scanner.
    return Finding(
        Failure.WRONG,
        UNKNOWN_CODE,
        place,
        place,
        f"At {names.get(place, place)} a code was scanned {_times(mine)} that the catalogue does not have "
        f"({_orders(mine)}).",
        Action(
            "Look at the label on the piece: it is another piece's, or its GTIN is missing in the catalogue.",
            "backroom stock load catalogue.csv",
        ),
        since=mine[0].at,
        minor=costs.caught * len(mine),
        times=len(mine),
    )


def _sent(mine: Sequence[WrongReturn], place: str, sku: str, came: str, costs: FailureCosts, shop: Shop) -> Finding:
    scans = {location.id for location in shop.locations if location.scan}
    words = f"Put {sku} and {came} on shelves apart." if came and came != sku else f"Look how {sku} is picked."
    if place not in scans:
        words += f" Ask for a scan of every piece there: scan = true in [locations.{place}]." if place else ""
    where = shop.location_names.get(place, place) or "an unknown place"
    instead = f"{came} was sent for {sku}" if came and came != sku else f"another piece was sent for {sku}"
    return Finding(
        Failure.WRONG,
        SENT_WRONG,
        sku,
        place,
        f"From {where} {instead} {_times(mine)} ({_orders(mine)}); the customer found out.",
        Action(words, f"backroom return show {mine[-1].back}"),
        since=mine[0].at,
        minor=costs.sent_wrong * len(mine),
        times=len(mine),
    )


def _times(mine: Sequence[RefusedScan | WrongReturn]) -> str:
    return "once" if len(mine) == 1 else f"{len(mine)} times"


def _orders(mine: Sequence[RefusedScan | WrongReturn]) -> str:
    numbers = list(dict.fromkeys(one.number for one in mine))
    rest = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    return ", ".join(numbers[:NAMED]) + rest
