"""What an artwork is printed on, by the printing process, and what follows for its transparency and its colours.

What belongs here: the rules for cloth and for paper, as refusals and as doubts. What does not: what holds for every
print (`artwork`), and making the pixels that are printed (`backroom.printing.pixels`).

On cloth (direct to garment, transfer) what is transparent stays cloth, and a printer lays white below all that is not:
a half-transparent pixel becomes a dot of white with a thin colour on it. On paper (stickers, patches, posters, cards)
the ground is white by itself, and whatever is transparent is flattened on it.

A doubt is said and stops nothing: what a shop printed yesterday it prints today. Refused is only what cannot be meant.
"""

from __future__ import annotations

from backroom.domain.artwork import Fault, Seen
from backroom.domain.locations import GARMENT_PROCESSES, PRINT_PROCESSES

# Edges that are smoothed make a few per cent of a drawing; glows, shadows and soft brushes begin about here.
HALF_DOUBT = 0.1
# Nothing solid at all: a layer whose opacity was turned down, which comes out of every printer as a stain. A soft
# watercolour keeps more than a tenth that is solid.
HALF_FAULT = 0.9
# A design may reach its edge in places and still stand in a white box.
WHITE_EDGE = 0.9


def on_cloth(process: str) -> bool:
    """Whether the ground is cloth, of whatever colour."""
    return process in GARMENT_PROCESSES


def on_paper(process: str) -> bool:
    """Whether the ground is white by itself, so that transparency is flattened on it. Neither for an unknown one."""
    return process in PRINT_PROCESSES and not on_cloth(process)


def faults_on(seen: Seen, process: str) -> tuple[Fault, ...]:
    """What cannot be printed by this process, whatever its size."""
    if on_cloth(process) and seen.half >= HALF_FAULT:
        return (
            Fault(
                "half",
                f"is half-transparent nearly everywhere ({seen.half:.0%}), which comes out on cloth as a stain.",
                "Set its layers to full opacity, then save it as an sRGB PNG.",
            ),
        )
    return ()


def doubts_on(seen: Seen, process: str) -> tuple[Fault, ...]:
    """What prints, and perhaps not as it is meant."""
    doubts = []
    if on_cloth(process) and HALF_DOUBT <= seen.half < HALF_FAULT:
        doubts.append(
            Fault(
                "half",
                f"is half-transparent in {seen.half:.0%} of what is seen of it, and white dots shine through there.",
                "Make shadows and soft edges of solid dots (a halftone), or look at a sample.",
            )
        )
    if on_cloth(process) and seen.visible == 1 and seen.white_edge >= WHITE_EDGE:
        doubts.append(
            Fault(
                "box",
                "has no transparency and a white background: it prints a white box.",
                "Cut the design out, and save it as an sRGB PNG with a transparent background.",
            )
        )
    if seen.profile:
        doubts.append(
            Fault(
                "profile",
                f"has the colours of {seen.profile}: here they are converted, and a partner may print them duller.",
                "Save it as an sRGB PNG, and look at its colours.",
            )
        )
    if seen.unfit_profile:
        doubts.append(
            Fault(
                "unfit_profile",
                "has a colour profile that is not for its colours, and is printed without it.",
                "Save it as an sRGB PNG.",
            )
        )
    if seen.turned:
        doubts.append(
            Fault(
                "turned",
                "says in its EXIF data that it is to be turned, and is printed as its pixels stand.",
                "Turn it upright, and save it as an sRGB PNG without EXIF data.",
            )
        )
    return tuple(doubts)
