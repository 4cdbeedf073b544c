"""One breaker: many orders stopped by one cause, under one run.

It tries one of them. If that goes through, the breaker closes and all go on together in their waves; if not, this run
fails with the cause, and Retry tries again. The sweep tries as well, every few minutes, and completes this run when one
went through.
"""

from __future__ import annotations

from prefect import flow

from backroom.shop.room import this_room
from tasks.sweeping import try_breaker


@flow(name="breaker", validate_parameters=False)
def breaker(breaker_id: int) -> str:
    """Try one order behind a breaker; raises BreakerOpen with the cause while it does not go."""
    return try_breaker(this_room(), breaker_id)
