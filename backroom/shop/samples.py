"""What the shop asks of samples: the table `[samples]` of the shop file."""

from __future__ import annotations

from backroom.domain.sample_rules import SampleRules
from backroom.shop.section import Section

MOST_DAYS = 3650


def read_samples(root: Section) -> SampleRules:
    """The shop's rules. Without the table samples are kept, and stop nothing; with it they are asked for."""
    usual = SampleRules()
    if not root.has("samples"):
        return usual
    section = root.section("samples")
    rules = SampleRules(
        require=section.flag("require", True),
        valid_days=section.whole("valid_days", usual.valid_days, low=1, high=MOST_DAYS),
        most_rejects=section.number("most_rejects", usual.most_rejects, low=0, high=0.9),
        least_prints=section.whole("least_prints", usual.least_prints, low=5, high=1000),
    )
    section.done()
    return rules
