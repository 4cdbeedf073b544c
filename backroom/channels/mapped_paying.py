"""Paying back at a mapped shop, as `[channels.ID.mapping.pay_back]` says.

What belongs here: its calls, and whether it was paid. What does not: one call (`mapped_calls`), what the shop paid back
by itself (`mapped_refunds`), and when something is owed (`backroom.store.refunds`).

Calls that only ask come first and look for a refund with our key. They keep it from being paid twice, and settle a lost
answer. Where the mapping has none, a lost answer is a person's to settle.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backroom.channels.mapped import mapping_of
from backroom.channels.mapped_calls import account_of, kept_of, make_call
from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.json_path import said
from backroom.domain.mapping import PayBackMapping
from backroom.domain.money import exponent
from backroom.outgoing.client import Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused, ServiceSilent
from backroom.outgoing.probe import is_theirs

_BY_HAND = "Look at the order there; pay it back by hand, then say so on the page of returns."


class MappedRefunds:
    """One shop that pays back."""

    def __init__(self, spec: ChannelSpec, secret: str) -> None:
        mapping = mapping_of(spec)
        assert spec.refunds is not None
        assert mapping.pay_back is not None, "the shop file's check asks for it"
        self._id = spec.id
        self._pay: PayBackMapping = mapping.pay_back
        self._probe = mapping.probe
        self._minor = mapping.amounts == "minor"
        self._account = account_of(spec.id, spec.refunds, mapping, secret)

    def refund(self, request: RefundRequest) -> Refunded:
        """Pay it back once: what is found under this key is not paid again, and one that was begun is brought to its
        end."""
        with Client(self._account) as client:
            known, begun = self._look(client, request), False
            for call in self._pay.calls:
                if call.reads_only or (call.unless and call.unless in known):
                    continue
                try:
                    answer = make_call(client, call, known, about=request.key, again=False)
                    known |= kept_of(call, answer, known)
                    begun = True
                except ServiceRefused as refused:
                    if _may_be_done(refused):
                        return self._found_after(client, request)
                    if begun:
                        raise self._unknown(request) from None
                    raise RefundRefused(
                        f"{self._id} does not pay {request.key} back ({refused.answer.status}).", remedy=_BY_HAND
                    ) from None
                except (ServiceSilent, AnswerUnreadable):
                    return self._found_after(client, request)
                except BackroomError:
                    # Nothing came of this call: of one before it something has.
                    if begun:
                        raise self._unknown(request) from None
                    raise
            if not said(known.get(self._pay.result)):
                return self._found_after(client, request)
            return self._refunded(known, request)

    def find(self, request: RefundRequest) -> Refunded | None:
        if not self._can_look:
            raise self._unknown(request)
        with Client(self._account) as client:
            known = self._look(client, request)
        return self._refunded(known, request) if self._is_paid(known) else None

    def check(self) -> None:
        """Try the login by the mapping's own probe; one without a probe is not to be tried."""
        assert self._probe is not None, "the doctor says that nothing says how"
        with Client(self._account) as client:
            answer = make_call(client, self._probe, {}, about="a try of the connection")
        is_theirs(self._account.service, answer)

    @property
    def _can_look(self) -> bool:
        """Whether asking tells of every call that pays whether it was made."""
        paying = [call for call in self._pay.calls if not call.reads_only]
        looked = {name for call in self._pay.calls if call.reads_only for name in call.keep}
        return all(call.unless in looked for call in paying) and self._pay.result in looked

    def _is_paid(self, known: dict[str, Any]) -> bool:
        return all(call.unless in known for call in self._pay.calls if not call.reads_only)

    def _look(self, client: Client, request: RefundRequest) -> dict[str, Any]:
        known: dict[str, Any] = {
            "id": request.external_id,
            "key": request.key,
            "amount": self._amount(request),
            "amount_minor": request.amount_minor,
            "currency": request.currency,
        }
        for call in self._pay.calls:
            if call.reads_only:
                known |= kept_of(call, make_call(client, call, known, about=request.key), known)
        return known

    def _found_after(self, client: Client, request: RefundRequest) -> Refunded:
        """After an answer that was lost: it may have been paid all the same."""
        known: dict[str, Any] = {}
        if self._can_look:
            try:
                known = self._look(client, request)
            except BackroomError:
                known = {}
        if known and self._is_paid(known):
            return self._refunded(known, request)
        # That it is not there yet proves nothing: its payment provider may still be at it.
        raise self._unknown(request)

    def _unknown(self, request: RefundRequest) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"nobody can tell whether {request.key} was paid back at {self._id}.",
            remedy=f"Look at the order at {self._id}, then say whether it was.",
            cause=f"{self._id}-unknown",
        )

    def _amount(self, request: RefundRequest) -> object:
        """As the shop writes amounts: a whole number of minor units, or a text with its decimals."""
        if self._minor:
            return request.amount_minor
        return str(Decimal(request.amount_minor).scaleb(-exponent(request.currency)))

    def _refunded(self, known: dict[str, Any], request: RefundRequest) -> Refunded:
        return Refunded(said(known.get(self._pay.result)), request.amount_minor)


def _may_be_done(refused: ServiceRefused) -> bool:
    """Whether GraphQL's errors came while it was carried out: it names `data` then (GraphQL, section 7.1)."""
    said_there = refused.answer.mapping()
    return refused.answer.status == 200 and bool(said_there.get("errors")) and "data" in said_there
