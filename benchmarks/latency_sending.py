"""An open-loop sender of signed webhooks: each goes out at its time, whether the one before was answered or not.

What belongs here: making the orders, sending them at a rate, and when each was due, sent and answered. What does not:
what became of them. It speaks HTTP/1.1 itself, over connections that it keeps: a client library would take more of the
processor for a request than the gateway does.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from backroom.channels.signing import sign
from backroom.shop.demo_messages import MADE_TO_ORDER, PLENTY, WEB, Maker, from_shopify, good
from backroom.shop.demo_people import FAR, NEARBY
from backroom.shop.room import Room

IDLE_AT_MOST = 2.0
ANSWER_WITHIN = 30.0
EVENT_AT_THE_BOOTH = {"name": "event", "value": "nachtmarkt"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request, ready to be written to a connection, and the order it is about."""

    external_id: str
    request: bytes


@dataclass(slots=True)
class Sent:
    """One webhook on its way, by the clock of the wall: when it was due, written, and answered with what."""

    external_id: str
    due: float
    sent: float = 0.0
    answered: float = 0.0
    status: int = 0

    @property
    def answer_ms(self) -> float:
        return (self.answered - self.sent) * 1000

    @property
    def late_ms(self) -> float:
        """How late the sender itself was: the machine's doing, not the gateway's."""
        return (self.sent - self.due) * 1000


class OrderMaker:
    """Orders of the demo's web shop, each as a signed webhook; the same seed gives the same ones."""

    def __init__(self, room: Room, seed: int = 1) -> None:
        self._maker = Maker(seed, datetime.now(UTC))
        self._room = room

    def from_stock(self, count: int) -> list[Webhook]:
        """Paid orders of what is in stock, half near the local hub and half far away, with an e-mail each."""
        return [self._webhook(place=(NEARBY, FAR)[index % 2], made=PLENTY) for index in range(count)]

    def at_the_booth(self, count: int) -> list[Webhook]:
        """Paid orders of the night market: what is never in stock, so it is printed at the booth."""
        return [self._webhook(place=NEARBY, made=MADE_TO_ORDER, booth=True) for _ in range(count)]

    def _webhook(self, *, place: Sequence, made: Sequence[str], booth: bool = False) -> Webhook:
        maker, channel = self._maker, self._room.shop.channel(WEB)
        sale = maker.sale(maker.one_of(made), place=maker.place(place))
        order = from_shopify("measured", sale, good(sale, ""))
        payload = order.payload | ({"note_attributes": [EVENT_AT_THE_BOOTH]} if booth else {})
        body = json.dumps(payload, ensure_ascii=False).encode()
        secret = self._room.secret(channel.secret)
        headers = sign(channel.kind, body, secret, topic=order.topic, shop_domain=channel.shop_domain)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        start = f"POST /webhooks/{channel.id} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        return Webhook(order.external_id, f"{start}{head}\r\n".encode() + body)


def send_at(webhooks: Sequence[Webhook], rate: float, port: int) -> list[Sent]:
    """Send so many a second, in this thread; returns when all are answered. Anything but 200 is an error of its own."""
    # Who measures milliseconds collects no garbage meanwhile.
    gc.collect()
    gc.disable()
    try:
        return asyncio.run(_send_all(webhooks, rate, port))
    finally:
        gc.enable()


async def _send_all(webhooks: Sequence[Webhook], rate: float, port: int) -> list[Sent]:
    lines = _Lines(port)
    began = time.time() + 0.1
    sent = [Sent(one.external_id, began + index / rate) for index, one in enumerate(webhooks)]
    running = []
    for one, webhook in zip(sent, webhooks, strict=True):
        await asyncio.sleep(one.due - time.time())
        running.append(asyncio.create_task(lines.post(one, webhook)))
    await asyncio.gather(*running)
    lines.close()
    return sent


class _Lines:
    """Connections to the gateway: one that was at work a moment ago is taken, else another is opened.

    The gateway hangs up on whoever says nothing for five seconds, perhaps just as the next message is written.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, sent: Sent, webhook: Webhook) -> None:
        sent.sent = time.time()
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = self._fresh() or await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(webhook.request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
        sent.answered = time.time()
        sent.status = int(head.split(b" ", 2)[1])
        self._idle.append((sent.answered, reader, writer))

    def _fresh(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if self._idle and time.time() - self._idle[-1][0] < IDLE_AT_MOST:
            _, reader, writer = self._idle.pop()
            return reader, writer
        # The last one is the youngest.
        self.close()
        return None

    def close(self) -> None:
        while self._idle:
            with suppress(OSError):
                self._idle.pop()[2].close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("the gateway told no length")


def percentile(values: Iterable[float], share: float) -> float:
    """The value below or at which a share of them lie (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * round(share * 1000) // 1000) - 1)]
