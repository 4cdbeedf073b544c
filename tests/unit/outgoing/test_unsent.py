"""What certainly kept a call from being sent, told from what may have come after it."""

from __future__ import annotations

import ssl

import pytest
import requests
from urllib3 import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError
from urllib3.exceptions import SSLError as PoolsSSLError

from backroom.outgoing.unsent import NoTls, kept_back


def failure(inner: ssl.SSLError) -> requests.exceptions.SSLError:
    """As `requests` raises it."""
    pool = HTTPSConnectionPool("shop.example")
    return requests.exceptions.SSLError(MaxRetryError(pool, "/", PoolsSSLError(inner)))


def wrong_version() -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("inner", "kept"),
    [
        (NoTls(1, "wrong version number"), "no_tls"),
        (wrong_version(), ""),
        (ssl.SSLCertVerificationError(1, "self-signed"), "certificate"),
        (ssl.SSLEOFError(8, "EOF occurred"), ""),
    ],
)
def test_words_without_tls_keep_a_call_back_only_where_they_answer_the_handshake(
    inner: ssl.SSLError, kept: str
) -> None:
    assert kept_back(failure(inner)) == kept
