"""Messages that carry no order: what they point to is fetched by the same door, and nobody else waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from backroom.channels.remote import Fetched, Listed
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.domain.errors import BackroomError
from backroom.domain.model import StepOutcome
from backroom.domain.shop import Shop
from backroom.outgoing.answer import Answer
from backroom.outgoing.errors import ServiceAway, ServiceRefused, ServiceSetup
from backroom.shop import room as rooms
from backroom.shop.room import Room
from backroom.store import hints
from backroom.store.database import now
from backroom.store.inbox_door import Delivery, accept
from backroom.store.quarantined import open_quarantine
from backroom.store.tables import inbox, orders
from tasks.claiming import claim_intake, holding
from tasks.fetch import LOOKS, fetch_by, has_hints
from tests.shops import CANARIES, HUB, PLAIN, Floor, an_order

AWAY = ServiceAway("Elsewhere", "Elsewhere cannot be reached (web 1).")


@dataclass
class Elsewhere:
    """A channel's own interface, by hand: the orders it has, what it does not give out, and its moods."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_ours: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    trouble: BackroomError | None = None
    breaks_after: int = 1_000
    sick: dict[str, BackroomError] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        raise AssertionError(f"nobody asks what changed since {since}")

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        self.asked.append(list(external_ids))
        for number, asked in enumerate(external_ids):
            if self.trouble and number >= min(self.breaks_after, len(external_ids) - 1):
                raise self.trouble
            if asked in self.sick:
                raise self.sick[asked]
            id_ = self.renamed.get(asked, asked)
            if asked in self.not_ours:
                yield Fetched(asked, "", b"", ours=False)
            elif id_ in self.orders:
                yield Fetched(id_, "orders/updated", json.dumps(self.orders[id_]).encode(), asked=asked)


@dataclass
class Desk:
    """The shop with a channel whose interface is known, and a way to hint at orders of it."""

    floor: Floor
    elsewhere: Elsewhere

    def hint(self, external_id: str, key: str = "", channel: str = "web") -> None:
        delivery = Delivery(
            channel, key or f"hint {external_id}", "order.updated", external_id, 5, (), b"{}", hint=True
        )
        room = self.floor.room
        room.database.write(lambda c: accept(c, room.seals, delivery, room.shop.hub))

    def wave(self) -> list[StepOutcome]:
        """One wave as the flow runs it; the hints come last."""
        from tasks.release import release
        from tasks.reserve import reserve
        from tasks.route import route
        from tasks.validate import validate

        claim = claim_intake(self.floor.room)
        if claim is None:
            return []
        outcomes: list[StepOutcome] = []
        with holding(self.floor.room, claim):
            for step in (validate, route, reserve, release):
                outcomes += step.fn(claim)
            if has_hints(self.floor.room, claim):
                outcomes += fetch_by(self.floor.room, claim, lambda room, spec: self.elsewhere)
        return outcomes

    def until_quiet(self) -> list[StepOutcome]:
        outcomes: list[StepOutcome] = []
        while some := self.wave():
            outcomes += some
        return outcomes

    def later(self) -> None:
        """Let the time of the next attempt come."""
        self.floor.room.database.write(
            lambda c: c.execute(update(inbox).values(next_attempt_at=now(c) - timedelta(seconds=1)))
        )

    def rows(self) -> list[Any]:
        with self.floor.room.database.read() as connection:
            return list(connection.execute(select(inbox).order_by(inbox.c.id)))

    def states(self) -> list[tuple[str, str]]:
        return [(row.state, row.outcome) for row in self.rows() if row.hint]

    def numbers(self) -> list[str]:
        with self.floor.room.database.read() as connection:
            return list(connection.execute(select(orders.c.number).order_by(orders.c.id)).scalars())


def _with_api(shop: Shop) -> Shop:
    web = replace(shop.channels[0], api=ApiSpec("https://shop.example.com", "channel.web"))
    return replace(shop, channels=(web, ChannelSpec("bare", "shopify", 5, "standard", secret="webhook.bare")))


