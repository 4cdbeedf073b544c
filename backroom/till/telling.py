"""Telling the shop what was sold, whenever there is a line; and what there is to sell, how many are left, and when what
was sold is ready, from when there was one.

What belongs here: the calls, and what becomes of their answers. What does not: keeping sales (`sales_box`).
Sales go again and again until the shop has confirmed each by its number; it counts each once.

Three tills share a phone's network. So one connection stays open, and what has not changed is not sent again: a look
costs some hundred bytes each way.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from backroom.domain.waiting_sales import first_asked
from backroom.durable import flush, write_durably
from backroom.till.left import Left, OwnSales, read_left
from backroom.till.sales_box import SalesBox
from backroom.till.waits import OwnWaits, read_waits, say_waits

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 3.0, 15.0
LOOK_SECONDS = 3.0
# How old what there is to sell may be, and how long nobody notices that the line is gone while nothing is sold.
CATALOGUE_SECONDS = 30.0
AT_ONCE = 50
CATALOGUE, STOCK = "catalogue.json", "stock.json"
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
        self._path, self._stock_path = folder / CATALOGUE, folder / STOCK
        self._catalogue_at = float("-inf")
        # Used by the telling thread alone, as its connection is.
        self._session = requests.Session()
        self._tags: dict[str, str] = {}
        self.own = OwnSales()
        self.own_waits = OwnWaits()
        self.standing = Standing()
        self.answers: tuple[str, ...] = ()

    def catalogue(self) -> dict[str, Any] | None:
        """What there is to sell, as the shop said when it was last reached; None where it never was, or where the file
        is broken: then it is asked for anew."""
        told = _read(self._path)
        return told if isinstance(told, dict) and "items" in told else None

    def left(self) -> Left | None:
        """How many are left, as the shop said when it was last reached, less what this till sold since; None where it
        never was. Its age is that of the file, which lives longer than this process."""
        told = _read(self._stock_path)
        try:
            age = time.time() - self._stock_path.stat().st_mtime
        except FileNotFoundError:
            return None
        found = read_left(told, age)
        return None if found is None else self.own.less(found)

    def waits(self) -> list[str]:
        """When what customers wait for is ready, a line for each sale; empty where the shop promises nothing here."""
        try:
            told = read_waits(_read(self._stock_path))
        except (ValueError, KeyError):
            told = None
        if told is None:
            return []
        silent = not (self.standing.answered or self.standing.refused_key or self.standing.disk_full)
        return say_waits(told, self.own_waits.unsaid(told, first_asked(self._box.last)), cut_off=silent)

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
            known = self.catalogue() is not None
            if time.monotonic() - self._catalogue_at > CATALOGUE_SECONDS or not known:
                self._fetch("/pos/catalogue", self._path, known=known, shape=_catalogue)
                self._catalogue_at = time.monotonic()
                self.standing = Standing(answered=True, missing=self.standing.missing)
            while waiting := self._box.waiting(AT_ONCE):
                sales = [{"seq": one.seq, "sealed": one.sealed} for one in waiting]
                told = self._ask("POST", "/pos/sealed-sales", {"device": self._box.device, "sales": sales})
                self._settle(told["sales"], {one.seq for one in waiting})
                self.standing = Standing(answered=True, missing=tuple(told["missing"]))
            self._tell_wishes()
            self._look_what_is_left()
        except _KeyRefused:
            self.standing = Standing(refused_key=True, missing=self.standing.missing)
        except (requests.RequestException, ValueError, KeyError, TypeError):
            # Whatever answers in the shop's place, such as the page of a market's network: it is not the shop.
            self.standing = Standing(missing=self.standing.missing)
        except OSError as error:
            log.warning("the till's folder: %s", error)
            self.standing = Standing(disk_full=True, missing=self.standing.missing)

    def _look_what_is_left(self) -> None:
        asked_at = self.own.now()
        known = self.left() is not None
        query = {"device": self._box.device, "last": str(self._box.last)}
        self._fetch("/pos/stock", self._stock_path, known=known, shape=_stock, query=query)
        self.own.heard(asked_at)
        self.standing = Standing(answered=True, missing=self.standing.missing)

    def _settle(self, answers: list[dict[str, Any]], asked: set[int]) -> None:
        """Do with each sale as the shop said; ValueError where it says nothing of what it was told."""
        if not asked & {int(answer["seq"]) for answer in answers}:
            raise ValueError
        for answer in answers:
            seq = int(answer["seq"])
            reasons = [str(one["code"]) for one in answer["reasons"]] if answer["result"] == "refused" else None
            self.own.told(seq)
            if reasons is None:
                self._box.told(seq)
            elif SEALED in reasons:
                self._box.set_aside(seq)
                self._ask_which_key()  # it has another one now, for which the next sale is to be sealed
            else:
                self._box.refused(seq, reasons)
                self.own_waits.never(seq)

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
                self._ask_which_key()  # as with sales
            elif answer["outcome"] != "too_many":
                self._box.wishes.told(str(answer["key"]))
                self.answers = (*self.answers, str(answer["said"]))[-_LISTED:]

    def _fetch(
        self,
        path: str,
        file: Path,
        *,
        known: bool,
        shape: Callable[[dict[str, Any]], dict[str, Any]],
        query: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what stands there, by `shape`, which refuses what is not the shop's. Where it is what is `known` here
        from the last time, only the file's time changes."""
        tag = self._tags.get(path) if known else None
        answer = self._send("GET", path, headers={"If-None-Match": tag} if tag else {}, query=query)
        if tag and answer.status_code == requests.codes.not_modified:
            os.utime(file)
            return
        write_durably(file, json.dumps(shape(_object(answer))).encode())
        flush(file.parent)
        # Only now: what could not be kept is asked for again.
        self._tags[path] = answer.headers.get("ETag", "")

    def _ask_which_key(self) -> None:
        """Whatever is known here is asked for anew by the next look."""
        self._catalogue_at = float("-inf")
        self._tags.clear()

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        return _object(self._send(method, path, body))

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> requests.Response:
        answer = self._session.request(
            method,
            self._base + path,
            json=body,
            params=query,
            headers={**self._headers, **(headers or {})},
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )
        if answer.status_code == requests.codes.unauthorized:
            raise _KeyRefused
        answer.raise_for_status()
        return answer


def _catalogue(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "sealing_key": str(told["sealing_key"])}


def _stock(told: dict[str, Any]) -> dict[str, Any]:
    if read_left(told, 0) is None:
        raise ValueError
    read_waits(told)
    return told


def _object(answer: requests.Response) -> dict[str, Any]:
    told = answer.json()
    if not isinstance(told, dict):
        raise TypeError
    return told


def _read(path: Path) -> object:
    """What a file says; None where it is not there, or broken."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


class _KeyRefused(Exception):
    """The gateway does not know the till's key."""
