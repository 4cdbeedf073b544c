"""The commands of an event's page for everybody: published, written as files, taken away."""

from __future__ import annotations

import json
from pathlib import Path

from backroom.shop.room import Room
from backroom.store.database import now
from backroom.store.event_page import find_published, published
from tests.integration.cli.test_events import plan
from tests.integration.cli.typing_in import answered, refused, typed


def test_an_event_has_a_page_from_when_it_is_published_until_it_is_taken_away(room: Room, tmp_path: Path) -> None:
    code = plan()
    assert f"backroom event publish {code}" in refused("event", "page", code, "--to", str(tmp_path))
    assert answered("event", "publish", code) == {"code": code, "published": True, "path": f"/e/{code}/"}
    written = answered("event", "page", code, "--to", str(tmp_path))["written"]
    assert f"{code}/index.html" in written
    assert answered("event", "page", code, "--to", str(tmp_path))["written"] == []
    told = json.loads((tmp_path / code / "live.json").read_bytes())
    assert told["phase"] == "planned"
    page = (tmp_path / code / "index.html").read_text("utf-8")
    assert "Night Moth Tee" in page
    assert "Blank Tee" not in page
    assert typed("event", "publish", code, "--off").exit_code == 0
    assert typed("event", "publish", code, "--off").exit_code == 0
    with room.database.read() as connection:
        assert published(connection) == []
    says = [row["event"] for row in answered("event", "show", code)["history"]]
    assert says == ["event.planned", "page.published", "page.taken_away"]


def test_publishing_what_is_not_there_names_what_is(room: Room) -> None:
    code = plan()
    assert code in refused("event", "publish", "moon")


def test_publishing_twice_keeps_the_first_time(room: Room) -> None:
    code = plan()
    answered("event", "publish", code)
    with room.database.read() as connection:
        first = find_published(connection, code)["published_at"]
        assert first <= now(connection)
    answered("event", "publish", code)
    with room.database.read() as connection:
        assert find_published(connection, code)["published_at"] == first
