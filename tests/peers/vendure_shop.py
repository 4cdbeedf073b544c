"""A real Vendure for tests: installed from npm by `.ci/peers`, run in memory, talked to by its own GraphQL interfaces.

What belongs here: starting it, what its owner sets up, and what a customer does in it. What does not: what Backroom
makes of it. Its mapping is the one that the guide shows.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from backroom.cli.processes import ROOT
from tests.prefect_server import free_port

INSTALLED = ROOT / ".tools" / "vendure"
SCRIPT = ROOT / "tests" / "peers" / "vendure" / "shop.js"
GUIDE = ROOT / "docs" / "guide" / "another-shop.md"
PASSWORD, WEBHOOK_SECRET = "an owner's password", "what the plugin signs with"
READY_WITHIN = 90.0
# What `docs/guide/another-shop.md` says that the key may do.
PERMISSIONS = ["ReadOrder", "UpdateOrder", "ReadCatalog", "UpdateCatalog"]


def can_run_vendure() -> bool:
    return shutil.which("node") is not None and (INSTALLED / "node_modules" / "@vendure" / "core").is_dir()


def guide_table() -> str:
    """The channel's tables exactly as the guide shows them."""
    section = GUIDE.read_text(encoding="utf-8").split("## A whole mapping: Vendure\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("    ") or not line]
    return re.sub("(?m)^    ", "", "\n".join(lines)) + "\n"


@dataclass(frozen=True, slots=True)
class Product:
    sku: str
    name: str
    price: int
    stock: int


@dataclass
class Vendure:
    """The shop. `url` is its address, `key` an API key with no more rights than the guide says."""

    url: str
    hook: Path
    log: Path
    key: str = ""
    token: str = field(default="", repr=False)

    def admin(self, query: str, **variables: Any) -> dict[str, Any]:
        """Asked as its owner."""
        return self._graphql("/admin-api", query, variables, {"Authorization": f"Bearer {self.token}"})[0]

    def log_in(self) -> None:
        login = 'mutation ($p: String!) { login(username: "owner", password: $p) { __typename } }'
        _, answer = self._graphql("/admin-api", login, {"p": PASSWORD}, {})
        self.token = answer.headers["vendure-auth-token"]

    def make_key(self) -> None:
        made = self.admin(
            "mutation ($p: [Permission!]!) {"
            ' createRole(input: { code: "backroom", description: "Backroom", permissions: $p }) { id } }',
            p=PERMISSIONS,
        )
        role = made["createRole"]["id"]
        key = self.admin(
            "mutation ($r: [ID!]!) { createApiKey(input: { roleIds: $r, translations:"
            ' [{ languageCode: en, name: "Backroom" }] }) { apiKey } }',
            r=[role],
        )
        self.key = key["createApiKey"]["apiKey"]

    def order(self, lines: Sequence[tuple[str, int]], email: str) -> dict[str, Any]:
        """A customer buys; returns the order's id, code and state."""
        one = _Customer(self)
        for sku, quantity in lines:
            found = self.admin(
                "query ($s: String!) { productVariants(options: { filter: { sku: { eq: $s } } }) { items { id } } }",
                s=sku,
            )
            one.ask(
                "mutation ($v: ID!, $q: Int!) { addItemToOrder(productVariantId: $v, quantity: $q)"
                " { ... on ErrorResult { errorCode } } }",
                v=found["productVariants"]["items"][0]["id"],
                q=quantity,
            )
        one.ask(
            'mutation ($e: String!) { setCustomerForOrder(input: { firstName: "Ines", lastName: "Quill",'
            " emailAddress: $e }) { ... on ErrorResult { errorCode } } }",
            e=email,
        )
        one.ask(
            'mutation { setOrderShippingAddress(input: { fullName: "Ines Quill", streetLine1: "Wurbelgasse 4",'
            ' city: "Berlin", postalCode: "10997", countryCode: "DE", phoneNumber: "+49 30 901820" })'
            " { ... on ErrorResult { errorCode } } }"
        )
        method = one.ask("{ eligibleShippingMethods { id } }")["eligibleShippingMethods"][0]["id"]
        one.ask(
            "mutation ($m: [ID!]!) { setOrderShippingMethod(shippingMethodId: $m)"
            " { ... on ErrorResult { errorCode } } }",
            m=[method],
        )
        one.ask('mutation { transitionOrderToState(state: "ArrangingPayment") { ... on ErrorResult { errorCode } } }')
        paid = one.ask(
            'mutation { addPaymentToOrder(input: { method: "card", metadata: {} })'
            " { ... on Order { id code state totalWithTax } ... on ErrorResult { errorCode } } }"
        )["addPaymentToOrder"]
        assert paid["state"] == "PaymentSettled", paid
        return dict(paid)

    def find(self, order_id: str) -> dict[str, Any]:
        """The order as its owner sees it."""
        query = "query ($i: ID!) { order(id: $i) { id state lines { id quantity } fulfillments { id state method trackingCode } } }"  # noqa: E501
        return dict(self.admin(query, i=order_id)["order"])

    def level(self, sku: str) -> tuple[int, int]:
        """On hand, and of these sold and not sent."""
        query = "query ($s: String!) { productVariants(options: { filter: { sku: { eq: $s } } }) { items { stockLevels { stockOnHand stockAllocated } } } }"  # noqa: E501
        [item] = self.admin(query, s=sku)["productVariants"]["items"]
        [level] = item["stockLevels"]
        return level["stockOnHand"], level["stockAllocated"]

    def _graphql(
        self, path: str, query: str, variables: dict[str, Any], headers: dict[str, str]
    ) -> tuple[dict[str, Any], requests.Response]:
        answer = requests.post(
            self.url + path, json={"query": query, "variables": variables}, headers=headers, timeout=30
        )
        document = answer.json()
        assert "errors" not in document, document["errors"]
        return document["data"], answer


class _Customer:
    """Somebody in the shop, with a session of their own."""

    def __init__(self, shop: Vendure) -> None:
        self._shop = shop
        self._headers: dict[str, str] = {}

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        data, answer = self._shop._graphql("/shop-api", query, variables, self._headers)
        if token := answer.headers.get("vendure-auth-token"):
            self._headers = {"Authorization": f"Bearer {token}"}
        refused = [one for one in data.values() if isinstance(one, dict) and one.get("errorCode")]
        assert not refused, refused
        return data


@contextmanager
def running_vendure(folder: Path, products: Sequence[Product]) -> Iterator[Vendure]:
    """Vendure with these products, on a free port, and an API key for Backroom. Its webhooks go to what stands in
    `hook`; until somebody writes there, it tries again and again."""
    port = free_port()
    shop = Vendure(f"http://127.0.0.1:{port}", folder / "webhook-url", folder / "vendure.log")
    shop.hook.write_text("http://127.0.0.1:9/nobody")
    node = shutil.which("node")
    assert node is not None
    environment = {
        **os.environ,
        "PORT": str(port),
        "PASSWORD": PASSWORD,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "WEBHOOK_URL_FILE": str(shop.hook),
        "PRODUCTS": json.dumps([{"sku": p.sku, "name": p.name, "price": p.price, "stock": p.stock} for p in products]),
    }
    with shop.log.open("wb") as log:
        process = subprocess.Popen([node, str(SCRIPT)], cwd=INSTALLED, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + READY_WITHIN
        while "ready\n" not in shop.log.read_text(errors="replace"):
            assert process.poll() is None, shop.log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, shop.log.read_text(errors="replace")[-3000:]
            time.sleep(0.25)
        shop.log_in()
        shop.make_key()
        yield shop
    finally:
        process.terminate()
        process.wait(20)
