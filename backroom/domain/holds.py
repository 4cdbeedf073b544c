"""Holds, in the words of somebody who has to act on one now: the same in Prefect's form and on the staff pages.

What belongs here: what each reason asks of a person. What does not: when an order is held (`validation`, `routing`),
and the longer advice of the guide.
"""

from __future__ import annotations

WHAT_TO_DO = {
    "unknown_sku": "The catalogue does not know a piece of it. Correct the SKU on its page, then let it go on.",
    "artwork_unfit": "A picture that a line brings cannot be had or does not print. Read on its page why, have it put "
    "right at its address, then let it go on; or correct the line's SKU.",
    "address_incomplete": "No parcel would arrive there. Correct the address on its page, then let it go on.",
    "address": "Its address is not as its country writes them. Correct it on its page, then let it go on.",
    "unreachable": "There is no phone and no e-mail that works. Add one on its page, then let it go on.",
    "location_missing": "It is to be collected, and nobody says where. Ask the customer, then enter it anew.",
    "totals_do_not_add_up": "What was paid and what was ordered differ. Look at the channel, then decide.",
    "currency_not_ours": "It was paid in another currency. Look at the channel, then decide.",
    "payment_pending": "It is not paid yet. It goes on by itself when the channel says that it is.",
    "payment_refunded": "It was paid back already. Cancel it, unless the channel is wrong.",
    "no_coordinates": "Nobody knows how far away it goes. Correct the postcode on its page, then let it go on.",
    "no_place": "The place where the customer collects it does not exist. Check the shop file's locations.",
    "no_event": "Its event is not open. It goes on when it opens; if that is over, ship it, or cancel it.",
    "left_unfinished": "It was begun at its booth, and the rest is not there. Send it from elsewhere; or cancel it; "
    "or, was it finished by hand, let it go on and say so of each print.",
    "piece_carried_out": "A customer carried a piece out that lay there for it. Put another one in its place, take it "
    "into the stock, and let it go on; or send it from elsewhere; or cancel it.",
    "no_rule": "No routing rule fits it. Add one to the shop file, then let it go on.",
    "no_taker": "Its partners refused it, and no other place can make it. Read on its page what they wrote, mend "
    "that, then let it go on: they are asked anew. Or cancel it.",
    "no_sample": "It is printed only once a new sample is approved: then it goes on by itself. Or cancel it.",
    "short_stock": "No place has all of it. Take stock in, then let it go on.",
    "cancelled_after_label": "It was cancelled after its label was made. Stop the parcel, or let it go on.",
    "refunded_after_label": "It was paid back after its label was made. Stop the parcel, or see that it comes back.",
    "changed_after_label": "It was changed after its label was made. Compare both: stop the parcel, or let it go on.",
    "deleted_at_channel": "It was deleted at its channel after its label was made. Stop the parcel, or let it go on.",
    "changed_while_making": "It was changed while it is being made. Compare both, then decide.",
    "changed_after_correction": "The channel changed it after somebody corrected its address here. Compare both.",
    "partner_differs": "Its partner has something else than was asked, or does not say. Read on its page what, then "
    "decide.",
    "partner_stuck": "Its partner waits for somebody. Read on its page why, and mend it there; it goes on by itself.",
    "partner_sent_part": "Its partner sent only some of it. Read on its page what is missing and have it made by a new "
    "order, or pay it back; then let it go on: its customer is told of the parcel.",
    "partner_short": "The cell did not find all of it. Count what is there, then let it go on: it is routed again.",
    "cancelling_at_partner": "Its partner was asked to cancel it. Wait for the answer; or let it go on after all.",
    "partner_cannot_cancel": "Its partner does not cancel it any more. Let it go on; it comes back as a return.",
    "delivery_failed": "Its delivery failed. Ask the carrier why and the customer where; it may go on by itself.",
    "parcel_returning": "Its parcel comes back. Ask the customer what they want, then let it go on until it is here.",
    "parcel_returned": "Its parcel came back. Scan its return label at the return station, then let it go on.",
    "in_quarantine": "A grave check found something about it that cannot be true; its page says what. Mend it, and it "
    "goes on by itself when it passes; or say that it is right as it is: letting it go on says so.",
    "asked_by_staff": "Somebody of the shop put it on hold.",
}


def what_to_do(reason: str) -> str:
    """What a Hold of this reason asks of a person; empty for a reason that says it all."""
    return WHAT_TO_DO.get(reason, "")
