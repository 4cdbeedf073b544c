"""Where the host of every call stands (docs/adr/0026): whoever opens a way out says it here."""

from __future__ import annotations

import ast
from pathlib import Path

import backroom

PACKAGE = Path(backroom.__file__).parent
NETWORK = ("requests", "httpx", "urllib3", "urllib.request", "http.client", "smtplib", "socket", "aiohttp", "pyipp")
WAYS_OUT = (*NETWORK, "backroom.outgoing.client.Account")

SHOP_FILE = (
    "the shop file: `url` under the channel's, partner's or carrier's `api`, the vendor's own where it says none"
)
BLOCK = "the block of the mail server or of the SMS provider, made of secrets.toml"
CHECKED = "an address that came from outside, held against hosts that are named beforehand"
OURS = "our own environment: Prefect, the gateway, a printer of the shop file"
NOBODY = "it calls nobody: names of errors, of this machine, or of a socket that others call"

GOES_TO = {
    "carriers/easypost.py": SHOP_FILE,
    "carriers/label_files.py": CHECKED,
    "channels/etsy_calls.py": SHOP_FILE,
    "channels/mapped_calls.py": SHOP_FILE,
    "channels/meta_calls.py": SHOP_FILE,
    "channels/shopify_graphql.py": SHOP_FILE,
    "channels/square_calls.py": SHOP_FILE,
    "channels/stripe_calls.py": SHOP_FILE,
    "channels/woocommerce_refunds.py": SHOP_FILE,
    "channels/woocommerce_source.py": SHOP_FILE,
    "channels/woocommerce_telling.py": SHOP_FILE,
    "cli/demo.py": OURS,
    "cli/demo_judge.py": OURS,
    "cli/demo_messages.py": OURS,
    "cli/own_house.py": SHOP_FILE,
    "cli/processes.py": OURS,
    "cli/system.py": OURS,
    "engine/ends.py": NOBODY,
    "engine/forgetting.py": OURS,
    "engine/instance.py": NOBODY,
    "engine/own_runs.py": OURS,
    "engine/patience.py": NOBODY,
    "engine/prefect_seams.py": NOBODY,
    "engine/wake.py": OURS,
    "engine/wakes.py": OURS,
    "gateway/prefect_door.py": OURS,
    "messaging/smsgateway.py": BLOCK,
    "messaging/smtp.py": BLOCK,
    "messaging/twilio.py": BLOCK,
    "messaging/webpush.py": CHECKED,
    "partners/microfactory.py": SHOP_FILE,
    "partners/printful.py": SHOP_FILE,
    "partners/prodigi.py": SHOP_FILE,
    "printing/alone.py": OURS,
    "printing/booth.py": OURS,
    "printing/capabilities.py": NOBODY,
    "printing/virtual.py": OURS,
    "printing/virtual_command.py": OURS,
    "printing/wire.py": OURS,
    "store/instances.py": NOBODY,
    "till/telling.py": OURS,
}


def ways_out(source: str) -> set[str]:
    """What a module imports that can call somebody."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module} | {f"{node.module}.{one.name}" for one in node.names}
    return {name for name in named for way in WAYS_OUT if name == way or name.startswith(f"{way}.")}


def test_every_module_that_can_call_somebody_says_where_the_host_comes_from() -> None:
    modules = {str(path.relative_to(PACKAGE)): path for path in PACKAGE.rglob("*.py")}
    found = {name for name, path in modules.items() if ways_out(path.read_text(encoding="utf-8"))}
    assert {name for name in found if not name.startswith("outgoing/")} == GOES_TO.keys()


def test_what_calls_a_vendor_goes_through_the_client_that_never_leaves_its_address() -> None:
    for name, where in GOES_TO.items():
        if where is SHOP_FILE and not name.startswith("cli/"):
            found = ways_out((PACKAGE / name).read_text(encoding="utf-8"))
            assert found == {"backroom.outgoing.client.Account"}, name
