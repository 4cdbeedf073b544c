"""A block for the shop's account at each carrier that has one: the key to it. Where it is stands in the shop file."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from backroom.carriers.base import Carrier
from backroom.carriers.easypost import LABEL_HOSTS, URL, EasyPost, EasyPostAccount
from backroom.domain.carriers import CarrierSpec
from backroom.domain.errors import AskPerson
from blocks.loading import kept_name


class NoAccount(AskPerson):
    """The shop file names no account for this carrier, or the block is for another kind."""

    cause = "carrier_account"


def block_name(carrier: str) -> str:
    """The name under which a carrier's block is kept."""
    return kept_name("carrier", carrier)


class CarrierAccount(Block):
    """A key to the shop's account at a carrier, with no more rights than `docs/connectors.md` says for its kind."""

    _block_type_name = "Backroom Carrier Account"
    _block_type_slug = "backroom-carrier-account"

    kind: str = Field(description="The kind of carrier, as in the shop file")
    secret: SecretStr = Field(description="The key that opens the account")

    def get_client(self, spec: CarrierSpec) -> Carrier:
        """Sells this carrier's labels; make one for each task."""
        api = spec.api
        if api is None or self.kind != spec.kind:
            raise NoAccount(f"carrier {spec.id} has no account of kind {self.kind}", remedy="Run `backroom up` again.")
        return EasyPost(
            EasyPostAccount(
                id=spec.id,
                countries=frozenset(spec.countries),
                max_weight_g=spec.max_weight_g,
                key=self.secret.get_secret_value(),
                url=api.url or URL,
                mode=api.mode,
                label_hosts=api.label_hosts or LABEL_HOSTS,
                label_format=api.label_format,
                zpl=api.zpl,
                box_mm=api.box_mm,
                return_labels=api.return_labels,
            )
        )
