"""Answers of partners, line by line: what they have otherwise than asked is seen, and other words for it are none.

Each adapter speaks with its partner over real HTTP; no shop is needed for that."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from re import compile as pattern
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.domain.model import Address
from backroom.domain.partner_answers import compare
from backroom.domain.partner_orders import (
    ArtworkFile,
    CannotBeAsked,
    PartnerRequest,
    PartnerStatus,
    Recipient,
    WantedLine,
    match,
)
from backroom.domain.partners import PartnerProduct, PartnerSpec
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable
from backroom.partners.microfactory import MAKE, PICK, Microfactory
from backroom.partners.printful import Printful
from backroom.partners.prodigi import Prodigi
from tests.fake_printful import TOKEN, FakePrintful
from tests.fake_prodigi import FakeProdigi

OWL, FOX = (hashlib.sha256(name).hexdigest() for name in (b"owl", b"fox"))
PUBLIC = "https://hooks.nord.example/artworks"
WANTED = (
    WantedLine(1, "TEE-BLK-M", 3, OWL, 200, 250),
    WantedLine(2, "TEE-RED-S", 1, FOX, 90),
    WantedLine(3, "SOCKS", 2),
)
SIZES = {"size": "M", "color": "black"}


@pytest.fixture(autouse=True)
def no_circuit_is_open() -> None:
    close_all()


def a_spec(adapter: str, **changes: Any) -> PartnerSpec:
    area = {"prodigi": "default"}.get(adapter, "front")
    products = (
        PartnerProduct("TEE-BLK-M", "4012", area, technique="dtg", attributes=SIZES),
        PartnerProduct("TEE-RED-S", "4013", "back", technique="dtg"),
        PartnerProduct("SOCKS", "4014", artwork=False),
    )
    return PartnerSpec(adapter, "https://partner.example", "partner", products=products, **changes)


def request_for(spec: PartnerSpec, folder: Path = Path()) -> PartnerRequest:
    address = Address("Ada Byron", "Weg 1", "10115", "Berlin", "DE")
    art = {sha256: ArtworkFile(str(folder / sha256), f"{PUBLIC}/{sha256}.png?sign=x") for sha256 in (OWL, FOX)}
    return PartnerRequest("partner-A-1-x", match(spec, "A-1", WANTED), Recipient(address), art)


def differences(request: PartnerRequest, status: PartnerStatus) -> list[str]:
    return [one.sentence() for one in compare(request.lines, status.lines)]


# Printful


def at_printful(server: HTTPServer) -> tuple[FakePrintful, PartnerRequest, dict[str, Any]]:
    fake, request = FakePrintful(server), request_for(a_spec("printful"))
    partner = Printful("Printful", fake.url, TOKEN)
    assert differences(request, partner.submit(request)) == []
    assert fake.only()["status"] == "pending"
    return fake, request, fake.only()


def asked_printful(fake: FakePrintful, request: PartnerRequest) -> list[str]:
    return differences(request, Printful("Printful", fake.url, TOKEN).status(request.reference, "5001"))


def layer(sha256: str) -> dict[str, str]:
    return {"type": "file", "url": f"{PUBLIC}/{sha256}.png?sign=y"}


@pytest.mark.parametrize(
    ("line", "placements", "said"),
    [
        (0, [("front", "dtg", [layer(FOX)])], f"line 1 has artwork {FOX} where {OWL} was asked"),
        (0, [("back", "dtg", [layer(OWL)])], "line 1 has print area back where front was asked"),
        (0, [("front", "embroidery", [layer(OWL)])], "line 1 has technique embroidery where dtg was asked"),
        (
            0,
            [("front", "dtg", [layer(OWL)]), ("back", "dtg", [layer(OWL)])],
            "line 1 has print area front, back where front was asked",
        ),
        (0, [("front", "dtg", [layer(OWL), layer(FOX)])], "line 1 has print files 2 where 1 was asked"),
        (
            0,
            [("front", "dtg", [layer(OWL), {"type": "file", "url": "https://cdn.example/x.png"}])],
            "line 1 has print files 2 where 1 was asked",
        ),
        (0, [("front", "dtg", [])], "line 1 has print files 0 where 1 was asked"),
        (0, [], "line 1 has print area none where front was asked"),
        (
            2,
            [("front", "dtg", [{"type": "file", "url": "https://cdn.example/x.png"}])],
            "line 3 has print area front where none was asked",
        ),
    ],
)
def test_what_printful_prints_otherwise_is_seen_on_its_line(
    httpserver: HTTPServer, line: int, placements: list[tuple[str, str, list[Any]]], said: str
) -> None:
    fake, request, order = at_printful(httpserver)
    order["items"][line]["placements"] = [
        {"placement": area, "technique": technique, "layers": layers} for area, technique, layers in placements
    ]
    assert said in asked_printful(fake, request)


def test_two_lines_of_printful_that_changed_their_files_are_seen_and_a_rewritten_address_is_none(
    httpserver: HTTPServer,
) -> None:
    fake, request, order = at_printful(httpserver)
    first, second = (item["placements"][0] for item in order["items"][:2])
    first["layers"], second["layers"] = second["layers"], first["layers"]
    assert len(asked_printful(fake, request)) == 2
    first["layers"] = second["layers"] = [{"type": "file", "url": "https://files.cdn.printful.example/1.png"}]
    assert asked_printful(fake, request) == []


@pytest.mark.parametrize("own_number", [True, False])
def test_a_quantity_that_printful_split_in_two_items_is_seen(httpserver: HTTPServer, own_number: bool) -> None:
    fake, request, order = at_printful(httpserver)
    item = order["items"][0]
    item["quantity"] = 2
    order["items"].append(item | {"quantity": 1, "external_id": "1" if own_number else None})
    found = asked_printful(fake, request)
    assert found == (
        ["line 1 has lines 2 where 1 was asked"]
        if own_number
        else ["line 1 has pieces 2 where 3 was asked", "the order has pieces 1 where 0 was asked"]
    )


def test_an_order_of_which_printful_has_no_item_left_is_seen(httpserver: HTTPServer) -> None:
    fake, request, order = at_printful(httpserver)
    order["items"].clear()
    assert len(asked_printful(fake, request)) == 3


def test_printful_is_compared_with_its_default_technique_where_the_shop_names_none() -> None:
    spec = a_spec("printful")
    spec = replace(spec, products=tuple(replace(one, technique="") for one in spec.products))
    assert [line.technique for line in match(spec, "A-1", WANTED)] == ["dtg", "dtg", ""]
    workshop = replace(spec, adapter="microfactory")
    assert [line.technique for line in match(workshop, "A-1", WANTED)] == ["", "", ""]


# Prodigi


@pytest.mark.parametrize(
    ("line", "change", "said"),
    [
        (0, {"assets": [{"printArea": "default", "url": layer(FOX)["url"]}]}, f"artwork {FOX} where {OWL}"),
        (0, {"assets": []}, "print area none where default"),
        (
            0,
            {"assets": [{"printArea": area, "url": layer(OWL)["url"]} for area in ("default", "sleeve")]},
            "print area default, sleeve where default",
        ),
        (
            2,
            {"assets": [{"printArea": "default", "url": "https://cdn.example/x.png"}]},
            "print area default where none",
        ),
        (0, {"attributes": {"size": "L", "color": "black"}}, "size L where M"),
        (0, {"attributes": {}}, "color none where black"),
        (0, {"copies": 1}, "pieces 1 where 3"),
    ],
)
def test_what_prodigi_has_otherwise_is_seen_on_its_line(
    httpserver: HTTPServer, line: int, change: dict[str, Any], said: str
) -> None:
    fake, request = FakeProdigi(httpserver), request_for(a_spec("prodigi"))
    partner = Prodigi("Prodigi", fake.url, TOKEN)
    there = partner.submit(request)
    assert differences(request, there) == []
    for asset in (one for item in fake.only()["items"] for one in item["assets"]):
        asset["url"] = asset["url"].replace(PUBLIC, "https://proxy.example/artworks")
    assert differences(request, partner.status(request.reference, there.partner_id)) == [], "only another address"
    fake.only()["items"][line] |= change
    found = differences(request, partner.status(request.reference, there.partner_id))
    assert any(f"line {line + 1} has {said}" in one for one in found), found


# A workshop and a cell


def a_workshop(server: HTTPServer) -> dict[str, Any]:
    """A workshop that says what it was asked; what it has is the test's to change."""
    there: dict[str, Any] = {}

    def place(request: Request) -> Response:
        there.update(json.loads(request.get_data()) | {"state": "accepted", "revision": 1})
        return told(request)

    def told(request: Request) -> Response:
        return Response(json.dumps({k: v for k, v in there.items() if k != "recipient"}), mimetype="application/json")

    server.expect_request("/orders", method="POST").respond_with_handler(place)
    server.expect_request(pattern("/orders/.*"), method="GET").respond_with_handler(told)
    server.expect_request(pattern("/artworks/.*"), method="GET").respond_with_json({})
    return there


