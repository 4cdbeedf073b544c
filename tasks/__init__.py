"""The steps of an order's life as Prefect tasks, one file a capability.

Each takes a claim, loads what waits in its state, calls the core, moves it on in one short commit, and returns small
outcomes by order number. A step that is run again does what is left.
"""
