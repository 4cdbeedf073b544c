"""Sending the demo's orders through the doors of the gateway: signed webhooks, a till's batches, and a CSV file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from sqlalchemy import Connection

from backroom.channels.csvfile import read_file
from backroom.channels.delivering import delivery_of
from backroom.channels.registry import channel_for
from backroom.channels.signing import sign
from backroom.engine.wake import Waker
from backroom.shop.demo_orders import DemoOrder, csv_file
from backroom.shop.room import Room
from backroom.store import api_keys
from backroom.store.inbox_door import accept

SENDERS = 4
TIMEOUT = (3.0, 30.0)
FORGED_WITH = "a forger's guess"


class Sender:
    """Sends demo orders to one gateway, and notes which were answered otherwise than they must be."""

    def __init__(self, room: Room, gateway: str, api: str) -> None:
        self._room = room
        self._waker = Waker(api)
        self._gateway = gateway
        self._till_keys = {
            spec.location: room.database.write(_till_key(spec.location))
            for spec in room.shop.channels
            if spec.kind == "pos" and spec.location
        }
        self.wrong_answers: list[str] = []

    def send(self, orders: Sequence[DemoOrder], sent: Callable[[], None]) -> None:
        """Send everything; `sent` is called after each message."""
        online = [order for order in orders if order.door != "csv"]
        with ThreadPoolExecutor(SENDERS) as pool:
            for problem in pool.map(self.deliver, online):
                if problem:
                    self.wrong_answers.append(problem)
                sent()
        filed = [order for order in orders if order.door == "csv"]
        if filed:
            self._import(filed)
            for _ in filed:
                sent()

    def deliver(self, order: DemoOrder) -> str:
        """Deliver one message; returns what is wrong with its answer, empty when it is as it must be.

        Raises what `requests` raises where no answer came: then a channel delivers again.
        """
        if order.door == "csv":
            self._import([order])
            return ""
        channel = self._room.shop.channel(order.channel_id)
        if order.door == "pos":
            response = requests.post(
                f"{self._gateway}/pos/sales",
                json={"device": order.payload["device"], "sales": [order.payload]},
                headers={"Authorization": f"Bearer {self._till_keys[channel.location]}"},
                timeout=TIMEOUT,
            )
        else:
            body = order.body.encode() or _json(order.payload)
            secret = FORGED_WITH if order.forged else self._room.secret(channel.secret)
            headers = sign(channel.kind, body, secret, topic=order.topic, shop_domain=channel.shop_domain)
            response = requests.post(
                f"{self._gateway}/webhooks/{channel.id}", data=body, headers=headers, timeout=TIMEOUT
            )
        if response.status_code != order.expect.status:
            return f"{order.kind} was answered {response.status_code}, not {order.expect.status}"
        return ""

    def _import(self, orders: Sequence[DemoOrder]) -> None:
        """The boutiques' file, taken in as `backroom import` does."""
        spec = self._room.shop.channel(orders[0].channel_id)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "boutiques.csv"
            path.write_bytes(csv_file(orders))
            drop = read_file(path.read_bytes(), path.name)
        reader = channel_for(spec)
        deliveries = [delivery_of(spec, reader, json.loads(one.body), {}, one.body) for one in drop.orders]
        hub, seals = self._room.shop.hub, self._room.seals
        receipts = self._room.database.write(lambda c: [accept(c, seals, one, hub) for one in deliveries])
        for receipt in receipts:
            if receipt.wakeup is not None:
                self._waker.wake(receipt.wakeup)


def _json(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()


def _till_key(location: str) -> Callable[[Connection], str]:
    return lambda connection: api_keys.make_key(connection, f"demo till at {location}", "pos", location)
