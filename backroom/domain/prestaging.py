"""What to take to a market: the piece that avoids the most lost sales for its space comes first, until nothing fits.

What belongs here: choosing among finished pieces, pieces to be printed before leaving, and blanks to be printed there,
within limits that each is a whole number of something (millilitres, grams, seconds of printing, watt-hours, pieces on
a shelf). What does not: the forecasts (`forecast`), how many sales a piece avoids (`lost_sales`), moving anything
(`transfers`).

Where every piece takes the same space the choice is the best there is; with several limits and sizes it is near it
(`tests/unit/domain/test_prestaging.py` compares). With one limit, more room never loses more sales.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from backroom.domain.errors import Refuse
from backroom.domain.lost_sales import Chances, Family, family_of

# A piece that finds a buyer at fewer than one market in twenty stays at home.
LEAST_CHANCE = 0.05


class Kind(StrEnum):
    """How a piece comes to the booth."""

    FINISHED = "finished"
    TO_PRINT = "print before leaving"
    BLANK = "blank"


class TwoBlanks(Refuse):
    """A SKU is printed on two different blanks: which one of them it lacks cannot be told."""

    cause = "two_blanks"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One more piece that could come along. `item` is what is carried, `serves` the SKUs that it can become.

    `uses` is what one takes of which limit; `takes` what it needs of which material, in that material's unit.
    """

    item: str
    kind: Kind
    serves: tuple[str, ...]
    uses: Mapping[str, int]
    takes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Material:
    """Ink, paper and the like: a pack holds so many units, and takes so much of each limit. So many units are `spare`
    in the packs that are there already."""

    name: str
    pack: str
    holds: int
    uses: Mapping[str, int]
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What to bring of one item, and why. `avoids` is the lost sales that its pieces avoid together, `next_avoids` what
    one more would have."""

    item: str
    kind: Kind
    pieces: int
    avoids: float
    next_avoids: float
    stopped: str

    @property
    def reason(self) -> str:
        stopped = f", but {self.stopped} is used up" if self.stopped else ""
        return f"avoids {self.avoids:.1f} lost sales; one more would sell {_chance(self.next_avoids)}{stopped}"


@dataclass(frozen=True, slots=True)
class Packs:
    material: str
    pack: str
    packs: int
    units: int

    @property
    def reason(self) -> str:
        return f"{self.units} needed for the blanks"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to take. `lost_without` and `lost_with` are the sales lost on average with what is there already, and with
    the plan on top; `used` is what the plan takes of each limit; `full` are the kinds of space that keep more at home.
    """

    lines: tuple[Line, ...]
    packs: tuple[Packs, ...]
    lost_without: float
    lost_with: float
    used: Mapping[str, int]
    full: tuple[str, ...] = ()

    @property
    def pieces(self) -> int:
        return sum(line.pieces for line in self.lines)


def plan(
    demand: Mapping[str, Chances],
    candidates: Sequence[Candidate],
    limits: Mapping[str, int],
    *,
    space: Sequence[str],
    materials: Sequence[Material] = (),
    there: Mapping[str, int] | None = None,
    least_chance: float = LEAST_CHANCE,
) -> Plan:
    """Choose piece by piece. `demand` is the chances of 0, 1, 2 … pieces by SKU; `space` names the limits by which
    pieces are compared (one that takes twice the share of the van must avoid twice the lost sales); the others only
    bound. `there` is what the booth has already, finished pieces and blanks by item.

    Raises NoForecast and TwoBlanks.
    """
    return _Planner(demand, candidates, limits, space, materials, there or {}).run(least_chance)


