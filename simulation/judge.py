"""Whether a night went well: what the shop's books say against what really happened at the booth.

What belongs here: every rule that a night must keep, each violation in a sentence. What does not: making it happen
(`night`), and promises (`promised`). The booth's truth is the table, the bags and what came out of the presses; the
books are the database.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import RowMapping

from backroom.domain.model import Delivery, OrderState, PrintJobState
from backroom.store.diverting import ELSEWHERE
from backroom.store.offline_conflicts import ConflictKind, key_of_print
from backroom.store.print_jobs import job_key
from backroom.store.print_promises import MADE_ELSEWHERE
from backroom.store.refunds import DONE
from simulation.books import Books
from simulation.evening import UNSAMPLED
from simulation.market import Happened
from simulation.promised import judge_promises
from simulation.stall import BOOTH
from simulation.till import paid_by
from simulation.verdict import Verdict


def judge(night: Happened) -> Verdict:
    """Judge a night that was played."""
    verdict = Verdict(night.evening.seed)
    with night.room.database.read() as connection:
        books = Books(connection)
    for rule in (_served, _told, _pieces, _printed_once, _samples, judge_promises, _settlement, _stock):
        verdict.violations += rule(night, books, verdict)
    return verdict


def _served(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """Every sale is one order, and every order was served, here or elsewhere; or its customer, who came to the booth
    for it in vain, has all the money back. Nothing waits for a person in the end."""
    found = Counter(row["external_id"] for row in books.orders)
    wrong = [f"{name} became {found[name]} orders" for name in night.sold if found[name] != 1]
    wrong += [f"{name} is nobody's" for name in found if name not in night.sold]
    wrong += [f"a message lies in quarantine: {row['channel']}" for row in books.quarantined]
    if len(night.sold) != len(night.evening.customers):
        wrong.append(f"{len(night.evening.customers)} customers came, and {len(night.sold)} ordered")
    verdict.orders = len(books.orders)
    verdict.conflicts = len(books.conflicts)
    for row in books.orders:
        number = row["number"]
        match row["state"]:
            case OrderState.FULFILLED:
                verdict.fulfilled += 1
                if row["id"] in books.refunds:
                    wrong.append(f"{number} was served, and its customer has the money back")
            case OrderState.CANCELLED:
                verdict.cancelled += 1
                wrong += _paid_back(night, books, row)
            case OrderState.HELD:
                wrong.append(f"{number} is on hold ({row['hold_reason'] or 'no reason'}), and nobody has decided")
            case state:
                wrong.append(f"{number} is still {state} {row['hold_reason']}{row['sick_reason'] or ''}")
        verdict.diverted += row["id"] in books.rerouted
    return wrong


def _paid_back(night: Happened, books: Books, row: RowMapping) -> list[str]:
    """Whether the books owed the customer of a cancelled order all of the money, and know that it was paid back; and
    whether the order was to be cancelled at all."""
    number, customer = row["number"], night.sold.get(row["external_id"])
    owed = books.refunds.get(row["id"])
    if owed is None:
        return [f"{number} was cancelled, and nothing is owed to its customer"]
    wrong = []
    if owed["state"] != DONE:
        wrong.append(f"{number} was cancelled, and its customer has no money back")
    if row["delivery"] != Delivery.COLLECT:
        wrong.append(f"{number} was cancelled, and could have been sent from elsewhere")
    paid, whole = paid_by(customer) if customer else 0, owed["goods_minor"] + owed["shipping_minor"]
    if whole != paid:
        wrong.append(f"{number} was cancelled: {whole} of {paid} is owed")
    if owed["state"] == DONE and owed["paid_minor"] != paid:
        wrong.append(f"{number} was cancelled: {owed['paid_minor']} of {paid} was paid back")
    return wrong


def _told(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """Who agreed to hear was told: that it is ready or on its way, and that it is made elsewhere."""
    wrong = []
    for row in books.orders:
        if row["delivery"] == Delivery.CARRY_OUT or row["state"] != OrderState.FULFILLED:
            continue
        wanted = "ready_to_collect" if row["delivery"] == Delivery.COLLECT else "handed_over"
        if wanted not in books.told(row["id"]):
            wrong.append(f"the customer of {row['number']} was not told: {wanted}")
    for promise in books.promises:
        if promise["state"] == ELSEWHERE and MADE_ELSEWHERE not in books.told(promise["order_id"]):
            wrong.append(f"the customer of {books.number(promise['order_id'])} was not told: made elsewhere")
    return wrong


def _pieces(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """Whoever was handed an order at the booth got each of its pieces once, and nobody else got any of them."""
    wrong = []
    for row in books.orders:
        ordered: Counter[str] = Counter()
        for line in books.lines[row["id"]]:
            ordered[line["sku"]] += line["quantity"]
        bags = night.table.bags
        got = bags.get(row["external_id"], Counter()) + bags.get(row["number"], Counter())
        here = [part for part in books.parts[row["id"]] if part["location"] == BOOTH and part["state"] == "done"]
        mine: Counter[str] = Counter()
        for part in here:
            for line in books.part_lines[part["id"]]:
                mine[line["sku"]] += line["from_stock"] + line["to_print"]
        if got != mine:
            wrong.append(f"{row['number']} should have been handed {_said(mine)} at the booth, and has {_said(got)}")
        everywhere: Counter[str] = Counter()
        for part in books.parts[row["id"]]:
            if part["state"] == "done":
                for line in books.part_lines[part["id"]]:
                    everywhere[line["sku"]] += line["from_stock"] + line["to_print"]
        if row["state"] == OrderState.FULFILLED and everywhere != ordered:
            wrong.append(f"{row['number']} ordered {_said(ordered)} and was sent {_said(everywhere)}")
    below = [sku for sku, pieces in night.table.pieces.items() if pieces < 0]
    wrong += [f"more of {sku} went from the table than lay there" for sku in below]
    return wrong


def _printed_once(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """Nothing came out twice of what was wanted once, and what the books call printed is there.

    What a booth without network printed in the minute in which its order went elsewhere is settled by the rule: it is
    listed for a person, and lies in the stock of the table, where the settlement has to find it.
    """
    settled = {row["key"] for row in books.conflicts if row["kind"] == ConflictKind.FOR_NOTHING}
    out = Counter(key for key, _ in night.came_out)
    verdict.printed = sum(out.values())
    wrong = [f"{key} came out {times} times" for key, times in out.items() if times > 1]
    for job in books.jobs:
        if job["location"] != BOOTH:
            continue
        tries = range(1, job["attempt"] + 1)
        keys = [job_key(job["order_number"], job["part_key"], job["line_no"], attempt) for attempt in tries]
        came = sum(out.pop(key, 0) for key in keys)
        if came > 1:
            wrong.append(f"{keys[0]} was printed {came} times")
        if job["state"] == PrintJobState.DONE and came != 1:
            wrong.append(f"{keys[-1]} is called printed, and came out {came} times")
        if job["state"] == PrintJobState.CANCELLED and came and key_of_print(job["id"], job["attempt"]) not in settled:
            wrong.append(f"{keys[-1]} was printed for nothing, and nobody is told")
    wrong += [f"{key} came out, and nobody knows of it" for key in out]
    return wrong


def _samples(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """Nothing was printed at the booth of which nobody has looked at a sample there."""
    jobs = [one for one in books.jobs if one["sku"].startswith(UNSAMPLED)]
    verdict.unsampled = len({one["order_number"] for one in jobs if one["location"] != BOOTH})
    return [
        f"{one['order_number']}: {one['sku']} has no sample at the booth" for one in jobs if one["location"] == BOOTH
    ]


def _settlement(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """What was lent was sold, came back or is missing, to the piece, as it really did."""
    wrong = []
    verdict.missing = sum(one.missing for one in night.settled)
    settled = {one.sku: one for one in night.settled}
    wrong += [f"{sku} was lent and is not in the settlement" for sku in night.lent if sku not in settled]
    for sku, one in settled.items():
        if one.leased != night.lent[sku]:
            wrong.append(f"{sku}: {night.lent[sku]} were lent, and the settlement says {one.leased}")
        if one.leased + one.other != one.sold + one.returned + one.missing:
            wrong.append(f"{sku} does not add up: {one}")
        if one.returned != night.counted[sku]:
            wrong.append(f"{sku}: {night.counted[sku]} were counted, and {one.returned} went back")
        if one.missing != night.stolen[sku]:
            wrong.append(f"{sku}: {night.stolen[sku]} were stolen, and {one.missing} are missing")
    return wrong


def _stock(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """Stock counts again from nothing, and nothing is below zero."""
    wrong = []
    for level in books.levels:
        place = level["location"], level["sku"]
        if not 0 <= level["reserved"] <= level["on_hand"]:
            wrong.append(f"{place}: {level['reserved']} reserved of {level['on_hand']}")
        if level["on_hand"] != books.moved.get(place, 0):
            wrong.append(f"{place}: {level['on_hand']} by its level, {books.moved.get(place, 0)} by its movements")
        if level["reserved"] != books.reserved.get(place, 0):
            wrong.append(f"{place}: {level['reserved']} reserved, and orders hold {books.reserved.get(place, 0)}")
    return wrong


def _said(pieces: Counter[str]) -> str:
    return ", ".join(f"{count} × {sku}" for sku, count in sorted(pieces.items())) or "nothing"
