"""The line of runs to be created: those that can wait stand back, and nobody is forgotten."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from backroom.engine.wake_line import Line

LONG = 60.0


def test_whoever_cannot_wait_goes_before_those_who_can() -> None:
    line: Line[str] = Line(LONG)
    line.put("question", can_wait=True)
    line.put("wave")
    assert [line.get(1), line.get(1)] == ["wave", "question"]


def test_of_those_who_can_wait_one_goes_and_the_next_stands_back() -> None:
    line: Line[int] = Line(LONG)
    for number in (1, 2):
        line.put(number, can_wait=True)
    assert line.get(1) == 1
    with pytest.raises(queue.Empty):
        line.get(0.05)
    line.put(3)
    assert line.get(1) == 3


def test_the_next_question_comes_when_its_time_has_come() -> None:
    line: Line[int] = Line(0.2)
    for number in (1, 2):
        line.put(number, can_wait=True)
    began = time.monotonic()
    assert [line.get(5), line.get(5)] == [1, 2]
    assert time.monotonic() - began >= 0.2


def test_who_leaves_takes_everybody_along_in_the_order_of_their_coming() -> None:
    line: Line[int] = Line(LONG)
    for number in range(4):
        line.put(number, can_wait=True)
    assert line.get(1) == 0
    waiting = threading.Timer(0.1, line.hurry)
    waiting.start()
    assert [line.get(5) for _ in range(3)] == [1, 2, 3]
    waiting.join()


def test_nobody_is_served_from_an_empty_line() -> None:
    line: Line[int] = Line(LONG)
    with pytest.raises(queue.Empty):
        line.get(0)
