"""A shop that has printed and sealed before jobs could belong to a transfer keeps every row, on both databases."""

from __future__ import annotations

from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

import pytest

from backroom.store.database import WRITES, Database
from backroom.store.migrate import migrate, migrate_to

AT = "2026-11-01T10:00:00.000000Z"
