"""The doors that carriers tell their news at: each bound, on our side, to its carrier and its secret.

What belongs here: the way from raw bytes to what is told, or the reason why not. What does not: HTTP, and the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backroom.carriers import easypost_webhook
from backroom.carriers.easypost_webhook import Told
from backroom.channels.strict_json import parse_json
from backroom.domain.carriers import CarrierSpec
from backroom.shop.room import Room


@dataclass(frozen=True, slots=True)
class CarrierDoor:
    """One carrier's door. The secret is read when the gateway starts: a missing one stops it there, not here."""

    spec: CarrierSpec
    secret: str

    def read(self, body: bytes, headers: Mapping[str, str]) -> Told | None:
        """Verify, then parse; raises BadSignature or BrokenJson."""
        assert self.spec.api is not None
        easypost_webhook.verify(body, headers, self.secret)
        return easypost_webhook.read(parse_json(body), self.spec.api.mode)


def carrier_doors(room: Room) -> dict[str, CarrierDoor]:
    """The doors of every carrier that signs what it tells, by its id; SecretMissing where one has no secret."""
    return {
        spec.id: CarrierDoor(spec, room.secret(spec.api.webhook))
        for spec in room.shop.carriers
        if spec.api is not None and spec.api.webhook
    }
