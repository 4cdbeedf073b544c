"""A sheet of labels that several parcels share: it comes out of the printer once, whoever asks for it."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from backroom.domain.model import StepOutcome
from backroom.store import effects
from backroom.store.claims import Claim, give_up
from backroom.store.database import now
from tasks.claiming import claim_fulfilment, holding
from tasks.label import label
from tests.shops import HUB, PLAIN, Floor, an_order


def two_on_a_sheet(floor: Floor) -> tuple[list[str], str]:
    """Two parcels whose labels are bought, sick because the printer was not there; it is now."""
    broken = floor.room.home / "labels-hub"
    broken.write_text("a file where the folder should be")
    first, second = floor.order((PLAIN, 1)), floor.order((PLAIN, 1))
    floor.intake()
    floor.fulfil(HUB)
    ((key, _),) = floor.effects("sheet")
    broken.unlink()
    return [floor.number(first), floor.number(second)], key


def claimed(floor: Floor, number: str) -> Claim:
    claim = claim_fulfilment(floor.room, HUB, number)
    assert claim is not None
    return claim


def label_alone(floor: Floor, number: str) -> list[StepOutcome]:
    """As the order's own run does."""
    with holding(floor.room, claimed(floor, number)) as claim:
        return label.fn(claim)


def sheets_on_paper(floor: Floor) -> int:
    return len(list((floor.room.home / "labels-hub").glob("*.pdf")))


@pytest.mark.parametrize("ends", ["printed", "killed"])
def test_a_sheet_that_one_orders_run_is_printing_is_not_printed_by_the_run_of_another(floor: Floor, ends: str) -> None:
    (first, second), key = two_on_a_sheet(floor)
    claim = claimed(floor, first)

    def begin(connection: Connection) -> None:
        asked = effects.read(connection, [key])[key]["request_hash"]
        effects.plan(connection, [effects.Plan(key, "sheet", None, asked)], claim.token, now(connection))
        effects.start(connection, [key], claim.token, now(connection))

    floor.room.database.write(begin)
    assert [(outcome.result, outcome.cause) for outcome in label_alone(floor, second)] == [
        ("waiting", "being_worked_on")
    ]
    assert sheets_on_paper(floor) == 0

    if ends == "printed":
        with holding(floor.room, claim):
            label.fn(claim)
        assert sheets_on_paper(floor) == 1
    floor.room.database.write(lambda connection: give_up(connection, claim.token))
    assert [outcome.result for outcome in label_alone(floor, second)] == ["advanced"]
    assert sheets_on_paper(floor) == 1
    assert floor.effects("sheet") == [(key, "done")]


@pytest.mark.parametrize(
    ("name", "boxes"), [("\U00020bb7\u91ce \u9fc4", 2), ("山田 太郎", None), ("Łukasz Żółć", None)]
)
def test_the_story_says_how_many_characters_of_a_label_are_boxes_and_never_which(
    floor: Floor, name: str, boxes: int | None
) -> None:
    address = an_order(1, ())["shipping_address"] | {"name": name}
    number = floor.taken_in((PLAIN, 1), shipping_address=address)
    floor.fulfil(HUB)
    (told,) = [entry["data"] for entry in floor.story(number).history if entry["event"] == "parcel.labelled"]
    assert told.get("characters_as_boxes") == boxes
    assert name.split()[0] not in str(told)
