"""What somebody does about a print job that waits for them, in words.

What belongs here: what to look at, and what each answer means. What does not: why a job waits (its reason, in the words
of its printer), and the answers themselves (`lifecycle`).
"""

from __future__ import annotations

from backroom.domain.model import PrintJobState


def print_remedy(state: PrintJobState, *, key: str, copies: int, printer: str, begun: bool) -> str:
    """What to do about a print job; empty while it needs nobody. `key` is its name at the printer."""
    match state:
        case PrintJobState.UNKNOWN:
            pieces = "it is there, whole" if copies == 1 else f"all {copies} copies are there, whole"
            return (
                f"Look at {printer} for {key}, among what came out and in its queue. If {pieces}: it was printed. "
                "If not: cancel it there, throw away what is spoilt, and print it again."
            )
        case PrintJobState.FAILED:
            return "It did not come out. Mend what is wrong, then print it again."
        case PrintJobState.BLOCKED if begun:
            return (
                f"Mend it, and it goes on by itself. If {printer} is gone for good, look what lies in it, and decide."
            )
        case PrintJobState.BLOCKED:
            return "Mend it, and it goes on by itself."
    return ""
