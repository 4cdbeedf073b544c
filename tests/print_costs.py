"""What a sealed print costs its hub: commits and syncs of the shop's database, from the claim to the outcome.

`strace -f -y -qq -e trace=fsync,fdatasync -o TRACE python -m tests.print_costs 200 1` prints 200 pieces on one folder
printer through a real gateway, counts commits by the tables they write, and leaves in TRACE what was synced. Give
TRACE as third argument afterwards to count it.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from backroom.domain.locations import PrinterSpec
from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store.database import Database
from backroom.store.migrate import migrate
from tests.benches import open_bench
from tests.commits import watch_commits
from tests.shops import open_floor

_SYNCED = re.compile(r"f(?:data)?sync\(\d+<([^>]+)>")


def main(prints: int, presses: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        database = Database(f"sqlite:///{home / 'backroom.db'}")
        migrate(database.engine)
        floor = open_floor(database, home)
        os.environ["BACKROOM_HOME"] = str(home)
        rooms._open[home.resolve()] = floor.room
        vars(wake)["_this"] = floor.waker
        specs = [PrinterSpec(f"press-{n}", f"folder:{home / f'press-{n}'}", ("dtg",)) for n in range(presses)]
        with open_bench(floor, specs) as bench:
            bench.orders(*[1] * prints)
            watched = watch_commits()
            # Whatever is synced between these two files is a print's.
            _mark(home / "begin")
            done, _ = bench.run(home / "bench")
            _mark(home / "end")
        assert done["done"] == prints, done
        commits = Counter(" ".join(sorted(wrote)) for wrote in watched if wrote)
        for tables, count in commits.most_common():
            print(f"{count / prints:6.3f} commits a print: {tables}")
        print(f"{sum(commits.values()) / prints:6.3f} commits a print")
        floor.room.close()


def _mark(path: Path) -> None:
    with path.open("w") as file:
        os.fsync(file.fileno())


def synced(trace: Path, prints: int) -> None:
    """Count what was synced between the marks, by the file's place."""
    found: Counter[str] = Counter()
    counting = False
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        if (match := _SYNCED.search(line)) is None:
            continue
        path = Path(match[1])
        if path.name in ("begin", "end"):
            counting = path.name == "begin"
        elif counting:
            found["hub: database" if path.name.startswith("backroom.db") else f"booth: {path.parent.name}"] += 1
    for place, count in found.most_common():
        print(f"{count / prints:6.3f} syncs a print: {place}")


if __name__ == "__main__":
    if len(sys.argv) > 3:
        synced(Path(sys.argv[3]), int(sys.argv[1]))
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
