"""Every key figure a second time: by SQL alone, from the rows of orders and of what hangs on them.

What belongs here: the definitions of `docs/kpis.md` as SQL that SQLite and PostgreSQL both understand. It shares no
line with the product: neither its facts, nor its figures, nor its queries. What does not: the orders
(`tests.invented_past`), and the comparison (the test).

Moments are whole microseconds since 1970 and days are counted from then, so that all that follows is arithmetic. The
shop's clock is Berlin's, whose changes are written out below.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, text

from backroom.domain.cost_rates import CostRates

# By day or the first day of a month, way and name.
Figures = dict[tuple[str, str, str], float]

EPOCH = date(1970, 1, 1)
A_DAY = 86_400 * 1_000_000
# When summer time begins and ends in Berlin: from then on clocks are so many hours ahead.
CHANGES = (
    (datetime(2024, 3, 31, 1, tzinfo=UTC), 2),
    (datetime(2024, 10, 27, 1, tzinfo=UTC), 1),
    (datetime(2025, 3, 30, 1, tzinfo=UTC), 2),
    (datetime(2025, 10, 26, 1, tzinfo=UTC), 1),
    (datetime(2026, 3, 29, 1, tzinfo=UTC), 2),
    (datetime(2026, 10, 25, 1, tzinfo=UTC), 1),
)
STAGES = {
    "waiting_median": ("placed", "accepted"),
    "intake_median": ("accepted", "opened"),
    "making_median": ("opened", "made"),
    "packing_median": ("made", "labelled"),
    "announcing_median": ("labelled", "ended"),
    "ship_median": ("placed", "ended"),
}

# One row an order: its moments, whose it is and how it went.
_MOMENTS = """
CREATE TEMPORARY TABLE moments AS
SELECT o.id, o.person_id, CASE WHEN o.return_id IS NULL THEN 0 ELSE 1 END AS replaces,
       {placed} AS placed, {accepted} AS accepted, {ship_by} AS due,
       CASE WHEN o.state <> 'cancelled' THEN {ended} END AS ended,
       CASE WHEN o.event <> '' OR coalesce(p.booths, 0) > 0 THEN 'event'
            WHEN p.places > 0 AND p.locals = p.places THEN 'local' ELSE 'online' END AS way,
       coalesce({opened}, {accepted}) AS opened,
       coalesce({made}, {opened}, {accepted}) AS made_or_not,
       coalesce({labelled}, {made}, {opened}, {accepted}) AS labelled_or_not
