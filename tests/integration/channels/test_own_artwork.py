"""Pictures that lines of orders bring by their address: fetched, looked at and printed, or a Hold that says what helps.

They are fetched from a server of our own, over TLS with a certificate that is checked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, update

from backroom.channels import dropping
from backroom.channels.dropping import DropFolder
from backroom.domain.channels import ChannelSpec
from backroom.domain.own_artwork import base_of, is_own
from backroom.outgoing.fetching import Fetcher
from backroom.privacy.erasure import erase
from backroom.shop import room as rooms
from backroom.store import amending, catalogue, desk
from backroom.store.database import now
from backroom.store.inbox_door import Delivery, Receipt, accept
from backroom.store.personal import Whose
from backroom.store.tables import order_lines, orders, print_jobs
from tests.integration.outgoing.test_fetching import Pictures, pictures
from tests.shops import HUB, PLAIN, SCARCE, Floor
from tests.workshops import WORKSHOP, Workshop, a_partner, a_place, with_partners, workshop

__all__ = ["pictures", "workshop"]

COLUMNS = "order_id,placed_at,updated_at,sku,quantity,unit_price,total,currency,artwork,"
BUYER = "email,name,line1,postcode,city,country\n"


def png(colour: str = "red", side: int = 300, kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.new("RGB", (side, side), colour).save(file, kind)
    return file.getvalue()


class Shop:
    """A shop whose orders come by files, and the server that their pictures are on."""

    def __init__(self, floor: Floor, pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
        self.floor, self.pictures, self._patch = floor, pictures, monkeypatch
        spec = ChannelSpec("boutiques", "csv", 5, "standard", folder="drop")
        shop = replace(floor.room.shop, channels=(*floor.room.shop.channels, spec), rules=floor.room.shop.rules[-1:])
        floor.room = replace(floor.room, shop=shop)
        monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
        monkeypatch.setattr(dropping, "STILL_SECONDS", -1.0)
        self.folder = DropFolder(floor.room.folder("drop"), spec, "DE")
        self.folder.path.mkdir(parents=True)
        self.by(pictures.fetcher())

    def by(self, fetcher: Fetcher) -> None:
        self._patch.setattr("tasks.own_artwork.fetcher_of_artwork", lambda: fetcher)

    def put(self, id_: str, *lines: tuple[str, str], day: int = 1, email: str = "ada@example.org") -> None:
        """An order whose lines are of a SKU, each with a picture's address or none."""
        total, rows = 29 * len(lines), ""
        for sku, url in lines:
            rows += f"{id_},2026-11-01,2026-11-{day:02},{sku},1,29.00,{total},EUR,{url},"
            rows += f"{email},Ada,Weg 4,80331,München,DE\n"
        (self.folder.path / f"{id_}-{day}.csv").write_text(COLUMNS + BUYER + rows)
        room = self.floor.room

        def store(deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
            return room.database.write(lambda c: [accept(c, room.seals, one, room.shop.hub) for one in deliveries])

        assert list(self.folder.take_all(store))

    def number(self, id_: str) -> str:
        with self.floor.room.database.read() as connection:
            query = select(orders.c.number).where(orders.c.external_id == id_)
            return str(connection.execute(query).scalar_one())

    def lines(self, id_: str) -> list[Any]:
        query = select(order_lines).join(orders).where(orders.c.external_id == id_).order_by(order_lines.c.line_no)
        with self.floor.room.database.read() as connection:
            return list(connection.execute(query).mappings())

    def skus(self, id_: str) -> list[str]:
        return [line["sku"] for line in self.lines(id_)]

    def held(self, id_: str) -> str:
        """Why its picture was refused, of an order that is held for it."""
        story = self.floor.story(self.number(id_))
        assert (story.order["state"], story.order["hold_reason"]) == ("held", "artwork_unfit")
        (told,) = [entry["data"] for entry in story.history if entry["event"] == "artwork.refused"]
        return f"{told['cause']}: {told['reason']}"

    def release(self, id_: str) -> None:
        number = self.number(id_)
        self.floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))

    def due(self) -> None:
        """The time of every next attempt has come."""
        self.floor.room.database.write(lambda c: c.execute(update(orders).values(next_attempt_at=now(c))))

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.floor.room.artwork().glob("own-*"))


