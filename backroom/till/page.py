"""The till's page: what there is, what it costs, how many are left, and one button. It needs neither network nor
JavaScript; with it, what is left is right without loading the page again.

What belongs here: the page, and a sale made of its form. What does not: keeping it (`sales_box`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from backroom.domain.errors import Refuse
from backroom.till.left import Left
from backroom.till.telling import Standing

MOST_PIECES = 20
# What the customer does with it, as `POST /pos/sales` words it, and whether they have it already.
WAYS: Mapping[str, tuple[str, bool, str]] = {
    "rack": ("carry_out", True, "has it in their hand"),
    "print": ("carry_out", False, "waits while it is printed"),
    "collect": ("collect", False, "collects it later"),
}
_PHONE = re.compile(r"[+0-9 ()/.-]{5,40}")
_CODE = re.compile(r"[0-9]{6}")
CONSENT = "May we write to you when it is ready?"


class NotASale(Refuse):
    """The form sells nothing, and asks for nothing."""

    cause = "not_a_sale"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page tells of the till beside what it sells."""

    device: str
    waiting: int
    refused: Mapping[int, Sequence[str]]
    aside: Sequence[int]
    standing: Standing
    said: str = ""
    wishes: int = 0
    wishes_aside: int = 0
    answers: Sequence[str] = ()
    left: Left | None = None


def pieces_of(sale: Mapping[str, Any]) -> dict[str, int]:
    """How many of each SKU a sale is of."""
    return {line["sku"]: line["quantity"] for line in sale["lines"]}


def lacking(sale: Mapping[str, Any], left: Left | None) -> list[str]:
    """The SKUs of a sale of which fewer are left by the books, and which nobody prints for a customer who waits."""
    if left is None:
        return []
    return [
        sku for sku, count in pieces_of(sale).items() if left.lacking(sku, count, in_hand=bool(sale["handed_over"]))
    ]


def live(catalogue: Mapping[str, Any] | None, left: Left | None) -> dict[str, Any]:
    """What the page's script asks for every few seconds: the words beside each piece, by SKU, and how old they are."""
    items = catalogue["items"] if catalogue and left else ()
    return {"left": {one["sku"]: left.say(one["sku"]) for one in items} if left else {}, "age": _age(left)}


def _age(left: Left | None) -> str:
    return left.say_age() if left else ""


