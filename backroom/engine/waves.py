"""Whether a wave is under way in this shop, for the worker of the desk: then Prefect's events come late, and it looks.

What belongs here: one look at the shop's database, which costs a thousandth of one at Prefect's server. What does not:
waves themselves (`tasks.claiming`).
"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from backroom.domain.errors import BackroomError
from backroom.shop.room import this_room
from backroom.store.claims import live_instances


def wave_is_under_way() -> bool:
    """Whether any run holds a claim just now. Whoever cannot know takes it for granted."""
    try:
        with this_room().database.read() as connection:
            return bool(live_instances(connection))
    except (SQLAlchemyError, BackroomError, OSError):
        return True