@pytest.mark.parametrize(
    ("line", "change", "said"),
    [
        (0, {"print": {"width_mm": 100, "height_mm": 250}}, "line 1 has width in mm 100 where 200 was asked"),
        (0, {"print": {"width_mm": 200, "height_mm": 100}}, "line 1 has height in mm 100 where 250 was asked"),
        (0, {"print": {}}, "line 1 does not say its width in mm, where 200 was asked"),
        (0, {"technique": "transfer"}, "line 1 has technique transfer where dtg was asked"),
        (0, {"attributes": {"size": "L", "color": "black"}}, "line 1 has size L where M was asked"),
        (0, {"artwork": FOX}, f"line 1 has artwork {FOX} where {OWL} was asked"),
        (1, {"placement": "front"}, "line 2 has print area front where back was asked"),
        (2, {"artwork": OWL, "placement": "front"}, f"line 3 has artwork {OWL} where none was asked"),
    ],
)
def test_what_a_workshop_has_otherwise_is_seen_on_its_line(
    httpserver: HTTPServer, line: int, change: dict[str, Any], said: str
) -> None:
    there, request = a_workshop(httpserver), request_for(a_spec("microfactory"))
    partner = Microfactory("Workshop", httpserver.url_for("").rstrip("/"), TOKEN, MAKE)
    assert differences(request, partner.submit(request)) == []
    assert [one.get("print") for one in there["lines"]] == [
        {"width_mm": 200, "height_mm": 250},
        {"width_mm": 90},
        None,
    ], "each line in its own size"
    there["lines"][line] |= change
    assert said in differences(request, partner.status(request.reference, ""))


