"""For how long what is personal is kept: the table `[retention]` of the shop file."""

from __future__ import annotations

from backroom.domain.shop import Retention
from backroom.shop.section import Section

LONGEST_DAYS = 36_500


def read_retention(root: Section) -> Retention:
    """Days by kind of data, 0 for ever; what is not named is kept as long as is usual."""
    usual = Retention()
    if not root.has("retention"):
        return usual
    section = root.section("retention")
    kept = Retention(
        raw=section.whole("raw_days", usual.raw, high=LONGEST_DAYS),
        labels=section.whole("labels_days", usual.labels, high=LONGEST_DAYS),
        messages=section.whole("messages_days", usual.messages, high=LONGEST_DAYS),
        customers=section.whole("customers_days", usual.customers, high=LONGEST_DAYS),
        reports=section.whole("reports_days", usual.reports, high=LONGEST_DAYS),
        samples=section.whole("samples_days", usual.samples, high=LONGEST_DAYS),
        keys=section.whole("keys_days", usual.keys, high=LONGEST_DAYS),
        booths=section.whole("booths_days", usual.booths, high=LONGEST_DAYS),
    )
    section.done()
    return kept
