"""Profiles of printers: a file each in `data/printer-profiles`, and the shop's own before them.

What belongs here: finding and reading them. What does not: what follows from them (`backroom.domain.printer_profile`).

The shop's own lie in the folder `printer-profiles` beside its shop file; one is added by putting a file there.
"""

from __future__ import annotations

from pathlib import Path

from backroom.domain.errors import AskPerson
from backroom.domain.locations import PRINT_PROCESSES
from backroom.domain.printer_profile import FORMATS, Consumable, PrinterProfile
from backroom.shop.check import Report
from backroom.shop.reading import read_toml
from backroom.shop.section import Section

FOLDER = "printer-profiles"
OURS = Path(__file__).parents[2] / "data" / FOLDER


class NoSuchProfile(AskPerson):
    """There is no profile of this name."""

    cause = "no_such_profile"


def profile_names(home: Path) -> list[str]:
    """The names of all profiles, the shop's own and ours."""
    return sorted({path.stem for folder in (home / FOLDER, OURS) for path in folder.glob("*.toml")})


def read_profile(home: Path, name: str) -> PrinterProfile:
    """A profile by its name; NoSuchProfile, or ShopFileInvalid with all that is wrong with its file."""
    path = next((path for folder in (home / FOLDER, OURS) if (path := folder / f"{name}.toml").is_file()), None)
    if path is None or Path(name).name != name:
        listed = ", ".join(profile_names(home)) or "none"
        raise NoSuchProfile(f"there is no printer profile {name!r}", remedy=f"There is: {listed}.")
    report = Report(path.name)
    root = Section(read_toml(path, report, "Put it there again."), "", report)
    profile = _read(name, root)
    root.done()
    report.done()
    return profile


def _read(name: str, root: Section) -> PrinterProfile:
    seconds, watts = root.section("seconds"), root.section("watts")
    usual = seconds.number("usual", low=1, high=7200)
    profile = PrinterProfile(
        id=name,
        name=root.text("name"),
        processes=root.choices("processes", PRINT_PROCESSES, ()),
        media=root.texts("media"),
        formats=root.choices("formats", tuple(FORMATS)),
        dots_per_inch=root.whole("dots_per_inch", low=72, high=2400),
        usual=usual,
        slow=seconds.number("slow", usual, low=1, high=7200),
        first=seconds.number("first", 0.0, low=0, high=7200),
        watts_printing=watts.number("printing", low=1, high=10_000),
        watts_idle=watts.number("idle", 0.0, low=0, high=10_000),
        consumables=tuple(_consumable(row, root) for row in root.rows("consumables")),
        source=root.text("source"),
    )
    if profile.slow < profile.usual:
        seconds.problem("slow", "is faster than usual", f"Write {usual:g} or more.")
    seconds.done()
    watts.done()
    return profile


def _consumable(row: object, root: Section) -> Consumable:
    if not isinstance(row, dict):
        root.problem("consumables", "is not a list of tables", "Begin each one with [[consumables]].")
        return Consumable("", 1)
    one = Section(row, root.at("consumables"), root.report)
    made = Consumable(one.text("name"), one.whole("pieces", 1, low=1, high=1_000_000))
    one.done()
    return made
