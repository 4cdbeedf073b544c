"""A block for each partner's interface: what opens it. Where it is and what it makes stands in the shop file."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from backroom.domain.locations import Location
from backroom.partners.base import Partner
from backroom.partners.registry import partner_at
from blocks.loading import kept_name


def partner_block_name(location: str) -> str:
    """The name under which a partner's block is kept."""
    return kept_name("partner", location)


class PartnerAccount(Block):
    """A key to a partner's interface, with no more rights than `docs/connectors.md` says for its kind."""

    _block_type_name = "Backroom Partner Account"
    _block_type_slug = "backroom-partner-account"

    adapter: str = Field(description="Who it is, as in the shop file")
    secret: SecretStr = Field(description="The key or token that opens its interface")

    def get_client(self, location: Location) -> Partner:
        """Speaks with the partner at this location; make one for each task."""
        return partner_at(location, self.secret.get_secret_value())
