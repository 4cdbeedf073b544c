"""The page of an event as HTML that needs no script, and as the small JSON that a script asks for.

What belongs here: what stands where. What does not: words (`words`), what is told (`backroom.store.event_page`), and
who serves it. Addresses are relative, so the same bytes work at the gateway and in any folder of a CDN:

    CODE/            the page in the shop's language; CODE/en.html and so on, one for each language
    CODE/live.json   what changes
    assets/          style, script, pictures, under names that never change their meaning
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

from backroom.domain.event_page import Offer, Phase, Piece, PublicEvent
from backroom.eventpage.assets import SCRIPT, SMS_SCRIPT, name_of
from backroom.eventpage.frame import NO_REFERRER, document
from backroom.eventpage.opting_in import FORM_WORDS, ask_form
from backroom.eventpage.words import (
    LANGUAGES,
    WORDS,
    say_phase,
    say_price,
    say_session,
    say_standing,
    say_wait,
)
from backroom.markup import Child, Html, tag

LIVE = "live.json"
# The phases in which racks and printers are there to be told of.
_TELLING = (Phase.OPEN, Phase.PAUSED, Phase.BREAK)


# Nothing but what is ours loads, and nobody may put the page into a frame of theirs.
def policy(gateway: str = "") -> str:
    """The Content-Security-Policy; `gateway` is where the form is sent to from a page that lies elsewhere."""
    where = f"'self' {gateway}".strip()
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src {where}; "
        f"form-action {where}; base-uri 'none'"
    )


PictureOf = Callable[[str], str]


def render(
    event: PublicEvent,
    *,
    shop: str,
    language: str,
    at: datetime,
    picture_of: PictureOf,
    sms: bool = False,
    gateway: str = "",
) -> bytes:
    """The page in one language. `picture_of` gives the asset's name for an artwork's file, "" where there is none.

    With `sms` it has the form for them, which goes to the `gateway`, such as https://hooks.example.com: empty where the
    page itself is there.
    """
    words = WORDS[language]
    told: dict[str, object] = {
        "standings": {standing.value: said for standing, said in words.standings.items()},
        "soon": words.soon,
        "updated": words.updated,
        "offline": words.offline,
    }
    wait = say_wait(event, language)
    asks = sms and event.phase not in (Phase.OVER, Phase.CALLED_OFF)
    if asks:
        told["form"] = asdict(FORM_WORDS[language])
    body = tag(
        "main",
        tag("header", tag("p", shop), tag("p", _languages(language))),
        tag("h1", event.name),
        tag(
            "section",
            tag("p", say_phase(event, language, at), cls="phase", data_phase=event.phase.value),
            tag("p", wait, cls="wait"),
            tag("p", _as_of(event, words.updated, at), cls="updated quiet"),
            cls="now",
            role="status",
        ),
        tag(
            "dl",
            tag("dt", words.where),
            tag("dd", event.place),
            tag("dt", words.hours),
            [tag("dd", say_session(one, event.timezone, language)) for one in event.sessions],
        ),
        _offers(event, language, picture_of),
        ask_form(language, shop, f"{gateway}/e/{event.code}/sms" if gateway else "sms") if asks else None,
        data_live=LIVE,
        data_words=json.dumps(told, ensure_ascii=False, sort_keys=True),
    )
    scripts = (SCRIPT, SMS_SCRIPT) if asks else (SCRIPT,)
    return document(
        language,
        f"{event.name} – {shop}",
        body,
        assets="../assets",
        # In the page as well, for where a file is served without our headers.
        first=[tag("meta", http_equiv="Content-Security-Policy", content=policy(gateway)), NO_REFERRER],
        last=[tag("script", src=f"../assets/{name_of(name)}", defer=True) for name in scripts],
    )


def live(event: PublicEvent, at: datetime) -> bytes:
    """What changes, as JSON: the phase, what is said of it in each language, and by SKU `[standing, count]`. `mark`
    changes when the page itself is another one."""
    pieces = {one.sku: [one.standing.value, one.count] for one in _told(event)}
    mark = hashlib.sha256(json.dumps([event.phase, sorted(pieces)]).encode()).hexdigest()[:12]
    says = {one: {"phase": say_phase(event, one, at), "wait": say_wait(event, one)} for one in WORDS}
    told = {"mark": mark, "phase": event.phase.value, "says": says, "pieces": pieces}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def etag(content: bytes) -> str:
    """The tag of exactly these bytes: whoever has them is told that nothing changed."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _told(event: PublicEvent) -> Sequence[Piece]:
    if event.phase not in _TELLING:
        return ()
    return [piece for offer in event.offers for piece in offer.pieces]


def _as_of(event: PublicEvent, words: str, at: datetime) -> str:
    """Told where a count may be old; to five minutes, so that the page stays the same while nothing changes."""
    if event.phase is not Phase.OPEN:
        return ""
    there = at.astimezone(ZoneInfo(event.timezone))
    return words.replace("$", f"{there:%H}:{there.minute // 5 * 5:02}")


def _languages(here: str) -> list[Child]:
    links: list[Child] = []
    for one, name in LANGUAGES.items():
        if one != here:
            links += [tag("a", name, href=f"{one}.html", lang=one, hreflang=one), " "]
    return links


def _offers(event: PublicEvent, language: str, picture_of: PictureOf) -> Html | None:
    words = WORDS[language]
    if event.phase in (Phase.OVER, Phase.CALLED_OFF):
        return None
    telling = event.phase in _TELLING
    listed = [_offer(offer, language, picture_of, telling=telling) for offer in event.offers]
    return tag(
        "section",
        tag("h2", words.offers),
        tag("p", words.only, cls="quiet") if any(one.printed for one in event.offers) else None,
        tag("ul", listed, cls="offers") if listed else tag("p", words.no_offers),
    )


def _offer(offer: Offer, language: str, picture_of: PictureOf, *, telling: bool) -> Html:
    words = WORDS[language]
    picture = picture_of(offer.artwork) if offer.artwork else ""
    prices = sorted({(one.price_minor, one.currency) for one in offer.pieces})
    said = " – ".join(say_price(*one, language) for one in (prices[:1] + prices[-1:] if len(prices) > 1 else prices))
    how = words.printed if offer.printed else words.racked
    if telling:
        sizes = [
            tag(
                "li",
                tag("b", one.size) if one.size else None,
                tag("span", say_standing(one.standing, one.count, language)),
                data_sku=one.sku,
                data_standing=one.standing.value,
            )
            for one in offer.pieces
        ]
    else:
        names = [one.size for one in offer.pieces if one.size]
        sizes = [tag("li", ", ".join(names))] if names else []
    return tag(
        "li",
        tag("img", src=f"../assets/{picture}", alt="", width=96, height=120, loading="lazy")
        if picture
        else tag("div", cls="blank"),
        tag(
            "div",
            tag("h3", offer.title),
            tag("p", " · ".join(filter(None, (offer.colourway, said, how)))),
            tag("ul", sizes, cls="sizes") if sizes else None,
        ),
    )
