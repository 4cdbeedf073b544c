"""Fetching what others point at: https only, never into a private network, each hop checked, no more than we take."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from backroom.outgoing.fetching import (
    AddressRefused,
    FetchAway,
    Fetcher,
    FileTooLarge,
    NotThere,
    is_public,
    resolve_by_system,
)
from tests.logged import ours

HOST = "pictures.example"


@dataclass
class Pictures:
    """A server of files with a certificate of its own; `answers` by path."""

    port: int = 0
    trusted: ssl.SSLContext | None = None
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    drip: float = 0.0
    drop: int = 64 * 1024
    endless_head: bool = False
    hung_up: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = HOST) -> str:
        return f"https://{host}:{self.port}{path}"

    def fetcher(self, **changes: object) -> Fetcher:
        """Finds every name here, and takes this machine for the open internet."""
        usual = Fetcher(lambda host, port: ["127.0.0.1"], lambda address: True, self.trusted, self.port)
        return replace(usual, **changes)


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    at = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at - datetime.timedelta(days=1))
        .not_valid_after(at + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return pem, secret


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Pictures]:
    served = Pictures()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.headers["Host"], self.path))
            status, headers, body = served.answers.get(self.path, (404, {}, b""))
            if served.endless_head:
                self.drip_a_head()
                return
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                for start in range(0, len(body), served.drop):
                    self.wfile.write(body[start : start + served.drop])
                    time.sleep(served.drip)

        def drip_a_head(self) -> None:
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            except OSError:
                served.hung_up.set()

        def log_message(self, format: str, *args: object) -> None:
            pass

    pem, key = certificate(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    served.port = server.server_port
    served.trusted = ssl.create_default_context(cafile=str(pem))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_fetched_from_the_address_that_was_checked_under_its_own_name(pictures: Pictures) -> None:
    pictures.answers["/owl.png?v=2"] = (200, {"Content-Type": "image/PNG; charset=x"}, b"an owl")
    fetched = pictures.fetcher().fetch(pictures.url("/owl.png?v=2"), "A-1042")
    assert (fetched.content, fetched.media_type) == (b"an owl", "image/png")
    assert pictures.asked == [(HOST, "/owl.png?v=2")]


@pytest.mark.parametrize(("status", "outcome"), [(200, "A file: 6 bytes"), (404, "A file: file_not_there, try 1")])
def test_the_log_has_one_line_of_it_and_nothing_of_its_address(
    pictures: Pictures, caplog: pytest.LogCaptureFixture, status: int, outcome: str
) -> None:
    pictures.answers["/moved-for-ada.png"] = (302, {"Location": "/ada-lovelace.png?to=ada@example.com"}, b"")
    pictures.answers["/ada-lovelace.png?to=ada@example.com"] = (status, {"X-Request-Id": "theirs-7"}, b"an owl")
    with caplog.at_level(logging.INFO, "backroom.outgoing"), suppress(NotThere):
        pictures.fetcher().fetch(pictures.url("/moved-for-ada.png"), "A-1042")
    (line,) = ours(caplog)
    assert line.startswith(outcome)
    assert "(A-1042, request " in line
    assert ("theirs theirs-7" in line) is (status != 200)
    # Not "ada": three letters that the id of a request may have.
    assert not any(word in line.lower() for word in ("lovelace", "moved", "example.com", HOST, "png"))


def test_what_is_never_asked_for_is_in_the_log_as_well(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "backroom.outgoing"), pytest.raises(AddressRefused):
        Fetcher().fetch("http://lovelace:secret@pictures.example/for-lovelace.png", "A-1042")
    (line,) = ours(caplog)
    assert line.startswith("A file: address_refused")
    assert not any(word in line for word in ("lovelace", "secret", "pictures", "png"))


@pytest.mark.parametrize(
    "url",
    [
        "http://pictures.example/owl.png",
        "ftp://pictures.example/owl.png",
        "file:///etc/passwd",
        "https://user:pass@pictures.example/owl.png",
        "https://pictures.example:22/owl.png",
        "https://pictures.example:99999/owl.png",
        "https:///owl.png",
        "https://[::1/owl.png",
        "//pictures.example/owl.png",
        "owl.png",
        "",
    ],
)
def test_an_address_that_is_none_of_the_open_web_is_not_asked(url: str) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34"]

    with pytest.raises(AddressRefused) as refused:
        Fetcher(resolve).fetch(url, "A-1042")
    assert asked == []
    assert "pictures" not in str(refused.value)


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.10",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_into_a_private_network_is_not_connected_to(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(AddressRefused):
        Fetcher(lambda host, port: ["93.184.216.34", address]).fetch("https://pictures.example/owl.png", "A-1042")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_the_open_internet_may_be_asked(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_this_machine_is_not_reached_however_its_name_is_written(host: str) -> None:
    with pytest.raises((AddressRefused, FetchAway)):
        Fetcher(resolve_by_system).fetch(f"https://{host}/", "A-1042")


@given(st.ip_addresses())
def test_what_is_public_is_neither_private_nor_wraps_anything_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(address):
        mapped = getattr(address, "ipv4_mapped", None) or address
        kinds = ("is_private", "is_loopback", "is_link_local", "is_multicast", "is_unspecified")
        assert not any(getattr(mapped, kind) for kind in kinds)


def test_a_name_that_points_elsewhere_a_moment_later_changes_nothing(pictures: Pictures) -> None:
    """DNS rebinding: public when it is checked, private when it would be connected to."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    pictures.answers["/owl.png"] = (200, {}, b"an owl")
    fetcher = pictures.fetcher(resolve=lambda host, port: next(answers))
    assert fetcher.fetch(pictures.url("/owl.png"), "A-1042").content == b"an owl"
    assert next(answers) == ["10.0.0.1"]  # it was resolved once


