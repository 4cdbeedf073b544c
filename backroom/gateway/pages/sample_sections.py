"""What the pages of samples consist of: what waits to be looked at, what can be printed, how it stands, and batches.

What belongs here: the parts of the page. What does not: its addresses, and what is done there (`samples`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from fastapi import Request
from sqlalchemy import RowMapping

from backroom.domain.locations import Location
from backroom.domain.model import Variant
from backroom.domain.reject_rates import Drift, Rate
from backroom.domain.samples import AtPrinter, Combination, Standing
from backroom.gateway.pages.html import Child, Html, button, day, form, link, tag, when
from backroom.store import material_batches
from backroom.store.sample_desk import LONGEST_NOTE

# What needs somebody comes first, and how it looks.
_TONE = {
    Standing.WAITING: "act",
    Standing.CLOSED: "bad",
    Standing.NEW_BATCH: "act",
    Standing.EXPIRED: "act",
    Standing.REJECTED: "bad",
    Standing.APPROVED: "good",
    Standing.NONE: "quiet",
}
ORDER = tuple(_TONE)


def _choice(*words: str) -> str:
    """Words as one value of a form: a product's or a printer's name may hold anything."""
    return "/".join(quote(word, safe="") for word in words)


def _word(standing: Standing) -> str:
    return "never sampled" if standing is Standing.NONE else standing.replace("_", " ")


def path_of(place: Location) -> str:
    """Where the samples of a place are."""
    return f"/samples/{quote(place.id, safe='')}"


def to_look_at(request: Request, place: Location, row: RowMapping, titles: dict[str, Variant]) -> Html:
    """A sample that somebody printed: its photo is taken here, and it is called good or not."""
    variant = titles.get(row["sku"])
    title = f"{variant.title}, {variant.colourway}" if variant else row["sku"]
    batches = ", ".join(
        f"{what} {row[name]}" for what, name in (("fabric", "fabric_batch"), ("ink", "ink_batch")) if row[name]
    )
    field = f"photo-{row['id']}"
    asked = form(
        request,
        f"{path_of(place)}/{row['id']}/word",
        tag("label", "Photo of the print", for_=field),
        tag(
            "input",
            type="file",
            id=field,
            name="photo",
            accept="image/jpeg,image/png,image/webp",
            capture="environment",
        ),
        tag("input", name="note", placeholder="What you see", aria_label="What you see", maxlength=LONGEST_NOTE),
        button("It is good", name="says", value="good"),
        button("It is not good", name="says", value="bad"),
        cls="row",
        with_files=True,
    )
    made = ["Sample ", row["id"], f", {row['printer']}", f", {batches}" if batches else "", ", "]
    return tag(
        "div",
        tag("p", tag("strong", title), f" ({row['sku']})"),
        tag("p", made, when(request, row["printed_at"]), f", {row['printed_by']}", cls="quiet"),
        asked,
        cls="card act",
    )


def print_one(request: Request, place: Location, standing: Sequence[tuple[Variant, AtPrinter]]) -> Child:
    """What could be sampled, what is approved last: it may be looked at again."""
    if not standing:
        return tag("p", "Nothing is printed here.", cls="quiet")
    ordered = sorted(standing, key=lambda one: (one[1].verdict.approved, one[0].title, one[1].printer))
    options = [
        tag(
            "option",
            f"{variant.title}, {variant.colourway} · {one.printer} · {_word(one.verdict.standing)}",
            value=_choice(one.printer, variant.sku),
        )
        for variant, one in ordered
    ]
    choice = [tag("label", "What, and where", for_="what"), tag("select", options, name="what", id="what")]
    return [
        form(request, f"{path_of(place)}/printed", choice, button("It was printed"), cls="row"),
        tag("details", tag("summary", "The file to print"), _documents(place, ordered)),
    ]


def _documents(place: Location, ordered: Sequence[tuple[Variant, AtPrinter]]) -> Html:
    seen: dict[tuple[str, int, int], Variant] = {}
    for variant, _ in ordered:
        seen.setdefault((variant.artwork, variant.printed_width_mm, variant.printed_height_mm), variant)
    links = [
        tag("li", link(f"{path_of(place)}/document?{urlencode({'sku': variant.sku})}", f"{artwork}, {width} mm wide"))
        for (artwork, width, _), variant in sorted(seen.items(), key=lambda one: one[0])
    ]
    return tag("ul", links)


def standing_row(
    request: Request,
    place: Location,
    variant: Variant,
    one: AtPrinter,
    found: dict[tuple[Combination, str], Rate],
    *,
    soon: datetime,
) -> list[Child]:
    """How a print stands at a printer, until when, why, and how much of it came out bad."""
    verdict = one.verdict
    until: Child = None
    if verdict.approved and verdict.until is not None:
        until = tag("strong", day(request, verdict.until), cls="act" if verdict.until <= soon else "good")
    seen = link(f"{path_of(place)}/{verdict.sample}/photo", "photo") if verdict.approved else None
    rate = found.get((one.combination, one.printer))
    on = f"{one.combination.fabric} {one.combination.colourway}".strip()
    return [
        [variant.title, tag("p", f"{one.combination.artwork} on {on}", cls="quiet")],
        one.printer,
        tag("span", _word(verdict.standing), cls=f"state {_TONE[verdict.standing]}"),
        [until, " ", seen, verdict.why],
        rate.words if rate else "",
    ]


def new_batch_form(request: Request, place: Location, standing: Sequence[tuple[Variant, AtPrinter]]) -> Child:
    """To say which batch of ink or fabric is in use from now on; nothing where nothing is printed."""
    printers = sorted({one.printer for _, one in standing})
    fabrics = sorted({(one.combination.fabric, one.combination.colourway) for _, one in standing})
    options = [tag("option", f"Ink in {name}", value=_choice(material_batches.INK, name, "")) for name in printers]
    options += [
        tag("option", f"{fabric} {colourway}".strip(), value=_choice(material_batches.FABRIC, fabric, colourway))
        for fabric, colourway in fabrics
    ]
    if not options:
        return None
    return form(
        request,
        f"{path_of(place)}/batch",
        tag("div", tag("label", "New batch of", for_="of"), tag("select", options, name="what", id="of")),
        tag(
            "div", tag("label", "What stands on it", for_="batch"), tag("input", id="batch", name="batch", maxlength=40)
        ),
        button("In use from now on"),
        cls="row",
    )


def material_name(row: RowMapping) -> str:
    """Which ink or fabric a batch is of."""
    return (
        f"Ink in {row['material']}" if row["kind"] == material_batches.INK else f"{row['material']} {row['colourway']}"
    )


def drift_row(of: str, one: Drift) -> list[Child]:
    """How much came out bad with a batch and with the one before it, and whether the difference is certain."""
    word = tag("strong", "worse", cls="bad") if one.worse else "no difference that is certain"
    return [f"{of}: {one.batch}", one.now.words, one.before.words, word]
