"""Parcels after their label, in the shop file: the table `[parcels]`."""

from __future__ import annotations

from backroom.domain.collection import TOLD, ParcelRules
from backroom.shop.section import Section

MOST_DAYS = 365


def read_parcels(root: Section) -> ParcelRules:
    """The shop's rules; without the table, the usual ones."""
    usual = ParcelRules()
    if not root.has("parcels"):
        return usual
    section = root.section("parcels")
    rules = ParcelRules(
        ask_hours=section.whole("ask_hours", usual.ask_hours, low=1, high=24 * 7),
        quiet_days=section.whole("quiet_days", usual.quiet_days, high=MOST_DAYS),
        remind_days=section.whole("remind_days", usual.remind_days, high=MOST_DAYS),
        keep_days=section.whole("keep_days", usual.keep_days, high=MOST_DAYS),
        tell=section.choices("tell", TOLD, usual.tell),
    )
    section.done()
    return rules
