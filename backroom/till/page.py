"""The till's page: what there is, what it costs, how many are left, and one button. It needs neither network nor
JavaScript; with it, what is left and when a print is ready are right without loading the page again.

What belongs here: the page. What does not: what its forms say (`form`), and keeping that (`sales_box`, `wish_box`).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from backroom.till.form import CONSENT, MOST_PIECES, WAYS, say_money
from backroom.till.left import Left
from backroom.till.telling import Standing


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
    waits: Sequence[str] = ()


def live(catalogue: Mapping[str, Any] | None, left: Left | None, waits: Sequence[str]) -> dict[str, Any]:
    """What the page's script asks for every few seconds: the words beside each piece, by SKU, and how old they are; and
    when what was sold is ready."""
    items = catalogue["items"] if catalogue and left else ()
    words = {one["sku"]: left.say(one["sku"]) for one in items} if left else {}
    return {"left": words, "age": _age(left), "waits": list(waits)}


def _age(left: Left | None) -> str:
    return left.say_age() if left else ""


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
        f"<style>{_STYLE}</style><main><h1>Till</h1>{said}{_waiting(shown)}{_standing(shown, token)}{body}"
        f"{_asking(catalogue, shown, token)}</main><script>{SCRIPT}</script></html>"
    )


_RACK_SHORT = "By the books there are not so many left at this booth:"
_RACK_ADVICE = (
    "An online order may just have taken it. Is the piece in the customer's hand? Then it is theirs: sell it, and the "
    "other order is made elsewhere or held for you. If not, sell it only if you know that it comes."
)
_PRINT_SHORT = "This booth does not make it now, and nobody knows of so many here:"
_PRINT_ADVICE = (
    "No printer that came along prints it, no sample of it was approved here, or there is nothing left to print it on. "
    "Sold all the same, it waits for a place that makes it: tell the customer, or sell them another one. If it lies "
    "here, the customer has it in their hand: go back, and say so."
)


def render_doubt(
    catalogue: Mapping[str, Any], left: Left, short: Sequence[str], form: Mapping[str, str], token: str
) -> str:
    """The page that asks before a sale of more than are left, or of a print that is not made here. It forbids nothing:
    one button sells, one goes back."""
    titles = {one["sku"]: f"{one['title']} {one['size']}" for one in catalogue["items"]}
    in_hand = form.get("way", "rack") == "rack"
    short_of, advice = (_RACK_SHORT, _RACK_ADVICE) if in_hand else (_PRINT_SHORT, _PRINT_ADVICE)
    rows = "".join(
        f"<li>{_text(titles.get(sku, sku))}: <strong>{left.say_lack(sku, in_hand=in_hand)}</strong></li>"
        for sku in short
    )
    kept = "".join(
        f'<input type="hidden" name="{_text(name)}" value="{_text(value)}">'
        for name, value in {**form, "token": token, "sure": "yes"}.items()
        if value
    )
    age = f'<p class="wait">{_text(left.say_age())}</p>' if left.say_age() else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Not sold yet</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{_STYLE}</style><main><h1>Not sold yet</h1><p class="said" role="status">'
        f"{short_of}</p><ul>{rows}</ul>{age}<p>{advice}</p>"
        f'<form method="post" action="/sell">{kept}<button>Sell it all the same</button></form>'
        '<p><a href="/">Back, nothing is sold</a></p></main></html>'
    )


def _selling(catalogue: Mapping[str, Any], left: Left | None, token: str, once: str) -> str:
    digits, currency = int(catalogue["digits"]), str(catalogue["currency"])
    groups = []
    for product, items in groupby(catalogue["items"], key=lambda item: item["product"]):
        rows = "".join(
            f"<label>{_text(item['title'])} <small>{_text(item['size'])} · "
            f"{say_money(item['price_minor'], digits)} {_text(currency)}"
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
        f'<label class="way"><input type="checkbox" name="consent" value="yes"> {_text(CONSENT)}</label>'
        f"{_number(catalogue)}</details><button>Sold and paid</button></form>"
    )


def _number(catalogue: Mapping[str, Any]) -> str:
    """The field for a number beside a sale, below the words that whoever gives it agrees to."""
    if "sms" not in catalogue:
        return ""
    return (
        f"<p>Or SMS. Show this to the customer, or read it out:</p>{_words(catalogue)}"
        '<label>Mobile phone, if they agree <input name="phone" type="tel" maxlength="40"></label>'
        "<p>A code goes to it. Nothing else does before it is typed in, below or on the event's page.</p>"
    )


def _words(catalogue: Mapping[str, Any]) -> str:
    """What is agreed to, as the shop says it."""
    return f'<blockquote lang="{_text(catalogue["sms"]["language"])}">{_text(catalogue["sms"]["wording"])}</blockquote>'


def _asking(catalogue: Mapping[str, Any] | None, shown: Shown, token: str) -> str:
    """SMS for somebody who does not buy now, or has bought already: the words they agree to, and the code they get."""
    if not catalogue or "sms" not in catalogue:
        return ""
    phone = '<label>Mobile phone <input name="phone" type="tel" required maxlength="40"></label>'
    hidden = f'<input type="hidden" name="token" value="{token}">'
    answers = "".join(f"<li>{_text(one)}</li>" for one in shown.answers)
    waiting = f'<p class="wait">Waiting for a line: {shown.wishes}.</p>' if shown.wishes else ""
    return (
        f"<h2>SMS when it is ready</h2><p>Show this to the customer, or read it out:</p>{_words(catalogue)}"
        f'<form method="post" action="/wish" autocomplete="off">{hidden}{phone}<button>They agree: send a code</button>'
        f'</form><form method="post" action="/wish" autocomplete="off">{hidden}{phone}<label>Their code '
        '<input name="code" inputmode="numeric" required maxlength="6"></label><button>Confirm</button></form>'
        f"{waiting}<ul>{answers}</ul>"
    )


def _waiting(shown: Shown) -> str:
    """When what was sold is ready, to be told to whoever waits for it."""
    rows = "".join(f"<li>{_text(one)}</li>" for one in shown.waits)
    return f'<ul id="waits" class="said" aria-live="polite">{rows}</ul>'


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
    "const u=document.getElementById('waits');"
    "if([...u.children].map(l=>l.textContent).join()!==t.waits.join())u.replaceChildren(...t.waits.map(w=>{"
    "const l=document.createElement('li');l.textContent=w;return l}));"
    "for(const o of document.querySelectorAll('output[data-sku]'))o.textContent=t.left[o.dataset.sku]||''"
    "}catch{}},2000)"
)