@pytest.fixture
def shop(floor: Floor, pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(floor, pictures, monkeypatch)


def test_a_picture_that_a_line_brings_is_fetched_kept_and_printed_and_no_piece_in_stock_is_sent_for_it(
    shop: Shop,
) -> None:
    floor, picture = shop.floor, png()
    shop.pictures.answers["/cat.png?for=Ada"] = (200, {}, picture)
    before = floor.available(HUB, PLAIN)
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png?for=Ada")), (PLAIN, ""))
    floor.intake()
    own, plain = shop.skus("B-1")
    assert (base_of(own), is_own(own), plain) == (PLAIN, True, PLAIN)
    assert all(line["artwork_url"] is None for line in shop.lines("B-1")), "it is needed no more"
    assert [line["personalised"] for line in shop.lines("B-1")] == [True, False]
    floor.fulfil(HUB)
    sha256 = hashlib.sha256(picture).hexdigest()
    with floor.room.database.read() as connection:
        (job,) = connection.execute(select(print_jobs)).mappings().all()
        assert own not in [one.sku for one in catalogue.all_variants(connection)], "nobody else buys it"
    assert (job["sku"], job["artwork"], job["artwork_sha256"]) == (own, f"own-{sha256}.png", sha256)
    assert (floor.room.artwork() / job["artwork"]).read_bytes() == picture
    (handed,) = floor.hand_out(HUB)
    floor.print(handed)
    floor.fulfil(HUB)
    assert floor.story(shop.number("B-1")).order["state"] == "fulfilled"
    on_hand, _ = floor.available(HUB, PLAIN)
    assert on_hand == before[0] - 1, "the line without a picture alone"
    assert shop.pictures.asked == [("pictures.example", "/cat.png?for=Ada")]
    assert "for=Ada" not in str([dict(one) for one in floor.story(shop.number("B-1")).history])
    floor.check_sums()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, {}, b""), "file_not_there"),
        ((200, {}, png(side=20)), "artwork_unreadable"),
        ((200, {}, png(kind="JPEG")), "artwork_unreadable"),
        ((200, {}, b"<html>no picture</html>"), "artwork_unreadable"),
        ((200, {"Content-Length": str(2**30)}, b""), "file_too_large"),
        ((302, {"Location": "http://127.0.0.1/cat.png"}, b""), "address_refused"),
    ],
)
def test_a_picture_that_cannot_be_had_or_does_not_print_is_a_hold_with_what_helps_and_is_fetched_again_after_it(
    shop: Shop, answer: tuple[int, dict[str, str], bytes], said: str
) -> None:
    shop.pictures.answers["/cat.png"] = answer
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    shop.put("B-2", (PLAIN, ""))
    outcomes = {outcome.subject: outcome.result for outcome in shop.floor.intake()}
    why = shop.held("B-1")
    assert why.startswith(said)
    assert any(word in why for word in ("Ask for", "Export")), "a person reads what to do"
    assert outcomes[shop.number("B-1")] == "held"
    assert shop.floor.story(shop.number("B-2")).order["state"] == "released"
    assert shop.kept() == []
    shop.pictures.answers["/cat.png"] = (200, {}, png())
    shop.release("B-1")
    shop.floor.intake()
    assert is_own(shop.skus("B-1")[0])
    assert shop.floor.story(shop.number("B-1")).order["state"] == "released"


@pytest.mark.parametrize(
    ("url", "may_connect"),
    [("http://pictures.example/cat.png", True), ("file:///etc/passwd", True), ("", False)],
)
def test_a_picture_from_within_or_without_tls_is_never_fetched(
    shop: Shop, pictures: Pictures, url: str, may_connect: bool
) -> None:
    pictures.answers["/cat.png"] = (200, {}, png())
    if not may_connect:
        shop.by(replace(pictures.fetcher(), may_connect=Fetcher().may_connect))
    shop.put("B-1", (PLAIN, url or pictures.url("/cat.png")))
    shop.floor.intake()
    assert shop.held("B-1").startswith("address_refused")
    assert pictures.asked == []


