"""One shop for all tests with peers: it starts once, sends mail to a real SMTP server and SMS through a real Kannel.

Its workshop confirms picking by scan. Without Kannel its SMS go to the folder, as the demo's do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from backroom.cli.environments import Ports
from backroom.cli.processes import free_ports
from backroom.shop.secrets import Secrets
from backroom.store import api_keys
from tests.browser import Browser, browser, can_browse
from tests.integration.messaging.conftest import certificate
from tests.peers import kannel, post
from tests.running import RunningShop, running_shop

__all__ = ["certificate"]

SCANS_AT = "local-hub"
PICTURES = Path(os.environ.get("BACKROOM_SCREENSHOTS") or Path(__file__).parents[2] / ".pictures")
DESK, TABLET, PHONE = (1280, 900), (820, 1180), (390, 844)
KANNEL_TOKEN = "what-kannel-and-the-gateway-share"


@pytest.fixture(scope="session")
def ports() -> Ports:
    """Where the shop will listen: Kannel has to know before it starts."""
    return free_ports()


@pytest.fixture(scope="session")
def sms_centre(tmp_path_factory: pytest.TempPathFactory, ports: Ports) -> Iterator[kannel.Kannel | None]:
    """Kannel, where it is installed."""
    folder = tmp_path_factory.mktemp("kannel")
    replies = f"{ports.pages}/messages/kannel/{KANNEL_TOKEN}?id=%I"
    with kannel.running_kannel(folder, replies) if kannel.can_run_kannel() else nullcontext() as one:
        yield one


@pytest.fixture(scope="session")
def post_office(certificate: Path) -> Iterator[post.Post]:
    with post.running_post(certificate) as one:
        yield one


@pytest.fixture(scope="session")
def shop(
    tmp_path_factory: pytest.TempPathFactory,
    sms_centre: kannel.Kannel | None,
    post_office: post.Post,
    certificate: Path,
    ports: Ports,
) -> Iterator[RunningShop]:
    home = tmp_path_factory.mktemp("peers") / "shop"
    secrets = {
        "smtp.host": "127.0.0.1",
        "smtp.port": str(post_office.port),
        "smtp.username": post.USER,
        "smtp.password": post.PASSWORD,
        "smtp.ca_file": str(certificate),
    }
    if sms_centre is not None:
        secrets |= {"sms.url": sms_centre.url, "sms.username": kannel.USER, "sms.password": kannel.PASSWORD}
        secrets |= {"sms.token": KANNEL_TOKEN}
    Secrets.read(home / "secrets.toml").add(secrets)

    def change(text: str) -> str:
        text = text.replace(f"[locations.{SCANS_AT}]\n", f"[locations.{SCANS_AT}]\nscan = true\n")
        text = text.replace('mail = "folder"', 'mail = "smtp"')
        gateway = f'sms = "gateway"\npublic_url = "{ports.pages}"'
        return text if sms_centre is None else text.replace('sms = "folder"', gateway)

    with running_shop(home, change, ports=ports) as one:
        yield one


@pytest.fixture(scope="session")
def staff_key(shop: RunningShop) -> str:
    return shop.room.database.write(lambda c: api_keys.make_key(c, "tests", "staff"))


@pytest.fixture
def window() -> Iterator[Browser]:
    """A browser with an empty profile, 1280 pixels wide."""
    if not can_browse():
        pytest.skip("Chromium and its driver are not installed: bash .ci/peers")
    with browser() as one:
        yield one


@pytest.fixture
def staff(window: Browser, shop: RunningShop, staff_key: str) -> Iterator[Browser]:
    """A browser that has logged in. Whatever it did then, it asked nobody but us, and its console is silent."""
    window.open("about:blank")
    window.asked_hosts()
    window.complaints()
    window.open(f"{shop.ports.pages}/login")
    window.type("#key", staff_key)
    window.click("button", "Log in")
    window.find("h1", "Orders", exact=True)
    yield window
    assert window.asked_hosts() == {"127.0.0.1"}
    assert window.complaints() == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept: what the pages look like is looked at, whoever wrote their tests."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if PICTURES.is_dir():
        terminalreporter.write_line(f"screenshots: {PICTURES}")