LEFT_OUT = {
    "artwork": [f"line 1 does not say its artwork, where {OWL} was asked"],
    "placement": ["line 1 does not say its print area, where front was asked"],
    "print": [
        "line 1 does not say its width in mm, where 200 was asked",
        "line 1 does not say its height in mm, where 250 was asked",
    ],
    "technique": ["line 1 does not say its technique, where dtg was asked"],
    "attributes": [
        "line 1 does not say its color, where black was asked",
        "line 1 does not say its size, where M was asked",
    ],
}


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
@pytest.mark.parametrize("how", ["left out", None, 7])
def test_what_a_workshop_leaves_out_of_a_line_is_seen_where_it_was_asked_and_only_there(
    httpserver: HTTPServer, name: str, how: object
) -> None:
    there, request = a_workshop(httpserver), request_for(a_spec("microfactory"))
    partner = Microfactory("Workshop", httpserver.url_for("").rstrip("/"), TOKEN, MAKE)
    partner.submit(request)
    for one in there["lines"]:
        one.pop(name, None)
    if how != "left out":
        there["lines"][0][name] = how
    found = differences(request, partner.status(request.reference, ""))
    assert set(LEFT_OUT[name]) <= set(found)
    assert not [said for said in found if said.startswith("line 3")], "nothing of it was asked of the socks"


