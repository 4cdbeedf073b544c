"""Every route of the gateway, by who may come in there.

What belongs here: the lists. What does not: what is behind a door, and whether it is shut for everybody else
(`test_place_key`), and which web server in front passes what on (`tests/peers/test_web_servers.py`).
"""

from __future__ import annotations

# Open for what is at the key's own place, shut for the same of another.
HERE = """
GET /booths/{location}
POST /booths/{location}/power
GET /scan/{location}
POST /scan/{location}
GET /collect/{location}
POST /collect/{location}
GET /prints/{location}
POST /prints/{location}/{job_id}/decision
POST /prints/{location}/{job_id}/bad
GET /returns/at/{location}
POST /returns/at/{location}
GET /returns/{number}
POST /returns/{number}/pieces/{piece}/say
POST /returns/{number}/pieces/{piece}/decide
POST /returns/{number}/pieces/{piece}/dispose
POST /returns/{number}/decline
POST /returns/{number}/cancel
POST /returns/{number}/complete
GET /events/{code}
GET /events/{code}/evidence/{item}
POST /events/{code}/checks/{item}
POST /events/{code}/open
POST /events/{code}/close
GET /events/{code}/count
POST /events/{code}/count
GET /transfers/{number}
POST /transfers/{number}/scan
POST /transfers/{number}/arrived
"""
# Open, and show what is at the key's place only.
OWN = """
GET /events
GET /transfers
POST /logout
"""
# Staff pages that need a key of the whole shop.
SHUT = """
GET /orders
GET /orders/{number}
POST /orders/{number}/hold
POST /orders/{number}/release
POST /orders/{number}/elsewhere
POST /orders/{number}/cancel
POST /orders/{number}/retry
POST /orders/{number}/told
POST /orders/{number}/amend
GET /shipments/{shipment_id}/label.pdf
GET /shipments/{shipment_id}/label.zpl
GET /effects
POST /effects/{effect_id}/decision
GET /quarantine
POST /quarantine/{quarantine_id}/replay
POST /quarantine/rows/{finding_id}/accept
GET /returns
POST /returns/{number}/refund
POST /returns/{number}/approve
POST /returns/{number}/retry
POST /events/{code}/extend
POST /events/{code}/settle
POST /transfers/{number}/yes
POST /transfers/{number}/no
POST /transfers/{number}/send
POST /transfers/{number}/cancel
GET /samples
GET /samples/{location}
POST /samples/{location}/printed
GET /samples/{location}/document
POST /samples/{location}/{number}/word
GET /samples/{location}/{number}/photo
POST /samples/{location}/batch
GET /parcels
POST /parcels/{number}/seen
POST /parcels/{number}/void
POST /parcels/{number}/put-back
GET /courier/{location}
POST /courier/{location}
GET /conflicts
POST /conflicts/{conflict_id}/seen
"""
# Doors of programs, for keys of another scope.
OTHER_KEYS = """
GET /metrics
GET /push/key
POST /push/subscriptions
POST /pos/sales
GET /pos/catalogue
GET /pos/stock
POST /pos/sealed-sales
POST /pos/sealed-wishes
GET /booth/{location}/printers
GET /booth/{location}/wake
POST /booth/{location}/jobs/claim
POST /booth/{location}/jobs/{job_id}/payload
POST /booth/{location}/jobs/{job_id}/start
POST /booth/{location}/jobs/{job_id}/progress
POST /booth/{location}/jobs/{job_id}/outcome
POST /booth/{location}/journal
POST /booth/{location}/journal/shown
POST /booth/{location}/scan
DELETE /booth/prefect/{rest:path}
GET /booth/prefect/{rest:path}
HEAD /booth/prefect/{rest:path}
PATCH /booth/prefect/{rest:path}
POST /booth/prefect/{rest:path}
PUT /booth/prefect/{rest:path}
"""
# No staff key is asked for: signed by whoever calls, or for everybody.
PUBLIC = """
WS /booth/prefect/events/in
GET /
GET /login
POST /login
GET /style.css
GET /health
GET /artworks/{sha256}.png
GET /e/assets/{name}
HEAD /e/assets/{name}
GET /e/{code}
HEAD /e/{code}
GET /e/{code}/
HEAD /e/{code}/
GET /e/{code}/{name}
HEAD /e/{code}/{name}
POST /e/{code}/sms
POST /e/{code}/sms/confirm
POST /push/unsubscribe
POST /webhooks/{channel}
POST /messages/twilio
POST /messages/twilio/{key}
GET /messages/kannel/{key}/{mark}
HEAD /messages/kannel/{key}/{mark}
POST /messages/kannel/{token}
POST /carriers/{carrier}/events
POST /partners/{location}/messages
"""


def routes(*lists: str) -> list[tuple[str, str]]:
    """Method and path of each line."""
    return [(method, path) for one in lists for method, path in (line.split() for line in one.split("\n") if line)]


EVERY = routes(HERE, OWN, SHUT, OTHER_KEYS, PUBLIC)