class _Planner:
    def __init__(
        self,
        demand: Mapping[str, Chances],
        candidates: Sequence[Candidate],
        limits: Mapping[str, int],
        space: Sequence[str],
        materials: Sequence[Material],
        there: Mapping[str, int],
    ) -> None:
        self._limits = limits
        self._spaces = tuple(space)
        self._space = [name for name in space if limits.get(name, 0) > 0]
        self._materials = {material.name: material for material in materials}
        # Sorted, so that the same pieces in another order are the same plan.
        self._candidates = sorted(candidates, key=lambda one: (one.kind != Kind.FINISHED, one.kind, one.item))
        self._families = _families(demand, self._candidates, limits, there)
        self._keys = [(one.kind, one.item) for one in self._candidates]
        self._touched = {(one.kind, one.item): self._limits_of(one) for one in self._candidates}
        self._taken = dict.fromkeys(self._keys, 0)
        self._avoided = dict.fromkeys(self._keys, 0.0)
        self._used = dict.fromkeys(limits, 0)
        self._needed = dict.fromkeys(self._materials, 0)

    def _limits_of(self, one: Candidate) -> tuple[str, ...]:
        """The limits that a piece or its materials take something of."""
        own = {name for name, amount in one.uses.items() if amount}
        theirs = {name for material in one.takes for name in self._materials[material].uses}
        return tuple(name for name in self._limits if name in own | theirs)

    def run(self, least_chance: float) -> Plan:
        families = {id(family): family for family in self._families.values()}
        before = sum(family.lost() for family in families.values())
        avoids = {key: self._avoids(one) for key, one in zip(self._keys, self._candidates, strict=True)}
        while (best := self._best(avoids, least_chance)) is not None:
            self._take(best, avoids[best.kind, best.item])
            family = self._families[best.serves[0]]
            for one in self._candidates:
                if self._families[one.serves[0]] is family:
                    avoids[one.kind, one.item] = self._avoids(one)
        lines = [self._line(one, avoids[one.kind, one.item], least_chance) for one in self._candidates]
        packs = [
            Packs(name, material.pack, self._packs(name, self._needed[name]), self._needed[name])
            for name, material in self._materials.items()
        ]
        return Plan(
            tuple(sorted((line for line in lines if line.pieces), key=lambda line: (-line.avoids, line.item))),
            tuple(one for one in packs if one.packs),
            before,
            sum(family.lost() for family in families.values()),
            dict(self._used),
            self._full(avoids, least_chance),
        )

    def _full(self, avoids: Mapping[tuple[Kind, str], float], least_chance: float) -> tuple[str, ...]:
        worth = [one for one in self._candidates if avoids[one.kind, one.item] >= least_chance]
        hindering = {self._hinders(one) for one in worth}
        return tuple(name for name in self._spaces if name in hindering)

    def _avoids(self, one: Candidate) -> float:
        family = self._families[one.serves[0]]
        return family.blank_avoids() if one.kind is Kind.BLANK else family.piece_avoids(one.serves[0])

    def _best(self, avoids: Mapping[tuple[Kind, str], float], least_chance: float) -> Candidate | None:
        best, worth = None, 0.0
        for one in self._candidates:
            gain = avoids[one.kind, one.item]
            # A hair more, or two that differ by rounding only would swap their places.
            if gain >= least_chance and self._hinders(one) == "" and self._worth(one, gain) > worth * (1 + 1e-9):
                best, worth = one, self._worth(one, gain)
        return best

    def _worth(self, one: Candidate, gain: float) -> float:
        """Lost sales avoided for the largest share of any space that it takes, its part of the materials included."""
        shares = [self._share(one, name) for name in self._space]
        return gain / max([*shares, 1e-9])

    def _share(self, one: Candidate, name: str) -> float:
        taken = float(one.uses.get(name, 0))
        for material, units in one.takes.items():
            pack = self._materials[material]
            taken += units / pack.holds * pack.uses.get(name, 0)
        return taken / self._limits[name]

    def _hinders(self, one: Candidate) -> str:
        """The limit that one more of it would break; empty if it fits, whole packs of material included."""
        for name in self._touched[one.kind, one.item]:
            if self._used[name] + self._uses(one, name) > self._limits[name]:
                return name
        return ""

    def _uses(self, one: Candidate, name: str) -> int:
        packs = 0
        for material, units in one.takes.items():
            needed = self._needed[material]
            more = self._packs(material, needed + units) - self._packs(material, needed)
            packs += more * self._materials[material].uses.get(name, 0)
        return one.uses.get(name, 0) + packs

    def _packs(self, material: str, units: int) -> int:
        one = self._materials[material]
        return max(0, -(-(units - one.spare) // one.holds))

    def _take(self, one: Candidate, gain: float) -> None:
        for name in self._touched[one.kind, one.item]:
            self._used[name] += self._uses(one, name)
        for material, units in one.takes.items():
            self._needed[material] += units
        self._taken[one.kind, one.item] += 1
        self._avoided[one.kind, one.item] += gain
        family = self._families[one.serves[0]]
        if one.kind is Kind.BLANK:
            family.add_blanks()
        else:
            family.add(one.serves[0])

    def _line(self, one: Candidate, next_avoids: float, least_chance: float) -> Line:
        key = one.kind, one.item
        hindered = self._hinders(one) if next_avoids >= least_chance else ""
        return Line(one.item, one.kind, self._taken[key], self._avoided[key], next_avoids, hindered)


def _families(
    demand: Mapping[str, Chances],
    candidates: Sequence[Candidate],
    limits: Mapping[str, int],
    there: Mapping[str, int],
) -> dict[str, Family]:
    """Every SKU's family, with what is there already."""
    blanks = {one.item: one for one in candidates if one.kind is Kind.BLANK}
    found: dict[str, Family] = {}
    for blank in blanks.values():
        for sku in blank.serves:
            if sku in found:
                raise TwoBlanks(f"{sku} is printed on more than one blank", remedy="Tag one blank for it.")
        most = min([limit // blank.uses[name] for name, limit in limits.items() if blank.uses.get(name)], default=0)
        family = family_of(blank.serves, demand, there.get(blank.item, 0) + most)
        family.add_blanks(there.get(blank.item, 0))
        found |= dict.fromkeys(blank.serves, family)
    for one in candidates:
        for sku in one.serves:
            if sku not in found:
                found[sku] = family_of([sku], demand, 0)
    for sku, family in found.items():
        family.add(sku, there.get(sku, 0))
    return found


def _chance(share: float) -> str:
    if share >= 0.95:
        return "nearly always"
    return f"at {share * 100:.0f} of 100 markets" if share >= 0.01 else "hardly ever"
