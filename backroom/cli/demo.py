"""`backroom demo`: the whole system with the demo shop, its sample orders sent, and every ending judged."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import requests
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from backroom.cli.demo_judge import Verdict, failed_run_names, figures, judge
from backroom.cli.demo_messages import Sender
from backroom.cli.demo_returns import show_returns
from backroom.cli.environments import Ports, note_ports
from backroom.cli.output import aside, console, show_json
from backroom.cli.prepare import PREFECT_AUTH, prepare
from backroom.cli.processes import ROOT, free_ports, gateway_child, make_known, server_child, worker_children
from backroom.domain.errors import AskPerson
from backroom.engine.supervise import Supervisor
from backroom.printing.virtual import PrivateBus, VirtualPrinter, missing_programs
from backroom.shop.demo_orders import DemoOrder, demo_orders
from backroom.shop.demo_samples import approve_samples
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store import api_keys

DATA = ROOT / "data"
VIRTUAL = ("booth-left", "booth-right")
LOOK_SECONDS = 0.5


class DemoWithoutData(AskPerson):
    """The demo needs the demo shop, which lies in the checkout."""

    cause = "no_demo_data"


def demo(
    orders: Annotated[int, typer.Option(min=1, help="How many messages the channels send")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="No screen, one line of JSON at the end")] = False,
    seed: Annotated[int, typer.Option(help="Another seed gives other orders")] = 1,
    home: Annotated[Path, typer.Option(help="Where the demo lives; emptied first")] = Path(".backroom/demo"),
    patience: Annotated[int, typer.Option(help="Seconds to wait for the last order")] = 0,
) -> None:
    """Run the whole back room with the demo shop and show where every order went."""
    stay = not as_json and sys.stdout.isatty() and sys.stdin.isatty()
    ports = free_ports()
    sample = demo_orders(orders, seed, datetime.now(UTC))
    with ExitStack() as stack:
        room = stack.enter_context(_demo_room(home.resolve(), quiet=as_json))
        note_ports(room.home, ports)
        supervisors = _start(stack, room, ports, quiet=as_json)
        began = time.monotonic()
        verdicts = _watch(room, ports, sample, quiet=as_json, patience=patience or 120 + orders)
        seconds = time.monotonic() - began
        counted = figures(room, sample, verdicts, seconds)
        came_back = show_returns(room)
        if as_json:
            show_json(counted.as_json())
        else:
            _show(verdicts)
            for sentence in came_back:
                console.print(sentence, highlight=False)
            console.print(f"Prefect UI: [bold]{ports.ui}[/]    Staff pages: [bold]{ports.pages}/orders[/]")
        if stay:
            key = room.database.write(lambda connection: api_keys.make_key(connection, "demo", "staff"))
            console.print(
                f"The staff pages ask for a key; here is one: [bold]{key}[/]", highlight=False, soft_wrap=True
            )
            console.print("Have a look around. Ctrl-C ends it.")
            supervisors[0].stop_on_signals()
            supervisors[0].wait()
    if counted.failed:
        # Beside the answer: the line of JSON stays the last one.
        aside.print(f"[bold red]{counted.failed} orders did not end as they must.[/]")
        raise typer.Exit(1)


@contextmanager
def _demo_room(home: Path, *, quiet: bool) -> Iterator[Room]:
    """A fresh home folder with the demo shop, and virtual printers at its booth where this machine has the program."""
    if not (DATA / "shop.toml").exists():
        raise DemoWithoutData("the demo shop is not here", remedy="Run the demo from a checkout of Backroom.")
    _empty(home)
    shutil.copytree(DATA, home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    # On localhost only, and nothing in it is anybody's: whoever tries the demo is asked for no password.
    Secrets.read(home / "secrets.toml").add({PREFECT_AUTH: ""})
    with ExitStack() as stack:
        missing = missing_programs()
        if missing:
            if not quiet:
                console.print(f"[yellow]No {' or '.join(missing)} here: the booth prints into folders.[/]")
        else:
            bus = PrivateBus()
            stack.callback(bus.stop)
            _plug_in(stack, home, bus)
        room = prepare(home)
        stack.callback(room.close)
        approved = approve_samples(room)
        if not quiet:
            console.print(
                f"{approved} samples were looked at and are good. Of the Last Tram on bone cotton the workshop on the "
                "canal has none yet: such an order is made at the main hub."
            )
        yield room


def _plug_in(stack: ExitStack, home: Path, bus: PrivateBus) -> None:
    """Real IPP printers in the place of the booth's folders."""
    path = home / "shop.toml"
    text = path.read_text(encoding="utf-8")
    for name in VIRTUAL:
        printer = VirtualPrinter(name, home / "virtual" / name, bus)
        printer.start()
        stack.callback(printer.stop)
        text = text.replace(f'"folder:printers/{name}"', f'"{printer.uri}"')
    path.write_text(text, encoding="utf-8")


