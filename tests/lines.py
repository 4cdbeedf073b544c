"""A line between two machines, for tests: the cable of the simulated night market, which can be cut and mended."""

from __future__ import annotations

from simulation.cable import Cable as Line

__all__ = ["Line"]
