"""A small shop for tests, built in code: two hubs and a booth with two printers, a handful of pieces, and its door."""

from __future__ import annotations
