"""Telling the shop what was sold, whenever there is a line; and what there is to sell, from when there was one.

What belongs here: the calls, and what becomes of their answers. What does not: keeping sales (`sales_box`).
Sales go again and again until the shop has confirmed each by its number; it counts each once.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from backroom.durable import flush, write_durably
from backroom.till.sales_box import SalesBox

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 3.0, 15.0
LOOK_SECONDS = 3.0
# How old what there is to sell may be, and how long nobody notices that the line is gone while nothing is sold.
CATALOGUE_SECONDS = 30.0
AT_ONCE = 50
CATALOGUE = "catalogue.json"
# What the shop says of a sale or a wish that none of its keys opens: it keeps no copy of it.
SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a till stands with the shop: whether it answered last, and what the shop lacks of its numbers. `disk_full`:
    this machine's disk takes nothing, so that nobody knows here what the shop has."""

    answered: bool = False
    refused_key: bool = False
    disk_full: bool = False
    missing: tuple[int, ...] = ()


# What the page says of the last wishes that the shop answered.
_LISTED = 3


class Telling:
    """The till's way to the shop, in a thread of its own."""

    def __init__(self, *, gateway: str, key: str, box: SalesBox, folder: Path) -> None:
        self._base = gateway.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._box = box
        self._path = folder / CATALOGUE
        self._catalogue_at = float("-inf")
        self.standing = Standing()
        self.answers: tuple[str, ...] = ()

    def catalogue(self) -> dict[str, Any] | None:
        """What there is to sell, as the shop said when it was last reached; None where it never was, or where the file
        is broken: then it is asked for anew."""
        try:
            told = json.loads(self._path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return told if isinstance(told, dict) and "items" in told else None

    def run(self, over: threading.Event) -> None:
        """Tell for ever, whatever happens: without this thread the page would say what was true an hour ago."""
        while True:
            try:
                self.look()
            except Exception:
                log.exception("the till could not look for the shop")
                self.standing = Standing(missing=self.standing.missing)
            if over.wait(LOOK_SECONDS):
                return

    def look(self) -> None:
        """Tell once all that waits, and ask what there is to sell where that is old."""
        try:
            if time.monotonic() - self._catalogue_at > CATALOGUE_SECONDS or self.catalogue() is None:
                self._keep(self._ask("GET", "/pos/catalogue"))
                self._catalogue_at = time.monotonic()
                self.standing = Standing(answered=True, missing=self.standing.missing)
            while waiting := self._box.waiting(AT_ONCE):
                sales = [{"seq": one.seq, "sealed": one.sealed} for one in waiting]
                told = self._ask("POST", "/pos/sealed-sales", {"device": self._box.device, "sales": sales})
                self._settle(told["sales"], {one.seq for one in waiting})
                self.standing = Standing(answered=True, missing=tuple(told["missing"]))
            self._tell_wishes()
        except _KeyRefused:
            self.standing = Standing(refused_key=True, missing=self.standing.missing)
        except (requests.RequestException, ValueError, KeyError, TypeError):
            # Whatever answers in the shop's place, such as the page of a market's network: it is not the shop.
            self.standing = Standing(missing=self.standing.missing)
        except OSError as error:
            log.warning("the till's folder: %s", error)
            self.standing = Standing(disk_full=True, missing=self.standing.missing)

    def _settle(self, answers: list[dict[str, Any]], asked: set[int]) -> None:
        """Do with each sale as the shop said; ValueError where it says nothing of what it was told."""
        if not asked & {int(answer["seq"]) for answer in answers}:
            raise ValueError
        for answer in answers:
            seq = int(answer["seq"])
            reasons = [str(one["code"]) for one in answer["reasons"]] if answer["result"] == "refused" else None
            if reasons is None:
                self._box.told(seq)
            elif SEALED in reasons:
                self._box.set_aside(seq)
                self._catalogue_at = float("-inf")  # it has another key now, for which the next sale is to be sealed
            else:
                self._box.refused(seq, reasons)

    def _tell_wishes(self) -> None:
        """What the shop cannot take yet stays for the next look."""
        waiting = self._box.wishes.waiting(AT_ONCE)
        if not waiting:
            return
        wishes = [{"key": one.key, "sealed": one.sealed} for one in waiting]
        told = self._ask("POST", "/pos/sealed-wishes", {"device": self._box.device, "wishes": wishes})
        for answer in told["wishes"]:
            if answer["outcome"] == SEALED:
                self._box.wishes.set_aside(str(answer["key"]))
                self._catalogue_at = float("-inf")  # as with sales
            elif answer["outcome"] != "too_many":
                self._box.wishes.told(str(answer["key"]))
                self.answers = (*self.answers, str(answer["said"]))[-_LISTED:]

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = requests.request(
            method,
            self._base + path,
            json=body,
            headers=self._headers,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )
        if answer.status_code == requests.codes.unauthorized:
            raise _KeyRefused
        answer.raise_for_status()
        told = answer.json()
        if not isinstance(told, dict):
            raise TypeError
        return told

    def _keep(self, told: dict[str, Any]) -> None:
        write_durably(self._path, json.dumps({**told, "sealing_key": str(told["sealing_key"])}).encode())
        flush(self._path.parent)


class _KeyRefused(Exception):
    """The gateway does not know the till's key."""
