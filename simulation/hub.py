"""The hub at work: wake-ups are heard and the waves run, as the flows run them and without Prefect.

What belongs here: which tasks a wake-up means, in the order of the flows. What does not: the tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from prefect.logging import disable_run_logger

from backroom.domain.model import StepOutcome
from backroom.engine.wake import RunRequest, Waker, woken_by
from backroom.shop.room import Room, working_in
from backroom.store import fulfilment, intake
from backroom.store.claims import Wakeup
from tasks.claiming import claim_fulfilment, claim_intake, holding
from tasks.events import look_after_events
from tasks.label import label
from tasks.notify import notify
from tasks.pack import pack
from tasks.print_or_pick import print_or_pick
from tasks.print_promises import review_promises
from tasks.release import release
from tasks.reserve import reserve
from tasks.route import route
from tasks.validate import validate

ROUTED_AGAIN = 3


class Bell(Waker):
    """A waker that starts no runs: it remembers what there is to do."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: set[tuple[str, str]] = set()
        self.asked: list[RunRequest] = []

    def wake(self, wakeup: Wakeup) -> None:
        self.rung.add((wakeup.stage, wakeup.location))

    def start(self, request: RunRequest) -> Future[bool]:
        self.asked.append(request)
        answer: Future[bool] = Future()
        answer.set_result(True)
        return answer


class Hub:
    """The waves of one room. `steps` counts how their steps ended, by result and cause."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.bell = Bell()
        self.steps: Counter[str] = Counter()
        self.trouble: list[StepOutcome] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """This process is the hub's: its tasks find this room, and its wake-ups come here."""
        with working_in(self.room), woken_by(self.bell), disable_run_logger():
            yield

    def work(self) -> bool:
        """Run the waves until no wake-up waits; whether there was any."""
        worked = False
        while waiting := self.bell.rung & self._served():
            self.bell.rung -= waiting
            for stage, location in sorted(waiting, reverse=True):
                if stage == intake.STAGE:
                    self._intake()
                else:
                    self.fulfil(location)
                worked = True
        return worked

    def fulfil(self, location: str) -> None:
        """Fulfilment at a location, as `flows.fulfilment` does it."""
        if claim := claim_fulfilment(self.room, location):
            with holding(self.room, claim):
                for step in (print_or_pick, pack, label, notify):
                    self._note(step.fn(claim))
            self.promise(location)

    def promise(self, location: str) -> None:
        """Look at what was promised there, as the sweep does every minute."""
        review_promises.fn(location)

    def look_after_events(self) -> None:
        """Open and close events, as the sweep does every minute."""
        look_after_events.fn()

    def _intake(self) -> None:
        if claim := claim_intake(self.room):
            with holding(self.room, claim):
                self._note(validate.fn(claim))
                for _ in range(ROUTED_AGAIN):
                    self._note(route.fn(claim))
                    tried = reserve.fn(claim)
                    self._note(tried)
                    if not any(outcome.result == "again" for outcome in tried):
                        break
                self._note(release.fn(claim))

    def _note(self, outcomes: list[StepOutcome]) -> None:
        for one in outcomes:
            self.steps[one.result] += 1
            if one.result not in ("advanced", "waiting", "again"):
                self.trouble.append(one)

    def _served(self) -> set[tuple[str, str]]:
        places = {(fulfilment.STAGE, place.id) for place in self.room.shop.locations}
        return places | {(intake.STAGE, self.room.shop.hub)}
