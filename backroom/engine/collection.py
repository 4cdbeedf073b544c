"""What Prefect imports to learn our worker type (entry point group `prefect.collections`)."""

from __future__ import annotations

from backroom.engine.worker import BackroomWorker

__all__ = ["BackroomWorker"]
