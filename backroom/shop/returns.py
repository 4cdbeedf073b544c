"""Returns in the shop file: the table `[returns]`, and `[[returns.policies]]` for some channels and products.

What belongs here: how the terms are written. What does not: what they mean (`backroom.domain.return_policy`). What a
policy does not say is as in the table above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from backroom.domain.channels import REFUNDING_KINDS, RefundsSpec
from backroom.domain.return_policy import EXCHANGES, LATE, PERSONALISED, ReturnPolicy, ReturnRules, ReturnTerms
from backroom.domain.returns import Lane
from backroom.shop.section import Section
from backroom.shop.values import DOTTED_NAME

LONGEST_DAYS = 3650
# With a login beside it, nothing less than TLS.
HTTPS = r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"


def read_returns(root: Section) -> ReturnRules:
    """The shop's rules for returns; without the table, thirty days for everything."""
    usual = ReturnRules()
    if not root.has("returns"):
        return usual
    section = root.section("returns")
    terms = _read_terms(section, usual.terms)
    lanes = section.choices("lanes", tuple(Lane), tuple(usual.lanes))
    rules = ReturnRules(
        terms=terms,
        policies=tuple(_read_policies(section, terms)),
        lanes=tuple(Lane(lane) for lane in lanes),
        refund_shipping=section.flag("refund_shipping", usual.refund_shipping),
    )
    section.done()
    return rules


def read_refunds(channel: Section, kind: str) -> RefundsSpec | None:
    """`[channels.ID.refunds]`: where a channel of that kind pays back by itself."""
    if not channel.has("refunds"):
        return None
    section = channel.section("refunds")
    if kind not in REFUNDING_KINDS:
        channel.problem("refunds", f"a channel of kind {kind} pays nothing back by itself yet", "Remove it.")
    spec = RefundsSpec(
        url=section.text("url", pattern=HTTPS, form="an address such as https://shop.example.com"),
        secret=section.text("secret", pattern=DOTTED_NAME, form="the name of a secret, such as refunds.friends"),
    )
    section.done()
    return spec


def _read_policies(section: Section, usual: ReturnTerms) -> Iterator[ReturnPolicy]:
    names: set[str] = set()
    for number, row in enumerate(section.rows("policies"), 1):
        if not isinstance(row, dict):
            section.problem("policies", "is not a list of tables", "Begin each policy with [[returns.policies]].")
            continue
        name = row.get("name")
        one = Section(row, f"returns.policies.{name if isinstance(name, str) and name else number}", section.report)
        policy = ReturnPolicy(
            name=one.text("name"),
            channels=one.texts("channels", ()),
            products=one.texts("products", ()),
            terms=_read_terms(one, usual),
        )
        if policy.name in names:
            one.problem("name", "is the name of two policies", "Give every policy a name of its own.")
        names.add(policy.name)
        one.done()
        yield policy


def _read_terms(section: Section, usual: ReturnTerms) -> ReturnTerms:
    return ReturnTerms(
        days=section.whole("days", usual.days, high=LONGEST_DAYS),
        fault_days=section.whole("fault_days", usual.fault_days, high=LONGEST_DAYS),
        personalised=section.choice("personalised", PERSONALISED, usual.personalised),
        late=section.choice("late", LATE, usual.late),
        exchange=section.choice("exchange", EXCHANGES, usual.exchange),
    )
