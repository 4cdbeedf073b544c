"""`backroom shop check` warns of work that a change of the shop file would leave behind."""

from __future__ import annotations

from backroom.shop.room import Room
from backroom.store import cancelling, desk
from tests.integration.cli.typing_in import typed
from tests.integration.gateway.conftest import make_order


def without_the_booth(room: Room) -> None:
    """A shop file as `backroom init` writes the smallest: it has no booth-a and no channel web."""
    typed("init", "--defaults", "--home", str(room.home.parent / "other"))
    smallest = (room.home.parent / "other" / "shop.toml").read_text(encoding="utf-8")
    (room.home / "shop.toml").write_text(smallest.replace("[channels.web]", "[channels.shopfront]"), encoding="utf-8")


def test_a_location_and_a_channel_that_are_gone_with_open_work_are_named(room: Room) -> None:
    number = make_order(room, location="booth-a")
    assert "is gone" not in typed("shop", "check").stdout
    without_the_booth(room)
    said = typed("shop", "check")
    assert said.exit_code == 0, said.output
    assert "location booth-a is gone and has open work: 1" in said.stdout
    assert "channel web is gone and has open work: 1" in said.stdout
    room.database.write(lambda c: cancelling.cancel(c, number, "Ada", desk.CANCELLED_BY_STAFF))
    assert "is gone" not in typed("shop", "check").stdout
