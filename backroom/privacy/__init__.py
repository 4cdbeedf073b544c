"""Privacy: what is kept of people and for how long, what is told of them and forgotten, and the shop's master key.

The rows are the store's; what stands in files beside the database, and the order in which both change, is here.
"""
