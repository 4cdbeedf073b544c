"""An evening from a seed: who comes when and wants what, what is brought along, and what goes wrong.

What belongs here: chance, and all of it. Two evenings of one seed are the same. What does not: what becomes of it
(`night`).

Customers come as a Poisson stream with a peak in the middle of the evening; given their number, their times are
independent draws from that stream's density.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import exp
from random import Random

from backroom.domain.model import Variant

# A Saturday before Christmas; the booth's hours in the demo shop begin at three. It is far ahead because what is sealed
# for a booth is dead after the event, by the clock of the machine that it is played on.
OPENS = datetime(2036, 11, 29, 16, tzinfo=UTC)
HOURS = 4
CLOSES = OPENS + timedelta(hours=HOURS)
CUSTOMERS = 200
CUT_OFF = timedelta(minutes=30)
# Near the end nobody is asked to wait for a print: it is sent home instead.
LAST_PRINTS = CLOSES - timedelta(minutes=30)
# Where the crowd is thickest, as a share of the evening, how wide that is, and what comes in quiet hours beside it.
PEAK, WIDTH, QUIET = 0.55, 0.22, 0.45

# No sample of it was looked at at the booth: it is not printed there, and who stands there takes another motif.
UNSAMPLED, INSTEAD = "TEE-TRAM-BONE", "TEE-TIDE-BONE"


class Wish(StrEnum):
    """What a customer wants. CARRY takes pieces from the table, WAIT has something printed and comes back for it, SEND
    has it sent home: all three at the till. FETCH ordered online and comes by, LOCAL ordered online and lives around
    the corner: the booth makes both. ONLINE is anybody else."""

    CARRY = "carry"
    WAIT = "wait"
    SEND = "send"
    FETCH = "fetch"
    LOCAL = "local"
    ONLINE = "online"


SHARES: Mapping[Wish, int] = {
    Wish.CARRY: 46,
    Wish.WAIT: 24,
    Wish.SEND: 5,
    Wish.FETCH: 10,
    Wish.LOCAL: 6,
    Wish.ONLINE: 9,
}
AT_THE_TILL = (Wish.CARRY, Wish.WAIT, Wish.SEND)


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer: when they order, what, and how many of it."""

    number: int
    at: datetime
    wish: Wish
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A press that stops for some minutes, out of paper."""

    press: int
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Evening:
    """All that chance decides. `lent` are pieces and blanks from the hub's stock by SKU; `stolen` is what disappears
    from the table; `dies` is a press and when, for good; `cut_off` is when the network goes."""

    seed: int
    customers: tuple[Customer, ...]
    lent: Mapping[str, int]
    stolen: Mapping[str, int]
    paper_out: tuple[Stopped, ...]
    dies: tuple[int, datetime]
    cut_off: datetime

    @property
    def back(self) -> datetime:
        return self.cut_off + CUT_OFF


def evening(seed: int, catalogue: Sequence[Variant], presses: int) -> Evening:
    """The evening of a seed. `catalogue` is what there is to sell and to print on."""
    chance = Random(seed)  # noqa: S311 - an evening, not a secret
    blanks = [one for one in catalogue if "blank" in one.tags]
    shown = [one for one in catalogue if one.artwork and "made-to-order" not in one.tags and "hoodie" not in one.tags]
    # One artwork of the demo shop is missing on purpose.
    tees = [one for one in catalogue if "tee" in one.tags and one.artwork and "ECLI" not in one.sku]
    totes = [one for one in catalogue if "tote" in one.tags and one.artwork]
    lent = {one.sku: chance.randint(2, 5) if "tee" in one.tags else chance.randint(5, 9) for one in shown}
    lent |= {one.sku: chance.randint(6, 12) if "tee" in one.tags else chance.randint(10, 16) for one in blanks}
    dear = chance.sample(sorted(one.sku for one in shown if lent[one.sku] > 3), 3)
    died = chance.randrange(presses)
    dies_at = _between(chance, 0.30, 0.80)
    stops = chance.choice([1, 1, 2])
    living = [press for press in range(presses) if press != died]
    return Evening(
        seed=seed,
        customers=_customers(chance, shown, tees, totes),
        lent=lent,
        stolen=dict(Counter(dear[: chance.randint(1, 3)])),
        paper_out=tuple(_stopped(chance, living) for _ in range(stops)),
        dies=(died, dies_at),
        cut_off=_between(chance, 0.15, 0.80),
    )


def _customers(
    chance: Random, shown: Sequence[Variant], tees: Sequence[Variant], totes: Sequence[Variant]
) -> tuple[Customer, ...]:
    times = sorted(_arrival(chance) for _ in range(CUSTOMERS))
    wishes = chance.choices(list(SHARES), list(SHARES.values()), k=CUSTOMERS)
    found = []
    for number, (at, wish) in enumerate(zip(times, wishes, strict=True)):
        if wish is Wish.WAIT and at > LAST_PRINTS:
            wish = Wish.SEND
        choice = {Wish.CARRY: shown, Wish.ONLINE: shown}.get(wish) or (tees if chance.random() < 0.7 else totes)
        wanted = Counter(chance.choice(choice).sku for _ in range(chance.choices((1, 2, 3), (74, 20, 6))[0]))
        if wish in (Wish.WAIT, Wish.FETCH):
            wanted = Counter(_offered(sku) for sku in wanted.elements())
        found.append(Customer(number, at, wish, tuple(sorted(wanted.items()))))
    return tuple(found)


def _offered(sku: str) -> str:
    """What somebody takes who is to wait for it at the booth, where nothing is offered that it may not print."""
    return sku.replace(UNSAMPLED, INSTEAD) if sku.startswith(UNSAMPLED) else sku


def _arrival(chance: Random) -> datetime:
    while True:
        share = chance.random()
        if chance.random() * (1 + QUIET) <= QUIET + exp(-(((share - PEAK) / WIDTH) ** 2)):
            return OPENS + timedelta(seconds=round(share * HOURS * 3600))


def _between(chance: Random, first: float, last: float) -> datetime:
    return OPENS + timedelta(seconds=round(chance.uniform(first, last) * HOURS * 3600))


def _stopped(chance: Random, presses: Sequence[int]) -> Stopped:
    at = _between(chance, 0.1, 0.9)
    return Stopped(chance.choice(presses), at, at + timedelta(minutes=chance.uniform(3, 9)))
