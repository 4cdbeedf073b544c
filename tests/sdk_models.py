"""Holding the fakes' answers against the models of a vendor's own SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel


def unknown_fields(value: Any, path: str = "") -> Iterator[str]:
    """Fields of an answer, as the SDK read it, that the vendor's models do not have: names that somebody made up."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from unknown_fields(one, f"{path}[{name}]")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from unknown_fields(one, f"{path}[{number}]")
