"""The effects ledger: whatever crashes between its commits, an effect happens once, or a person is asked. Never twice.

A crash is an exception that no code of ours catches, raised where a process could die; the next claim starts again.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from backroom.domain.errors import AskPerson, BackroomError, OutcomeUnknown, Refuse, Retry
from backroom.effects.ledger import AnswerLost, Effect, InOtherHands, RequestChanged, perform
from backroom.store import effects as rows
from backroom.store.claims import ClaimLost, give_up, take
from backroom.store.database import Database, now
from backroom.store.seals import Seals
from tests.together import run_together


class Killed(BaseException):
    """The process died here."""


@dataclass
class OtherSide:
    """An outside world that counts what happens there, and dies, refuses or forgets as it is told."""

    idempotent: bool = False
    answers_questions: bool = True
    dies: str = ""
    fails: BackroomError | None = None
    answer_lost: bool = False
    ask_fails: BackroomError | None = None
    happened: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)

    def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Mapping[str, Any] | BackroomError]:
        if self.dies == "before":
            raise Killed
        answers: list[Mapping[str, Any] | BackroomError] = []
        for key, _ in requests:
            if self.fails is not None:
                answers.append(self.fails)
                continue
            if not (self.idempotent and self.happened[key]):
                self.happened[key] += 1
            answers.append(OutcomeUnknown(f"no answer for {key}") if self.answer_lost else {"number": key})
            if self.dies == "between":
                raise Killed
        if self.dies == "after":
            raise Killed
        return answers

    def ask(self, key: str, age: timedelta) -> Mapping[str, Any] | None:
        self.asked.append(key)
        if self.ask_fails is not None:
            raise self.ask_fails
        if not self.answers_questions:
            raise OutcomeUnknown(f"nobody remembers {key}")
        return {"number": key} if self.happened[key] else None


def an_effect(key: str = "print-1", asked: str = "one shirt") -> Effect[str]:
    return Effect(key, "print", 1, rows.request_hash({"asked": asked}), "the request")


def a_claim(database: Database) -> str:
    return database.write(lambda c: take(c, stage="s", location="l", instance="i", run_id="")).token


def run(database: Database, side: OtherSide, *batch: Effect[str]) -> dict[str, Mapping[str, Any] | BackroomError]:
    """Perform under a claim of its own, as the next run would; its end, or its death, ends the claim."""
    token = a_claim(database)
    try:
        return perform(database, token, batch or [an_effect()], side)
    finally:
        database.write(lambda c: give_up(c, token))


def state(database: Database, key: str = "print-1") -> str:
    with database.read() as connection:
        return str(rows.read(connection, [key])[key]["state"])


def test_an_effect_happens_once_however_often_it_is_asked_for(database: Database) -> None:
    side = OtherSide()
    answers = [run(database, side)["print-1"] for _ in range(3)]
    assert answers == [{"number": "print-1"}] * 3
    assert side.happened == {"print-1": 1}
    assert state(database) == rows.DONE


def test_a_lost_answer_is_asked_for_by_the_same_key_again_where_that_is_one_effect_over_there(
    database: Database,
) -> None:
    side = OtherSide(idempotent=True, answer_lost=True)
    lost = run(database, side)["print-1"]
    assert isinstance(lost, AnswerLost)
    assert isinstance(lost, Retry)
    assert state(database) == rows.STARTED
    side.answer_lost = False
    assert run(database, side) == {"print-1": {"number": "print-1"}}
    assert side.happened == {"print-1": 1}
    assert state(database) == rows.DONE


def test_a_lost_answer_is_unknown_where_the_same_key_again_would_be_a_second_effect(database: Database) -> None:
    side = OtherSide(answer_lost=True)
    assert isinstance(run(database, side)["print-1"], OutcomeUnknown)
    side.answer_lost = False
    assert isinstance(run(database, side)["print-1"], OutcomeUnknown)
    assert side.happened == {"print-1": 1}
    assert state(database) == rows.UNKNOWN


def test_nothing_to_do_is_done_at_once(database: Database) -> None:
    assert perform(database, "no claim at all", [], OtherSide()) == {}


@pytest.mark.parametrize("dies", ["before", "between", "after"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_after_a_crash_around_the_call_it_has_happened_exactly_once(
    database: Database, dies: str, idempotent: bool
) -> None:
    side = OtherSide(idempotent=idempotent, dies=dies)
    batch = [an_effect(f"print-{i}") for i in range(3)]
    with pytest.raises(Killed):
        run(database, side, *batch)
    side.dies = ""
    run(database, side, *batch)
    assert side.happened == {"print-0": 1, "print-1": 1, "print-2": 1}
    assert {state(database, effect.key) for effect in batch} == {rows.DONE}


@pytest.mark.parametrize("dies", ["before", "after"])
def test_where_nobody_can_be_asked_a_crash_leaves_one_unknown_and_never_a_second_call(
    database: Database, dies: str
) -> None:
    side = OtherSide(answers_questions=False, dies=dies)
    batch = [an_effect(f"print-{i}") for i in range(3)]
    with pytest.raises(Killed):
        run(database, side, *batch)
    side.dies = ""
    for _ in range(2):
        results = run(database, side, *batch)
        assert isinstance(results["print-0"], OutcomeUnknown)
    assert side.happened["print-0"] <= 1
    assert [state(database, effect.key) for effect in batch] == [rows.UNKNOWN, rows.DONE, rows.DONE]
    with database.read() as connection:
        assert [row["key"] for row in rows.unknown(connection)] == ["print-0"]


def test_a_crash_after_planning_and_before_the_start_is_simply_done_again(database: Database) -> None:
    side = OtherSide(answers_questions=False)
    token = a_claim(database)
    plan = rows.Plan("print-1", "print", 1, an_effect().request_hash)
    database.write(lambda c: rows.plan(c, [plan], token, now(c)))
    database.write(lambda c: give_up(c, token))
    assert run(database, side)["print-1"] == {"number": "print-1"}
    assert side.asked == []


def test_a_call_that_certainly_failed_may_be_made_again(database: Database) -> None:
    side = OtherSide(fails=Retry("the printer is busy"))
    assert isinstance(run(database, side)["print-1"], Retry)
    assert state(database) == rows.FAILED
    side.fails = None
    assert run(database, side)["print-1"] == {"number": "print-1"}
    assert side.happened == {"print-1": 1}


def test_a_call_whose_answer_is_lost_waits_for_a_person(database: Database) -> None:
    side = OtherSide(fails=OutcomeUnknown("no answer"))
    assert isinstance(run(database, side)["print-1"], OutcomeUnknown)
    side.fails = None
    assert isinstance(run(database, side)["print-1"], OutcomeUnknown)
    assert side.happened == {}


@pytest.mark.parametrize("trouble", [Retry("asleep"), AskPerson("another certificate"), Refuse("no such key")])
def test_another_side_that_cannot_be_asked_now_is_asked_again_later(database: Database, trouble: BackroomError) -> None:
    side = OtherSide(dies="after")
    with pytest.raises(Killed):
        run(database, side)
    side.dies, side.ask_fails = "", trouble
    assert run(database, side)["print-1"] is trouble
    assert state(database) == rows.STARTED
    side.ask_fails = None
    assert run(database, side)["print-1"] == {"number": "print-1"}
    assert side.happened == {"print-1": 1}


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("dies", ["", "before", "after"])
def test_another_request_under_the_key_of_one_that_was_begun_is_refused(
    database: Database, dies: str, idempotent: bool
) -> None:
    side = OtherSide(idempotent=idempotent, dies=dies)
    with contextlib.suppress(Killed):
        run(database, side)
    side.dies = ""
    before = dict(side.happened)
    result = run(database, side, an_effect(asked="two shirts"))["print-1"]
    assert isinstance(result, RequestChanged)
    assert side.happened == before
    assert side.asked == []


def test_another_request_under_the_key_of_one_whose_end_nobody_knows_is_refused(database: Database) -> None:
    side = OtherSide(fails=OutcomeUnknown("no answer"))
    run(database, side)
    side.fails = None
    assert isinstance(run(database, side, an_effect(asked="two shirts"))["print-1"], RequestChanged)
    assert side.happened == {}


def test_a_request_that_certainly_failed_may_be_corrected(database: Database) -> None:
    side = OtherSide(fails=Refuse("no such size"))
    run(database, side)
    side.fails = None
    corrected = an_effect(asked="one larger shirt")
    assert run(database, side, corrected)["print-1"] == {"number": "print-1"}
    assert isinstance(run(database, side)["print-1"], RequestChanged)
    assert run(database, side, corrected)["print-1"] == {"number": "print-1"}
    assert side.happened == {"print-1": 1}


def test_the_hash_of_a_request_tells_changes_and_not_the_order_of_its_words() -> None:
    asked = {"to": "anna@example.org", "text": "Hello"}
    seals, others = Seals(bytes(32)), Seals(bytes([1] * 32))
    digest = rows.request_hash(asked, seals)
    assert digest == rows.request_hash({"text": "Hello", "to": "anna@example.org"}, seals)
    assert len({digest, rows.request_hash(asked, others), rows.request_hash(asked)}) == 3
    assert digest != rows.request_hash(asked | {"to": "anna@example.com"}, seals)


def test_one_that_fails_does_not_hold_the_others_up(database: Database) -> None:
    class Moody(OtherSide):
        def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Mapping[str, Any] | BackroomError]:
            self.fails = Refuse("never") if requests[0][0] == "print-1" else None
            return super().carry_out(requests)

    side = Moody()
    results = run(database, side, *[an_effect(f"print-{i}") for i in range(3)])
    assert [isinstance(result, Refuse) for result in results.values()] == [False, True, False]


def test_who_lost_the_claim_starts_nothing(database: Database) -> None:
    side = OtherSide()
    token = a_claim(database)
    database.write(lambda c: give_up(c, token))
    with pytest.raises(ClaimLost):
        perform(database, token, [an_effect()], side)
    assert side.happened == {}


@pytest.mark.parametrize(
    ("idempotent", "at_the_moment_of"), [(False, "the question"), (False, "the call"), (True, "the call")]
)
def test_what_a_live_claim_has_in_hand_no_other_claim_touches(
    database: Database, idempotent: bool, at_the_moment_of: str
) -> None:
    first = a_claim(database)
    heard: list[Mapping[str, Any] | BackroomError] = []

    class Interrupted(OtherSide):
        def interrupt(self) -> None:
            other = OtherSide(idempotent=idempotent, happened=self.happened)
            heard.append(run(database, other)["print-1"])

        def ask(self, key: str, age: timedelta) -> Mapping[str, Any] | None:
            if at_the_moment_of == "the question":
                self.interrupt()
            return super().ask(key, age)

        def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Mapping[str, Any] | BackroomError]:
            if at_the_moment_of == "the call" and not self.dies:
                self.interrupt()
            return super().carry_out(requests)

    side = Interrupted(dies="before")
    with pytest.raises(Killed):
        perform(database, first, [an_effect()], side)
    side.dies = ""
    # The task's own retry, under the same claim.
    assert perform(database, first, [an_effect()], side)["print-1"] == {"number": "print-1"}
    assert [type(result) for result in heard] == [InOtherHands]
    assert side.happened == {"print-1": 1}
    assert run(database, side)["print-1"] == {"number": "print-1"}
    assert side.happened == {"print-1": 1}


def test_two_claims_that_come_at_once_for_one_effect_never_both_carry_it_out(database: Database) -> None:
    side = OtherSide()
    tokens = [a_claim(database) for _ in range(4)]
    results = run_together([partial(perform, database, token, [an_effect()], side) for token in tokens])
    assert side.happened == {"print-1": 1}
    assert side.asked == []
    answers = [result["print-1"] for result in results]
    assert all(isinstance(result, InOtherHands) or result == {"number": "print-1"} for result in answers)


def test_what_happened_is_written_even_when_the_lease_ran_out_meanwhile(database: Database) -> None:
    token = a_claim(database)

    class Slow(OtherSide):
        def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Mapping[str, Any] | BackroomError]:
            database.write(lambda c: give_up(c, token))
            return super().carry_out(requests)

    perform(database, token, [an_effect()], Slow())
    assert state(database) == rows.DONE


def test_a_late_failure_does_not_hide_that_somebody_else_has_begun_anew(database: Database) -> None:
    first = a_claim(database)
    side = OtherSide(dies="before")

    class Late(OtherSide):
        def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Mapping[str, Any] | BackroomError]:
            database.write(lambda c: give_up(c, first))
            with pytest.raises(Killed):
                run(database, side)
            return [Retry("too late")]

    perform(database, first, [an_effect()], Late())
    assert state(database) == rows.STARTED


def test_done_stays_done(database: Database) -> None:
    run(database, OtherSide())
    outcome = rows.Outcome("print-1", rows.FAILED)
    token = a_claim(database)
    database.write(lambda c: rows.settle(c, [outcome], token, now(c)))
    assert state(database) == rows.DONE


def test_every_try_is_counted(database: Database) -> None:
    side = OtherSide(fails=Retry("busy"))
    for _ in range(3):
        run(database, side)
    with database.read() as connection:
        assert rows.read(connection, ["print-1"])["print-1"]["tries"] == 3
