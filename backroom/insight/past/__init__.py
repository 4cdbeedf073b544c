"""The past in files: orders exported from a shop's channels, read forgivingly, and audited before the shop moves in.

What belongs here: reading such files and counting over them. What does not: the same over the shop's own rows
(`backroom.insight.audit`), and orders that are to be made (`backroom.channels`). Only the columns that are counted are
read: no name, no address and no text of a customer's is kept or shown.
"""
