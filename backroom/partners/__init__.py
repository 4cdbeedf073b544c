"""Partners that make or pick for the shop, each in its own words.

What belongs here: one module a partner's interface, and reading its messages. What does not: which partner gets an
order (`backroom.domain.routing`), and what follows from its word (`backroom.store.partner_news`).
"""
