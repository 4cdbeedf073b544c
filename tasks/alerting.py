"""Alerts: what an automation tells becomes an artifact for the ops lead, and a mail to the shop."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact

from backroom.messaging.base import OutgoingMessage
from backroom.shop.room import this_room
from tasks.connections import messengers_of


def raise_alert(what: str, subject: str, link: str) -> str:
    """Tell the shop: `what` happened to `subject`, a run's name (an order's number), a deployment's or a work pool's.

    `link` leads into the UI. What is told again within the hour, of another run, is one mail.
    """
    sentence = f"{subject}: {what}" if subject else what
    see = f"[look at it]({link})" if link else ""
    create_markdown_artifact(f"**{sentence}** {see}\n\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", key="alerts")
    mail_alert(sentence, link)
    return sentence


@task(name="mail alert", retries=2, retry_delay_seconds=3)
def mail_alert(sentence: str, link: str) -> None:
    """Mail the alert to the shop's own address. It names an order or a pool, never a customer."""
    room = this_room()
    messenger = messengers_of(room).get("email")
    if messenger is None:
        return
    messenger.send(
        OutgoingMessage(
            key=alert_key(sentence, datetime.now(UTC)),
            medium="email",
            recipient=room.shop.owner.email,
            subject=f"Backroom: {sentence}"[:150],
            body=f"{sentence}\n\nLook at it: {link or 'in the Prefect UI'}\n",
            sender=room.shop.messaging.sender_email,
        )
    )


def alert_key(sentence: str, at: datetime) -> str:
    """The mail's key: of what happened to whom and in which hour, not of the run that told it."""
    return f"alert-{hashlib.sha256(f'{at:%Y-%m-%dT%H} {sentence}'.encode()).hexdigest()[:16]}"
