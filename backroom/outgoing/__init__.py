"""Calls to the outside world over HTTP: one policy for all who make them.

What belongs here: time-outs, tries, paces, circuits, and what an answer means for whoever asked. What does not: any
one other side's words (`backroom.channels`, `carriers`, `partners`, `messaging`), and calls to Prefect.
"""
