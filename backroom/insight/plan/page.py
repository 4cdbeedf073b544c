"""The plan laid out: as rows for a terminal, as Markdown for Prefect's UI."""

from __future__ import annotations

from collections.abc import Sequence

from backroom.domain.plan import PLAN_DAYS, WEEKS, Known, Step, compared, next_step, steps

DONE, NEXT, OPEN = "done", "next", "open"


def states(found: Sequence[Step]) -> list[tuple[Step, str]]:
    """Each step with whether it is done, the next one, or open."""
    following = next_step(found)
    return [(step, DONE if step.done else NEXT if step is following else OPEN) for step in found]


def rows(known: Known) -> list[dict[str, str]]:
    """A row a step."""
    return [
        {
            "week": f"{step.week}. {WEEKS[step.week]}",
            "step": step.title,
            "state": state,
            "what the data says": step.says,
        }
        for step, state in states(steps(known))
    ]


def headline(known: Known) -> str:
    done = sum(step.done for step in steps(known))
    day = f"Day {known.day} of {PLAN_DAYS}" if known.day <= PLAN_DAYS else f"Day {known.day}"
    return f"{day}: {done} of {len(steps(known))} steps are done."


def markdown(known: Known) -> str:
    """For an artifact: how far it is, the next action, before and after."""
    lines = ["# The first 30 days", "", headline(known), ""]
    following = next_step(steps(known))
    if following:
        lines += [f"**Next: {following.title}.** {following.action.words} `{following.action.command}`", ""]
    for week, title in WEEKS.items():
        lines += [f"## Week {week}: {title}", ""]
        lines += [
            f"- {'✓' if state == DONE else '→' if state == NEXT else '·'} **{step.title}**: {step.says}"
            for step, state in states(steps(known))
            if step.week == week
        ]
        lines.append("")
    if said := compared(known):
        lines += ["## Before and after", "", *(f"- {one}" for one in said)]
    return "\n".join(lines)
