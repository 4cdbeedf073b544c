"""`backroom till`: the till's page on a booth's machine, which sells without network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.output import console
from backroom.domain.errors import AskPerson
from backroom.till.serve import run_till

PORT = 8610


class TillNotSetUp(AskPerson):
    """The till was not told where the shop is, or has no key."""

    cause = "till_not_set_up"


def till(
    port: Annotated[int, typer.Option(help="Where the page is")] = PORT,
    host: Annotated[str, typer.Option(help="0.0.0.0 for a tablet in the booth's own network")] = "127.0.0.1",
) -> None:
    """Sell at a booth, with or without network; the shop hears of each sale once, as soon as there is a line.

    It needs the gateway's address and a till's key (BACKROOM_GATEWAY_URL, BACKROOM_TILL_KEY).
    """
    gateway, key = os.environ.get("BACKROOM_GATEWAY_URL", ""), os.environ.get("BACKROOM_TILL_KEY", "")
    if not gateway or not key:
        raise TillNotSetUp(
            "BACKROOM_GATEWAY_URL or BACKROOM_TILL_KEY is not set", remedy="Make a key: `backroom key make pos`."
        )
    home = Path(os.environ.get("BACKROOM_HOME") or ".backroom").resolve()
    console.print(f"The till is at http://{host}:{port}. Ctrl-C stops it.", highlight=False)
    run_till(gateway=gateway, key=key, folder=home / "till", host=host, port=port)