FROM orders o LEFT JOIN (
    SELECT order_id, count(*) AS places,
           sum(CASE WHEN location = 'booth-a' THEN 1 ELSE 0 END) AS booths,
           sum(CASE WHEN location = 'local-hub' THEN 1 ELSE 0 END) AS locals,
           min(opened_at) AS opened_at, max(coalesce(made_at, opened_at)) AS made_at,
           max(coalesce(labelled_at, made_at, opened_at)) AS labelled_at
    FROM fulfilment_orders WHERE state <> 'cancelled' GROUP BY order_id
) p ON p.order_id = o.id
"""
# The same with its days, and no moment before the one that it follows; and what hangs on it, counted.
_COUNTED = """
CREATE TEMPORARY TABLE counted AS
WITH ordered AS (
    SELECT m.*, CASE WHEN made_or_not > opened THEN made_or_not ELSE opened END AS made FROM moments m
), work AS (
    SELECT p.id, p.order_id, coalesce(q.state, '') AS partner, q.id AS partner_order
    FROM fulfilment_orders p LEFT JOIN partner_orders q ON q.fulfilment_order_id = p.id WHERE p.state <> 'cancelled'
), pieces AS (
    SELECT w.order_id, sum(l.from_stock + l.to_print) AS shipped,
           sum(CASE WHEN w.partner = 'shipped' THEN 0 ELSE l.from_stock + l.to_print END) AS handled,
           sum(CASE WHEN w.partner_order IS NULL THEN l.to_print ELSE 0 END) AS printed
    FROM work w JOIN fulfilment_lines l ON l.fulfilment_order_id = w.id GROUP BY w.order_id
), labels AS (
    SELECT w.order_id, count(*) AS parcels, sum(s.cost_minor) AS minor
    FROM work w JOIN shipments s ON s.fulfilment_order_id = w.id WHERE w.partner <> 'shipped' GROUP BY w.order_id
), bills AS (
    SELECT order_id, sum(cost_minor) AS minor FROM partner_orders GROUP BY order_id
), bad AS (
    SELECT r.print_job_id, r.attempt, r.pieces,
           coalesce((SELECT min(n.attempt) FROM print_rejects n
                     WHERE n.print_job_id = r.print_job_id AND n.attempt > r.attempt), j.attempt) AS until
    FROM print_rejects r JOIN print_jobs j ON j.id = r.print_job_id
), tried AS (
    -- Up to the first try that somebody found bad all copies are printed, then what was bad, up to the next such try.
    SELECT j.id, j.copies * coalesce(b.of_all, j.attempt) + coalesce(b.of_bad, 0) AS tries
    FROM print_jobs j LEFT JOIN (
        SELECT print_job_id, min(attempt) AS of_all, sum(pieces * (until - attempt)) AS of_bad
        FROM bad GROUP BY print_job_id
    ) b ON b.print_job_id = j.id
), prints AS (
    SELECT w.order_id, sum(t.tries) AS tries, sum(t.tries - j.copies) AS failed
    FROM work w JOIN print_jobs j ON j.fulfilment_order_id = w.id JOIN tried t ON t.id = j.id GROUP BY w.order_id
), told AS (
    SELECT m.order_id, sum(CASE WHEN m.medium = 'email' AND m.state = 'sent' THEN 1 ELSE 0 END) AS emails,
           sum(CASE WHEN m.medium = 'sms' AND m.state = 'sent' THEN 1 ELSE 0 END) AS texts,
           sum(CASE WHEN m.state = 'failed' OR m.delivery = 'undelivered' OR e.state IN ('failed', 'unknown')
                    THEN 1 ELSE 0 END) AS failed
    FROM messages m LEFT JOIN effects e ON e.key = m.key AND e.kind = 'message' GROUP BY m.order_id
), came AS (
    SELECT order_id, count(*) AS pieces FROM return_lines
    WHERE state = 'received' AND word <> 'declined' GROUP BY order_id
), by_label AS (
    SELECT order_id, count(*) AS parcels FROM returns
    WHERE lane = 'label' AND received_at IS NOT NULL GROUP BY order_id
), paid AS (
    SELECT order_id, sum(paid_minor) AS minor FROM refunds GROUP BY order_id
)
SELECT o.id, o.way, o.replaces, o.person_id, o.placed, o.accepted, o.opened, o.made, o.ended,
       CASE WHEN labelled_or_not > made THEN labelled_or_not ELSE made END AS labelled,
       {placed_day} AS placed_day, {accepted_day} AS accepted_day, {ended_day} AS day,
       CASE WHEN o.due IS NULL THEN NULL WHEN o.ended <= o.due THEN 1 ELSE 0 END AS on_time,
       coalesce(pieces.shipped, 0) AS pieces, coalesce(pieces.handled, 0) AS handled,
       coalesce(pieces.printed, 0) AS printed, coalesce(labels.parcels, 0) AS parcels,
       coalesce(labels.minor, 0) AS label_minor, coalesce(bills.minor, 0) AS partner_minor,
       coalesce(prints.tries, 0) AS tries, coalesce(prints.failed, 0) AS failed,
       coalesce(told.emails, 0) AS emails, coalesce(told.texts, 0) AS texts, coalesce(told.failed, 0) AS unsent,
       coalesce(came.pieces, 0) AS back, coalesce(by_label.parcels, 0) AS back_by_label,
       coalesce(paid.minor, 0) AS refunded,
       CASE WHEN d.outcome = 'backorder' THEN 1 ELSE 0 END AS oversold
FROM ordered o
LEFT JOIN pieces ON pieces.order_id = o.id LEFT JOIN labels ON labels.order_id = o.id
LEFT JOIN bills ON bills.order_id = o.id LEFT JOIN prints ON prints.order_id = o.id
LEFT JOIN told ON told.order_id = o.id LEFT JOIN came ON came.order_id = o.id
LEFT JOIN by_label ON by_label.order_id = o.id LEFT JOIN paid ON paid.order_id = o.id
LEFT JOIN routing_decisions d ON d.order_id = o.id AND d.round = 1
"""
_RANKED = """
SELECT day, way, min(CASE WHEN place * {of} >= n * {share} THEN seconds END)
FROM (SELECT day, way, seconds, count(*) OVER (PARTITION BY day, way) AS n,
             row_number() OVER (PARTITION BY day, way ORDER BY seconds) AS place
      FROM (SELECT day, {way} AS way,
                   CASE WHEN {until} > {since} THEN ({until} - {since}) / 1000000 ELSE 0 END AS seconds
            FROM counted WHERE day IS NOT NULL) AS timed) AS ranked
