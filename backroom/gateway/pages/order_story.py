"""The parts of an order's page that only tell: its routing, its work, its parcels and messages, its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request
from sqlalchemy import RowMapping

from backroom.domain.explain import explain
from backroom.domain.explain_rate import WHY_LEFT, explain_rate
from backroom.domain.money import format_money
from backroom.domain.tracking import WHAT_TO_DO
from backroom.gateway.pages.html import Child, Html, button, form, join, link, state, table, tag, when
from backroom.gateway.pages.parcels import void_button
from backroom.gateway.pages.runs import run_link
from backroom.store.news import WAITING
from backroom.store.routing import decision_from_row
from backroom.store.story import OrderStory


def routing(told: OrderStory, names: Mapping[str, str]) -> Html:
    """The latest decision as a sentence, with what else was weighed; earlier ones below it. `names` are locations'."""
    if not told.decisions:
        return tag("p", "It has not been routed yet.", cls="quiet")
    *earlier, latest = told.decisions
    return join(
        [
            _decision(latest, told.order["number"], names),
            [
                tag(
                    "details",
                    tag("summary", "Decision ", decision["round"]),
                    _decision(decision, told.order["number"], names),
                )
                for decision in reversed(earlier)
            ],
        ]
    )


def making(request: Request, told: OrderStory) -> Html:
    """The order's lines, the work at each location, and its prints."""
    lines = [
        [line["line_no"], line["sku"], line["quantity"], format_money(line["unit_price_minor"], told.order["currency"])]
        for line in told.lines
    ]
    prints = [
        [
            job["id"],
            f"{job['copies']} × {job['sku']}",
            link(f"/prints/{job['location']}", job["location"]),
            [state(job["state"]), " ", job["reason"]],
            [job["printer"], " ", job["printer_job"]],
            when(request, job["ended_at"]),
        ]
        for job in told.print_jobs
    ]
    effects = [
        [
            effect["kind"],
            effect["key"],
            [
                state(effect["state"]),
                " ",
                effect["reason"],
                [" ", link("/effects", "decide")]
                if effect["state"] == "unknown" and effect["kind"] != "print"
                else None,
            ],
            when(request, effect["settled_at"]),
        ]
        for effect in told.effects
    ]
    return join(
        [
            table(("Line", "SKU", "Pieces", "Price"), lines, "It has no lines."),
            table(
                ("Location", "State", "Waits for", "Pieces", "Since"),
                [_part(request, told, part) for part in told.parts],
                "No work was opened for it yet.",
            ),
            table(("Job", "Piece", "Location", "State", "Printer", "Ended"), prints, "Nothing is printed for it."),
            tag(
                "details",
                tag("summary", "Every effect on the outside world"),
                table(("Kind", "Key", "State", "Settled"), effects, "There was none yet."),
            ),
        ]
    )


def deliveries(request: Request, told: OrderStory) -> Html:
    """Parcels with their labels to open, what comes back of them, and the messages about them, without their words."""
    parcels = [
        [
            f"{shipment['carrier']} {shipment['service']}",
            shipment["tracking"],
            shipment["return_tracking"],
            f"{shipment['weight_g']} g",
            [
                link(f"/shipments/{shipment['id']}/label.pdf", "PDF"),
                " ",
                link(f"/shipments/{shipment['id']}/label.zpl", "ZPL"),
            ],
        ]
        for shipment in told.shipments
    ]
    sent = [
        [
            message["kind"].replace("_", " "),
            message["medium"],
            [state(message["state"]), " ", message["reason"]],
            when(request, message["sent_at"]),
            [state(message["delivery"]), " ", message["delivery_code"]] if message["delivery"] else None,
        ]
        for message in told.messages
    ]
    return join(
        [
            [_rates(choice) for choice in told.rates],
            table(("Carrier", "Tracking", "Return", "Weight", "Labels"), parcels, "No parcel is labelled yet."),
            _where(request, told),
            _returns(request, told),
            _news(request, told),
            table(("Message", "By", "State", "Sent", "At the phone"), sent, "No message was planned yet."),
        ]
    )


def _where(request: Request, told: OrderStory) -> Html | None:
    """Where each parcel is, what somebody should do about it, and everything that was told of it."""
    rows = [
        [
            row["tracking"] or f"to be fetched at {row['location']}",
            state(row["state"]),
            when(request, row["state_at"]),
            WHAT_TO_DO.get(row["attention"], ""),
            _label_back(request, told.order["number"], row),
        ]
        for row in told.parcels
    ]
    if not rows:
        return None
    news = [[when(request, one["at"]), state(one["state"]), one["detail"], one["source"]] for one in told.tracking]
    return join(
        [
            table(("Parcel", "Where it is", "Since", "What to do", "Its label"), rows, ""),
            tag(
                "details",
                tag("summary", f"What was told of it: {len(news)}"),
                table(("When", "State", "Detail", "By"), news, "Nothing yet."),
            ),
        ]
    )