def test_a_picture_for_a_piece_that_is_not_printed_is_a_hold_and_another_piece_in_its_place_ends_that(
    shop: Shop,
) -> None:
    floor = shop.floor
    unprinted = [replace(one, artwork="", print_process="") for one in _catalogue(floor) if one.sku == SCARCE]
    floor.room.database.write(lambda c: catalogue.save_variants(c, unprinted))
    shop.put("B-1", (SCARCE, shop.pictures.url("/cat.png")))
    floor.intake()
    assert shop.held("B-1").startswith("nothing_printed")
    number = shop.number("B-1")
    floor.room.database.write(lambda c: amending.amend(c, floor.room.seals, number, "line.1.sku", PLAIN, "Ada"))
    shop.release("B-1")
    floor.intake()
    assert (shop.skus("B-1"), floor.story(number).order["state"]) == ([PLAIN], "released")
    assert shop.pictures.asked == []


def test_a_picture_waits_for_the_right_sku_and_is_printed_on_that(shop: Shop) -> None:
    floor = shop.floor
    shop.pictures.answers["/cat.png"] = (200, {}, png())
    for id_ in ("B-1", "B-2"):
        shop.put(id_, ("TEE-BLAK-M", shop.pictures.url("/cat.png")))
    floor.intake()
    number = shop.number("B-1")
    assert floor.story(number).order["hold_reason"] == "unknown_sku"
    floor.room.database.write(lambda c: amending.amend(c, floor.room.seals, number, "line.1.sku", PLAIN, "Ada"))
    shop.release("B-1")
    # Somebody lets the other one go on as it is: that holds nobody else up.
    shop.release("B-2")
    floor.intake()
    assert is_own(shop.skus("B-1")[0])
    assert floor.story(number).order["state"] == "released"
    assert (shop.skus("B-2"), floor.story(shop.number("B-2")).order["state"]) == (["TEE-BLAK-M"], "backordered")


def _catalogue(floor: Floor) -> list[Any]:
    with floor.room.database.read() as connection:
        return catalogue.all_variants(connection)


def test_who_has_the_picture_is_away_and_it_is_tried_again(shop: Shop) -> None:
    shop.pictures.answers["/cat.png"] = (503, {}, b"")
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    shop.put("B-2", (PLAIN, ""))
    outcomes = {outcome.subject: outcome for outcome in shop.floor.intake()}
    number = shop.number("B-1")
    assert (outcomes[number].result, outcomes[number].cause) == ("waiting", "file_away")
    assert shop.floor.story(number).order["state"] == "accepted"
    assert shop.floor.story(shop.number("B-2")).order["state"] == "released"
    shop.pictures.answers["/cat.png"] = (200, {}, png())
    assert shop.floor.intake() == [], "not before its time"
    shop.due()
    shop.floor.intake()
    assert shop.floor.story(number).order["state"] == "released"
    assert is_own(shop.skus("B-1")[0])


def test_a_picture_that_drips_holds_the_others_of_its_wave_up_no_longer_than_its_cap(shop: Shop) -> None:
    pictures = shop.pictures
    pictures.answers["/cat.png"] = (200, {}, png(side=600))
    pictures.drop, pictures.drip = 16, 0.05
    shop.by(pictures.fetcher(all_seconds=1.0, read_seconds=0.5))
    for number in range(6):
        shop.put(f"B-{number}", (PLAIN, pictures.url("/cat.png") if number == 3 else ""))
    began = time.monotonic()
    shop.floor.intake()
    assert time.monotonic() - began < 8.0
    states = [shop.floor.story(shop.number(f"B-{number}")).order["state"] for number in range(6)]
    assert [state == "released" for state in states] == [True, True, True, False, True, True]
    assert shop.floor.story(shop.number("B-3")).order["state"] == "accepted", "it is tried again"


def test_pictures_that_a_wave_does_not_come_to_are_the_next_waves_and_nothing_is_held_against_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.own_artwork.AT_ONCE", 1)
    monkeypatch.setattr("tasks.own_artwork.BEGIN_SECONDS", 0.05)
    pictures = shop.pictures
    pictures.drip = 0.1
    for number in range(5):
        pictures.answers[f"/{number}.png"] = (200, {}, png(f"#0000{number}0"))
        shop.put(f"B-{number}", (PLAIN, pictures.url(f"/{number}.png")))
    shop.floor.intake()
    assert len(pictures.asked) == 5
    rows = [shop.floor.story(shop.number(f"B-{number}")).order for number in range(5)]
    assert [(row["state"], row["failures"]) for row in rows] == [("released", 0)] * 5
    assert len(shop.kept()) == 5