@pytest.mark.parametrize("kind", [MAKE, PICK])
@pytest.mark.parametrize("name", ["technique", "attributes"])
def test_a_cell_repeats_what_was_asked_as_a_workshop_does(httpserver: HTTPServer, kind: str, name: str) -> None:
    there = a_workshop(httpserver)
    partner = Microfactory("Cell", httpserver.url_for("").rstrip("/"), TOKEN, kind)
    socks = PartnerProduct("SOCKS", "4014", technique="folded", attributes={"size": "M"}, artwork=False)
    spec = replace(a_spec("integrator"), products=(socks,))
    lines = match(spec, "A-1", [WantedLine(1, "SOCKS", 2)])
    request = PartnerRequest("partner-A-1-x", lines)
    assert differences(request, partner.submit(request)) == []
    del there["lines"][0][name]
    what, asked = {"technique": ("technique", "folded"), "attributes": ("size", "M")}[name]
    found = differences(request, partner.status(request.reference, ""))
    assert found == [f"line 1 does not say its {what}, where {asked} was asked"]


@pytest.mark.parametrize("name", ["kind", "state", "revision", "reference", "lines"])
@pytest.mark.parametrize("kind", [MAKE, PICK])
def test_an_order_without_what_the_interface_requires_is_no_answer(
    httpserver: HTTPServer, kind: str, name: str
) -> None:
    there = a_workshop(httpserver)
    partner = Microfactory("Workshop", httpserver.url_for("").rstrip("/"), TOKEN, kind)
    request = replace(request_for(replace(a_spec("integrator"), products=())), artwork={})
    partner.submit(request)
    del there[name]
    with pytest.raises(AnswerUnreadable, match=name):
        partner.status(request.reference, "")


@pytest.mark.parametrize("name", ["line", "code", "quantity"])
def test_a_line_without_what_the_interface_requires_is_named_with_the_field(httpserver: HTTPServer, name: str) -> None:
    there, request = a_workshop(httpserver), request_for(a_spec("microfactory"))
    partner = Microfactory("Workshop", httpserver.url_for("").rstrip("/"), TOKEN, MAKE)
    partner.submit(request)
    del there["lines"][1][name]
    said = "number of the line in place 2" if name == "line" else f"{name} of line 2"
    with pytest.raises(AnswerUnreadable, match=said):
        partner.status(request.reference, "")


@pytest.mark.parametrize(("kind", "other"), [(MAKE, PICK), (PICK, MAKE)])
def test_an_order_of_another_kind_is_no_answer(httpserver: HTTPServer, kind: str, other: str) -> None:
    there = a_workshop(httpserver)
    partner = Microfactory("Workshop", httpserver.url_for("").rstrip("/"), TOKEN, kind)
    cell = replace(a_spec("integrator"), products=())
    request = replace(request_for(cell), artwork={})
    partner.submit(request)
    there["kind"] = other
    with pytest.raises(AnswerUnreadable, match="kind of order"):
        partner.status(request.reference, "")


def test_artwork_that_was_replaced_since_it_was_looked_at_is_brought_to_no_workshop(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request(pattern("/artworks/.*"), method="GET").respond_with_data("{}", status=404)
    httpserver.expect_request(pattern("/artworks/.*"), method="PUT").respond_with_json({})
    (tmp_path / OWL).write_bytes(b"owl")
    (tmp_path / FOX).write_bytes(b"another fox")
    partner = Microfactory("Workshop", httpserver.url_for("").rstrip("/"), TOKEN, MAKE)
    with pytest.raises(CannotBeAsked, match="replaced since it was looked at"):
        partner.submit(request_for(a_spec("microfactory"), tmp_path))
    brought = [request.get_data() for request, _ in httpserver.log if request.method == "PUT"]
    assert brought == [b"owl"]
    assert not [request for request, _ in httpserver.log if request.method == "POST"]
