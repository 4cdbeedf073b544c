"""What is still to do after `backroom init`, in the words of somebody who has to do it.

What belongs here: what a shop needs that its file alone does not give it. What does not: problems of the file itself
(`check`), the questions (`questions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backroom.domain.routing_rules import RoutingRule
from backroom.domain.shop import Shop

# Of the channels we read, these name addresses without coordinates.
WITHOUT_COORDINATES = ("woocommerce", "pos", "csv")


def missing_postcodes(shop: Shop) -> str:
    """Why orders of some channels would be held for want of coordinates; empty where none would."""
    rules = [rule.name for rule in shop.rules if _needs_distance(rule)]
    channels = [channel.id for channel in shop.channels if channel.kind in WITHOUT_COORDINATES]
    if shop.postcodes or not rules or not channels:
        return ""
    return (
        f"Orders of {', '.join(channels)} come without coordinates, and the routing rule {rules[0]!r} asks how far "
        "away they go: each of them would be held as no_coordinates. Put a postcodes.csv (country,postcode,latitude,"
        'longitude) beside shop.toml, and write postcodes = "postcodes.csv" in its table [shop].'
    )


def next_steps(shop: Shop, home: Path) -> Iterator[str]:
    """What to do before the first `backroom up`, most needed first; what lies there already is left out."""
    if missing := missing_postcodes(shop):
        yield missing
    if not (home / "catalogue.csv").exists():
        yield f"What you sell: put catalogue.csv into {home}."
    if not (home / "stock.csv").exists():
        yield f"What is in stock: put stock.csv into {home}."
    artwork = home / shop.artwork_folder
    if any(location.printers for location in shop.locations) and not artwork.is_dir():
        yield f"What is printed: put the designs as PNG files into {artwork}."


def first_samples(shop: Shop) -> str:
    """What a new shop that asks for samples has to do before anything is printed to order; empty for any other."""
    if not shop.samples.require or not any(location.printers for location in shop.locations):
        return ""
    return (
        "What is printed to order waits for its sample: print one of each design, look at it and approve it, on the "
        "staff page Samples, or with `backroom sample new` and `backroom sample approve` (docs/guide/samples.md)."
    )


def _needs_distance(rule: RoutingRule) -> bool:
    return "nearest" in rule.sort or any(filter_.field == "distance_km" for filter_ in rule.where)
