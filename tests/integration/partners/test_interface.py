"""The microfactory interface as it is described, against the workshop that runs: schemathesis plays the shop."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from pathlib import Path

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from schemathesis import Case

from tests.workshops import TOKEN, Workshop, a_workshop

DESCRIBED = Path(__file__).parents[3] / "docs" / "microfactory-openapi.yaml"
schema = schemathesis.openapi.from_path(DESCRIBED)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@schema.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_interface_says(case: Case, workshop: Workshop) -> None:
    # The key of an order is its reference: one that is made up alone would seldom fit.
    if isinstance(case.body, dict) and "Idempotency-Key" in (case.headers or {}):
        reference = case.body.get("reference")
        if isinstance(reference, str) and reference.isascii() and reference.isprintable():
            case.headers["Idempotency-Key"] = reference
    case.call_and_validate(
        base_url=workshop.url,
        headers={"Authorization": f"Bearer {TOKEN}"},
    )


def order(reference: str, **changes: object) -> dict[str, object]:
    line = {"line": 1, "code": "shirt", "quantity": 2}
    return {"reference": reference, "kind": "make", "lines": [line]} | changes


def test_the_same_order_again_is_one_order_and_another_under_its_key_is_refused(workshop: Workshop) -> None:
    key = {"Idempotency-Key": "ours-1"}
    answers = [
        workshop.api("POST", "orders", json=body, headers=key)
        for body in (order("ours-1"), order("ours-1"), order("ours-1", recipient={"name": "Anna"}))
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 409]
    assert answers[0].json() == answers[1].json()
    assert answers[2].json()["code"] == "key_used"


def test_nobody_without_the_token_or_the_password_gets_in(workshop: Workshop) -> None:
    for path in ("", "orders/ours-1", "work"):
        assert workshop.api("GET", path, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_an_artwork_is_kept_under_its_own_bytes_only(workshop: Workshop) -> None:
    sha256 = hashlib.sha256(PNG).hexdigest()
    wanted = order("ours-2", lines=[{"line": 1, "code": "c", "quantity": 1, "artwork": sha256, "placement": "front"}])
    key = {"Idempotency-Key": "ours-2"}
    assert workshop.api("POST", "orders", json=wanted, headers=key).json()["code"] == "artwork_missing"
    assert workshop.api("PUT", f"artworks/{sha256}", data=PNG + b"!").status_code == 409
    assert workshop.api("PUT", f"artworks/{sha256}", data=PNG).status_code == 200
    assert workshop.api("POST", "orders", json=wanted, headers=key).status_code == 201


SHAPE = {"$ref": "urn:interface#/components/schemas/Order"}


def faults_of(told: object) -> list[str]:
    """What is wrong with an order by the description alone."""
    description = Resource(yaml.safe_load(DESCRIBED.read_text()), DRAFT202012)
    registry = Registry().with_resource("urn:interface", description)
    found = Draft202012Validator(SHAPE, registry=registry).iter_errors(told)
    return sorted(str(error.message) for error in found)


@pytest.mark.parametrize(
    ("kind", "state", "form"),
    [("make", "shipped", {"tracking": "1"}), ("pick", "picked", {}), ("pick", "short", {"done-1": "1"})],
)
def test_how_an_order_ended_says_how_many_pieces_are_done_by_the_description_and_by_the_workshop(
    tmp_path: Path, kind: str, state: str, form: dict[str, str]
) -> None:
    with a_workshop(tmp_path / "orders.db", kind) as place:
        place.api("POST", "orders", json=order("ours-6", kind=kind), headers={"Idempotency-Key": "ours-6"})
        place.press("ours-6", "accepted")
        begun = place.order("ours-6")
        assert faults_of(begun) == [], "nobody need count before it has ended"
        assert "done" not in begun["lines"][0]
        place.press("ours-6", state, **form)
        told = place.order("ours-6")
        assert faults_of(told) == []
        told["lines"][0].pop("done")
        assert faults_of(told) == ["'done' is a required property"]


def test_an_artwork_without_its_print_area_is_no_line_of_an_answer(workshop: Workshop) -> None:
    workshop.api("POST", "orders", json=order("ours-7"), headers={"Idempotency-Key": "ours-7"})
    told = workshop.order("ours-7")
    told["lines"][0]["artwork"] = "0" * 64
    assert faults_of(told) == ["'placement' is a dependency of 'artwork'"]


def test_an_order_is_cancelled_until_it_is_begun(workshop: Workshop) -> None:
    for reference in ("ours-3", "ours-4"):
        workshop.api("POST", "orders", json=order(reference), headers={"Idempotency-Key": reference})
    assert [workshop.api("POST", "orders/ours-3/cancel").json()["state"] for _ in range(2)] == ["cancelled"] * 2
    workshop.press("ours-4", "accepted")
    workshop.press("ours-4", "in_progress")
    assert workshop.api("POST", "orders/ours-4/cancel").status_code == 409


def test_orders_outlive_the_workshops_process(workshop: Workshop) -> None:
    workshop.api("POST", "orders", json=order("ours-5"), headers={"Idempotency-Key": "ours-5"})
    before = workshop.order("ours-5")
    workshop.kill()
    workshop.start()
    assert workshop.order("ours-5") == before
    assert json.dumps(before)


@pytest.mark.parametrize("told", ["-1", "many", "1" * 30])
def test_a_body_without_a_length_is_refused(workshop: Workshop, told: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", workshop.port, timeout=30)
    connection.putrequest("PUT", "/artworks/" + "0" * 64)
    connection.putheader("Content-Length", told)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
