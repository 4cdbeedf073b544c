"""An event's page for everybody: what it tells, what it does not, and what a cache may keep of it."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import Connection, Engine, update
from sqlalchemy.event import listen, remove

from backroom.cli.processes import ROOT
from backroom.domain.events import Event, EventState, Session
from backroom.domain.leases import Loan
from backroom.eventpage import files, pictures
from backroom.eventpage.looking import Seen
from backroom.gateway.event_page import FOR_EVER, LIVE_CACHE, PAGE_CACHE
from backroom.gateway.looks import Looks
from backroom.store import catalogue, event_page, events, leases, stock
from backroom.store.booth_calls import hear
from backroom.store.database import now
from backroom.store.events import NoSuchEvent
from backroom.store.tables import events as events_table
from backroom.store.tables import fulfilment_orders, print_jobs, stock_levels
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway, make_order

PAGE = "/e/fair/"
LIVE = f"{PAGE}live.json"
POSTER = replace(
    VARIANT, sku="POSTER", title="Poster <i>", colourway="Blue", size="", gtin="", artwork="", print_process=""
)


def plan(gateway: Gateway, *, published: bool = True) -> None:
    """An event at booth A that began an hour ago, with four posters of the hub's ten."""

    def work(connection: Connection) -> None:
        at = now(connection)
        catalogue.save_variants(connection, [VARIANT, POSTER])
        stock.receive(connection, "first", [("hub", SKU, 10), ("hub", "POSTER", 10)], "delivered", at)
        sessions = (Session(at - timedelta(hours=1), at + timedelta(hours=7)),)
        events.add(connection, Event("fair", "Fair & square", "street", "booth-a", "Row <C>", sessions), (), at, "Ada")
        leases.lend(connection, "fair", [Loan("POSTER", "hub", 4)], key="one", actor="Ada")
        if published:
            event_page.publish(connection, "fair", at, by="Ada", when=at)

    gateway.room.database.write(work)
    folder = gateway.room.artwork()
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (900, 900), "navy").save(folder / "tee.png")


def publish(gateway: Gateway, *, there: bool) -> None:
    def work(connection: Connection) -> None:
        at = now(connection)
        event_page.publish(connection, "fair", at if there else None, by="Ada", when=at)

    gateway.room.database.write(work)


def become(gateway: Gateway, state: EventState, **values: datetime) -> None:
    done = update(events_table).values(state=state, **values)
    gateway.room.database.write(lambda c: c.execute(done))


def take(gateway: Gateway, pieces: int) -> None:
    sold = update(stock_levels).where(stock_levels.c.location == "booth-a", stock_levels.c.sku == "POSTER")
    gateway.room.database.write(lambda c: c.execute(sold.values(on_hand=stock_levels.c.on_hand - pieces)))


def live(gateway: Gateway) -> dict[str, Any]:
    return dict(gateway.client.get(LIVE).json())


@pytest.fixture
def fair(gateway: Gateway) -> Gateway:
    plan(gateway)
    become(gateway, EventState.LIVE)
    return gateway


