"""Whether the blocks at Prefect, with which every flow works, are what the shop file and the secrets say.

What belongs here: asking, and what to do about a difference. What does not: comparing, which only a process that knows
Prefect can (`blocks.compare`), and making them (`backroom.cli.processes`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import backroom
from backroom.cli.environments import environment_of, noted_ports
from backroom.domain.errors import AskPerson, Retry
from backroom.domain.shop import Shop
from backroom.shop.room import Room

ROOT = Path(backroom.__file__).resolve().parent.parent
ANSWERS_WITHIN = 60


class BlocksDiffer(AskPerson):
    """Prefect's blocks are not what the shop file and the secrets say: flows fail, or use what was replaced."""

    cause = "blocks_differ"


class BlocksUnseen(Retry):
    """Prefect did not say which blocks it has."""

    cause = "blocks_unseen"


def has_blocks(shop: Shop) -> bool:
    """Whether the shop file names any connection that flows open by a block."""
    spec = shop.messaging
    return (
        spec.mail == "smtp"
        or spec.sms == "gateway"
        or spec.push == "web"
        or any(channel.api is not None or channel.refunds is not None for channel in shop.channels)
        or any(carrier.api is not None for carrier in shop.carriers)
        or any(place.partner is not None for place in shop.locations)
    )


def check_blocks(room: Room) -> None:
    """BlocksDiffer says of each block what is otherwise, and never what it holds; BlocksUnseen.

    In a process of its own: Prefect reads its settings when it is imported, and no command needs it otherwise.
    """
    # One that is away is away: nobody at a terminal waits for nine tries.
    environment = environment_of(room, noted_ports(room.home)) | {"PREFECT_CLIENT_MAX_RETRIES": "0"}
    told: list[str] | None = None
    try:
        done = subprocess.run(
            [sys.executable, "-m", "blocks.compare"],
            env=environment,
            cwd=ROOT,
            timeout=ANSWERS_WITHIN,
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        # Outside the handler: what the process wrote may quote what it was given.
        pass
    if told is None:
        raise BlocksUnseen(
            "Prefect does not say which blocks it has.",
            remedy="Do what stands below Prefect's own line first, or start it with `backroom up`.",
        )
    if told:
        raise BlocksDiffer(
            f"Prefect's blocks are not what the shop file and the secrets say: {'; '.join(told)}.",
            remedy="Start `backroom up` again, which makes them anew.",
        )