GROUP BY day, way
"""
_SUMS = """
SELECT c.day, c.way, c.orders, c.on_time AS on_time, c.label AS cost_label,
       c.parcels * :packaging / c.orders AS cost_packaging,
       c.made * :print / c.orders AS cost_print, c.made * :blank / c.orders AS cost_blank,
       c.handled * :minutes / 60 * :wage / c.orders AS cost_picking, c.partner AS cost_partner,
       (c.emails * :mails / 1000 + c.texts * :texts / 1000) / c.orders AS cost_messages,
       (c.back_by_label * :return_label + c.back * :minutes / 60 * :wage) / c.orders AS cost_returns,
       CASE WHEN c.of_events = 0 THEN 0 ELSE
            -- From Friday 17:00 and from Saturday 15:00 until one at night, on Sunday from 12:00 to 20:00.
            CASE (c.day + 3) % 7 WHEN 4 THEN 8.0 WHEN 5 THEN 10.0 WHEN 6 THEN 8.0 ELSE 0.0 END
            * :booth / c.orders
       END AS cost_booth,
       :hosting * 12 / 365 / whole.orders AS cost_hosting, :compute / 1000 AS cost_compute,
       c.refunds AS refunds, c.print_rejects AS print_rejects, c.unsent AS messages_failed
FROM (
    SELECT day, {way} AS way, count(*) AS orders, 1.0 * sum(on_time) / nullif(count(on_time), 0) AS on_time,
           1.0 * sum(label_minor) / count(*) AS label, 1.0 * sum(parcels) AS parcels,
           1.0 * sum(printed + failed) AS made, 1.0 * sum(handled) AS handled,
           1.0 * sum(partner_minor) / count(*) AS partner, 1.0 * sum(emails) AS emails, 1.0 * sum(texts) AS texts,
           1.0 * sum(back_by_label) AS back_by_label, 1.0 * sum(back) AS back,
           sum(CASE WHEN way = 'event' THEN 1 ELSE 0 END) AS of_events, 1.0 * sum(refunded) / count(*) AS refunds,
           1.0 * sum(failed) / nullif(sum(tries), 0) AS print_rejects, sum(unsent) AS unsent
    FROM counted WHERE day IS NOT NULL GROUP BY 1, 2
) AS c JOIN (SELECT day, count(*) AS orders FROM counted WHERE day IS NOT NULL GROUP BY day) AS whole
  ON whole.day = c.day
"""
_ACCEPTED = """
SELECT c.accepted_day, c.way, 1.0 * c.oversold / c.orders AS oversold, coalesce(s.places, 0) AS stock_outs
FROM (SELECT accepted_day, {way} AS way, count(*) AS orders, sum(oversold) AS oversold FROM counted GROUP BY 1, 2) AS c
LEFT JOIN (
    SELECT accepted_day, way, count(*) AS places FROM (
        SELECT DISTINCT o.accepted_day, {way} AS way, {location} AS location, {sku} AS sku
        FROM counted o JOIN routing_decisions d ON d.order_id = o.id AND d.round = 1 {each_short}
    ) AS once GROUP BY 1, 2
) AS s ON s.accepted_day = c.accepted_day AND s.way = c.way
"""
_CAME_BACK = """
SELECT k.month, {way} AS way, 1.0 * sum(c.back) / nullif(sum(c.pieces), 0)
FROM counted c JOIN calendar k ON k.day = c.day GROUP BY 1, 2
"""
_CAME_AGAIN = """
SELECT k.month, {way} AS way, 1.0 * sum(CASE WHEN f.following - f.placed <= :soon THEN 1 ELSE 0 END) / count(*)
FROM (SELECT way, placed, placed_day, row_number() OVER (PARTITION BY person_id ORDER BY placed, id) AS place,
             lead(placed) OVER (PARTITION BY person_id ORDER BY placed, id) AS following
      FROM counted WHERE replaces = 0) AS f
