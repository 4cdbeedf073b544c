"""Which deployments a shop has: the hub's, and two for every location, tagged by it."""

from __future__ import annotations

from backroom.domain.shop import QUALITY_POOL, Shop
from backroom.engine.deploy import DeploymentSpec, location_tag
from backroom.engine.server import DESK

SWEEP_SECONDS = 60.0
HOUR = 3600.0
# Often enough for a market evening; before it, plans that say about the same ask nobody anew.
RESTOCK_SECONDS = 1800.0
# Webhooks come within seconds; what did not is here before anybody asks for it.
RECONCILE_SECONDS = 900.0
# Before the figures of the day, so that they count what it finds.
RECONCILE_ALL = "30 2 * * *"
# Carriers tell by themselves; this is for what they did not tell.
FOLLOW_SECONDS = 1800.0
# In the middle of the night on most clocks, when the day before is over everywhere.
DAILY = "15 3 * * *"
# After the figures of the day, which are read from what is removed.
NIGHTLY = "45 3 * * *"
# While the shops sleep: every level at every channel.
COMPARE = "30 2 * * *"
# When the others of the night are done: every row is checked, theirs as well.
LAST = "30 4 * * *"
RECONCILE = "flows/reconcile.py:reconcile"
DATA_QUALITY = "flows/data_quality.py:data_quality"
# In the morning, and three times more for what could not go: each item is reminded of once a day.
REMIND = "5 6,9,12,15 * * *"


def specs_of(shop: Shop) -> list[DeploymentSpec]:
    """The deployments of a shop: the hub's, and two for every location, tagged by it."""
    hub = shop.location(shop.hub)
    hub_tags = (location_tag(hub.id),)
    specs = [
        DeploymentSpec("flows/order_intake.py:order_intake", hub.id, hub.pool, hub_tags, {"location": hub.id}),
        DeploymentSpec("flows/returns.py:returns", hub.id, hub.pool, hub_tags, {"location": hub.id}),
        DeploymentSpec("flows/refunds.py:refunds", hub.id, hub.pool, hub_tags, {"location": hub.id}),
        DeploymentSpec("flows/messages.py:messages", hub.id, hub.pool, hub_tags, {"location": hub.id}),
        DeploymentSpec("flows/parcels.py:parcels", hub.id, hub.pool, hub_tags, {"location": hub.id}),
        DeploymentSpec(
            "flows/parcels.py:parcels", "follow", hub.pool, hub_tags, {"act": "follow"}, every_seconds=FOLLOW_SECONDS
        ),
        DeploymentSpec("flows/order.py:order", "order", hub.pool, hub_tags, queue=DESK),
        DeploymentSpec("flows/decide.py:decide", "decide", hub.pool, hub_tags, queue=DESK),
        DeploymentSpec("flows/breaker.py:breaker", "breaker", hub.pool, hub_tags, queue=DESK),
        DeploymentSpec("flows/event.py:event", "event", hub.pool, hub_tags, queue=DESK),
        DeploymentSpec("flows/event.py:event", "remind", hub.pool, hub_tags, {"act": "remind"}, cron=REMIND),
        DeploymentSpec("flows/alert.py:alert", "alert", hub.pool, hub_tags),
        DeploymentSpec("flows/sweep.py:sweep", "sweep", hub.pool, hub_tags, every_seconds=SWEEP_SECONDS),
        DeploymentSpec("flows/kpi.py:kpi", "hourly", hub.pool, hub_tags, {"period": "hourly"}, every_seconds=HOUR),
        DeploymentSpec("flows/kpi.py:kpi", "daily", hub.pool, hub_tags, {"period": "daily"}, cron=DAILY),
        DeploymentSpec("flows/audit.py:audit", "hourly", hub.pool, hub_tags, every_seconds=HOUR),
        DeploymentSpec(RECONCILE, "recent", hub.pool, hub_tags, {"reach": "recent"}, every_seconds=RECONCILE_SECONDS),
        DeploymentSpec(RECONCILE, "full", hub.pool, hub_tags, {"reach": "full"}, cron=RECONCILE_ALL),
        DeploymentSpec("flows/retention.py:retention", "retention", hub.pool, hub_tags, cron=NIGHTLY),
        DeploymentSpec(DATA_QUALITY, "hourly", QUALITY_POOL, hub_tags, {"scope": "changed"}, every_seconds=HOUR),
        DeploymentSpec(DATA_QUALITY, "nightly", QUALITY_POOL, hub_tags, {"scope": "full"}, cron=LAST),
        DeploymentSpec(
            "flows/event_restock.py:event_restock", "restock", hub.pool, hub_tags, every_seconds=RESTOCK_SECONDS
        ),
        DeploymentSpec("flows/transfer.py:transfer", "transfer", hub.pool, hub_tags, queue=DESK),
    ]
    for channel in shop.channels:
        if channel.api is not None and channel.api.tell:
            to = {"location": channel.id}
            specs.append(DeploymentSpec("flows/tell_channel.py:tell_channel", channel.id, hub.pool, hub_tags, to))
            specs.append(DeploymentSpec("flows/tell_stock.py:tell_stock", channel.id, hub.pool, hub_tags, to))
    if shop.told("stock"):
        compare = {"everything": True}
        specs.append(
            DeploymentSpec("flows/tell_stock.py:tell_stock", "all-channels", hub.pool, hub_tags, compare, cron=COMPARE)
        )
    for location in shop.locations:
        tags = (location_tag(location.id),)
        at = {"location": location.id}
        specs.append(DeploymentSpec("flows/fulfilment.py:fulfil", location.id, hub.pool, tags, at))
        if location.partner is not None:
            specs.append(DeploymentSpec("flows/partners.py:partners", location.id, hub.pool, tags, at))
        if location.printers:
            specs.append(DeploymentSpec("flows/print_jobs.py:print_jobs", location.id, location.pool, tags, at))
    return specs
