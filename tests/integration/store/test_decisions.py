"""An effect that nobody could tell ends by a person's word: it happened, or it is carried out again."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from backroom.store.decisions import NothingToDecide, decide
from backroom.store.tables import effects
from tests.shops import BOOTH, HUB, PLAIN, Floor


def with_an_unknown_sheet(floor: Floor) -> tuple[list[str], str]:
    """Two parcels whose labels are bought, on a sheet of which the printer lost sight."""
    broken = floor.room.home / "labels-hub"
    broken.write_text("a file where the folder should be")
    numbers = [floor.taken_in((PLAIN, 1)), floor.taken_in((PLAIN, 1))]
    floor.fulfil(HUB)
    ((key, _),) = floor.effects("sheet")
    lost = update(effects).where(effects.c.key == key).values(state="unknown")
    floor.room.database.write(lambda c: c.execute(lost))
    broken.unlink()
    floor.fulfil(HUB)
    assert [floor.state(number) for number in numbers] == [("released", ["packed"])] * 2
    return numbers, key


@pytest.mark.parametrize("happened", [True, False])
def test_a_sheet_is_printed_again_only_if_it_was_not(floor: Floor, happened: bool) -> None:
    numbers, key = with_an_unknown_sheet(floor)
    owed = floor.room.database.write(lambda c: decide(c, key, happened=happened, actor="Ada"))
    assert [(wakeup.stage, wakeup.location) for wakeup in owed] == [("fulfilment", HUB)]
    floor.fulfil(HUB)
    assert [floor.state(number) for number in numbers] == [("fulfilled", ["done"])] * 2
    assert floor.effects("sheet") == [(key, "done")]
    assert len(list((floor.room.home / "labels-hub").glob("*.pdf"))) == (0 if happened else 1)
    assert "effect.decided" in floor.events(numbers[0])
    with pytest.raises(NothingToDecide):
        floor.room.database.write(lambda c: decide(c, key, happened=True, actor="Ada"))


def test_what_is_not_unknown_is_not_decided(floor: Floor) -> None:
    floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    ((key, _),) = floor.effects("print")
    for wanted in (key, "no such effect"):
        with pytest.raises(NothingToDecide):
            floor.room.database.write(lambda c, wanted=wanted: decide(c, wanted, happened=True, actor="Ada"))


@pytest.mark.parametrize(("kind", "happened"), [("print", True), ("print", False), ("label", True)])
def test_prints_and_bought_labels_have_other_doors(floor: Floor, kind: str, happened: bool) -> None:
    floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    ((key, _),) = floor.effects("print")
    floor.room.database.write(lambda c: c.execute(update(effects).values(state="unknown", kind=kind)))
    with pytest.raises(NothingToDecide):
        floor.room.database.write(lambda c: decide(c, key, happened=happened, actor="Ada"))