def sale_of(form: Mapping[str, str], catalogue: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The sale that a form says, without its number; NotASale where nothing is in it. Prices are the catalogue's."""
    digits = int(catalogue["digits"])
    lines, total = [], 0
    for item in catalogue["items"]:
        count = _count(form.get(f"n:{item['sku']}", ""))
        if count:
            lines.append({"sku": item["sku"], "quantity": count, "unit_price": _money(item["price_minor"], digits)})
            total += item["price_minor"] * count
    way = WAYS.get(form.get("way", "rack"))
    if not lines or way is None:
        raise NotASale("nothing was chosen", remedy="Say how many of each piece, and what the customer does.")
    sale: dict[str, Any] = {
        "sold_at": at.isoformat(),
        "currency": catalogue["currency"],
        "lines": lines,
        "total": _money(total, digits),
        "delivery": way[0],
        "handed_over": way[1],
        "language": catalogue["language"],
    }
    for name, medium in (("email", "email"), ("phone", "sms")):
        if form.get(name):
            sale[name] = form[name]
            if form.get("consent") == "yes":
                consent = {"medium": medium, "purpose": "order_updates", "granted": True, "wording": CONSENT}
                sale.setdefault("consents", []).append(consent)
    return sale


def wish_of(form: Mapping[str, str], catalogue: Mapping[str, Any]) -> dict[str, str]:
    """What a customer asks for: SMS to a number, in the words that were shown; or their code. NotASale for neither."""
    asked = {name: form.get(name, "") for name in ("phone", "code")}
    if not _PHONE.fullmatch(asked["phone"]) or "sms" not in catalogue:
        raise NotASale("that is no phone number", remedy="Write it with its country, such as +49 151 23456789.")
    if "code" not in form:
        return {"phone": asked["phone"], "shown": str(catalogue["sms"]["shown"])}
    if not _CODE.fullmatch(asked["code"]):
        raise NotASale("a code has six digits")
    return asked


def render(catalogue: Mapping[str, Any] | None, shown: Shown, token: str, once: str) -> str:
    """The page as HTML. `token` says that a form is this till's, and `once` which form it is."""
    said = f'<p class="said" role="status">{_text(shown.said)}</p>' if shown.said else ""
    body = (
        _selling(catalogue, shown.left, token, once)
        if catalogue
        else "<p>The shop was never reached from here: it says what to sell.</p>"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Till {_text(shown.device)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><main><h1>Till</h1>{said}{_standing(shown, token)}{body}"
        f"{_asking(catalogue, shown, token)}</main><script>{SCRIPT}</script></html>"
    )


def render_doubt(
    catalogue: Mapping[str, Any], left: Left, short: Sequence[str], form: Mapping[str, str], token: str
) -> str:
    """The page that asks before a sale of more than are left. It forbids nothing: one button sells, one goes back."""
    titles = {one["sku"]: f"{one['title']} {one['size']}" for one in catalogue["items"]}
    rows = "".join(f"<li>{_text(titles.get(sku, sku))}: <strong>{left.of(sku)} left</strong></li>" for sku in short)
    kept = "".join(
        f'<input type="hidden" name="{_text(name)}" value="{_text(value)}">'
        for name, value in {**form, "token": token, "sure": "yes"}.items()
        if value
    )
    age = f'<p class="wait">{_text(left.say_age())}</p>' if left.say_age() else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Not sold yet</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{_STYLE}</style><main><h1>Not sold yet</h1><p class="said" role="status">By the books there are '
        f"not so many left at this booth:</p><ul>{rows}</ul>{age}<p>An online order may just have taken it. Is the "
        "piece in the customer's hand? Then it is theirs: sell it, and the other order is made elsewhere or held for "
        "you. If not, sell it only if you know that it comes.</p>"
        f'<form method="post" action="/sell">{kept}<button>Sell it all the same</button></form>'
        '<p><a href="/">Back, nothing is sold</a></p></main></html>'
    )


def _selling(catalogue: Mapping[str, Any], left: Left | None, token: str, once: str) -> str:
    digits, currency = int(catalogue["digits"]), str(catalogue["currency"])
    groups = []
    for product, items in groupby(catalogue["items"], key=lambda item: item["product"]):
        rows = "".join(
            f"<label>{_text(item['title'])} <small>{_text(item['size'])} · "
            f"{_money(item['price_minor'], digits)} {_text(currency)}"
            f'<output data-sku="{_text(item["sku"])}">{_text(left.say(item["sku"]) if left else "")}</output></small>'
            f'<input name="n:{_text(item["sku"])}" type="number" inputmode="numeric" min="0" max="{MOST_PIECES}" '
            'placeholder="0"></label>'
            for item in items
        )
        groups.append(f"<fieldset><legend>{_text(product)}</legend>{rows}</fieldset>")
    ways = "".join(
        f'<label class="way"><input type="radio" name="way" value="{name}"{" checked" if name == "rack" else ""}> '
        f"The customer {words}</label>"
        for name, (_, _, words) in WAYS.items()
    )
    return (
        f'<form method="post" action="/sell" autocomplete="off"><input type="hidden" name="token" value="{token}">'
        f'<input type="hidden" name="once" value="{once}"><p id="age" class="wait">{_text(_age(left))}</p>'
        f"{''.join(groups)}<fieldset><legend>And then</legend>{ways}</fieldset>"
        '<details><summary>Tell them when it is ready</summary><label>E-mail <input name="email" type="email"></label>'
        '<label>Mobile phone <input name="phone" type="tel"></label>'
        f'<label class="way"><input type="checkbox" name="consent" value="yes"> {_text(CONSENT)}</label></details>'
        "<button>Sold and paid</button></form>"
    )


def _asking(catalogue: Mapping[str, Any] | None, shown: Shown, token: str) -> str:
    """SMS for somebody who does not buy now, or has bought already: the words they agree to, and the code they get."""
    if not catalogue or "sms" not in catalogue:
        return ""
    phone = '<label>Mobile phone <input name="phone" type="tel" required maxlength="40"></label>'
    hidden = f'<input type="hidden" name="token" value="{token}">'
    answers = "".join(f"<li>{_text(one)}</li>" for one in shown.answers)
    waiting = f'<p class="wait">Waiting for a line: {shown.wishes}.</p>' if shown.wishes else ""
    return (
        "<h2>SMS when it is ready</h2><p>Show this to the customer, or read it out:</p>"
        f'<blockquote lang="{_text(catalogue["sms"]["language"])}">{_text(catalogue["sms"]["wording"])}</blockquote>'
        f'<form method="post" action="/wish" autocomplete="off">{hidden}{phone}<button>They agree: send a code</button>'
        f'</form><form method="post" action="/wish" autocomplete="off">{hidden}{phone}<label>Their code '
        '<input name="code" inputmode="numeric" required maxlength="6"></label><button>Confirm</button></form>'
        f"{waiting}<ul>{answers}</ul>"
    )


def _standing(shown: Shown, token: str) -> str:
    if shown.standing.refused_key:
        line = "The shop does not take this till's key. Ask for a new one; what is sold is kept."
    elif shown.standing.disk_full:
        line = "This machine's disk takes nothing: make room on it. What was sold is kept, and told when there is room."
    elif shown.standing.answered:
        line = "The shop hears every sale."
    else:
        line = "No line to the shop: sales are kept here and told when there is one."
    parts = [f'<p class="{"calm" if shown.standing.answered else "wait"}">{line} Waiting: {shown.waiting}.</p>']
    if shown.standing.missing:
        numbers = ", ".join(map(str, shown.standing.missing[:20]))
        parts.append(f'<p class="bad">The shop lacks sales of this till: {numbers}. Tell the hub.</p>')
    if shown.refused:
        numbers = ", ".join(map(str, sorted(shown.refused)[-20:]))
        parts.append(f'<p class="bad">The shop refused sales {numbers}: they lie in its quarantine.</p>')
    if shown.aside or shown.wishes_aside:
        numbers = ", ".join(map(str, shown.aside))
        counted = f"{shown.wishes_aside} {'wish' if shown.wishes_aside == 1 else 'wishes'} for SMS"
        what = " and ".join([f"sales {numbers}"] * bool(shown.aside) + [counted] * bool(shown.wishes_aside))
        parts.append(
            f'<form method="post" action="/again"><input type="hidden" name="token" value="{token}">'
            f'<p class="bad">The shop could not open {what}, and has no copy: they lie here. They were sealed '
            "for a master key that it does not know any more. Ask the hub to bring that key back (in its guide: <i>A "
            "new master key</i>). Then:</p><button>Tell them again</button></form>"
        )
    return "".join(parts)


def _count(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_PIECES):
        raise NotASale(f"how many is a number from 0 to {MOST_PIECES}")
    return int(text)


def _money(minor: int, digits: int) -> str:
    """Major units as text, from the currency's smallest."""
    return f"{minor // 10**digits}.{minor % 10**digits:0{digits}}" if digits else str(minor)


def _text(text: object) -> str:
    return html.escape(str(text))


_STYLE = (
    "body{font:18px/1.5 sans-serif;margin:0;background:#111;color:#eee}main{max-width:44rem;margin:auto;padding:1rem}"
    "fieldset{border:1px solid #444;border-radius:8px;margin:0 0 1rem}label{display:flex;justify-content:space-between;"
    "align-items:center;gap:1rem;padding:.4rem 0}small{color:#aaa;margin-left:auto}"
    "input[type=number]{width:4.5rem;font-size:1.2rem;padding:.5rem;background:#222;color:#fff;border:1px solid #666}"
    ".way{justify-content:flex-start}input[type=radio],input[type=checkbox]{width:1.6rem;height:1.6rem}"
    "button{width:100%;font-size:1.4rem;padding:1rem;background:#2e7d32;color:#fff;border:0;border-radius:8px}"
    "blockquote{margin:0 0 1rem;padding-left:1rem;border-left:4px solid #666}form+form{margin-top:1rem}"
    "input[type=tel],input[type=email],input[name=code]{font-size:1.2rem;padding:.5rem;background:#222;color:#fff;"
    "border:1px solid #666;max-width:60%}"
    "small output{display:block;color:#ffd54f;text-align:right}a{color:#90caf9}"
    ".bad{color:#ff8a80}.wait{color:#ffd54f}.calm{color:#a5d6a7}.said{font-size:1.3rem;color:#fff}"
)
# Without it the page says what was left when it was loaded; a sale is asked about by what is left at its own moment.
SCRIPT = (
    "setInterval(async()=>{try{const t=await(await fetch('/left.json')).json();"
    "document.getElementById('age').textContent=t.age;"
    "for(const o of document.querySelectorAll('output[data-sku]'))o.textContent=t.left[o.dataset.sku]||''"
    "}catch{}},2000)"
)
