"""Every key figure of three days of the demo shop, by way, beside the sum that a person does on paper.

Eleven orders go through the product's own doors, waves, printers and returns on a clock that is set. Money is in cents.
The shop file says: a label 490, packaging 62, a print 190, a blank 420, a piece picked 2.5 min at 1950 an hour = 81.25,
an e-mail 0.09, an SMS 6.9, a return label 420, an open hour of the booth 3800, hosting 2400 * 12 / 365 a day.

    order   way     placed        accepted +  released +  made +    labelled +  announced +  = shipped after
    slow    online  Thu 11:00:00  120         20          72160     600         10           72910, due Thu 19:00: late
    jam     online  Fri 07:30:00  240         20          5140      900         10           6310
    totes   online  Fri 08:00:00  60          20          1120      30          10           1240
    patches local   Fri 10:00:00  120         30          1650      20          5            1825
    hoodie  local   Fri 10:05:00  60          30          5010      900         5            6005
    again   online  Fri 12:00:00  30          20          550       40          10           650
    blanks  online  Fri 13:00:00  60          70200       1740      30          10           72040, on Saturday
    carry   event   Fri 17:30:00  10          2           8         3           2            25
    wait    event   Fri 18:00:00  20          5           1475      63          2            1565
    send    event   Fri 19:00:00  10          5           285       303         2            605
    sat     event   Sat 16:00:00  10          2           8         3           2            25
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from backroom.domain.kpi import BY_DAY, BY_MONTH, WAYS
from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
from backroom.shop.demo_messages import BOOTH, LOCAL, MAIN
from backroom.shop.demo_people import FAR, NEARBY
from backroom.shop.demo_shapes import Item
from backroom.shop.room import Room
from backroom.store import kpi_figures
from backroom.store.kpi_figures import Figure
from tests.demo_days import Blank, DemoDays, external_id, open_days

HAMBURG, KOELN = FAR[0], FAR[3]
LABEL, BOX, INK, BLANK, PICK = 490, 62, 190, 420, 2.5 * 1950 / 60
MAIL, SMS = 0.09, 6.9
HOSTING = 2400 * 12 / 365
# By day, figure and way.
Figures = Mapping[tuple[str, str, str], float]


def figures_of(room: Room, names: tuple[str, ...]) -> Figures:
    with room.database.read() as connection:
        rows = kpi_figures.between(connection, "2026-11-01", "2026-11-30", names)
    return {(row["day"], row["name"], row["way"]): row["value"] for row in rows}


def by_way(day: str, counted: Mapping[str, Mapping[str, float]]) -> Figures:
    return {(day, name, way): float(value) for name, ways in counted.items() for way, value in ways.items()}


def everywhere(value: float, *ways: str) -> dict[str, float]:
    return dict.fromkeys(ways, value)


def bring_up_to_date(room: Room) -> list[Figure]:
    for _ in refresh_facts(room):
        pass
    return [figure for step in refresh_figures(room) for figure in step] + refresh_months(room)


def play_until_friday_night(days: DemoDays) -> None:
    days.at("thu 11:02:00")
    days.web(1, "thu 11:00:00", Item("HOOD-CAT-SLATE-S"), to=HAMBURG)
    days.take_in(released_after=20)
    days.at("thu 11:03:00")
    days.fulfil(MAIN)
    hoodie = days.job(MAIN, "HOOD-CAT-SLATE-S")
    days.at("fri 07:05:00")
    days.comes_out(hoodie)
    days.at("fri 07:14:55")
    days.fulfil(MAIN, labelled_after=5, announced_after=10)

    days.at("fri 07:34:00")
    days.web(2, "fri 07:30:00", Item("HOOD-MOTH-INK-M"), to=HAMBURG, sms="+4917139200002")
    days.take_in(released_after=20)
    days.at("fri 07:35:00")
    days.fulfil(MAIN)
    jammed = days.job(MAIN, "HOOD-MOTH-INK-M")
    days.at("fri 08:01:00")
    days.web(3, "fri 08:00:00", Item("TOTE-MOTH-NAT", 2), to=KOELN)
    days.take_in(released_after=20)
    days.at("fri 08:20:00")
    days.fulfil(MAIN, labelled_after=30, announced_after=10)
    days.at("fri 08:30:00")
    days.fails(jammed)
    better = days.job(MAIN, "HOOD-MOTH-INK-M")
    days.at("fri 09:00:00")
    days.comes_out(better)
    days.at("fri 09:14:55")
    days.fulfil(MAIN, labelled_after=5, announced_after=10)

    days.at("fri 10:02:00")
    days.web(4, "fri 10:00:00", Item("PATCH-FOX", 3), to=NEARBY[0], sms="+4917139200004")
    days.take_in(released_after=30)
    days.at("fri 10:06:00")
    days.friends(5, "fri 10:05:00", Item("HOOD-FOX-MOSS-L"), Item("TOTE-FOX-NAT"), to=NEARBY[1])
    days.take_in(released_after=30)
    days.at("fri 10:30:00")
    days.fulfil(LOCAL, labelled_after=20, announced_after=5)
    hoodie = days.job(LOCAL, "HOOD-FOX-MOSS-L")
    days.at("fri 11:30:00")
    days.comes_out(hoodie)
    days.at("fri 11:44:50")
    days.fulfil(LOCAL, labelled_after=10, announced_after=5)

    # The customer of the totes orders again, and the SMS about it does not arrive.
    days.at("fri 12:00:30")
    days.web(3, "fri 12:00:00", Item("PATCH-MOTH"), to=KOELN, sms="+4917139200003")
    days.take_in(released_after=20)
    days.at("fri 12:10:00")
    days.fulfil(MAIN, labelled_after=40, announced_after=10)
    days.at("fri 12:30:00")
    days.is_not_delivered(external_id("fri 12:00:00"), "sms")
    # Twenty-five are there, and nobody can print a blank.
    days.at("fri 13:01:00")
    days.web(6, "fri 13:00:00", Blank("BLANK-TEE-INK-S", 26), to=HAMBURG)
    days.take_in(released_after=20)

    days.at("fri 17:30:10")
    days.till(7, "fri 17:30:00", "carry_out", Item("TOTE-CAT-NAT"))
    days.take_in(released_after=2)
    days.at("fri 17:30:20")
    days.fulfil(BOOTH, labelled_after=3, announced_after=2)
    days.at("fri 18:00:20")
    days.till(8, "fri 18:00:00", "collect", Item("TEE-MOTH-INK-XL", 3), Item("TEE-FOX-FERN-XL"), mail=True)
    days.take_in(released_after=5)
    days.at("fri 18:00:30")
    days.fulfil(BOOTH)
    # Of three moths one is smeared. Its second try jams, its third one is good; then the fox comes out.
    fox, moths = days.job(BOOTH, "TEE-FOX-FERN-XL"), days.job(BOOTH, "TEE-MOTH-INK-XL")
    days.at("fri 18:10:00")
    days.comes_out(moths)
    days.at("fri 18:11:00")
    days.is_bad(moths, pieces=1)
    second = days.job(BOOTH, "TEE-MOTH-INK-XL")
    days.at("fri 18:14:00")
    days.fails(second)
    third = days.job(BOOTH, "TEE-MOTH-INK-XL")
    days.at("fri 18:20:00")
    days.comes_out(third)
    days.at("fri 18:25:00")
    days.comes_out(fox)
    days.at("fri 18:26:00")
    days.fulfil(BOOTH, labelled_after=3, announced_after=2)
    # One is in the shelf of the booth, the other is printed.
    days.at("fri 19:00:10")
    days.till(9, "fri 19:00:00", "ship", Item("TEE-MOTH-INK-S", 2), to=NEARBY[2], mail=True)
    days.take_in(released_after=5)
    days.at("fri 19:00:20")
    days.fulfil(BOOTH)
    moth = days.job(BOOTH, "TEE-MOTH-INK-S")
    days.at("fri 19:05:00")
    days.comes_out(moth)
    days.at("fri 19:10:00")
    days.fulfil(BOOTH, labelled_after=3, announced_after=2)


def play_saturday(days: DemoDays) -> None:
    days.at("sat 08:30:00")
    days.arrives(MAIN, "BLANK-TEE-INK-S", 5)
    days.at("sat 08:31:00")
    days.take_in(released_after=0)
    days.at("sat 09:00:00")
    days.fulfil(MAIN, labelled_after=30, announced_after=10)
    days.at("sat 10:00:00")
    days.comes_back(external_id("fri 08:00:00"), "TOTE-MOTH-NAT", paid_back=2400)
    days.at("sat 16:00:10")
    days.till(10, "sat 16:00:00", "carry_out", Item("TOTE-FOX-BLACK"))
    days.take_in(released_after=2)
    days.at("sat 16:00:20")
    days.fulfil(BOOTH, labelled_after=3, announced_after=2)


def thursday() -> Figures:
    """Nothing was shipped; the slow one was accepted. The hub keeps no hoodies: to print one is no stock-out."""
    counted = {name: {"all": 0.0, "online": 0.0} for name in ("oversold", "stock_outs")}
    return by_way("2026-11-19", counted)


def friday(back: int) -> Figures:
    """Four online (slow, jam, totes, again), two local (patches, hoodie), three of the event (carry, wait, send); how
    many totes came back already."""
    counted: dict[str, dict[str, float]] = {
        "orders": {"all": 9, "online": 4, "local": 2, "event": 3},
        # Sorted, the 5th of 9, the 2nd of 4, the 1st of 2, the 2nd of 3.
        "ship_median": {
            "all": 1565,  # 25 605 650 1240 [1565] 1825 6005 6310 72910
            "online": 1240,  # 650 [1240] 6310 72910
            "local": 1825,  # [1825] 6005
            "event": 605,  # 25 [605] 1565
        },
        # The last of each: 0.9 * 9 = 8.1 -> 9th, 3.6 -> 4th, 1.8 -> 2nd, 2.7 -> 3rd.
        "ship_p90": {"all": 72910, "online": 72910, "local": 6005, "event": 1565},
        "waiting_median": {
            "all": 60,  # 10 10 20 30 [60] 60 120 120 240
            "online": 60,  # 30 [60] 120 240
            "local": 60,  # [60] 120
            "event": 10,  # 10 [10] 20
        },
        "intake_median": {
            "all": 20,  # 2 5 5 20 [20] 20 20 30 30
            "online": 20,
            "local": 30,
            "event": 5,  # 2 [5] 5
        },
        "making_median": {
            "all": 1475,  # 8 285 550 1120 [1475] 1650 5010 5140 72160
            "online": 1120,  # 550 [1120] 5140 72160
            "local": 1650,  # [1650] 5010
            "event": 285,  # 8 [285] 1475
        },
        "packing_median": {
            "all": 63,  # 3 20 30 40 [63] 303 600 900 900
            "online": 40,  # 30 [40] 600 900
            "local": 20,  # [20] 900
            "event": 63,  # 3 [63] 303
        },
        "announcing_median": {
            "all": 5,  # 2 2 2 5 [5] 10 10 10 10
            "online": 10,
            "local": 5,
            "event": 2,
        },
        # The slow one was due on Thursday at 19:00, eight hours of open doors after 11:00.
        "on_time": {"all": 8 / 9, "online": 3 / 4, "local": 1, "event": 1},
        # Parcels: four online, two local, one of the event; what is carried out or fetched has none.
        "cost_label": {"all": 7 * LABEL / 9, "online": LABEL, "local": LABEL, "event": LABEL / 3},
        "cost_packaging": {"all": 7 * BOX / 9, "online": BOX, "local": BOX, "event": BOX / 3},
        # Online: slow 1, jam 1 and the try before. Local: hoodie 1. Event: wait 3 + 1 and two tries, send 1.
        "cost_print": {"all": 11 * INK / 9, "online": 3 * INK / 4, "local": INK / 2, "event": 7 * INK / 3},
        "cost_blank": {"all": 11 * BLANK / 9, "online": 3 * BLANK / 4, "local": BLANK / 2, "event": 7 * BLANK / 3},
        # Pieces. Online: 1 + 1 + 2 + 1. Local: 3 + 2. Event: 1 + 4 + 2.
        "cost_picking": {"all": 17 * PICK / 9, "online": 5 * PICK / 4, "local": 5 * PICK / 2, "event": 7 * PICK / 3},
        "cost_partner": everywhere(0, *WAYS),
        # A mail for each but what is carried out, and one that the money is paid back; SMS: jam, again, patches.
        "cost_messages": {
            "all": ((8 + back) * MAIL + 3 * SMS) / 9,
            "online": ((4 + back) * MAIL + 2 * SMS) / 4,
            "local": (2 * MAIL + SMS) / 2,
            "event": 2 * MAIL / 3,
        },
        # One tote of two comes back by its label.
        "cost_returns": {
            "all": back * (420 + PICK) / 9,
            "online": back * (420 + PICK) / 4,
            **everywhere(0, "local", "event"),
        },
        # Open from 17:00 to 01:00.
        "cost_booth": {"all": 8 * 3800 / 9, "event": 8 * 3800 / 3, **everywhere(0, "online", "local")},
        "cost_hosting": everywhere(HOSTING / 9, *WAYS),
        "cost_compute": everywhere(0, *WAYS),
        "refunds": {"all": back * 2400 / 9, "online": back * 2400 / 4, **everywhere(0, "local", "event")},
        # Online: slow 1 try, jam 2, of which one failed. Local: 1. Event: three moths, of which one was bad, then one
        # that jammed, and one; the fox 1, send 1.
        "print_rejects": {"all": 3 / 11, "online": 1 / 3, "local": 0, "event": 2 / 7},
        # The blanks, of jam, totes, again and blanks online; patches and hoodie local; carry, wait and send.
        "oversold": {"all": 1 / 9, "online": 1 / 4, "local": 0, "event": 0},
        # The blanks at the hub, and the small moth at the booth.
        "stock_outs": {"all": 2, "online": 1, "local": 0, "event": 1},
        "messages_failed": {"all": 1, "online": 1, "local": 0, "event": 0},
    }
    costs = [name for name in counted if name.startswith("cost_")]
    assert len(costs) == 11
    # In cents, before anything came back, to see what it comes to:
    #   online  490 + 62 + 142.5 + 315 + 101.5625 + 3.54 + 8.7671
    #   local   490 + 62 + 95 + 210 + 203.125 + 3.54 + 8.7671
    #   event   163.3333 + 20.6667 + 443.3333 + 980 + 189.5833 + 0.06 + 10133.3333 + 8.7671
    assert round(sum(counted[name]["online"] for name in costs) - back * (420 + PICK + MAIL) / 4, 4) == 1123.3696
    assert round(sum(counted[name]["local"] for name in costs), 4) == 1072.4321
    assert round(sum(counted[name]["event"] for name in costs), 4) == 11939.0771
    counted["cost_per_order"] = {way: sum(counted[name][way] for name in costs) for way in WAYS}
    return by_way("2026-11-20", counted)


def saturday() -> Figures:
    """The blanks, and what was carried out of the market, which is open from 15:00 to 01:00."""
    both = ("online", "event")
    counted: dict[str, dict[str, float]] = {
        "orders": {"all": 2, "online": 1, "event": 1},
        # The 1st of two.
        "ship_median": {"all": 25, "online": 72040, "event": 25},
        "ship_p90": {"all": 72040, "online": 72040, "event": 25},
        "waiting_median": {"all": 10, "online": 60, "event": 10},
        "intake_median": {"all": 2, "online": 70200, "event": 2},
        "making_median": {"all": 8, "online": 1740, "event": 8},
        "packing_median": {"all": 3, "online": 30, "event": 3},
        "announcing_median": {"all": 2, "online": 10, "event": 2},
        # The blanks were due on Saturday at 10:00: six hours of Friday and two of Saturday.
        "on_time": everywhere(1, "all", *both),
        "cost_label": {"all": LABEL / 2, "online": LABEL, "event": 0},
        "cost_packaging": {"all": BOX / 2, "online": BOX, "event": 0},
        "cost_print": everywhere(0, "all", *both),
        "cost_blank": everywhere(0, "all", *both),
        "cost_picking": {"all": 27 * PICK / 2, "online": 26 * PICK, "event": PICK},
        "cost_partner": everywhere(0, "all", *both),
        "cost_messages": {"all": MAIL / 2, "online": MAIL, "event": 0},
        "cost_returns": everywhere(0, "all", *both),
        "cost_booth": {"all": 10 * 3800 / 2, "online": 0, "event": 10 * 3800},
        "cost_hosting": everywhere(HOSTING / 2, "all", *both),
        "cost_compute": everywhere(0, "all", *both),
        "refunds": everywhere(0, "all", *both),
        "messages_failed": everywhere(0, "all", *both),
        # Accepted was only what was carried out.
        "oversold": everywhere(0, "all", "event"),
        "stock_outs": everywhere(0, "all", "event"),
    }
    # Label, box, 26 pieces and a mail, and half a day of hosting: 490 + 62 + 2112.5 + 0.09 + 39.4521. Nothing printed.
    # A piece, ten hours and half a day: 81.25 + 38000 + 39.4521.
    counted["cost_per_order"] = {
        "online": 490 + 62 + 2112.5 + 0.09 + HOSTING / 2,
        "event": 81.25 + 38000 + HOSTING / 2,
        "all": (490 + 62 + 2112.5 + 0.09 + 81.25 + 38000 + HOSTING) / 2,
    }
    return by_way("2026-11-21", counted)


def november() -> Figures:
    """Pieces: 31 online (5 on Friday, 26 on Saturday), 5 local, 8 of the event (7 and 1). Customers: slow, jam, totes
    and blanks; patches and hoodie; carry, wait, send and sat."""
    counted = {
        "return_rate": {"all": 1 / 44, "online": 1 / 31, "local": 0, "event": 0},
        "returning_60d": {"all": 1 / 10, "online": 1 / 4, "local": 0, "event": 0},
    }
    return by_way("2026-11-01", counted)


def test_every_figure_of_three_days_is_the_one_counted_by_hand(database_url: str, tmp_path: Path) -> None:
    with open_days(database_url, tmp_path / "home", "thu 08:00:00") as days:
        play_until_friday_night(days)
        days.at("sat 04:15:00")
        assert bring_up_to_date(days.room) == []
        assert figures_of(days.room, BY_DAY) == pytest.approx({**thursday(), **friday(back=0)}, rel=1e-12)
        play_saturday(days)
        days.at("sun 04:15:00")
        corrected = bring_up_to_date(days.room)
        counted = {**thursday(), **friday(back=1), **saturday()}
        # Nothing is in quarantine, and where nothing is there is no such figure.
        assert {name for _, name, _ in counted} == {*BY_DAY} - {"left_out"}
        assert figures_of(days.room, BY_DAY) == pytest.approx(counted, rel=1e-12)
        assert figures_of(days.room, BY_MONTH) == pytest.approx(november(), rel=1e-12)
        # What came back on Saturday counts for Friday's order: four figures, of all orders and of those online.
        changed = ("cost_messages", "cost_per_order", "cost_returns", "refunds")
        wanted = {("2026-11-20", name, way) for name in changed for way in ("all", "online")}
        assert {(one.day, one.name, one.way) for one in corrected} == wanted
        with days.room.database.read() as connection:
            rows = kpi_figures.between(connection, "2026-11-20", "2026-11-20", ("refunds",))
        number = days.number(external_id("fri 08:00:00"))
        assert {(row["way"], row["was"], row["why"]) for row in rows if row["changed_at"]} == {
            (way, 0.0, f"1 order changed: {number}") for way in ("all", "online")
        }