def _label_back(request: Request, number: str, row: RowMapping) -> Child:
    """How the refund of its label stands, or the button that asks for it, as long as nobody has scanned it."""
    if row["voided_at"] is not None:
        ways = [f"{way} {row[name]}" for way, name in (("out", "refund"), ("back", "return_refund")) if row[name]]
        return ["taken back, ", ", ".join(ways) or "to be asked for"]
    return void_button(request, number) if row["kind"] == "ship" and row["state"] == "announced" else None


def _rates(choice: RowMapping) -> Html:
    """Which rate was taken for a parcel, and why each of the others was not."""
    left = [
        [
            f"{one['brand']} {one['service']}",
            format_money(one["price_minor"], one["currency"]),
            one["days"],
            WHY_LEFT[one["why"]],
        ]
        for one in choice["rejected"]
    ]
    return join(
        [
            tag("p", explain_rate(choice)),
            tag(
                "details",
                tag("summary", f"Other rates: {len(left)}"),
                table(("Service", "Price", "Days", "Why not"), left, "There was no other."),
            ),
        ]
    )


def _returns(request: Request, told: OrderStory) -> Html | None:
    rows = [
        [link(f"/returns/{back['number']}", back["number"]), state(back["state"]), when(request, back["asked_at"])]
        for back in told.returns
    ]
    return table(("Return", "State", "Asked"), rows, "") if rows else None


def _news(request: Request, told: OrderStory) -> Html | None:
    """What its channel is told of it, and what keeps it from being told: the order itself waits for nothing."""
    rows = [
        [
            f"{one['channel']}: {one['kind']}",
            [state(one["state"]), " ", state("sick") if _needs_a_hand(one) else None, " ", one["sick_reason"]],
            one["reference"],
            when(request, one["told_at"] or one["next_attempt_at"]),
        ]
        for one in told.news
    ]
    if not rows:
        return None
    path = f"/orders/{quote(told.order['number'], safe='')}"
    waits = any(one["state"] == WAITING for one in told.news)
    return join(
        [
            table(("Told to the channel", "State", "Its id there", "Told, or tried again"), rows, ""),
            tag(
                "section",
                form(request, f"{path}/retry", button("Tell it now")),
                form(request, f"{path}/told", button("Nothing is left to tell")),
                aria_label="What the channel is told",
            )
            if waits
            else None,
        ]
    )


def _needs_a_hand(news: RowMapping) -> bool:
    return bool(news["sick_cause"]) and news["next_attempt_at"] is None


def timeline(request: Request, told: OrderStory, notes: Mapping[int, str]) -> Html:
    """Everything that happened, newest first, with who did it, what they noted, and the run it happened in."""
    entries = [
        tag(
            "li",
            when(request, entry["at"]),
            " ",
            tag("strong", entry["event"].replace(".", " ").replace("_", " ")),
            " ",
            _data(entry["data"]),
            f" by {entry['actor']}" if entry["actor"] else None,
            [": ", tag("q", notes[entry["id"]])] if entry["id"] in notes else None,
            [" ", run_link(entry["run_id"])] if entry["run_id"] else None,
        )
        for entry in reversed(told.history)
    ]
    return tag("ol", entries, cls="timeline") if entries else tag("p", "Nothing happened yet.", cls="quiet")


def _decision(decision: RowMapping, number: str, names: Mapping[str, str]) -> Html:
    rejected = [[names.get(r["location"], r["location"]), r["rule"], r["reason"]] for r in decision["rejected"]]
    return join(
        [
            tag("p", explain(decision_from_row(decision), number, names)),
            tag(
                "details",
                tag("summary", f"Rejected alternatives: {len(rejected)}"),
                table(("Location", "Rule", "Why not"), rejected, "There was none."),
            ),
        ]
    )


def _part(request: Request, told: OrderStory, part: RowMapping) -> list[Child]:
    lines = [line for line in told.part_lines if line["fulfilment_order_id"] == part["id"]]
    pieces = [f"{line['sku']}: {', '.join(_counts(line))}" for line in lines]
    return [
        part["location"],
        [
            state(part["state"]),
            " ",
            state("sick") if part["sick_cause"] else None,
            " ",
            part["sick_reason"] or part["hold_reason"],
        ],
        part["outstanding"] or None,
        [[piece, tag("br")] for piece in pieces],
        when(request, part["opened_at"]),
    ]


def _counts(line: RowMapping) -> Iterator[str]:
    """How many pieces come from where; only some places scan what they take from the stock."""
    if line["from_stock"]:
        yield f"{line['from_stock']} from stock" + (f", {line['picked']} of them scanned" if line["picked"] else "")
    if line["to_print"]:
        yield f"printed {line['printed']} of {line['to_print']}"


def _data(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in data.items() if value not in ("", None))
