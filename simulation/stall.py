"""The shop of the evening: the demo shop with three presses at its booth, and its event planned and ready.

What belongs here: making that home once, and opening it on a clock. What does not: the evening (`evening`).
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from backroom.cli.prepare import prepare
from backroom.domain.blanks import becomes, is_blank
from backroom.domain.events import Event, Session
from backroom.domain.leases import Loan
from backroom.domain.power import Load, Supply
from backroom.domain.readiness import CheckState, checks_of
from backroom.shop import demo_samples
from backroom.shop.demo_samples import Unseen, approve_samples
from backroom.shop.event_lists import read_list
from backroom.shop.room import Room, open_room
from backroom.store import event_desk, events, leases
from backroom.store.catalogue import all_variants
from backroom.store.database import Clock, now
from simulation.evening import CLOSES, OPENS, Evening

DATA = Path(__file__).parents[1] / "data"
BOOTH, CODE, WHO = "booth-a", "nachtmarkt-2036-11-29", "Ada"
PRESSES = {"booth-left": "heat-transfer", "booth-middle": "heat-transfer", "booth-right": "dtg"}
# What was never printed at the booth for anybody to look at: its parcels are made elsewhere, and nobody waits for one.
UNSEEN = (Unseen(BOOTH, "last-tram.png", "blank-tee", "Bone"), *demo_samples.UNSEEN)
_PRESS = """[locations.booth-a.printers.{name}]
uri = "{uri}"
profile = "{profile}"
prints = ["dtg", "transfer"]
media = "iso_a4_210x297mm"
quality = "normal"

"""


def build_home(home: Path, uris: dict[str, str] | None = None) -> Path:
    """A fresh home folder with the shop's database in it; `uris` say where the presses are, folders otherwise."""
    shutil.copytree(DATA, home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = home / "shop.toml"
    text = path.read_text(encoding="utf-8")
    begins = text.index("[locations.booth-a.printers.booth-left]")
    ends = text.index("[locations.booth-a.label_printer]")
    presses = "".join(
        _PRESS.format(name=name, profile=profile, uri=(uris or {}).get(name, f"folder:printers/{name}"))
        for name, profile in PRESSES.items()
    )
    text = text[:begins] + presses + text[ends:]
    text = text.replace('late = "stay" ', 'late = "elsewhere" ')
    # What a table holds is seen by everybody who stands there: whatever is set aside from it is scanned.
    hours = "[locations.booth-a.hours]"
    text = text.replace(hours, f"scan = true\n\n{hours}", 1)
    path.write_text(text, encoding="utf-8")
    counted = home / "stock.csv"
    rows = [row for row in counted.read_text(encoding="utf-8").splitlines() if not row.startswith(BOOTH)]
    counted.write_text("\n".join(rows) + "\n", encoding="utf-8")
    prepare(home).close()
    return home


def blanks_of(room: Room) -> dict[str, str]:
    """What each SKU is printed on, by SKU."""
    with room.database.read() as connection:
        catalogue = all_variants(connection)
    blanks = [one for one in catalogue if is_blank(one)]
    return {one.sku: blank.sku for one in catalogue for blank in blanks if becomes(blank, one)}


def open_stall(home: Path, clock: Clock, evening: Evening) -> Room:
    """The shop on this clock, its event planned, all that it needs seen to, and the van loaded."""
    room = open_room(home.resolve(), clock=clock)
    template = read_list(room.home, "street")
    profiles = {printer.name: printer.profile for printer in room.shop.location(BOOTH).printers}
    loads = tuple(
        Load("printer", name, profile.watts_printing, 0.4) for name, profile in profiles.items() if profile is not None
    )
    event = Event(
        code=CODE,
        name="Nachtmarkt",
        template=template.id,
        location=BOOTH,
        place="the yard behind the canal",
        sessions=(Session(OPENS, CLOSES),),
        printers=tuple(profiles),
        loads=loads,
        supply=Supply("mains", 11_000),
    )

    def plan(connection: Connection) -> None:
        at = now(connection)
        checks = checks_of(template, event.starts_at, samples=room.shop.samples.require)
        events.add(connection, event, checks, at, WHO)
        row = events.locked(connection, CODE)
        for check in checks:
            if not check.measure:
                events.say(
                    connection,
                    row,
                    check.item,
                    CheckState.DONE,
                    note="seen",
                    file="",
                    good_until=CLOSES + timedelta(days=30),
                    at=at,
                    actor=WHO,
                )
        event_desk.make_ready(connection, CODE, WHO)
        loans = [Loan(sku, room.shop.hub, pieces, False) for sku, pieces in sorted(evening.lent.items())]
        leases.lend(connection, CODE, loans, key="van", actor=WHO)

    approve_samples(room, UNSEEN)
    room.database.write(plan)
    return room
