"""The channels that orders come from: each turns its own words into `IncomingOrder`, and knows how it signs.

What belongs here: shapes, signatures and quirks of one source each, and what they share (`base`, `reading`). What does
not: whether an order is acceptable (`backroom.domain.validation`), HTTP (`backroom.gateway`), SQL (`backroom.store`).
"""
