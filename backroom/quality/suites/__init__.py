"""Every suite there is, in the order in which a run goes through them."""

from __future__ import annotations

from backroom.quality.rules import Rule, Suite
from backroom.quality.suites.figures import FACTS, FIGURES, TRAFFIC
from backroom.quality.suites.orders import LINES, ORDERS, RESERVATIONS
from backroom.quality.suites.parcels import CONSENTS, LABELS, MESSAGES, SHIPMENTS
from backroom.quality.suites.returns import PIECES, REFUNDS, RETURNS
from backroom.quality.suites.stock import CATALOGUE, MOVEMENTS, STOCK
from backroom.quality.suites.work import PART_LINES, PARTS, PRINT_JOBS

SUITES: tuple[Suite, ...] = (
    ORDERS,
    LINES,
    RESERVATIONS,
    PARTS,
    PART_LINES,
    PRINT_JOBS,
    SHIPMENTS,
    LABELS,
    MESSAGES,
    CONSENTS,
    RETURNS,
    PIECES,
    REFUNDS,
    STOCK,
    MOVEMENTS,
    CATALOGUE,
    FACTS,
    FIGURES,
    TRAFFIC,
)
BY_SUBJECT = {suite.subject: suite for suite in SUITES}
RULES: dict[str, Rule] = {rule.code: rule for suite in SUITES for rule in suite.rules}


def said_of(code: str) -> str:
    """What a row is that fails a check, in words, with its name; the name alone where there is no such check now."""
    return f"{RULES[code].says} ({code})" if code in RULES else code


def advice_of(code: str) -> str:
    """What a person does about a row that fails a check; nothing where there is no such check now."""
    return RULES[code].person if code in RULES else ""


def is_certain(code: str) -> bool:
    """Whether what fails a check has a repair that cannot be wrong."""
    return code in RULES and RULES[code].repair is not None
