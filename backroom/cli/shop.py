"""`backroom init` and the commands about the shop file: check it, and show what opens the Prefect UI."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.artworks import doubts_in, faults_in
from backroom.cli.environments import Ports, pools_of, variables_by_hand
from backroom.cli.output import console
from backroom.cli.prepare import PREFECT_AUTH, make_secrets, prepare
from backroom.cli.processes import make_known
from backroom.domain.errors import AskPerson
from backroom.domain.shop import QUALITY_POOL, Shop
from backroom.shop.load import load_shop
from backroom.shop.next_steps import first_samples, missing_postcodes, next_steps
from backroom.shop.questions import Question, default_answers, interview, write_shop_file
from backroom.shop.room import database_url, home_folder
from backroom.shop.secrets import Secrets
from backroom.shop.values import BadValue
from backroom.store.catalogue import all_variants
from backroom.store.database import Database
from backroom.store.stranded import stranded

app = typer.Typer(no_args_is_help=True)

PrefectPort = Annotated[int, typer.Option(help="Where Prefect listens")]
GatewayPort = Annotated[int, typer.Option(help="Where the gateway listens")]
PrefectApi = Annotated[str, typer.Option(help="Prefect's API on another machine, such as http://hub:4200/api")]
GatewayUrl = Annotated[str, typer.Option(help="The gateway on another machine, such as http://hub:8600")]


class NoSuchPool(AskPerson):
    """No location of the shop file has this work pool."""

    cause = "no_such_pool"


def init(
    home: Annotated[Path | None, typer.Option(help="The folder for the shop; BACKROOM_HOME otherwise")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing, take every default")] = False,
) -> None:
    """Ask a few questions and write a shop file that works."""
    folder = (home or home_folder()).resolve()
    path = folder / "shop.toml"
    if path.exists():
        console.print(f"[yellow]{path} is there already; it is left as it is.[/]")
        raise typer.Exit(1)
    answers = default_answers() if defaults else interview(_ask)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(write_shop_file(answers), encoding="utf-8")
    shop = load_shop(path)
    make_secrets(folder, shop)
    console.print(f"[bold green]{path} is written.[/] Look through it.")
    steps = [*next_steps(shop, folder), "Then run `backroom up`.", first_samples(shop)]
    for number, step in enumerate(filter(None, steps), 1):
        console.print(f"{number}. {step}", highlight=False, markup=False)
    console.print("The columns of the files are in docs/files.md, the whole first day in docs/guide/first-day.md.")


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The shop file; the home folder's otherwise")] = None,
) -> None:
    """Check the shop file: every problem, with file, field and remedy; and work that a change would leave behind."""
    path = file or home_folder() / "shop.toml"
    shop = load_shop(path)
    console.print(f"[bold green]{path.name} is fine[/]: {len(shop.locations)} locations, {len(shop.rules)} rules.")
    if missing := missing_postcodes(shop):
        console.print(missing, style="yellow", highlight=False, markup=False)
    home = home_folder()
    secrets = Secrets.read(home / "secrets.toml")
    if (home / "shop.db").exists() or secrets.find("database_url"):
        database = Database(database_url(home, secrets))
        warn_of_stranded(database, shop)
        warn_of_artwork(database, shop, home)
        database.close()


def warn_of_stranded(database: Database, shop: Shop) -> None:
    """Name locations and channels that have open work and are not in the shop file."""
    with database.read() as connection:
        left = stranded(connection, [one.id for one in shop.locations], [one.id for one in shop.channels])
    for kind, id_, count in left:
        console.print(
            f"[bold yellow]{kind} {id_} is gone and has open work[/]: {count}. Put it back until they have ended, or "
            "cancel its orders.",
            highlight=False,
        )


def warn_of_artwork(database: Database, shop: Shop, home: Path) -> None:
    """Name the artwork that does not print at its size or perhaps not as it is meant, and what partners are to make and
    the catalogue lacks."""
    with database.read() as connection:
        variants = all_variants(connection)
    folder = home / (shop.artwork_folder or "artwork")
    for fault in faults_in(shop, folder, variants):
        console.print(fault, style="yellow", highlight=False, markup=False)
    for doubt in doubts_in(shop, folder, variants):
        console.print(f"It prints, but: {doubt}", highlight=False, markup=False)


@app.command()
def auth() -> None:
    """The auth string that Prefect's UI asks for once."""
    console.print(Secrets.read(home_folder() / "secrets.toml").get(PREFECT_AUTH), highlight=False)


@app.command()
def env(
    pool: Annotated[str, typer.Argument(help="A booth's work pool; the hub's otherwise, and with it all else")] = "",
    prefect_port: PrefectPort = 4200,
    gateway_port: GatewayPort = 8600,
    prefect_api: PrefectApi = "",
    gateway_url: GatewayUrl = "",
) -> None:
    """The environment for Prefect's own commands, to be read by a shell: eval "$(backroom shop env)".

    It makes what is missing besides: the database and its tables, the secrets, the booths' keys. It prints keys.
    """
    room = prepare(home_folder())
    pools = [*pools_of(room.shop), QUALITY_POOL]
    if pool and pool not in pools:
        raise NoSuchPool(f"the shop file has no work pool {pool!r}.", remedy=f"It has: {', '.join(pools)}.")
    ports = Ports(prefect_port, gateway_port, prefect_api, gateway_url)
    for name, value in variables_by_hand(room, ports, pool or pools[0]).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    room.close()


@app.command()
def publish(prefect_port: PrefectPort = 4200, gateway_port: GatewayPort = 8600, prefect_api: PrefectApi = "") -> None:
    """Make the shop known to a Prefect server that runs: pools, deployments, blocks and alerts. Safe to do again."""
    room = prepare(home_folder())
    make_known(room, Ports(prefect_port, gateway_port, prefect_api))
    pools = ", ".join([*pools_of(room.shop), QUALITY_POOL])
    console.print(f"[bold green]Prefect knows {room.shop.owner.name}.[/] Work pools: {pools}.")
    room.close()


def _ask(question: Question, default: str) -> str:
    """Ask until the answer can be used; what is wrong with one is said at once."""
    while True:
        shown = typer.prompt(question.prompt, default=default or None if not question.optional else default)
        try:
            return question.settle(str(shown))
        except BadValue as error:
            console.print(f"[red]{error.message}.[/] {error.remedy}", highlight=False)
