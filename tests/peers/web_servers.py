"""Real web servers for tests, with the settings that the guide tells a shop to write: Caddy and nginx.

What belongs here: reading such settings out of a page, and running the server with them on a free port. What does not:
what is passed on or shown. Sources: https://caddyserver.com/docs/caddyfile and https://nginx.org/en/docs.
"""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.peers.processes import program, running
from tests.prefect_server import free_port

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PATIENCE = 30.0
# What a test's Caddy leaves alone: this machine's trust and port 80; and its authority makes certificates for any name.
_CADDY = """
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    local_certs
    storage file_system {folder}/kept
}}
{site}
"""
# Whoever runs the tests owns what it serves; as root it would read as another.
_NGINX = """
user root;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {beside}
    server {{
        listen 127.0.0.1:{port};
        {inside}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class WebServer:
    """One that runs: its `url`, and for https the certificate of the authority that vouches for it."""

    url: str
    authority: Path | None = None


@contextmanager
def running_caddy(folder: Path, page: str, name: str, gateway: int) -> Iterator[WebServer]:
    """Caddy with that page's site, but for its name and the gateway's port; ends with the block."""
    port = free_port()
    site = block_of(page, name).replace(name, f"localhost:{port}").replace("127.0.0.1:8600", f"127.0.0.1:{gateway}")
    assert f":{gateway}" in site, f"{page} passes nothing on to the gateway"
    settings = folder / "Caddyfile"
    settings.write_text(_CADDY.format(folder=folder, site=site), encoding="utf-8")
    authority = folder / "kept" / "pki" / "authorities" / "local" / "root.crt"
    argv = [program("caddy"), "run", "--config", str(settings), "--adapter", "caddyfile"]
    with _answering(argv, WebServer(f"https://localhost:{port}", authority), folder) as one:
        yield one


@contextmanager
def running_nginx(folder: Path, page: str, shown: Path) -> Iterator[WebServer]:
    """nginx with that page's map and location, which shows the folder `shown`; ends with the block."""
    port = free_port()
    beside, inside = block_of(page, "map $uri $event_page_cache"), block_of(page, "location /e/")
    inside = inside.replace("/srv/backroom/public", str(shown))
    assert str(shown) in inside, f"{page} shows another folder"
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, port=port, beside=beside, inside=inside), encoding="utf-8")
    argv = [program("nginx"), "-p", str(folder), "-c", str(settings)]
    with _answering(argv, WebServer(f"http://127.0.0.1:{port}"), folder) as one:
        yield one


def block_of(page: str, head: str) -> str:
    """The block of settings with that head, as the guide's page shows it."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    found = re.search(rf"^( +){re.escape(head)} {{\n.*?^\1}}$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} shows no {head}"
    return textwrap.dedent(found[0])


@contextmanager
def _answering(argv: Sequence[str], server: WebServer, folder: Path) -> Iterator[WebServer]:
    log = folder / "said.log"
    with running(argv, log) as process:
        deadline = time.monotonic() + PATIENCE
        while not _answers(server):
            came_too_late = process.poll() is not None or time.monotonic() > deadline
            assert not came_too_late, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield server


def _answers(server: WebServer) -> bool:
    try:
        requests.get(f"{server.url}/", verify=str(server.authority) if server.authority else True, timeout=5)
    except (OSError, requests.RequestException):
        return False
    return True
