"""What we must know of a customer to serve an order, sealed under the customer's key as one value."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from backroom.domain.model import Address
from backroom.store.seals import seal, unseal

CONTEXT = "orders.contact"


@dataclass(frozen=True, slots=True)
class Contact:
    """E-mail (normalised), phone (E.164), address and the customer's note; empty where unknown."""

    email: str = ""
    phone: str = ""
    address: Address | None = None
    note: str = ""


def seal_contact(key: bytes, contact: Contact) -> bytes:
    return seal(key, json.dumps(asdict(contact), ensure_ascii=False).encode(), CONTEXT)


def open_contact(key: bytes, sealed: bytes) -> Contact:
    values = json.loads(unseal(key, sealed, CONTEXT))
    address = values.pop("address")
    return Contact(address=Address(**address) if address else None, **values)
