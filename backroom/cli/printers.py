"""Commands about printers: how fast each one of the shop is, and the kinds of printers that are known."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.domain.print_pace import ENOUGH, NEWEST
from backroom.domain.printer_profile import FORMATS, PrinterProfile, size_words
from backroom.insight.words import say_seconds
from backroom.shop.printer_profiles import profile_names, read_profile
from backroom.shop.room import home_folder
from backroom.store.print_queue import paces_of


def pace(
    location: Annotated[str, typer.Argument(help="The location; all that print if left out")] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """How many seconds a piece takes, by printer, product and colourway: as measured, and by what until then."""
    room = open_room()
    rows = []
    with room.database.read() as connection:
        for place in (room.shop.location(location),) if location else room.shop.locations:
            paces = paces_of(connection, place, place.printers)
            rows += [
                {
                    "location": place.id,
                    "printer": one.printer,
                    "process": one.process,
                    "product": one.product,
                    "colourway": one.colourway,
                    "piece": one.piece,
                    "seconds": round(one.pace.usual, 1),
                    "one_in_five_over": round(one.pace.slow, 1),
                    "measured": one.measured,
                    "goes_by": one.goes_by,
                }
                for one in paces.rows({one.name: one.prints for one in place.printers})
            ]
    if as_json:
        show_json(rows)
        return
    columns = ("printer", "piece", "seconds", "one_in_five_over", "measured", "goes_by")
    show_table("Seconds a piece", rows, columns if location else ("location", *columns))
    console.print(
        f"A row goes by its own prints once {ENOUGH} were measured, by the newest {NEWEST} at most.", highlight=False
    )


def profiles(
    pieces: Annotated[int, typer.Option(min=0, help="What so many pieces would use up")] = 0,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The kinds of printers that are known: what they print on and take, how fast they are, and what they use up."""
    home = home_folder()
    found = [read_profile(home, name) for name in profile_names(home)]
    if as_json:
        show_json([_as_row(one, pieces) for one in found])
        return
    for one in found:
        _say_profile(one, pieces)


def _as_row(one: PrinterProfile, pieces: int) -> dict[str, Any]:
    return {
        "profile": one.id,
        "name": one.name,
        "prints": ", ".join(one.processes),
        "sizes": list(one.media),
        "formats": list(one.formats),
        "dots_per_inch": one.dots_per_inch,
        "seconds": one.usual,
        "one_in_five_over": one.slow,
        "warm_up_seconds": one.first,
        "watts": one.watts_printing,
        "watts_idle": one.watts_idle,
        "uses": _uses(one, pieces) if pieces else "",
        "source": one.source,
    }


def _say_profile(one: PrinterProfile, pieces: int) -> None:
    lines = {
        "prints": ", ".join(one.processes) or "labels only",
        "sizes": ", ".join(size_words(media) for media in one.media),
        "takes": f"{', '.join(FORMATS[kind] for kind in one.formats)}, at {one.dots_per_inch} dots an inch",
        "a piece": f"{say_seconds(one.usual)}; one in five over {say_seconds(one.slow)}",
        "warm after": say_seconds(one.first) if one.first else "at once",
        "watts": f"{one.watts_printing:g} while it prints, {one.watts_idle:g} while it waits",
        **({f"{pieces} pieces": _uses(one, pieces)} if pieces else {}),
        "source": one.source,
    }
    # A grid, so that what does not fit goes on below itself.
    grid = Table.grid(padding=(0, 2))
    for what, value in lines.items():
        grid.add_row(f"  {what}", Text(value))
    console.print(f"[bold]{escape(one.id)}[/]: {escape(one.name)}", highlight=False)
    console.print(grid)


def _uses(one: PrinterProfile, pieces: int) -> str:
    return "; ".join(f"{stuff.needed(pieces)} × {stuff.name}" for stuff in one.consumables)
