"""Make a shop known to Prefect: `python -m blocks.register`, as `backroom up` does; doing it again changes nothing.

Pools, deployments and alerts come from the shop file, blocks from the secrets file: both are the source, so that what
was lost with Prefect's database comes back.
"""

from __future__ import annotations

from backroom.engine.automations import ensure_alerts
from backroom.engine.deploy import apply
from backroom.engine.deployments import specs_of
from backroom.shop.room import Room, this_room
from blocks.messaging import MailServer, SmsProvider

MAIL_BLOCK, SMS_BLOCK = "shop-mail", "shop-sms"


def register(room: Room) -> list[str]:
    """Save the blocks that the shop file asks for; returns their names."""
    secrets = room.secrets
    saved = []
    if room.shop.messaging.mail == "smtp":
        MailServer(
            host=secrets.get("smtp.host"),
            port=int(secrets.find("smtp.port") or 587),
            security=secrets.find("smtp.security") or "starttls",  # type: ignore[arg-type] # checked by the block
            username=secrets.find("smtp.username") or "",
            password=secrets.find("smtp.password") or "",  # type: ignore[arg-type] # the block makes it a secret
            ca_file=secrets.find("smtp.ca_file") or "",
        ).save(MAIL_BLOCK, overwrite=True)
        saved.append(MAIL_BLOCK)
    if room.shop.messaging.sms == "gateway":
        SmsProvider(
            kind=secrets.find("sms.kind") or "kannel",  # type: ignore[arg-type] # checked by the block
            url=secrets.get("sms.url"),
            username=secrets.find("sms.username") or "",
            password=secrets.find("sms.password") or "",  # type: ignore[arg-type] # the block makes it a secret
            report_url=secrets.find("sms.report_url") or "",
        ).save(SMS_BLOCK, overwrite=True)
        saved.append(SMS_BLOCK)
    return saved


def main() -> None:
    room = this_room()
    apply(specs_of(room.shop))
    ensure_alerts()
    register(room)


if __name__ == "__main__":
    main()
