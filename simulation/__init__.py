"""A night market played through before it is held: a whole evening of the shop in seconds, and a judge over it.

What belongs here: an evening made from a seed, a clock that is set, presses that only count, and the people around
them; and whoever judges what came out. What does not: anything that the shop does. Intake, routing, stock, print jobs,
promises, replay and settlement are the product's own, run as they are: the same claims and tasks that the flows are
made of, on a database whose clock is ours.
"""