@pytest.fixture
def desk(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Desk:
    room: Room = replace(floor.room, shop=_with_api(floor.room.shop))
    monkeypatch.setitem(rooms._open, room.home.resolve(), room)
    floor.room = room
    return Desk(floor, Elsewhere())


def test_what_is_hinted_at_becomes_an_order_like_any_other(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.hint("7")
    outcomes = desk.until_quiet()
    [number] = desk.numbers()
    assert desk.states() == [("done", "fetched")]
    assert desk.floor.state(number)[0] == "released"
    assert [o.result for o in outcomes] == ["done", *["advanced"] * (len(outcomes) - 1)]


def test_ten_hints_of_one_order_ask_for_it_once(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    for number in range(10):
        desk.hint("7", key=f"event {number}")
    desk.until_quiet()
    assert desk.elsewhere.asked == [["7"]]
    assert desk.states() == [("done", "fetched")] * 10
    assert len(desk.numbers()) == 1


def test_several_orders_are_asked_for_at_once(desk: Desk) -> None:
    for id_ in range(1, 31):
        desk.elsewhere.orders[str(id_)] = an_order(id_, [(PLAIN, 1)])
        desk.hint(str(id_))
    desk.until_quiet()
    assert len(desk.elsewhere.asked) == 1
    assert len(desk.numbers()) == 30


def test_the_same_state_fetched_again_is_the_same_delivery(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.hint("7", key="first")
    desk.until_quiet()
    desk.hint("7", key="second")
    desk.until_quiet()
    assert [row.hint for row in desk.rows()] == [True, False, True]


def test_a_later_hint_brings_what_changed(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.hint("7", key="placed")
    desk.until_quiet()
    desk.elsewhere.orders["7"] |= {"cancelled_at": "2026-11-01T10:30:00Z", "updated_at": "2026-11-01T10:30:00Z"}
    desk.hint("7", key="cancelled")
    desk.until_quiet()
    [number] = desk.numbers()
    assert desk.floor.state(number)[0] == "cancelled"


def test_what_is_not_ours_yet_is_left_until_its_channel_says_more(desk: Desk) -> None:
    desk.elsewhere.not_ours.add("7")
    desk.hint("7")
    desk.until_quiet()
    assert desk.states() == [("done", "not_ours_yet")]
    assert desk.numbers() == []


def test_an_order_that_stands_there_under_another_id_settles_the_hint(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.elsewhere.renamed["payment-7"] = "7"
    desk.hint("payment-7")
    desk.until_quiet()
    assert desk.states() == [("done", "fetched")]
    assert len(desk.numbers()) == 1


@pytest.mark.parametrize(
    "trouble", [AWAY, ServiceSetup("Elsewhere", "Elsewhere refuses our calls.", remedy="Give the key its right.")]
)
def test_a_channel_that_gives_nothing_out_leaves_its_hints_waiting_with_the_reason(
    desk: Desk, trouble: BackroomError
) -> None:
    desk.elsewhere.trouble = trouble
    desk.hint("7")
    [outcome] = desk.until_quiet()
    assert (outcome.result, outcome.reason, outcome.cause) == ("waiting", str(trouble), trouble.cause)
    with desk.floor.room.database.read() as connection:
        [told] = hints.waiting(connection)
        at = now(connection)
    assert (told["channel"], told["messages"], told["reason"]) == ("web", 1, str(trouble))
    assert at < told["again"] <= at + timedelta(minutes=3)
    desk.elsewhere.trouble = None
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    assert desk.wave() == []
    desk.later()
    desk.until_quiet()
    assert desk.states() == [("done", "fetched")]
    with desk.floor.room.database.read() as connection:
        assert hints.waiting(connection) == []


def test_an_away_channel_holds_up_nobody_elses_order_and_is_not_asked_for_each_wave(desk: Desk) -> None:
    desk.elsewhere.trouble = AWAY
    desk.hint("7")
    desk.floor.order((PLAIN, 1))
    first = desk.wave()
    assert [o.result for o in first if not o.subject.startswith("message")].count("advanced") == len(first) - 1
    assert first[-1].result == "waiting"
    desk.hint("8")
    [second] = desk.wave()
    assert (second.result, second.cause) == ("waiting", AWAY.cause)
    assert sum("7" in ids or "8" in ids for ids in desk.elsewhere.asked) == 1
    # One that rested with the others was not tried, and both are tried together.
    assert [row.failures for row in desk.rows() if row.hint] == [1, 0]
    assert len({row.next_attempt_at for row in desk.rows() if row.hint}) == 1


def test_what_came_before_the_channel_broke_off_is_kept(desk: Desk) -> None:
    for id_ in range(1, 6):
        desk.elsewhere.orders[str(id_)] = an_order(id_, [(PLAIN, 1)])
        desk.hint(str(id_))
    desk.elsewhere.trouble, desk.elsewhere.breaks_after = AWAY, 3
    desk.until_quiet()
    assert desk.states() == [("done", "fetched")] * 3 + [("waiting", "")] * 2
    desk.elsewhere.trouble = None
    desk.later()
    desk.until_quiet()
    assert desk.elsewhere.asked[-1] == ["4", "5"]
    assert len(desk.numbers()) == 5


@pytest.mark.parametrize(
    "error",
    [
        AWAY,
        ServiceSetup("Elsewhere", "Elsewhere refuses our calls (1, 403).", remedy="Check its url."),
        ServiceRefused("Elsewhere", "Elsewhere refuses 1 (422).", Answer(422, {}, b"")),
    ],
)
def test_one_order_that_its_channel_cannot_give_keeps_no_other_one_out(desk: Desk, error: BackroomError) -> None:
    desk.elsewhere.sick["1"] = error
    desk.hint("1")
    for id_ in range(2, 7):
        desk.elsewhere.orders[str(id_)] = an_order(id_, [(PLAIN, 1)])
        desk.hint(str(id_))
    desk.until_quiet()
    assert len(desk.numbers()) == 5
    # It rests alone: what is hinted at meanwhile is asked for at once.
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.hint("7")
    desk.until_quiet()
    assert len(desk.numbers()) == 6
    for _ in range(LOOKS - 1):
        assert desk.states()[0] == ("waiting", "")
        desk.later()
        desk.until_quiet()
    assert desk.states() == [("quarantined", "")] + [("done", "fetched")] * 6
    with desk.floor.room.database.read() as connection:
        [kept] = open_quarantine(connection)
    [problem] = kept["problems"]
    assert problem["code"] == "not_given"
    assert "Look at it there" in problem["detail"]


def test_some_orders_in_a_row_that_nobody_can_give_stand_before_the_others_only_once(desk: Desk) -> None:
    for id_ in range(1, 9):
        desk.elsewhere.orders[str(id_)] = an_order(id_, [(PLAIN, 1)])
        desk.hint(str(id_))
    desk.elsewhere.sick = {str(id_): AWAY for id_ in range(1, 6)}
    # Two are asked for at each look until one is given: no more, as long as the channel may be away.
    for _ in range(3):
        assert desk.numbers() == []
        desk.until_quiet()
        desk.later()
    assert len(desk.numbers()) == 3


def test_hints_wait_as_long_as_their_channel_asks(desk: Desk) -> None:
    desk.elsewhere.trouble = ServiceAway("Elsewhere", "Elsewhere takes nothing now.", retry_after=timedelta(hours=2))
    for id_ in ("1", "2"):
        desk.hint(id_)
    desk.wave()
    with desk.floor.room.database.read() as connection:
        at = now(connection)
    assert all(timedelta(minutes=119) < row.next_attempt_at - at <= timedelta(hours=2) for row in desk.rows())


def test_while_its_channel_is_away_no_look_counts_against_an_order(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.hint("7")
    desk.until_quiet()
    desk.elsewhere.trouble = AWAY
    desk.hint("8")
    for _ in range(2 * LOOKS):
        desk.until_quiet()
        desk.later()
    assert desk.states()[1] == ("waiting", "")
    desk.elsewhere.trouble = None
    for _ in range(LOOKS):
        assert desk.states()[1] == ("waiting", "")
        desk.until_quiet()
        desk.later()
    assert desk.states()[1] == ("quarantined", "")


def test_what_its_channel_does_not_have_is_looked_for_again_and_then_put_aside(desk: Desk) -> None:
    desk.hint("404")
    for _ in range(LOOKS):
        assert [row.state for row in desk.rows()] == ["waiting"]
        desk.until_quiet()
        desk.later()
    assert [row.state for row in desk.rows()] == ["quarantined"]
    with desk.floor.room.database.read() as connection:
        [kept] = open_quarantine(connection)
    assert [problem["code"] for problem in kept["problems"]] == ["not_there"]
    assert len(desk.elsewhere.asked) == LOOKS


def test_a_hint_without_an_interface_to_ask_is_put_aside_with_what_is_missing(desk: Desk) -> None:
    desk.hint("7", channel="bare")
    [outcome] = desk.until_quiet()
    assert (outcome.result, outcome.reason) == ("quarantined", "no_api")
    with desk.floor.room.database.read() as connection:
        [kept] = open_quarantine(connection)
    assert "[channels.bare.api]" in kept["problems"][0]["detail"]


def test_an_answer_that_nobody_can_read_stops_none_of_the_others(desk: Desk) -> None:
    desk.elsewhere.orders |= {"1": an_order(1, [(PLAIN, 1)]), "2": {"id": float("nan")}}
    desk.hint("1")
    desk.hint("2")
    desk.until_quiet()
    assert desk.states() == [("done", "fetched"), ("waiting", "")]
    assert len(desk.numbers()) == 1


def test_a_wave_that_died_with_hints_in_hand_fetches_them_in_the_next_one(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.hint("7")
    claim = claim_intake(desk.floor.room)
    assert claim is not None
    with pytest.raises(KeyboardInterrupt), holding(desk.floor.room, claim):
        raise KeyboardInterrupt
    desk.until_quiet()
    assert desk.states() == [("done", "fetched")]


def test_the_body_of_what_was_fetched_is_sealed_and_its_wake_up_sent(desk: Desk) -> None:
    desk.elsewhere.orders["7"] = an_order(7, [(PLAIN, 1)])
    desk.hint("7")
    desk.wave()
    assert ("intake", HUB) in [(stage, place) for stage, place, _ in desk.floor.waker.woken]
    [body] = [row.body for row in desk.rows() if not row.hint]
    assert not any(word.encode() in body for word in CANARIES)