def _start(stack: ExitStack, room: Room, ports: Ports, *, quiet: bool) -> list[Supervisor]:
    logs = room.home / "logs"
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=console, disable=quiet) as progress:
        task = progress.add_task("Starting Prefect …", total=None)
        server = stack.enter_context(Supervisor([server_child(room, ports)], logs))
        progress.update(task, description="Making the shop known to it …")
        make_known(room, ports)
        progress.update(task, description="Starting gateway and workers …")
        rest = stack.enter_context(Supervisor([gateway_child(room, ports), *worker_children(room, ports)], logs))
    return [server, rest]


def _watch(room: Room, ports: Ports, sample: Sequence[DemoOrder], *, quiet: bool, patience: int) -> list[Verdict]:
    """Send the orders, then look until each ended as it must, or time is up."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet) as progress:
        sending = progress.add_task("Messages sent", total=len(sample))
        ending = progress.add_task("Endings seen", total=len(sample))
        sender = Sender(room, ports.pages, ports.api)
        sender.send(sample, lambda: progress.advance(sending))
        deadline = time.monotonic() + patience
        failed: set[str] = set()
        while True:
            verdicts = judge(room, sample, failed)
            ended = sum(verdict.ended for verdict in verdicts)
            progress.update(ending, completed=ended, total=len(verdicts))
            if ended == len(verdicts) or time.monotonic() > deadline:
                break
            # Prefect is asked last, and seldom: it has enough to do.
            if all(verdict.ended or verdict.expected == "failed" for verdict in verdicts):
                failed = _failed(ports)
            time.sleep(LOOK_SECONDS)
    if (later := len(sample) - len(verdicts)) and not quiet:
        console.print(
            f"{len(sample)} messages, {len(verdicts)} endings: {later} messages were later news of an order that had "
            "come before. It was paid, changed or cancelled, and ends once."
        )
    for problem in sender.wrong_answers:
        aside.print(f"[red]{problem}[/]")
    wrong = [
        Verdict("", "", problem, "", "", "", "", "", "wrong answer", "", ended=False, wrong=problem)
        for problem in sender.wrong_answers
    ]
    return verdicts + wrong


def _failed(ports: Ports) -> set[str]:
    try:
        return failed_run_names(ports.api)
    except requests.RequestException:
        # A busy Prefect is asked again at the next look.
        return set()


def _show(verdicts: Sequence[Verdict]) -> None:
    table = Table(title="Where every order went")
    for column in ("order", "channel", "what it shows", "made at", "because", "made", "labels", "told by", "ended"):
        # Nothing is cut off on a narrow screen, and the number stays in one piece.
        table.add_column(column, overflow="fold", no_wrap=column == "order")
    for verdict in sorted(verdicts, key=lambda one: (not one.number, one.number)):
        good = verdict.ended and not verdict.wrong
        ending = f"[green]{verdict.ending}[/]" if good else f"[red]{verdict.ending} {verdict.wrong}[/]"
        table.add_row(
            verdict.number,
            verdict.channel,
            verdict.kind,
            verdict.route,
            verdict.why,
            verdict.made,
            verdict.label,
            verdict.message,
            ending,
        )
    console.print(table)


def _empty(home: Path) -> None:
    """Empty the demo's own folder, and no other: it is known by the demo shop in it."""
    if home.exists():
        shop = home / "shop.toml"
        if any(home.iterdir()) and not (shop.exists() and "Motte & Mond" in shop.read_text(encoding="utf-8")):
            raise DemoWithoutData(f"{home} holds something else", remedy="Choose another folder with --home.")
        shutil.rmtree(home)
    home.mkdir(parents=True)
