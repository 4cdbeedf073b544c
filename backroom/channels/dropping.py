"""The drop folder of a channel: files put there are taken in through the same door as webhooks.

What belongs here: when a file is whole, what is taken of it, and where it goes then. What does not: what is in it
(`files`), and when somebody looks (`tasks.dropped`, `backroom channel take`).

A file is left alone until nobody has written to it for STILL_SECONDS, by the clock of its own file system. Taken ones
go to `done/`, those of which anything could not be taken to `refused/`, each with a .txt that says why. The commit
comes before the move: after a crash the file is found again, and what was taken already is known by what it says.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from backroom.channels.base import NotAnOrder
from backroom.channels.csvfile import LARGEST_FILE, BrokenFile
from backroom.channels.delivering import delivery_of
from backroom.channels.files import check_ending, split_file
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson, BackroomError
from backroom.store.claims import Wakeup
from backroom.store.inbox_door import Delivery, Receipt

DONE, REFUSED = "done", "refused"
STILL_SECONDS = 20.0
# Names under which programs write what is not whole yet.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp")
_CLOCK = ".backroom-clock"

# Commits deliveries, and says of each whether it was new.
Accept = Callable[[Sequence[Delivery]], Sequence[Receipt]]


class FolderUnusable(AskPerson):
    """Nothing can be taken from this folder."""

    cause = "folder_unusable"


@dataclass(slots=True)
class Taken:
    """What became of one file. `refused` says what was not taken and why, without a word of anybody; `left` why the
    file lies where it lay."""

    name: str
    new: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)
    wakeup: Wakeup | None = None
    left: str = ""

    def __str__(self) -> str:
        if self.left:
            return f"{self.name}: left where it is, {self.left}"
        said = f"{self.name}: {self.new} new orders, {self.known} known already"
        return f"{said}, {len(self.refused)} refused" if self.refused else said


@dataclass(frozen=True, slots=True)
class DropFolder:
    """One channel's folder. `country` is the shop's, for orders that name none."""

    path: Path
    spec: ChannelSpec
    country: str

    def check(self) -> None:
        """FolderUnusable unless files can be taken from here and put away."""
        try:
            self._make()
            self._clock()
        except OSError as error:
            failed = error.strerror or type(error).__name__
        else:
            return
        raise FolderUnusable(
            f"the folder {self.spec.folder} of {self.spec.id} cannot be used: {failed}.",
            remedy="Make it a folder that Backroom may read and write.",
        )

    def take_all(self, accept: Accept) -> Iterator[Taken]:
        """Take every file that is still, in the order in which they were written. Makes the folder where it is not."""
        self._make()
        for path in self._still():
            try:
                taken = self._take(path, accept)
            except FileNotFoundError:
                # Another process was quicker.
                continue
            except OSError as error:
                taken = Taken(path.name, left=f"{error.strerror}. Make it a file that Backroom may read and move.")
            if taken is not None:
                yield taken

    def forget(self, external_ids: set[str]) -> int:
        """Remove the files in `done` and `refused` that hold one of these orders; returns how many went. They are
        copies: whoever sent them has the others."""
        count = 0
        for path in self._kept():
            if path.suffix != ".txt" and self._holds(path, external_ids):
                path.unlink(missing_ok=True)
                _note_of(path).unlink(missing_ok=True)
                count += 1
        return count

    def remove_older(self, before: datetime) -> int:
        """Remove what was put into `done` and `refused` before then; returns how many files went."""
        old = [path for path in self._kept() if path.stat().st_mtime < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _make(self) -> None:
        for path in (self.path, self.path / DONE, self.path / REFUSED):
            path.mkdir(parents=True, exist_ok=True)

    def _still(self) -> list[Path]:
        """Files that nobody has written to for a while, oldest first."""
        now = self._clock()
        found = []
        for path in self.path.iterdir():
            if path.name.startswith((".", "~")) or path.name.lower().endswith(_UNFINISHED):
                continue
            try:
                told = path.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            # The time of its last change of any kind comes too: a copy that keeps dates is older than it looks.
            changed = max(told.st_mtime, told.st_ctime)
            if stat.S_ISREG(told.st_mode) and now - changed >= STILL_SECONDS:
                found.append((changed, path))
        return [path for _, path in sorted(found)]

    def _clock(self) -> float:
        """Now, by the clock that dates the files: a share on another machine has its own."""
        probe = self.path / f"{_CLOCK}-{os.getpid()}"
        probe.write_bytes(b"")
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)

    def _take(self, path: Path, accept: Accept) -> Taken | None:
        """None for one that was written to while it was read: it is looked at again later."""
        before = path.stat(follow_symlinks=False)
        data = _read(path)
        if _mark(path.stat(follow_symlinks=False)) != _mark(before):
            return None
        taken = Taken(path.name)
        deliveries = self._deliveries(data, path.name, taken)
        receipts = accept(deliveries) if deliveries else ()
        wakeups = [receipt.wakeup for receipt in receipts if receipt.wakeup is not None]
        taken.new, taken.known = len(wakeups), len(receipts) - len(wakeups)
        taken.wakeup = wakeups[-1] if wakeups else None
        kept = _place_in(self.path / (REFUSED if taken.refused else DONE), path.name)
        if taken.refused:
            # Before the move: a refused file never lies there without its reasons.
            _note_of(kept).write_text(self._reasons(taken), encoding="utf-8")
        path.replace(kept)
        # From now on it counts as kept since today, whatever day was written into it.
        os.utime(kept)
        return taken

    def _deliveries(self, data: bytes, name: str, taken: Taken) -> list[Delivery]:
        channel, deliveries = channel_for(self.spec), []
        try:
            check_ending(self.spec, name)
            split = split_file(self.spec, data, name)
        except BrokenFile as error:
            taken.refused.append(str(error))
            return []
        taken.refused += split.problems
        for order in split.orders:
            try:
                parsed = parse_json(order.body)
                channel.parse(parsed, channel.topic({}), self.country)
                deliveries.append(delivery_of(self.spec, channel, parsed, {}, order.body))
            except NotAnOrder as error:
                reasons = "; ".join(f"{one.field} {one.detail}".strip() for one in error.problems)
                taken.refused.append(f"{order.place}: {reasons}.")
            except BackroomError as error:
                taken.refused.append(f"{order.place}: {error}")
        return deliveries

    def _reasons(self, taken: Taken) -> str:
        count = taken.new + taken.known
        whole = f"{count} of its orders were taken in." if count else "Nothing of it was taken in."
        lines = [
            f"{taken.name}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
            whole,
            "",
            "This was not:",
            *(f"- {reason}" for reason in taken.refused),
            "",
            "Mend it and put the file into the folder again: what was taken in already is not taken in twice.",
        ]
        return "\n".join(lines) + "\n"

    def _kept(self) -> list[Path]:
        folders = (self.path / DONE, self.path / REFUSED)
        return [path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file()]

    def _holds(self, path: Path, external_ids: set[str]) -> bool:
        try:
            data = _read(path)
            split = split_file(self.spec, data, path.name)
        except (BrokenFile, OSError):
            # What cannot be read as a whole is not read in part: an id that stands anywhere in it is enough.
            return any(id_.encode() in data for id_ in external_ids)
        channel = channel_for(self.spec)
        for order in split.orders:
            try:
                if channel.external_id(parse_json(order.body)) in external_ids:
                    return True
            except BrokenJson:
                continue
        return False


def _read(path: Path) -> bytes:
    """At most a byte more than a file may have: whoever reads it says that it is too large. Follows no link."""
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        return file.read(LARGEST_FILE + 1)


def _mark(told: os.stat_result) -> tuple[int, int, int, int]:
    return told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns


def _place_in(folder: Path, name: str) -> Path:
    """A name there that is free: the same again gets a number."""
    path, number = folder / name, 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".txt")
