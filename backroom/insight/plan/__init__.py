"""The first 30 days of a shop: reading how far it is from its own data, and telling it.

What does not belong here: which steps there are and when each is done (`backroom.domain.plan`).
"""
