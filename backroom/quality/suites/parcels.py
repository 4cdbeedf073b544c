"""Suites of shipments, labels, messages and consents."""

from __future__ import annotations

from backroom.domain.consent import ALL_MEDIA, PURPOSES
from backroom.quality.rules import CRITICAL, WARNING, Writer, suite
from backroom.quality.suites.orders import CLOCK_S, LOOK
from backroom.store.messages import FAILED, PLANNED, SENT, SKIPPED, WAITING
from backroom.store.quality import parcels

AT_CARRIER = "Look for it at the carrier by its tracking number, and void it if nobody has the parcel."


def _shipments(rules: Writer) -> None:
    rules.there(
        "part_found",
        "part",
        CRITICAL,
        "A parcel without its fulfilment order.",
        AT_CARRIER,
        shown=("carrier", "cost_minor"),
    )
    rules.true(
        "is_packed",
        "packed",
        CRITICAL,
        "A parcel was bought for what is not packed yet.",
        "Look for the parcel and its label. The label must not be bought a second time.",
        shown=("carrier",),
    )
    rules.true(
        "is_sent",
        "sent",
        WARNING,
        "A parcel was bought for what the customer fetches.",
        AT_CARRIER,
        shown=("carrier", "cost_minor"),
    )
    rules.within(
        "shipping_labels",
        1,
        1,
        "label",
        CRITICAL,
        "It has no label, or several.",
        "Find the parcel before it leaves. Without a label, void it at the carrier and buy another.",
        shown=("carrier",),
    )
    rules.within(
        "return_labels",
        1,
        1,
        "return_label",
        WARNING,
        "It has no return label, or several.",
        "The customer has none to send it back with: make one when it is asked for.",
        shown=("carrier",),
    )
    rules.within(
        "tracking_length", 1, None, "tracking", CRITICAL, "It has no tracking number.", AT_CARRIER, shown=("carrier",)
    )
    rules.true(
        "numbers_differ",
        "numbers",
        CRITICAL,
        "It goes and comes back under the same number.",
        AT_CARRIER,
        shown=("carrier",),
    )
    rules.within(
        "weight_g",
        1,
        1_000_000,
        "weight",
        WARNING,
        "It weighs nothing, or more than a parcel may.",
        "Give the pieces their weights in the catalogue: the carrier charges by it.",
        shown=("carrier",),
    )
    rules.within(
        "cost_minor", 0, None, "cost", WARNING, "It cost less than nothing.", AT_CARRIER, shown=("carrier", "currency")
    )
    rules.true(
        "currency_known",
        "currency",
        WARNING,
        "Its cost is in no currency of ISO 4217.",
        AT_CARRIER,
        shown=("currency", "cost_minor"),
    )
    rules.at_least("at", "packed_at", "bought_before_packed", WARNING, "It was bought before it was packed.", LOOK)


def _labels(rules: Writer) -> None:
    rules.there(
        "shipment_found",
        "shipment",
        CRITICAL,
        "A label without its shipment.",
        "Void it at the carrier if a parcel with it is still here.",
        shown=("kind",),
    )
    rules.one_of("kind", ["shipping", "return"], "kind", WARNING, "It is of no kind that there is.", LOOK)
    rules.true(
        "person_right",
        "person",
        CRITICAL,
        "It is addressed to somebody else than the order is for.",
        "Find the parcel before it leaves: it goes to the wrong person.",
    )
    rules.within(
        "data_length", 1, None, "data", CRITICAL, "There is nothing on it.", "Void it at the carrier and buy another."
    )
    rules.within(
        "zpl_length", 1, None, "zpl", WARNING, "No label printer can print it.", "Print it as PDF from its page."
    )


def _messages(rules: Writer) -> None:
    rules.there("order_found", "order", WARNING, "A message about an order that is not there.", LOOK)
    rules.one_of("medium", ALL_MEDIA, "medium", WARNING, "It goes by a medium that there is not.", LOOK)
    rules.one_of(
        "state", [PLANNED, WAITING, SENT, SKIPPED, FAILED], "state", WARNING, "Its state is none that there is.", LOOK
    )
    rules.true("sent_at_there", "sent_at", WARNING, "It was sent, and nobody knows when.", LOOK, shown=("medium",))
    rules.true(
        "person_right",
        "person",
        CRITICAL,
        "It went to somebody else than the order is for.",
        "Write to both customers: one read what was not for them. It may have to be reported within 72 hours "
        "(GDPR, article 33).",
        shown=("medium", "state"),
    )
    rules.true(
        "is_consented",
        "consent",
        CRITICAL,
        "It was sent without a consent that stood then.",
        "Ask the customer, and find out who sent it. Send no more of the kind meanwhile.",
        shown=("medium", "kind"),
    )


def _consents(rules: Writer) -> None:
    rules.there("person_found", "person", WARNING, "A consent of nobody.", LOOK, shown=("medium", "purpose"))
    rules.one_of("medium", ALL_MEDIA, "medium", WARNING, "It is about a medium that there is not.", LOOK)
    rules.one_of("purpose", PURPOSES, "purpose", WARNING, "It is about a purpose that there is not.", LOOK)
    rules.within(
        "source_length",
        1,
        None,
        "source",
        WARNING,
        "Nobody can say where it was given.",
        "It proves nothing: ask the customer again.",
        shown=("medium", "purpose"),
    )
    rules.within(
        "at_age_s",
        -CLOCK_S,
        None,
        "ahead",
        WARNING,
        "It was given in the future.",
        "A consent counts from its time on. Look at the clock of the channel.",
        shown=("at", "medium"),
    )


SHIPMENTS = suite("shipments", "every parcel that was bought", parcels.SHIPMENTS, _shipments)
LABELS = suite("labels", "every label", parcels.LABELS, _labels)
MESSAGES = suite("messages", "every message to a customer", parcels.MESSAGES, _messages)
CONSENTS = suite("consents", "everything a customer agreed to or refused", parcels.CONSENTS, _consents)
