"""The till's box of sales: each a file of its own, numbered for ever, on the disk before the customer leaves.

What belongs here: keeping, listing and dropping them. What does not: what a sale says (`page`), and telling the shop
(`telling`). A file is written whole, flushed and then renamed: a crash leaves the sale or nothing. The file of the
newest sale stays, emptied, when the shop has it, so that its number never comes again. What the shop cannot open has no
other copy: it stays, set aside, until somebody has it told again.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backroom.domain.errors import AskPerson, Refuse
from backroom.durable import flush, write_durably
from backroom.till.sealed_sale import seal_sale
from backroom.till.wish_box import WishBox

NAME, REFUSED, LOCK = "till.json", "refused.json", "till.lock"
_FILE = re.compile(r"(\d{9})\.(sale|told|aside)")
# Of how many forms it is known that they were sold: more than anybody has open.
MOST_FORMS = 1000


class TillRunsAlready(AskPerson):
    """Another process sells from this folder."""

    cause = "till_runs_already"


class FormSoldBefore(Refuse):
    """A form that was sold says something else now: `seq` is the number it was sold under."""

    cause = "form_sold_before"

    def __init__(self, seq: int) -> None:
        super().__init__(f"this form was sold already, as number {seq}")
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Kept:
    """A sealed sale that the shop has not confirmed."""

    seq: int
    sealed: str


class SalesBox:
    """The box of one till. Threads may share it; a second process is refused (TillRunsAlready)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._guard = threading.Lock()
        self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise TillRunsAlready(
                "a till runs from this folder already", remedy="Use its page, or give this one another folder."
            ) from None
        for draft in folder.glob("*.new"):
            draft.unlink()
        self.device = self._named()
        self.wishes = WishBox(folder, self.device)
        self._last = max((seq for seq, _ in self._files()), default=0)
        # Forms that were sold, oldest first: their number, and what they said.
        self._forms: dict[str, tuple[int, str]] = {}

    def close(self) -> None:
        os.close(self._lock)

    def add(self, public: str, sale: Mapping[str, Any], *, form: str = "", said: str = "") -> int:
        """Seal a sale under the next number and keep it; it is on the disk when this returns.

        `form` is the one-time id of the form it was made of, and `said` what that says: what comes twice is one sale,
        with the same number. FormSoldBefore where it says something else the second time.
        """
        with self._guard:
            if form in self._forms:
                seq, before = self._forms[form]
                if said != before:
                    raise FormSoldBefore(seq)
                return seq
            seq = self._last + 1
            _write(self._path(seq, "sale"), seal_sale(public, self.device, seq, dict(sale) | {"seq": seq}).encode())
            self._last = seq
            if form:
                self._forms[form] = (seq, said)
                while len(self._forms) > MOST_FORMS:
                    del self._forms[next(iter(self._forms))]
            return seq

    @property
    def last(self) -> int:
        """The number of the newest sale; 0 where there is none."""
        with self._guard:
            return self._last

    def sold_with(self, form: str) -> int | None:
        """The number under which a form was sold; None where it was not."""
        with self._guard:
            return self._forms[form][0] if form in self._forms else None

    def waiting(self, most: int = 0) -> list[Kept]:
        """What the shop has not confirmed, oldest first."""
        with self._guard:
            seqs = sorted(seq for seq, state in self._files() if state == "sale")
            return [Kept(seq, self._path(seq, "sale").read_text("ascii")) for seq in seqs[: most or None]]

    def told(self, seq: int) -> None:
        """The shop has this sale. Safe to do again."""
        with self._guard:
            if not self._path(seq, "sale").exists():
                return
            # Its number first, then the sale: of the newest there is always one.
            _write(self._path(seq, "told"), b"")
            self._path(seq, "sale").unlink()
            for other, state in self._files():
                if state == "told" and other < self._last:
                    self._path(other, "told").unlink()
            flush(self._folder)

    def refused(self, seq: int, reasons: list[str]) -> None:
        """The shop will not take this sale, and keeps it in quarantine: only its number and the codes stay here."""
        with self._guard:
            known = self._refusals() | {str(seq): reasons}
            _write(self._folder / REFUSED, json.dumps(known).encode())
        self.told(seq)

    def set_aside(self, seq: int) -> None:
        """The shop cannot open this sale: it stays here, and is not told again by itself."""
        with self._guard:
            self._move(seq, "sale", "aside")

    def aside(self) -> list[int]:
        """The numbers of what was set aside, in order."""
        with self._guard:
            return sorted(seq for seq, state in self._files() if state == "aside")

    def tell_again(self) -> None:
        """What was set aside waits for the shop again."""
        with self._guard:
            for seq in sorted(seq for seq, state in self._files() if state == "aside"):
                self._move(seq, "aside", "sale")

    def refusals(self) -> dict[int, list[str]]:
        with self._guard:
            return {int(seq): reasons for seq, reasons in self._refusals().items()}

    def _refusals(self) -> dict[str, list[str]]:
        path = self._folder / REFUSED
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}

    def _named(self) -> str:
        """The till's name: made once, and never given to another folder, where numbers would begin again."""
        path = self._folder / NAME
        if not path.exists():
            _write(path, json.dumps({"device": f"till-{uuid.uuid4().hex[:8]}"}).encode())
        return str(json.loads(path.read_text("utf-8"))["device"])

    def _files(self) -> list[tuple[int, str]]:
        found = (_FILE.fullmatch(path.name) for path in self._folder.iterdir())
        return [(int(one[1]), one[2]) for one in found if one]

    def _move(self, seq: int, old: str, new: str) -> None:
        if self._path(seq, old).exists():
            self._path(seq, old).replace(self._path(seq, new))
            flush(self._folder)

    def _path(self, seq: int, state: str) -> Path:
        return self._folder / f"{seq:09}.{state}"


def _write(path: Path, what: bytes) -> None:
    write_durably(path, what)
    flush(path.parent)
