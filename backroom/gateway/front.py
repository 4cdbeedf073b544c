"""What every request shares: the room, whom to wake, the bell of the booths, the doors of the channels and of
the SMS provider, the meters, the spool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from fastapi import Request

from backroom.gateway.bell import Bell
from backroom.gateway.carrier_doors import CarrierDoor
from backroom.gateway.doors import WebhookDoor
from backroom.gateway.looks import Looks
from backroom.gateway.message_door import MessageDoor
from backroom.gateway.meters import Meters
from backroom.gateway.spooling import Spooling
from backroom.shop.room import Room
from backroom.store.claims import Wakeup

if TYPE_CHECKING:
    from backroom.gateway.partners import PartnerDoor


class Waker(Protocol):
    """Whoever tells the engine that there is work; it never blocks (`backroom.engine.wake.Waker`)."""

    def wake(self, wakeup: Wakeup) -> None: ...


@dataclass(frozen=True, slots=True)
class Front:
    """One gateway's shared things, kept at `app.state.front`."""

    room: Room
    waker: Waker | None
    bell: Bell
    doors: Mapping[str, WebhookDoor]
    meters: Meters
    spooling: Spooling
    messages: MessageDoor | None = None
    partner_doors: Mapping[str, PartnerDoor] = field(default_factory=dict)
    carrier_doors: Mapping[str, CarrierDoor] = field(default_factory=dict)
    looks: Looks = field(default_factory=Looks)

    def send(self, wakeups: Iterable[Wakeup]) -> None:
        """Send what a commit owes, after it: booths are rung here, everything is told to the engine."""
        for wakeup in dict.fromkeys(wakeups):
            if wakeup.stage == "print":
                self.bell.ring(wakeup.location)
            if self.waker is not None:
                self.waker.wake(wakeup)


def front_of(request: Request) -> Front:
    return cast(Front, request.app.state.front)