class Read(HTMLParser):
    """What a page loads, and its inline scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("src", "href"):
            if name in given and tag in ("img", "script", "link"):
                self.loads.append(str(given[name]))
        if (tag == "script" and "src" not in given) or tag == "style" or "style" in given:
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on")]


def test_the_page_tells_hours_place_pieces_and_prices_and_is_escaped(fair: Gateway) -> None:
    answer = fair.client.get(PAGE)
    assert answer.status_code == 200
    for expected in (
        "Fair &amp; square",
        "Row &lt;C&gt;",
        "Poster &lt;i&gt;",
        "19.90 EUR",
        "Open now, until",
    ):
        assert expected in answer.text, expected
    assert "in stock" in answer.text
    assert "printed in about" in answer.text
    german = fair.client.get(f"{PAGE}de.html").text
    assert 'lang="de"' in german
    assert "Jetzt offen, bis" in german
    assert "19,90 EUR" in german


def test_nothing_is_inline_and_everything_it_loads_is_there_for_ever(fair: Gateway) -> None:
    answer = fair.client.get(PAGE)
    read = Read(answer.text)
    assert read.inline == []
    assert len(read.loads) == 5
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for address in read.loads:
        assert re.fullmatch(r"\.\./assets/[a-z-]+\.[0-9a-f]{16}\.(css|js|svg|webp)", address)
        loaded = fair.client.get(PAGE + address)
        assert loaded.status_code == 200, address
        assert loaded.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert len(loaded.content) < 20_000
    assert fair.client.get("/e/assets/page.0123456789abcdef.css").status_code == 404
    assert fair.client.get("/e/assets/..%2f..%2fshop.toml").status_code == 404


def test_an_event_that_nobody_published_is_as_unknown_as_one_that_is_not_there(gateway: Gateway) -> None:
    plan(gateway, published=False)
    become(gateway, EventState.LIVE)
    for path in ("/e/fair/", "/e/fair/live.json", "/e/moon/", "/e/moon/live.json", "/e/No%20such/"):
        answer = gateway.client.get(path)
        assert answer.status_code == 404, path
        assert "There is nothing at this address" in answer.text, path
    assert gateway.client.get("/e/fair/shop.toml").status_code == 404


@pytest.mark.parametrize("path", ["/e/fair", PAGE, f"{PAGE}de.html", f"{PAGE}en.html"])
def test_a_cache_may_keep_the_page_for_half_a_minute_and_shows_it_while_it_asks_anew(fair: Gateway, path: str) -> None:
    kept = "public, max-age=30, stale-while-revalidate=60, stale-if-error=86400"
    answer = fair.client.get(path)
    assert answer.headers["Cache-Control"] == kept
    if tag := answer.headers.get("ETag"):
        same = fair.client.get(path, headers={"If-None-Match": tag})
        assert (same.status_code, same.content, same.headers["Cache-Control"]) == (304, b"", kept)
    else:
        assert (answer.status_code, answer.headers["Location"]) == (308, PAGE)


def test_the_guide_has_web_servers_say_of_the_files_what_the_gateway_says_of_its_answers() -> None:
    guide = (ROOT / "docs/guide/event-page.md").read_text()
    for kept in (PAGE_CACHE, LIVE_CACHE, FOR_EVER):
        assert guide.count(f"`{kept}`") == guide.count(f'"{kept}"') == 1, kept


def test_the_answer_changes_with_the_stock_and_with_nothing_else(fair: Gateway) -> None:
    first = fair.client.get(LIVE)
    assert first.headers["Cache-Control"] == "public, max-age=5, stale-while-revalidate=10, stale-if-error=86400"
    tag = {"If-None-Match": first.headers["ETag"]}
    unchanged = fair.client.get(LIVE, headers=tag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == first.headers["ETag"]
    weak = {"If-None-Match": f'"other", W/{first.headers["ETag"]}'}
    assert fair.client.get(LIVE, headers=weak).status_code == 304
    take(fair, 1)
    changed = fair.client.get(LIVE, headers=tag)
    assert changed.status_code == 200
    assert changed.json()["pieces"]["POSTER"] == ["few", 3]
    take(fair, 3)
    assert live(fair)["pieces"]["POSTER"] == ["sold_out", 0]
    assert "sold out" in fair.client.get(PAGE).text


def test_a_count_above_a_few_is_not_told(fair: Gateway) -> None:
    assert live(fair)["pieces"]["POSTER"] == ["in_stock", 0]


def test_the_waiting_time_grows_with_the_queue_and_ends_with_a_printer_out_of_paper(fair: Gateway) -> None:
    before = live(fair)["pieces"][SKU]
    assert before[0] == "made_here"
    for _ in range(4):
        make_order(fair.room, to_print=5)
    # Parcels make nobody wait who stands there; who came before does.
    assert live(fair)["pieces"][SKU] == before
    fair.room.database.write(lambda c: c.execute(update(fulfilment_orders).values(delivery="collect")))
    after = live(fair)
    assert after["pieces"][SKU][1] > before[1]
    assert f"about {after['pieces'][SKU][1]} minutes" in after["says"]["en"]["wait"]

    def out_of_paper(connection: Connection) -> None:
        first = connection.execute(print_jobs.select().order_by(print_jobs.c.id).limit(1)).one()
        blocked = update(print_jobs).where(print_jobs.c.id == first.id)
        connection.execute(blocked.values(state="blocked", printer="press-1", reason="out of paper"))

    fair.room.database.write(out_of_paper)
    stuck = live(fair)
    assert stuck["pieces"][SKU] == ["made_here", 0]
    assert "ask at the booth" in stuck["says"]["en"]["wait"]


def test_of_a_booth_that_cannot_be_heard_nobody_says_how_long_a_print_takes(fair: Gateway) -> None:
    assert "ask at the booth" not in live(fair)["says"]["en"]["wait"]
    fair.room.database.write(lambda c: hear(c, "booth-a", now(c) - timedelta(minutes=5)))
    told = live(fair)
    assert told["pieces"][SKU] == ["made_here", 0]
    assert "ask at the booth" in told["says"]["en"]["wait"]


def test_nothing_of_a_customer_an_order_or_a_printer_is_told(fair: Gateway) -> None:
    number = make_order(fair.room)
    for path in (PAGE, f"{PAGE}de.html", LIVE):
        text = fair.client.get(path).text
        for hidden in (number, "ada@example.com", "Byron", "press-1", "out of", "hub", "dtg"):
            assert hidden not in text.replace("github", ""), (path, hidden)


def test_before_after_and_without_an_event_it_says_so(gateway: Gateway) -> None:
    plan(gateway)
    with gateway.room.database.read() as connection:
        at = now(connection)
    assert live(gateway)["phase"] == "paused"
    later = [[(at + timedelta(days=9)).isoformat(), (at + timedelta(days=9, hours=5)).isoformat()]]
    moved = update(events_table).values(
        sessions=later, starts_at=at + timedelta(days=9), ends_at=at + timedelta(days=9, hours=5)
    )
    gateway.room.database.write(lambda c: c.execute(moved))
    told = live(gateway)
    assert (told["phase"], told["pieces"]) == ("planned", {})
    page = gateway.client.get(PAGE).text
    assert "Opens " in page
    assert "Poster" in page
    assert "in stock" not in Read(page).inline
    become(gateway, EventState.CLOSED)
    assert "does not take place" in gateway.client.get(PAGE).text
    become(gateway, EventState.SETTLED, opened_at=at)
    over = gateway.client.get(PAGE).text
    assert "This event is over" in over
    assert "Poster" not in over


def test_many_who_ask_at_once_share_a_look_and_all_see_what_was_sold_before_they_asked(fair: Gateway) -> None:
    take(fair, 2)
    seen: list[object] = []

    def ask() -> None:
        with httpx.Client(base_url=fair.url, timeout=30) as client:
            seen.extend(client.get(LIVE).json()["pieces"]["POSTER"] for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert seen == [["few", 2]] * 40


def test_the_files_are_what_the_gateway_serves_and_only_what_changed_is_written(fair: Gateway, tmp_path: Path) -> None:
    folder = tmp_path / "cdn"
    written = files.write_event(fair.room, "fair", folder)
    assert sorted(path for path in written if path.startswith("fair/")) == [
        "fair/de.html",
        "fair/en.html",
        "fair/index.html",
        "fair/live.json",
    ]
    assert (folder / "fair" / "live.json").read_bytes() == fair.client.get(LIVE).content
    page = (folder / "fair" / "index.html").read_text("utf-8")
    # Where the gateway is, for whoever reads it elsewhere, is not known: then nobody can ask for SMS there.
    assert 'name="phone"' not in page
    for address in Read(page).loads:
        assert (folder / "fair" / address).resolve().is_file(), address
    assert (folder / "fair" / "index.html").stat().st_mode & 0o777 == 0o644
    take(fair, 1)
    assert "fair/live.json" in files.write_all(fair.room, folder)
    assert not any(path.startswith("assets/") for path in files.write_all(fair.room, folder))
    assert json.loads((folder / "fair" / "live.json").read_bytes())["pieces"]["POSTER"] == ["few", 3]


def test_a_page_that_was_taken_away_is_gone_from_the_folder(fair: Gateway, tmp_path: Path) -> None:
    files.write_all(fair.room, tmp_path)
    (tmp_path / "fair" / "mine.txt").write_text("not ours")
    fair.room.database.write(lambda c: event_page.publish(c, "fair", None, by="Ada", when=now(c)))
    assert "fair/index.html" in files.write_all(fair.room, tmp_path)
    assert [path.name for path in (tmp_path / "fair").iterdir()] == ["mine.txt"]
    assert fair.client.get(PAGE).status_code == 404


def test_the_form_of_a_page_at_a_cdn_goes_to_the_gateway_and_its_policy_allows_that(
    fair: Gateway, tmp_path: Path
) -> None:
    spec = replace(fair.room.shop.messaging, public_url="https://hooks.example.com")
    room = replace(fair.room, shop=replace(fair.room.shop, messaging=spec))
    files.write_event(room, "fair", tmp_path)
    page = (tmp_path / "fair" / "index.html").read_text("utf-8")
    assert 'action="https://hooks.example.com/e/fair/sms"' in page
    assert "form-action &#x27;self&#x27; https://hooks.example.com" in page
    assert "connect-src &#x27;self&#x27; https://hooks.example.com" in page


def test_an_error_is_the_same_page_for_everybody_and_nothing_of_the_staff_is_in_it(fair: Gateway) -> None:
    asks = ("text/html", "application/json", "*/*")
    addresses = ("moon/", "moon/live.json", "assets/x.css", "fair/shop.toml", "fair/a/b", "N%20o/", "x" * 99 + "/")
    with httpx.Client(base_url=fair.url, timeout=30) as staff:
        logged_in = staff.post("/login", data={"key": fair.key("staff")})
        assert logged_in.status_code == 303
        token = re.findall(r'name="csrf" value="([^"]+)"', staff.get("/orders").text)[0]
        bodies = set()
        for address in addresses:
            for accept in asks:
                for client in (staff, fair.client):
                    answer = client.get(f"/e/{address}", headers={"Accept": accept})
                    assert answer.status_code in (404, 422), (address, answer.status_code)
                    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                    for hidden in ("csrf", "/orders", "Quarantine", "Log out", "<form", token):
                        assert hidden not in answer.text, (address, hidden)
                    bodies.add((answer.status_code, answer.text))
        assert len(bodies) == len({status for status, _ in bodies})


def test_the_frame_of_the_staff_is_never_kept_by_a_cache_that_others_share(fair: Gateway) -> None:
    for address in ("/moon", "/orders/none", "/e/fair/sms"):
        answer = fair.client.get(address, headers={"Accept": "text/html"} | fair.bearer("staff"))
        assert answer.status_code >= 400, address
        assert "public" not in answer.headers["Cache-Control"] or "csrf" not in answer.text, address


class Decoded:
    """How often a picture was opened, by whichever thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        really = Image.open

        def opening(*given: Any, **named: Any) -> Image.Image:
            self.count += 1
            return really(*given, **named)

        monkeypatch.setattr(Image, "open", opening)


