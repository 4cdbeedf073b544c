"""The till as a process: its page on this machine, and the thread that tells the shop.

What belongs here: HTTP on the booth's own machine. What does not: the page (`page`), sales (`sales_box`).
It listens on this machine only unless told otherwise, and a form must bring the token of this process: no other page
in the same browser can sell.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from backroom.till.page import NotASale, Shown, render, sale_of, wish_of
from backroom.till.sales_box import SalesBox
from backroom.till.telling import Telling

LONGEST_FORM = 64 * 1024
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def create_till(box: SalesBox, telling: Telling) -> Starlette:
    """The till's application."""
    token = secrets.token_urlsafe(24)

    def page(said: str = "", status: int = 200) -> Response:
        shown = Shown(
            box.device,
            len(box.waiting()),
            box.refusals(),
            telling.standing,
            said,
            wishes=len(box.wishes.waiting()),
            answers=telling.answers,
        )
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(render(telling.catalogue(), shown, token), status, headers=headers)

    def show(request: Request) -> Response:
        said = request.query_params.get("sold", "")
        if request.query_params.get("kept"):
            return page("Kept: it goes to the shop as soon as there is a line. Load this page again to see its answer.")
        return page(f"Sold: number {said}." if said.isascii() and said.isdigit() else "")

    async def sell(request: Request) -> Response:
        return await _taken(request, _sold)

    async def wish(request: Request) -> Response:
        return await _taken(request, _wished)

    async def _taken(request: Request, take: Callable[[dict[str, str], dict[str, Any]], str]) -> Response:
        """Read a form, and do with it what is meant; `take` says what the page is to show."""
        body = await request.body()
        try:
            form = dict(parse_qsl(body[:LONGEST_FORM].decode("ascii"), errors="strict"))
        except ValueError:
            return page("This is not a form of ours.", 400)
        catalogue = telling.catalogue()
        if not hmac.compare_digest(form.pop("token", "").encode(), token.encode()) or catalogue is None:
            return page("This page is too old: fill it in again.", 403)
        try:
            shown = take({name: value.strip() for name, value in form.items()}, catalogue)
        except NotASale as error:
            return page(str(error), 400)
        except OSError:
            return page("NOT KEPT: this machine's disk takes nothing more. Write it down.", 507)
        return RedirectResponse(f"/?{shown}", 303)

    def _sold(form: dict[str, str], catalogue: dict[str, Any]) -> str:
        seq = box.add(str(catalogue["sealing_key"]), sale_of(form, catalogue, datetime.now(UTC)))
        return f"sold={quote(str(seq))}"

    def _wished(form: dict[str, str], catalogue: dict[str, Any]) -> str:
        box.wishes.add(str(catalogue["sealing_key"]), wish_of(form, catalogue))
        return "kept=1"

    return Starlette(
        routes=[Route("/", show), Route("/sell", sell, methods=["POST"]), Route("/wish", wish, methods=["POST"])]
    )


def run_till(*, gateway: str, key: str, folder: Path, host: str, port: int) -> None:
    """Sell until Ctrl-C. Raises TillRunsAlready."""
    box = SalesBox(folder)
    over = threading.Event()
    telling = Telling(gateway=gateway, key=key, box=box, folder=folder)
    teller = threading.Thread(target=telling.run, args=(over,), daemon=True)
    teller.start()
    try:
        config = uvicorn.Config(
            create_till(box, telling), host=host, port=port, log_level="warning", access_log=False, server_header=False
        )
        uvicorn.Server(config).run()
    finally:
        over.set()
        teller.join(20)
        box.close()
