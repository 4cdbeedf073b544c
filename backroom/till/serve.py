"""The till as a process: its page on this machine, and the thread that tells the shop.

What belongs here: HTTP on the booth's own machine. What does not: the page (`page`), sales (`sales_box`).
It listens on this machine only unless told otherwise, and a form must bring the token of this process: no other page
in the same browser can sell. A form that sells brings an id of its own as well: two taps are one sale.
"""

from __future__ import annotations

import base64
import hashlib
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
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from backroom.till.form import NotASale, lacking, pieces_of, sale_of, wish_of
from backroom.till.left import Left
from backroom.till.page import SCRIPT, Shown, live, render, render_doubt
from backroom.till.sales_box import FormSoldBefore, SalesBox
from backroom.till.telling import Telling

LONGEST_FORM = 64 * 1024
TOO_OLD = "This page is too old: fill it in again."
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_SCRIPT_HASH}'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def create_till(box: SalesBox, telling: Telling) -> Starlette:
    """The till's application."""
    token = secrets.token_urlsafe(24)

    def page(said: str = "", status: int = 200) -> Response:
        shown = Shown(
            box.device,
            len(box.waiting()),
            box.refusals(),
            box.aside(),
            telling.standing,
            said,
            wishes=len(box.wishes.waiting()),
            wishes_aside=box.wishes.aside(),
            answers=telling.answers,
            left=telling.left(),
            waits=telling.waits(),
        )
        html = render(telling.catalogue(), shown, token, secrets.token_urlsafe(16))
        return HTMLResponse(html, status, headers=HEADERS)

    async def read(request: Request) -> dict[str, str]:
        """A form of ours without its token; ValueError where it is none, NotOurs where it is another page's."""
        body = await request.body()
        form = dict(parse_qsl(body[:LONGEST_FORM].decode("ascii"), errors="strict"))
        if not hmac.compare_digest(form.pop("token", "").encode(), token.encode()):
            raise NotOurs
        return form

    def show(request: Request) -> Response:
        if request.query_params.get("kept"):
            return page("Kept: it goes to the shop as soon as there is a line. Load this page again to see its answer.")
        sold = request.query_params.get("sold", "")
        said = f"Sold: number {sold}." if sold.isascii() and sold.isdigit() else ""
        if said and "code" in request.query_params:
            said += " A code goes to the customer's phone as soon as there is a line: type in their code below."
        if said and "again" in request.query_params:
            said += " It came twice and counts once; for another sale fill in the page anew."
        return page(said)

    def left(_request: Request) -> Response:
        return JSONResponse(live(telling.catalogue(), telling.left(), telling.waits()), headers=HEADERS)

    async def sell(request: Request) -> Response:
        return await _taken(request, _sold)

    async def wish(request: Request) -> Response:
        return await _taken(request, _wished)

    async def _taken(request: Request, take: Callable[[dict[str, str], dict[str, Any]], str]) -> Response:
        """Read a form, and do with it what is meant; `take` says what the page is to show."""
        try:
            form = await read(request)
        except ValueError:
            return page("This is not a form of ours.", 400)
        except NotOurs:
            return page(TOO_OLD, 403)
        catalogue = telling.catalogue()
        if catalogue is None:
            return page(TOO_OLD, 403)
        try:
            shown = take({name: value.strip() for name, value in form.items()}, catalogue)
        except NotASale as error:
            return page(str(error), 400)
        except NotOurs:
            return page(TOO_OLD, 403)
        except NotSure as doubt:
            return HTMLResponse(render_doubt(catalogue, doubt.left, doubt.short, doubt.form, token), 409, HEADERS)
        except FormSoldBefore as error:
            return page(f"NOT SOLD: {error}. Fill in this page for another sale.", 409)
        except OSError:
            return page("NOT KEPT: this machine's disk takes nothing more. Write it down.", 507)
        return RedirectResponse(f"/?{shown}", 303)

    def _sold(form: dict[str, str], catalogue: dict[str, Any]) -> str:
        once, sure = form.pop("once", ""), form.pop("sure", "")
        if not once:
            raise NotOurs
        sale = sale_of(form, catalogue, datetime.now(UTC))
        asked = wish_of({"phone": form["phone"]}, catalogue) if form.get("phone") else None
        said = hashlib.sha256(repr(sorted(form.items())).encode()).hexdigest()
        before, there = box.sold_with(once), telling.left()
        short = lacking(sale, there)
        if there is not None and short and not sure and not before:
            raise NotSure(there, short, form | {"once": once})
        if asked is not None and not before:
            # First, so that a sale is never kept without what its customer asked for.
            box.wishes.add(str(catalogue["sealing_key"]), asked, form=once)
        seq = box.add(str(catalogue["sealing_key"]), sale, form=once, said=said)
        if not before:
            telling.own.sold(seq, pieces_of(sale))
            if not sale["handed_over"]:
                telling.own_waits.sold(seq)
        return f"sold={quote(str(seq))}{'&code=1' if asked else ''}{'&again=1' if before else ''}"

    def _wished(form: dict[str, str], catalogue: dict[str, Any]) -> str:
        box.wishes.add(str(catalogue["sealing_key"]), wish_of(form, catalogue))
        return "kept=1"

    async def again(request: Request) -> Response:
        try:
            await read(request)
            box.tell_again()
            box.wishes.tell_again()
        except ValueError:
            return page("This is not a form of ours.", 400)
        except NotOurs:
            return page(TOO_OLD, 403)
        except OSError:
            return page("This machine's disk takes nothing: make room on it, then press again.", 507)
        return RedirectResponse("/", 303)

    return Starlette(
        routes=[
            Route("/", show),
            Route("/left.json", left),
            Route("/sell", sell, methods=["POST"]),
            Route("/wish", wish, methods=["POST"]),
            Route("/again", again, methods=["POST"]),
        ]
    )


class NotOurs(Exception):
    """A form without the token of this process."""


class NotSure(Exception):
    """A sale of more than are left by the books: a person is asked first."""

    def __init__(self, left: Left, short: list[str], form: dict[str, str]) -> None:
        super().__init__("more than are left")
        self.left, self.short, self.form = left, short, form


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