JOIN calendar k ON k.day = f.placed_day WHERE f.place = 1 GROUP BY 1, 2
"""
WAY = ("'all'", "way")


def count_again(connection: Connection, rates: CostRates) -> Figures:
    """All figures of all days and months. It leaves temporary tables behind: roll the connection back."""
    _lay_out(connection)
    found: Figures = {}
    for day, way, name, value in _all_figures(connection, rates):
        if value is not None:
            found[day, way, name] = float(value)
    costs: Figures = {}
    for (day, way, name), value in found.items():
        if name.startswith("cost_"):
            costs[day, way, "cost_per_order"] = costs.get((day, way, "cost_per_order"), 0.0) + value
    return found | costs


def _lay_out(connection: Connection) -> None:
    columns = {
        name: _microseconds(connection, f"{table}.{column}")
        for name, table, column in (
            *((name, "o", f"{name}_at") for name in ("placed", "accepted", "ended")),
            ("ship_by", "o", "ship_by"),
            *((name, "p", f"{name}_at") for name in ("opened", "made", "labelled")),
        )
    }
    connection.execute(text(_MOMENTS.format(**columns)))
    days = {f"{name}_day": _day(f"o.{name}") for name in ("placed", "accepted", "ended")}
    connection.execute(text(_COUNTED.format(**days)))
    first, last = connection.execute(text("SELECT min(placed_day), max(accepted_day) FROM counted")).one()
    connection.execute(text("CREATE TEMPORARY TABLE calendar (day INTEGER PRIMARY KEY, month TEXT)"))
    # Something may have been shipped long after the last one was accepted.
    rows = [{"day": day, "month": f"{_iso(day)[:7]}-01"} for day in range(first, last + 60)]
    connection.execute(text("INSERT INTO calendar VALUES (:day, :month)"), rows)


def _all_figures(connection: Connection, rates: CostRates) -> Iterator[tuple[str, str, str, float | None]]:
    bound = {
        "packaging": rates.packaging,
        "print": rates.print,
        "blank": rates.blank,
        "minutes": rates.picking_minutes,
        "wage": rates.wage_per_hour,
        "mails": rates.email_per_1000,
        "texts": rates.sms_per_1000,
        "return_label": rates.return_label,
        "booth": rates.booth_per_hour,
        "hosting": float(rates.hosting_per_month),
        "compute": float(rates.compute_per_1000),
    }
    for way in WAY:
        for name, (since, until) in STAGES.items():
            for figure, share, of in ((name, 1, 2), ("ship_p90", 9, 10)):
                if figure == name or name == "ship_median":
                    query = _RANKED.format(way=way, since=since, until=until, share=share, of=of)
                    for day, one, value in connection.execute(text(query)):
                        yield _iso(day), one, figure, value
        for query, values in ((_SUMS.format(way=way), bound), (_ACCEPTED.format(way=way, **_short(connection)), {})):
            for row in connection.execute(text(query), values):
                day, one, *figures = row
                names = list(row._fields)[2:]
                for name, value in zip(names, figures, strict=True):
                    yield _iso(day), one, name, value
        soon = {"soon": 60 * A_DAY}
        for name, query, values in (("return_rate", _CAME_BACK, {}), ("returning_60d", _CAME_AGAIN, soon)):
            for month, one, value in connection.execute(text(query.format(way=way)), values):
                yield month, one, name, value


def _microseconds(connection: Connection, moment: str) -> str:
    """What is stored as a moment, in whole microseconds since 1970."""
    if connection.dialect.name == "sqlite":
        return f"(strftime('%s', substr({moment}, 1, 19)) * 1000000 + CAST(substr({moment}, 21, 6) AS INTEGER))"
    return f"CAST(extract(epoch FROM {moment}) * 1000000 AS BIGINT)"


def _day(moment: str) -> str:
    """The day in Berlin on which a moment (in microseconds) lies, counted from 1970."""
    hours = " ".join(f"WHEN {moment} >= {int(at.timestamp()) * 1_000_000} THEN {ahead}" for at, ahead in CHANGES[::-1])
    return f"({moment} + CASE {hours} END * 3600000000) / {A_DAY}"


def _short(connection: Connection) -> dict[str, str]:
    """How each (location, SKU) of a decision's `short` is got at."""
    if connection.dialect.name == "sqlite":
        place = "json_extract(each.value, '$[{}]')"
        return {"each_short": "JOIN json_each(d.short) AS each", "location": place.format(0), "sku": place.format(1)}
    each = "CROSS JOIN LATERAL jsonb_array_elements(d.short) AS each(value)"
    return {"each_short": each, "location": "each.value ->> 0", "sku": "each.value ->> 1"}


def _iso(day: int) -> str:
    return (EPOCH + timedelta(days=int(day))).isoformat()
