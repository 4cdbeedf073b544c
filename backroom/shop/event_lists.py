"""The lists of what an event needs, by the kind of its ground: a parking lot, a market hall, a street.

What belongs here: finding and reading them. What does not: whether an item is there (`backroom.domain.readiness`).

Each list is a file `NAME.toml`: those of this package, and the shop's own in the folder `events` of its home, which go
before them. A list has a name and its items:

    name = "Parking lot"

    [items.permit]
    title = "Written permit of the owner of the lot"
    required = true             # false: it keeps nobody from opening
    days_before = 21            # when it is due, before the event begins
    who = "Ada"                 # who usually has it in hand; may be left out
    help = "What to ask for."
    measure = "power"           # counted, not ticked: the watts against the supply; "samples" as well
"""

from __future__ import annotations

from pathlib import Path

from backroom.domain.errors import AskPerson
from backroom.domain.readiness import MEASURES, Item, Template
from backroom.shop.check import Report
from backroom.shop.reading import read_toml
from backroom.shop.section import Section

OURS = Path(__file__).parent / "lists"
OF_THE_SHOP = "events"


class NoSuchList(AskPerson):
    """There is no list of this name."""

    cause = "no_such_list"


def list_names(home: Path) -> list[str]:
    """The names of all lists, the shop's own and ours."""
    return sorted({path.stem for folder in (home / OF_THE_SHOP, OURS) for path in folder.glob("*.toml")})


def read_list(home: Path, name: str) -> Template:
    """A list by its name; NoSuchList, or ShopFileInvalid with all that is wrong with its file."""
    path = next((path for folder in (home / OF_THE_SHOP, OURS) if (path := folder / f"{name}.toml").is_file()), None)
    if path is None or Path(name).name != name:
        names = list_names(home)
        raise NoSuchList(f"there is no list {name!r}", remedy=f"There is: {', '.join(names)}.")
    report = Report(path.name)
    section = Section(read_toml(path, report, "Put it there again."), "", report)
    template = Template(
        id=name,
        name=section.text("name"),
        items=tuple(_read_item(id_, one) for id_, one in section.sections("items")),
    )
    section.done()
    report.done()
    return template


def _read_item(id_: str, section: Section) -> Item:
    item = Item(
        item=id_,
        title=section.text("title"),
        required=section.flag("required", True),
        days_before=section.whole("days_before", high=365),
        help=section.text("help", ""),
        who=section.text("who", ""),
        measure=section.choice("measure", MEASURES, ""),
    )
    section.done()
    return item
