"""One order at a partner: what is asked, and what it answers.

What belongs here: matching our pieces with the partner's, its states, the values of both sides. What does not: whether
an answer is what was asked (`partner_answers`), who the partner is (`partners`), speaking with it
(`backroom.partners`), its rows (`backroom.store.partner_orders`).

Never a partial order in silence: what cannot be matched whole is not submitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backroom.domain.errors import AskPerson
from backroom.domain.model import Address
from backroom.domain.partners import TECHNIQUES, PartnerSpec


class PartnerOrderState(StrEnum):
    """Where an order is at its partner.

    SUBMITTED is there and unanswered; STUCK waits for a person (jammed, on hold, unpaid); MADE is what was asked for,
    in our hands: picked by a cell, or arrived at the hub. SHORT is a cell that did not find all of it.
    """

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    STUCK = "stuck"
    SHIPPED = "shipped"
    MADE = "made"
    SHORT = "short"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


# Those in which the partner has something to do, and is asked how it stands.
AT_WORK = (
    PartnerOrderState.SUBMITTED,
    PartnerOrderState.ACCEPTED,
    PartnerOrderState.IN_PROGRESS,
    PartnerOrderState.STUCK,
)
# Those after which our order goes elsewhere, and not there again.
REFUSED = (PartnerOrderState.REJECTED, PartnerOrderState.CANCELLED, PartnerOrderState.SHORT)


# How often a partner is asked. One that signs its messages tells by itself, and is asked as the backstop; what takes
# days is asked about less often as it goes on.
ASK_EVERY, ASK_EVERY_BESIDE_MESSAGES = timedelta(minutes=5), timedelta(minutes=15)
ASK_AT_LEAST_EVERY = timedelta(hours=1)
# A draft waits for little: for its costs to be worked out.
ASK_DRAFT_EVERY = timedelta(seconds=20)


class CannotBeAsked(AskPerson):
    """This partner cannot be asked for this order whole: nothing was submitted."""

    cause = "partner_cannot_be_asked"


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One line as it is asked: the partner's `code` and our artwork, by the SHA-256 of its bytes, none for finished
    pieces. Its printed size is in millimetres; no height where it follows from the width."""

    line_no: int
    sku: str
    code: str
    quantity: int
    placement: str = ""
    artwork: str = ""
    technique: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    width_mm: int = 0
    height_mm: int = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets the parcel: only what stands on it, and a phone where the carrier needs one."""

    address: Address = field(repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ArtworkFile:
    """An artwork: its file here, and the address at which a partner may fetch it for a while, empty where there is
    none."""

    path: str
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """An order as a partner is asked for it. `reference` is our unique key of it; no `recipient` where nothing is sent.

    `artwork` is where the artworks are, by their SHA-256.
    """

    reference: str
    lines: tuple[AskedLine, ...]
    recipient: Recipient | None = field(default=None, repr=False)
    artwork: Mapping[str, ArtworkFile] = field(default_factory=dict, repr=False)
    shipping_method: str = ""


@dataclass(frozen=True, slots=True)
class ToldLine:
    """One line as the partner has it; `done` is how many pieces are made or picked, `prints` how many files it has for
    a piece, whatever their addresses.

    What a partner does not repeat is None. It is not compared, unless its interface has it repeat whatever was asked
    and count at the end what is done (`repeats`): then it is a doubt.
    """

    line_no: int
    code: str | None
    quantity: int
    placement: str | None = None
    artwork: str | None = None
    done: int | None = None
    attributes: Mapping[str, str] | None = None
    technique: str | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    prints: int | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class PartnerParcel:
    carrier: str
    tracking: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tote:
    """A tote that a cell picks an order into: what stands on its label, where it is handed over, and how many pieces of
    each line are in it, by the line's number. Nothing in it yet where the cell only knows which one it will be."""

    id: str
    at: str = ""
    pieces: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartnerStatus:
    """How an order stands at its partner. `lines` are None where it does not say what it has. `reason` is what somebody
    there wrote: it may name people, and is sealed.

    `cost_minor` is what they charge for it all, in their `currency`; None as long as they do not say. `revision` grows
    with each change over there; 0 where the partner has none. A `draft` is not made before it is confirmed.
    """

    reference: str
    partner_id: str
    state: PartnerOrderState
    lines: tuple[ToldLine, ...] | None = None
    parcels: tuple[PartnerParcel, ...] = ()
    totes: tuple[Tote, ...] = ()
    cost_minor: int | None = None
    currency: str = ""
    reason: str = field(default="", repr=False)
    revision: int = 0
    draft: bool = False

    @property
    def ready(self) -> bool:
        """Whether it is a draft that could be confirmed now: nothing is the matter with it, and its cost is known."""
        return self.draft and self.state is PartnerOrderState.SUBMITTED and self.cost_minor is not None


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A line of a fulfilment order, with the SHA-256 of its variant's artwork, empty where it has none, and the size in
    millimetres that it is printed at."""

    line_no: int
    sku: str
    quantity: int
    artwork: str = ""
    width_mm: int = 0
    height_mm: int = 0


def next_ask(at: datetime, submitted_at: datetime, *, signed: bool, draft: bool = False) -> datetime:
    """When to ask about an order again that was submitted then; `signed`: its partner sends messages we can trust.

    A `draft` is nobody's promise yet: it is asked about soon, and less often as it goes on.
    """
    least = ASK_DRAFT_EVERY if draft else ASK_EVERY_BESIDE_MESSAGES if signed else ASK_EVERY
    return at + min(max(least, (at - submitted_at) / 20), ASK_AT_LEAST_EVERY)


def match(spec: PartnerSpec, number: str, wanted: Sequence[WantedLine]) -> tuple[AskedLine, ...]:
    """Every line in the partner's words, or CannotBeAsked with all that is missing: never a part of it."""
    asked, missing = [], []
    for line in wanted:
        product = spec.product(line.sku)
        if product is None:
            missing.append(f"{line.sku} is not among its products")
        elif line.quantity < 1:
            missing.append(f"line {line.line_no} has no pieces")
        elif product.artwork and not line.artwork:
            missing.append(f"{line.sku} has no artwork")
        else:
            asked.append(
                AskedLine(
                    line_no=line.line_no,
                    sku=line.sku,
                    code=product.code,
                    quantity=line.quantity,
                    placement=product.placement if product.artwork else "",
                    artwork=line.artwork if product.artwork else "",
                    technique=product.technique or (TECHNIQUES.get(spec.adapter, "") if product.artwork else ""),
                    attributes=dict(product.attributes),
                    width_mm=line.width_mm if product.artwork else 0,
                    height_mm=line.height_mm if product.artwork else 0,
                )
            )
    if not wanted:
        missing.append("it has no lines")
    if missing:
        raise CannotBeAsked(
            f"{number} cannot be asked for whole: {'; '.join(missing)}.",
            remedy="Add what is missing to the shop file or the catalogue, then retry.",
        )
    return tuple(asked)
