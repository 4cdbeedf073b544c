"""The secrets file: what may never stand in the shop file, readable by its owner only.

A flat TOML of strings, `secrets.toml` in the home folder. An environment variable of the same name, upper-cased with
BACKROOM_SECRET_ before it and underscores for dots, comes first, so that containers need no file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from backroom.domain.errors import AskPerson
from backroom.domain.messaging import SMS_PROVIDERS
from backroom.durable import locked
from backroom.shop.check import Report, ShopFileInvalid
from backroom.shop.reading import read_toml
from backroom.shop.section import Section

QUOTES = 'Write name and value in quotes, each on a line of its own: "webhook.web" = "the secret".'


class SecretMissing(AskPerson):
    """A secret that is needed stands neither in the environment nor in the secrets file."""

    cause = "secret_missing"


class SecretsTooOpen(AskPerson):
    """Others on this machine can read the secrets file."""

    cause = "secrets_too_open"


class SecretsUnreadable(ShopFileInvalid):
    """The secrets file was written by hand, and is no list of names and texts."""

    cause = "secrets_unreadable"


class Secrets:
    """Secrets by name, such as `master_key` or `webhook.web`."""

    def __init__(self, path: Path, values: Mapping[str, str]) -> None:
        self._path = path
        self._values = dict(values)

    @classmethod
    def read(cls, path: Path) -> Secrets:
        """Read the file, where there is one; refuses a file that others can read. What stands in it is never quoted."""
        if not path.exists():
            return cls(path, {})
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise SecretsTooOpen(f"{path.name} can be read by others", remedy=f"Run: chmod 600 {path.name}")
        report = Report(path.name)
        values = read_toml(path, report, "")
        for name, value in values.items():
            if not isinstance(value, str):
                # Neither quoted here nor stored as what Python calls it.
                Section(values, "", report).problem(name, "is not a text", "A secret is a text.")
        if report.problems:
            raise SecretsUnreadable(replace(one, remedy=f"{one.remedy} {QUOTES}") for one in report.problems)
        return cls(path, values)

    def find(self, name: str) -> str | None:
        return os.environ.get(variable_of(name)) or self._values.get(name)

    def get(self, name: str) -> str:
        value = self.find(name)
        if not value:
            raise SecretMissing(
                f"the secret {name!r} is missing", remedy=f"Add it to {self._path.name}, or run `backroom init`."
            )
        return value

    def names(self) -> list[str]:
        return sorted(self._values)

    def add(self, values: Mapping[str, str], without: Collection[str] = ()) -> None:
        """Add, change or take out secrets, and write the file anew in one step, readable by its owner only.

        What another process has written since we read it stays.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._path.parent):
            if self._path.exists():
                self._values = dict(Secrets.read(self._path)._values)
            self._values.update(values)
            for name in without:
                self._values.pop(name, None)
            self._write()

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        text = "".join(f"{_quote(name)} = {_quote(value)}\n" for name, value in sorted(self._values.items()))
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(
                "# Backroom's secrets. Keep a copy of master_key somewhere safe: without it, no address opens.\n"
            )
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def sms_provider(secrets: Secrets) -> str:
    """Who sends the SMS of a shop that has a gateway for them: one of SMS_PROVIDERS, unless it is written wrongly."""
    return secrets.find("sms.kind") or SMS_PROVIDERS[0]


def variable_of(name: str) -> str:
    """The environment variable that comes before the file."""
    return "BACKROOM_SECRET_" + name.upper().replace(".", "_").replace("-", "_")


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
