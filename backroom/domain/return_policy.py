"""Whether a piece may come back: the shop's terms by channel and product, and the word they give.

What belongs here: deadlines, the rule for personalised goods, choosing the terms. What does not: where they are
written (`backroom.shop.returns`), and a person's own word, which goes before all of this.

The last day is a day of the shop's own calendar, and counts until midnight. Faulty goods have a deadline of their own:
two years where the shop file says nothing (Directive (EU) 2019/771, article 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from backroom.domain.returns import FAULTS, Lane, Reason, Word

PERSONALISED = ("fault_only", "ask", "as_others")
LATE = ("ask", "decline")
EXCHANGES = ("after_return", "at_once")


@dataclass(frozen=True, slots=True)
class ReturnTerms:
    """What holds for a piece. `days` and `fault_days` count from the day on which it was delivered; with 0 `days` it
    comes back for a fault only.

    `personalised`: what was made for one person comes back for a fault only, after a person's word, or as others do.
    `late`: after the last day a person is asked, or it is declined. `exchange`: the other piece leaves when this one
    is here, or at once.
    """

    days: int = 30
    fault_days: int = 730
    personalised: str = "fault_only"
    late: str = "ask"
    exchange: str = "after_return"


@dataclass(frozen=True, slots=True)
class ReturnPolicy:
    """Terms for some channels and products; an empty tuple is any."""

    name: str
    terms: ReturnTerms
    channels: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    def fits(self, channel: str, product: str) -> bool:
        return (not self.channels or channel in self.channels) and (not self.products or product in self.products)


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """The shop's rules: the first policy that fits, else `terms`; the ways back that it offers; and whether postage is
    paid back with the last piece of an order."""

    terms: ReturnTerms = ReturnTerms()
    policies: tuple[ReturnPolicy, ...] = ()
    lanes: tuple[Lane, ...] = (Lane.LABEL, Lane.DROP_OFF)
    refund_shipping: bool = True

    def terms_for(self, channel: str, product: str) -> ReturnTerms:
        return next((one.terms for one in self.policies if one.fits(channel, product)), self.terms)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A word, a code that says why, and the last day on which this piece may come back for that reason."""

    word: Word
    why: str
    last_day: date


def judge(terms: ReturnTerms, reason: Reason, *, personalised: bool, delivered_on: date, asked_on: date) -> Judgement:
    """The word on one piece by the shop's terms. `asked_on` is the day on which the customer asked, or brought it."""
    fault = reason in FAULTS
    last_day = delivered_on + timedelta(days=terms.fault_days if fault else terms.days)
    if not fault:
        if not terms.days:
            return Judgement(Word.DECLINED, "faults_only", last_day)
        if personalised and terms.personalised == "fault_only":
            return Judgement(Word.DECLINED, "personalised", last_day)
    if asked_on > last_day:
        return Judgement(Word.DECLINED if terms.late == "decline" else Word.ASK, "after_last_day", last_day)
    if personalised and not fault and terms.personalised == "ask":
        return Judgement(Word.ASK, "personalised", last_day)
    return Judgement(Word.GRANTED, "fault" if fault else "in_time", last_day)
