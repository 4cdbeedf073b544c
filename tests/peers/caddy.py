"""A real Caddy for tests, with the sites that the guide tells a shop to write.

What belongs here: reading such a site out of a page, and running Caddy with it on a free port, with a certificate that
it makes. What does not: what is passed on. Source: https://caddyserver.com/docs/caddyfile.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.prefect_server import free_port

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PATIENCE = 30.0
# What a test's Caddy leaves alone: this machine's trust and port 80; and its authority makes certificates for any name.
_GLOBAL = """
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    local_certs
    storage file_system {folder}
}}
"""


@dataclass(frozen=True, slots=True)
class Caddy:
    """A Caddy that runs: its `url`, and the certificate of the authority that vouches for it."""

    url: str
    authority: Path


def can_run_caddy() -> bool:
    """Whether Caddy is installed."""
    return shutil.which("caddy") is not None


def site_of(page: str, name: str) -> str:
    """The block of that site as the guide's page shows it."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    found = re.search(rf"^( +){re.escape(name)} {{\n.*?^\1}}$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} shows no site {name}"
    return textwrap.dedent(found[0])


@contextmanager
def running_caddy(folder: Path, page: str, name: str, gateway: int) -> Iterator[Caddy]:
    """Caddy with that page's site, but for its name and the gateway's port; ends with the block."""
    port = free_port()
    site = site_of(page, name).replace(name, f"localhost:{port}").replace("127.0.0.1:8600", f"127.0.0.1:{gateway}")
    assert f":{gateway}" in site, f"{page} passes nothing on to the gateway"
    settings, log = folder / "Caddyfile", folder / "caddy.log"
    settings.write_text(_GLOBAL.format(folder=folder / "kept") + site, encoding="utf-8")
    caddy = Caddy(f"https://localhost:{port}", folder / "kept" / "pki" / "authorities" / "local" / "root.crt")
    with (
        log.open("wb") as out,
        subprocess.Popen(
            ["caddy", "run", "--config", str(settings), "--adapter", "caddyfile"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
        ) as process,
    ):
        try:
            _await_answer(caddy, process, log)
            yield caddy
        finally:
            process.terminate()


def _await_answer(caddy: Caddy, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        came_too_late = process.poll() is not None or time.monotonic() > deadline
        assert not came_too_late, log.read_text(encoding="utf-8")
        try:
            requests.get(f"{caddy.url}/", verify=str(caddy.authority), timeout=5)
        except (OSError, requests.RequestException):
            time.sleep(0.1)
        else:
            return
