"""Taking a shop's block out of Prefect: one way for every kind, whose errors say what makes the block again.

What belongs here: what Prefect raises, as errors of ours. What does not: which blocks there are (`blocks.wanted`),
and what any one of them opens (its own module).
"""

from __future__ import annotations

from typing import TypeVar, cast

from prefect.blocks.core import Block
from pydantic import ValidationError

from backroom.domain.errors import AskPerson

B = TypeVar("B", bound=Block)
_AGAIN = "Start `backroom up` again, which makes it."


class BlockMissing(AskPerson):
    """A connection of the shop file was never made known to Prefect."""

    cause = "block_missing"


class BlockUnusable(AskPerson):
    """Prefect keeps a block that this program cannot read: another version of it, or a hand in the UI, wrote it."""

    cause = "block_unusable"


def kept_name(kind: str, id_: str) -> str:
    """The name under which the block of something of this kind is kept; Prefect takes no underscores there."""
    return f"{kind}-{id_.replace('_', '-')}"


def load_block(kind: type[B], name: str, of: str) -> B:
    """The block `name`; `of` says in a sentence what it opens. BlockMissing, BlockUnusable.

    A Prefect that does not answer raises errors of its own, which say nothing of the block.
    """
    try:
        # Prefect declares that `load` may be a coroutine; called where no event loop runs, it never is.
        return cast(B, kind.load(name))
    except ValueError:
        # Outside the message of Prefect's error: it quotes what it looked for and where.
        raise BlockMissing(f"Prefect has no block for {of}.", remedy=_AGAIN) from None
    except RuntimeError as error:
        if not isinstance(error.__cause__, ValidationError):
            raise
        # Without its cause: pydantic's error repeats what the block holds.
        raise BlockUnusable(f"Prefect's block for {of} cannot be read.", remedy=_AGAIN) from None
