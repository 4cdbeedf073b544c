"""Calls to the outside world over HTTP: one policy for all who make them.

What belongs here: time-outs, tries, paces, circuits, and what an answer means for whoever asked. What does not: any
one other side's words (`backroom.channels`, `carriers`, `partners`, `messaging`), and calls to Prefect.
"""

import logging

# What urllib3 warns of holds whole addresses, with phones, texts and passwords in their queries; what happened stands
# in our own log, and in the errors.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)
