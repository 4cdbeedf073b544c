"""`python -m simulation`: night markets that never were, by the hundred; the exit code says whether all went well."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simulation.running import first_home, play_many, play_one
from simulation.verdict import KEPT_SHARE, Verdict

# Where no bar is seen, so many nights are a line.
TELL_EVERY = 10

console = Console()


def main(
    seeds: Annotated[int, typer.Option(min=1, help="How many nights")] = 20,
    first: Annotated[int, typer.Option(help="The first seed")] = 1,
    seed: Annotated[int | None, typer.Option(help="Only this night, with its story")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many at once")] = 2,
) -> None:
    """Play night markets of 200 orders, each from its seed, and judge them."""
    with first_home() as home:
        if seed is not None:
            played = play_one(home, seed)
            for line in played.story:
                console.print(line, highlight=False)
            nights = [played.verdict]
        else:
            nights = []
            columns = (
                TextColumn("Nights"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=console) as progress:
                task = progress.add_task("", total=seeds)
                for played in play_many(home, range(first, first + seeds), jobs):
                    nights.append(played.verdict)
                    _tell(played.verdict)
                    progress.advance(task)
                    if not console.is_terminal and len(nights) % TELL_EVERY == 0:
                        console.print(f"{len(nights)} nights of {seeds}", highlight=False)
    sys.exit(_sum_up(nights))


def _tell(verdict: Verdict) -> None:
    for violation in verdict.violations:
        console.print(f"[red]seed {verdict.seed}[/]: {violation}", highlight=False, soft_wrap=True)
    if not verdict.kept_enough:
        late = f"{len(verdict.late)} of {verdict.kept + len(verdict.late)} promises were late"
        console.print(f"[yellow]seed {verdict.seed}[/]: {late}", highlight=False, soft_wrap=True)


def _sum_up(verdicts: list[Verdict]) -> int:
    """Say what came out. Every night must be without a violation; of all promises nineteen of twenty must be kept."""
    if len(verdicts) == 1:
        _tell(verdicts[0])
        for one in verdicts[0].late:
            ready = f"{one.ready:%H:%M} UTC" if one.ready else "never here"
            console.print(f"late: {one.number}, told at {one.given:%H:%M} {one.first:%H:%M}, ready {ready}")
    kept, late = sum(one.kept for one in verdicts), sum(len(one.late) for one in verdicts)
    wrong = sum(len(one.violations) for one in verdicts)
    share = kept / (kept + late) if kept + late else 1.0
    worst = min(verdicts, key=lambda one: one.share)
    few = sum(not one.kept_enough for one in verdicts)
    console.print(
        f"{len(verdicts)} nights, {sum(one.orders for one in verdicts)} orders: "
        f"{sum(one.fulfilled for one in verdicts)} served, "
        f"{sum(one.cancelled for one in verdicts)} cancelled and paid back, "
        f"{sum(one.diverted for one in verdicts)} made elsewhere than planned; "
        f"{sum(one.printed for one in verdicts)} prints at the booth; {kept + late} promises, {share:.1%} kept "
        f"({few} nights below {KEPT_SHARE:.0%}, the worst is seed {worst.seed} with {worst.share:.1%}); "
        f"{sum(one.conflicts for one in verdicts)} conflicts settled by rule; "
        f"{sum(one.missing for one in verdicts)} pieces missing, all of them stolen.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"Violations: [bold]{wrong}[/]", highlight=False)
    return 1 if wrong or share < KEPT_SHARE else 0


if __name__ == "__main__":
    typer.run(main)
