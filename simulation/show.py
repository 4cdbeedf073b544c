"""`python -m simulation.show` (`make demo-event`): one night market with real printers, told as it happens and judged.

What belongs here: the screen. What does not: the night (`live`), and the judge.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from backroom.printing.virtual import missing_programs
from simulation.evening import CLOSES, CUSTOMERS, OPENS
from simulation.judge import judge
from simulation.live import open_live
from simulation.verdict import KEPT_SHARE, Verdict

console = Console()


def main(
    seed: Annotated[int, typer.Option(help="Another seed is another night")] = 7,
    times: Annotated[float, typer.Option(min=1, max=120, help="How many times as fast as a clock")] = 48.0,
) -> None:
    """Hold a night market: 200 orders over three real printers, one without paper, one that dies, and no network."""
    if missing := missing_programs():
        console.print(
            f"[red]No {' or '.join(missing)} here.[/] Run `make machine`, or install cups-ipp-utils and dbus."
        )
        sys.exit(2)
    logging.disable(logging.WARNING)
    minutes = (CLOSES - OPENS).total_seconds() / 60
    console.print(
        f"Four hours in {minutes / times:.0f} minutes: three ippeveprinters, the gateway on a socket, the booth's "
        "print loop in a process of its own, the till's box. The hub's waves run here, without Prefect's server.",
        highlight=False,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[orders]}"), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="backroom-night-") as folder,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("starting", total=minutes, orders="")

        def tell(line: str) -> None:
            progress.console.print(line, highlight=False, soft_wrap=True)

        def pass_time(at: datetime, orders: int) -> None:
            gone = (at - OPENS).total_seconds() / 60
            local = at.astimezone(night.local)
            progress.update(
                task, completed=min(gone, minutes), description=f"{local:%H:%M}", orders=f"{orders}/{CUSTOMERS} orders"
            )

        with open_live(Path(folder), seed, times, tell, pass_time) as night:
            night.play()
            verdict = judge(night.happened())
    sys.exit(_show(verdict))


def _show(verdict: Verdict) -> int:
    for violation in verdict.violations:
        console.print(f"[red]{violation}[/]", highlight=False, soft_wrap=True)
    for late in verdict.late:
        ready = f"ready at {late.ready:%H:%M} UTC" if late.ready else "never printed here"
        console.print(
            f"late: {late.number} was told {late.first:%H:%M} at {late.given:%H:%M}, {ready}", highlight=False
        )
    promised = verdict.kept + len(verdict.late)
    rows = (
        ("orders served, none left on hold", f"{verdict.fulfilled} of {verdict.orders}"),
        ("of these made elsewhere than planned", str(verdict.diverted)),
        ("of these printed elsewhere: no sample here", str(verdict.unsampled)),
        ("cancelled: came in vain, money paid back", str(verdict.cancelled)),
        ("prints at the booth, none twice", str(verdict.printed)),
        (f"promises kept (at least {KEPT_SHARE:.0%})", f"{verdict.kept} of {promised}, {verdict.share:.1%}"),
        ("conflicts of the time without network, settled by rule", str(verdict.conflicts)),
        ("pieces missing, all of them stolen", str(verdict.missing)),
        ("violations", str(len(verdict.violations))),
    )
    table = Table("what", "how it came out", title="The night")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    return 0 if verdict.kept_enough and not verdict.violations else 1


if __name__ == "__main__":
    typer.run(main)