def test_each_hop_is_checked_like_the_first(pictures: Pictures) -> None:
    pictures.answers["/a"] = (302, {"Location": "/b"}, b"")
    pictures.answers["/b"] = (200, {}, b"an owl")
    assert pictures.fetcher().fetch(pictures.url("/a"), "A-1042").content == b"an owl"
    for where in ("http://pictures.example/", "https://169.254.169.254/latest/meta-data/", "https://inside.example/"):
        pictures.answers["/a"] = (302, {"Location": where}, b"")
        fetcher = pictures.fetcher(
            resolve=lambda host, port: ["127.0.0.1"] if host == HOST else ["10.0.0.1"],
            may_connect=lambda address: str(address) == "127.0.0.1",
        )
        with pytest.raises(AddressRefused):
            fetcher.fetch(pictures.url("/a"), "A-1042")
        secret = where.replace("https://inside.example/", f"https://inside.example:{pictures.port}/")
        pictures.answers["/a"] = (302, {"Location": secret}, b"")
        with pytest.raises(AddressRefused):
            fetcher.fetch(pictures.url("/a"), "A-1042")


@pytest.mark.parametrize("hops", [3, 4])
def test_three_redirects_are_followed_and_no_more(pictures: Pictures, hops: int) -> None:
    for hop in range(hops):
        pictures.answers[f"/{hop}"] = (307, {"Location": f"/{hop + 1}"}, b"")
    pictures.answers[f"/{hops}"] = (200, {}, b"an owl")
    if hops == 3:
        assert pictures.fetcher().fetch(pictures.url("/0"), "A-1042").content == b"an owl"
    else:
        with pytest.raises(AddressRefused, match="too often"):
            pictures.fetcher().fetch(pictures.url("/0"), "A-1042")


@pytest.mark.parametrize("said", [True, False])
def test_a_file_that_is_too_large_is_left_whether_it_says_so_or_not(pictures: Pictures, said: bool) -> None:
    headers = {} if said else {"Content-Length": ""}
    pictures.answers["/big"] = (200, headers, b"x" * 300_000)
    with pytest.raises(FileTooLarge):
        pictures.fetcher(most_bytes=100_000).fetch(pictures.url("/big"), "A-1042")


@pytest.mark.parametrize("drop", [1, 64 * 1024])
def test_a_file_that_comes_drop_by_drop_is_left_after_its_time(pictures: Pictures, drop: int) -> None:
    pictures.answers["/slow"] = (200, {}, b"x" * 2_000_000)
    pictures.drip, pictures.drop = 0.2, drop
    began = time.monotonic()
    with pytest.raises(FetchAway, match="too long"):
        pictures.fetcher(all_seconds=0.5).fetch(pictures.url("/slow"), "A-1042")
    assert time.monotonic() - began < 5


def test_a_file_whose_head_comes_drop_by_drop_is_left_after_its_time(pictures: Pictures) -> None:
    pictures.endless_head = True
    before = set(threading.enumerate())
    began = time.monotonic()
    with pytest.raises(FetchAway, match="too long"):
        pictures.fetcher(all_seconds=0.5).fetch(pictures.url("/owl.png"), "A-1042")
    assert time.monotonic() - began < 5
    assert pictures.hung_up.wait(2)
    # The one that is left at most is the server's own.
    assert {thread for thread in threading.enumerate() if "process_request" not in thread.name} <= before


def test_a_file_whose_hosts_name_is_never_answered_is_left_after_its_time(pictures: Pictures) -> None:
    let_go = threading.Event()

    def resolve(_host: str, _port: int) -> Sequence[str]:
        let_go.wait()
        return ["127.0.0.1"]

    before = set(threading.enumerate())
    began = time.monotonic()
    try:
        with pytest.raises(FetchAway, match="in time"):
            pictures.fetcher(resolve=resolve, all_seconds=0.3).fetch(pictures.url("/owl.png"), "A-1042")
        assert time.monotonic() - began < 5
        assert {thread.daemon for thread in set(threading.enumerate()) - before} == {True}
    finally:
        let_go.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert pictures.asked == [], "a name that is found too late leads nowhere"


def test_what_comes_packed_is_not_unpacked(pictures: Pictures) -> None:
    pictures.answers["/zip"] = (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b")
    with pytest.raises(NotThere, match="packed"):
        pictures.fetcher().fetch(pictures.url("/zip"), "A-1042")


@pytest.mark.parametrize(("status", "error"), [(404, NotThere), (403, NotThere), (500, FetchAway), (429, FetchAway)])
def test_other_answers_are_told_apart(pictures: Pictures, status: int, error: type[Exception]) -> None:
    pictures.answers["/owl.png"] = (status, {}, b"")
    with pytest.raises(error):
        pictures.fetcher().fetch(pictures.url("/owl.png"), "A-1042")


def test_a_certificate_of_another_name_is_not_believed(pictures: Pictures) -> None:
    with pytest.raises(FetchAway) as away:
        pictures.fetcher().fetch(pictures.url("/owl.png", "another.example"), "A-1042")
    assert pictures.asked == []
    assert "another" not in str(away.value)