def test_an_unknown_name_of_a_picture_decodes_nothing(fair: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = Decoded(monkeypatch)
    for number in range(5):
        assert fair.client.get(f"/e/assets/art.{number:016x}.webp").status_code == 404
    assert decoded.count == 0


def test_a_picture_is_decoded_once_however_many_ask_and_anew_when_it_changed(
    fair: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = Decoded(monkeypatch)
    at_once = threading.Barrier(8)
    names: list[str] = []

    def make() -> None:
        at_once.wait(30)
        names.append(pictures.keep(fair.room.home, fair.room.artwork(), "tee.png"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert decoded.count == 1
    [name] = set(names)
    assert len(names) == 8
    assert name in fair.client.get(PAGE).text
    assert fair.client.get(f"/e/assets/{name}").status_code == 200
    assert decoded.count == 1
    for kept in (fair.room.home / pictures.FOLDER).iterdir():
        kept.unlink()
    # Whoever deletes the cache has it made again, under the same name.
    assert name in fair.client.get(PAGE).text
    assert fair.client.get(f"/e/assets/{name}").status_code == 200
    Image.new("RGB", (500, 900), "red").save(fair.room.artwork() / "tee.png")
    assert name not in fair.client.get(PAGE).text
    assert decoded.count == 3


def test_a_picture_that_cannot_be_read_is_left_out_and_not_tried_at_every_look(
    fair: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fair.room.artwork() / "tee.png").write_bytes(b"no picture")
    decoded = Decoded(monkeypatch)
    for _ in range(3):
        assert "art." not in fair.client.get(PAGE).text
    assert decoded.count == 1
    assert pictures.keep(fair.room.home, fair.room.artwork(), "../shop.toml") == ""


def test_many_unknown_codes_at_once_are_answered_from_two_lists_and_wait_for_no_look(fair: Gateway) -> None:
    reads: list[str] = []

    def count(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "published_at IS NOT NULL" in statement:
            reads.append(statement)

    async def ask() -> list[object]:
        looks = Looks()
        wishes = [looks.ask(fair.room, f"moon-{number}") for number in range(200)]
        return await asyncio.gather(*wishes, looks.ask(fair.room, "fair"), return_exceptions=True)

    listen(Engine, "before_cursor_execute", count)
    try:
        found = asyncio.run(ask())
    finally:
        remove(Engine, "before_cursor_execute", count)
    assert all(isinstance(one, NoSuchEvent) for one in found[:-1])
    assert isinstance(found[-1], Seen)
    # The list, and the look at the event that is there.
    assert len(reads) <= 3, reads


def test_an_event_that_is_published_later_is_found_then_and_gone_when_it_is_taken_away(gateway: Gateway) -> None:
    plan(gateway, published=False)
    assert gateway.client.get(PAGE).status_code == 404
    for there, status in ((True, 200), (False, 404), (True, 200)):
        publish(gateway, there=there)
        assert gateway.client.get(PAGE).status_code == status


def test_the_files_of_an_event_that_is_settled_are_written_once(fair: Gateway, tmp_path: Path) -> None:
    with fair.room.database.read() as connection:
        at = now(connection)
    files.write_all(fair.room, tmp_path)
    become(fair, EventState.SETTLED, opened_at=at)
    assert "fair/live.json" in files.write_all(fair.room, tmp_path)
    page = tmp_path / "fair" / "en.html"
    assert "This event is over" in page.read_text("utf-8")
    # It is not even looked at: what stands in the file stays.
    page.write_text("kept")
    assert files.write_all(fair.room, tmp_path) == []
    assert page.read_text("utf-8") == "kept"
    page.unlink()
    assert files.write_all(fair.room, tmp_path) == ["fair/en.html"]


def test_a_page_that_is_taken_away_between_the_list_and_the_look_is_left_out(fair: Gateway, tmp_path: Path) -> None:
    written = files.write_events(fair.room, ["moon", "fair"], tmp_path)
    assert "fair/index.html" in written
    assert not (tmp_path / "moon").exists()