def test_a_wave_that_died_before_its_commit_is_done_again_to_the_same_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backroom.store import own_artworks

    shop.pictures.answers["/cat.png"] = (200, {}, png())
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    take: Callable[..., Any] = own_artworks.take

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(own_artworks, "take", dies)
    with pytest.raises(KeyboardInterrupt):
        shop.floor.intake()
    assert shop.skus("B-1") == [PLAIN]
    (line,) = shop.lines("B-1")
    left = shop.floor.room.artwork() / ".fetched" / str(line["id"]) / "own-half.png"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of a pict")
    monkeypatch.setattr(own_artworks, "take", take)
    shop.floor.room.database.write(lambda c: c.execute(update(orders).values(claim_token=None)))
    shop.floor.intake()
    assert is_own(shop.skus("B-1")[0])
    assert shop.kept() == [f"own-{hashlib.sha256(png()).hexdigest()}.png"]
    assert list((shop.floor.room.artwork() / ".fetched").iterdir()) == []


def test_an_order_that_its_source_changes_before_any_work_has_its_new_picture(shop: Shop) -> None:
    for name, colour in (("/cat.png", "red"), ("/dog.png", "blue")):
        shop.pictures.answers[name] = (200, {}, png(colour))
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    shop.floor.intake()
    (first,) = shop.skus("B-1")
    shop.put("B-1", (PLAIN, shop.pictures.url("/dog.png")), day=2)
    shop.floor.intake()
    (second,) = shop.skus("B-1")
    assert is_own(second)
    assert second != first
    assert shop.floor.story(shop.number("B-1")).order["state"] == "released"


def test_a_partner_makes_the_piece_that_was_ordered_with_the_very_bytes_that_were_looked_at(
    shop: Shop, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_partners(shop.floor, monkeypatch, a_place(a_partner(workshop.url)))
    picture = png()
    shop.pictures.answers["/cat.png"] = (200, {}, picture)
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    shop.floor.intake()
    shop.floor.fulfil(WORKSHOP)
    ((reference, _),) = shop.floor.effects("partner")
    (line,) = workshop.order(reference)["lines"]
    assert (line["code"], line["artwork"]) == ("shirt-black-m", hashlib.sha256(picture).hexdigest())


def test_a_picture_goes_with_the_last_of_those_who_brought_it(shop: Shop) -> None:
    floor = shop.floor
    shop.pictures.answers["/cat.png"] = (200, {}, png())
    for id_, email in (("B-1", "ada@example.org"), ("B-2", "berta@example.org")):
        shop.put(id_, (PLAIN, shop.pictures.url("/cat.png")), email=email)
    floor.intake()
    floor.fulfil(HUB)
    for job in floor.hand_out(HUB):
        floor.print(job)
    floor.fulfil(HUB)
    assert len(shop.kept()) == 1
    for id_, left in (("B-1", 1), ("B-2", 0)):
        person = floor.story(shop.number(id_)).order["person_id"]
        erase(floor.room, [Whose(person)], "Ada", None)
        assert len(shop.kept()) == left


def test_a_picture_that_somebody_else_has_on_another_piece_stays_for_their_print(shop: Shop) -> None:
    floor = shop.floor
    shop.pictures.answers["/club.png"] = (200, {}, png())
    shop.put("B-1", (PLAIN, shop.pictures.url("/club.png")))
    floor.intake()
    floor.fulfil(HUB)
    (job,) = floor.hand_out(HUB)
    floor.print(job)
    floor.fulfil(HUB)
    shop.put("B-2", (SCARCE, shop.pictures.url("/club.png")), email="berta@example.org")
    floor.intake()
    erase(floor.room, [Whose(floor.story(shop.number("B-1")).order["person_id"])], "Ada", None)
    outcomes = floor.fulfil(HUB)
    assert [one for one in outcomes if one.cause] == []
    (job,) = floor.hand_out(HUB)
    assert base_of(job.sku) == SCARCE
    assert len(shop.kept()) == 1


def test_the_address_is_sealed_as_long_as_it_is_there(shop: Shop, tmp_path: Path) -> None:
    shop.pictures.answers["/secret-of-Ada.png"] = (503, {}, b"")
    shop.put("B-1", (PLAIN, shop.pictures.url("/secret-of-Ada.png")))
    shop.floor.intake()
    (line,) = shop.lines("B-1")
    assert line["artwork_url"] is not None
    assert b"secret-of-Ada" not in line["artwork_url"]
