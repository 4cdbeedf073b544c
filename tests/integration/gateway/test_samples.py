"""The page of samples, for a tablet beside the printers: print one, take its photo, say what you see."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from backroom.domain.sample_rules import SampleRules
from backroom.gateway.middleware import BODY_MOST
from backroom.store import sample_standing, samples
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway, make_order

PAGE = "/samples/booth-a"


def photo(side: int = 500) -> bytes:
    content = BytesIO()
    Image.effect_noise((side, side), 100).convert("RGB").save(content, "JPEG", quality=95)
    return content.getvalue()


@pytest.fixture
def staff(gateway: Gateway) -> httpx.Client:
    gateway.client.post("/login", data={"key": gateway.key("staff")})
    gateway.room.database.write(lambda c: save_variants(c, [VARIANT]))
    return gateway.client


def csrf(staff: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', staff.get(PAGE).text)
    assert found
    return found[1]


def post(staff: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return staff.post(f"{PAGE}/{path}", data={"csrf": csrf(staff)} | fields)


def say(staff: httpx.Client, number: int, says: str, content: bytes = b"", **fields: str) -> httpx.Response:
    given = {"csrf": csrf(staff), "says": says} | fields
    return staff.post(f"{PAGE}/{number}/word", data=given, files={"photo": ("IMG_1.jpg", content)})


def standing(gateway: Gateway) -> str:
    with gateway.room.database.read() as connection:
        rows = sample_standing.every(connection, gateway.room.shop, now(connection))
    [found] = [one.verdict.standing for _, one in rows if one.location == "booth-a"]
    return found


def test_a_sample_is_printed_photographed_and_approved(gateway: Gateway, staff: httpx.Client) -> None:
    shown = staff.get(PAGE).text
    for expected in ("Nothing waits.", "Tee, black", "no sample of it was printed", "Nobody has named one"):
        assert expected in shown
    assert post(staff, "printed", what=f"press-1/{SKU}").headers["location"] == PAGE
    shown = staff.get(PAGE).text
    assert "Sample 1, press-1" in shown
    assert 'capture="environment"' in shown
    assert 'enctype="multipart/form-data"' in shown
    assert say(staff, 1, "good", photo(), note="deep black").headers["location"] == PAGE
    assert standing(gateway) == "approved"
    with gateway.room.database.read() as connection:
        row = samples.find(connection, 1)
    assert (row["decided_by"], row["note"]) == ("Ada", "deep black")
    kept = staff.get(f"{PAGE}/1/photo")
    assert kept.headers["content-type"] == "image/jpeg"
    assert kept.content == (gateway.room.home / "samples" / row["photo"]).read_bytes()
    assert f"{PAGE}/1/photo" in staff.get(PAGE).text
    assert "Booth-A" in staff.get("/samples").text
    told = gateway.client.get("/metrics", headers=gateway.bearer("metrics")).text
    assert 'backroom_samples{location="booth-a",state="approved"} 1.0' in told


def test_a_photo_may_be_large_and_nothing_else_may(gateway: Gateway, staff: httpx.Client) -> None:
    post(staff, "printed", what=f"press-1/{SKU}")
    large = photo(3000)
    assert len(large) > 3 * BODY_MOST
    assert say(staff, 1, "good", large).status_code == 303
    assert staff.post(f"{PAGE}/batch", content=large).status_code == 413
    assert staff.post(f"{PAGE}/1/word", content=bytes(17 * 1024 * 1024)).status_code == 413


def test_what_is_no_photo_approves_nothing(gateway: Gateway, staff: httpx.Client) -> None:
    post(staff, "printed", what=f"press-1/{SKU}")
    for content, said in ((b"", "no photo"), (b"believe me", "no picture that is known here")):
        answer = say(staff, 1, "good", content)
        assert answer.status_code == 409
        assert said in answer.text
    assert say(staff, 1, "perhaps", photo()).status_code == 400
    assert standing(gateway) == "waiting"
    assert not (gateway.room.home / "samples").exists()


def test_what_is_not_good_needs_no_photo_and_is_said_once(gateway: Gateway, staff: httpx.Client) -> None:
    post(staff, "printed", what=f"press-1/{SKU}")
    assert say(staff, 1, "bad", note="pale").status_code == 303
    assert standing(gateway) == "rejected"
    assert say(staff, 1, "good", photo()).status_code == 409
    assert "its sample 1 was not good" in staff.get(PAGE).text


def test_a_new_batch_is_named_and_asks_for_a_new_sample(gateway: Gateway, staff: httpx.Client) -> None:
    post(staff, "printed", what=f"press-1/{SKU}")
    say(staff, 1, "good", photo())
    assert post(staff, "batch", what="ink/press-1/", batch="K-2").status_code == 303
    assert standing(gateway) == "new_batch"
    shown = staff.get(PAGE).text
    assert "the batch of ink is K-2" in shown
    assert "Ink in press-1" in shown
    assert post(staff, "batch", what="fabric/tee/black", batch="F-1").status_code == 303
    assert post(staff, "batch", what="fabric/silk/", batch="F-1").status_code == 409
    assert post(staff, "batch", what="ink/press-1/", batch="the blue one").status_code == 409


def test_the_orders_that_waited_to_be_printed_so_are_named_when_an_approval_ends(
    gateway: Gateway, staff: httpx.Client
) -> None:
    object.__setattr__(gateway.room, "shop", replace(gateway.room.shop, samples=SampleRules(require=True)))
    post(staff, "printed", what=f"press-1/{SKU}")
    say(staff, 1, "good", photo())
    number, told = make_order(gateway.room), len(gateway.waker.told)
    by_batch = post(staff, "batch", what="ink/press-1/", batch="K-2")
    assert [stage for stage, _, _ in gateway.waker.told[told:]] == ["intake"]
    post(staff, "printed", what=f"press-1/{SKU}")
    say(staff, 2, "good", photo())
    post(staff, "printed", what=f"press-1/{SKU}")
    another = make_order(gateway.room)
    by_word = say(staff, 3, "bad", note="pale")
    for answer, order in ((by_batch, number), (by_word, another)):
        assert answer.status_code == 200
        assert "Made elsewhere: " in answer.text
        assert f"/orders/{order}" in answer.text
        assert "is begun is printed to its end" in answer.text


def test_the_file_to_print_is_that_of_an_order(gateway: Gateway, staff: httpx.Client) -> None:
    folder: Path = gateway.room.artwork()
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (800, 900), "black").save(folder / "tee.png")
    document = staff.get(f"{PAGE}/document", params={"sku": SKU})
    assert document.content.startswith(b"%PDF")
    assert staff.get(f"{PAGE}/document", params={"sku": "NONE"}).status_code == 404


def test_only_staff_come_in_and_only_from_a_page_of_ours(gateway: Gateway, staff: httpx.Client) -> None:
    post(staff, "printed", what=f"press-1/{SKU}")
    strange = staff.post(f"{PAGE}/1/word", data={"csrf": "x", "says": "good"}, files={"photo": ("a.jpg", photo())})
    assert strange.status_code == 403
    assert staff.get("/samples/moon").status_code == 404
    assert staff.get(f"{PAGE}/77/photo").status_code in (404, 409)
    assert staff.get("/samples/booth-b/1/photo").status_code == 404
    with httpx.Client(base_url=gateway.url) as nobody:
        for path in ("/samples", PAGE, f"{PAGE}/1/photo"):
            assert nobody.get(path).status_code in (303, 401)
        sent = nobody.post(f"{PAGE}/1/word", data={"says": "good"}, files={"photo": ("a.jpg", photo())})
        assert sent.status_code in (303, 401)
    assert standing(gateway) == "waiting"
