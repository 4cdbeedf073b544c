"""A block for each channel's own interface: what opens it. Where it is stands in the shop file."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from backroom.channels.refunding import Refunds
from backroom.channels.registry import REFUNDS, SOURCES, WRITE_BACKS, UnknownKind
from backroom.channels.remote import OrderSource, WriteBack
from backroom.domain.channels import ChannelSpec
from blocks.loading import kept_name


def block_name(channel: str) -> str:
    """The name under which a channel's block is kept."""
    return kept_name("channel", channel)


def refunds_block_name(channel: str) -> str:
    """The name of the block by which a channel pays back: a key of its own, for no other call may move money."""
    return kept_name("refunds", channel)


class ChannelAccount(Block):
    """A key to a channel's own interface, with no more rights than `docs/connectors.md` says for its kind."""

    _block_type_name = "Backroom Channel Account"
    _block_type_slug = "backroom-channel-account"

    kind: str = Field(description="The kind of channel, as in the shop file")
    secret: SecretStr = Field(description="The key, token or login that opens it")

    def get_client(self, spec: ChannelSpec) -> OrderSource:
        """Asks this channel for its orders; make one for each task."""
        make = SOURCES.get(self.kind)
        if make is None:
            raise UnknownKind(f"channel {spec.id} of kind {self.kind} cannot be asked", remedy="Set ask = false.")
        return make(spec, self.secret.get_secret_value())

    def get_write_back(self, spec: ChannelSpec) -> WriteBack:
        """Tells this channel what became of its orders; make one for each task."""
        make = WRITE_BACKS.get(self.kind)
        if make is None:
            raise UnknownKind(f"channel {spec.id} of kind {self.kind} takes no news", remedy="Set tell = [].")
        return make(spec, self.secret.get_secret_value())


class RefundsAccount(Block):
    """A key that pays back at a channel, with no more rights than `docs/connectors.md` says for its kind."""

    _block_type_name = "Backroom Refunds Account"
    _block_type_slug = "backroom-refunds-account"

    kind: str = Field(description="The kind of channel, as in the shop file")
    secret: SecretStr = Field(description="The key, token or login that pays back")

    def get_client(self, spec: ChannelSpec) -> Refunds:
        """Pays back at this channel; make one for each task."""
        make = REFUNDS.get(self.kind)
        if make is None or spec.refunds is None:
            raise UnknownKind(f"channel {spec.id} of kind {self.kind} pays nothing back", remedy="Take refunds out.")
        return make(spec, self.secret.get_secret_value())
