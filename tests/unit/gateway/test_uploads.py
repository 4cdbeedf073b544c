"""Forms with files: what a browser sends comes apart byte for byte, and what none sends is refused."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.gateway.pages.uploads import LONGEST_FIELD, MOST_PARTS, take_apart


def sent(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """A form as a client that is not ours writes it."""
    request = httpx.Request("POST", "http://shop/", data=fields, files=files)
    return request.read(), request.headers["content-type"]


@given(st.binary(max_size=2000), st.text(max_size=40))
def test_a_file_and_a_field_come_apart_as_they_were_sent(content: bytes, note: str) -> None:
    body, kind = sent({"note": note, "csrf": "x"}, {"photo": ("a.jpg", content)})
    upload = take_apart(body, kind)
    assert upload.files == {"photo": content}
    assert upload.fields["note"] == note.strip()
    assert upload.fields["csrf"] == "x"


def test_a_file_with_line_breaks_dashes_and_names_of_its_own_stays_whole() -> None:
    content = b'\r\n--\r\n\r\nContent-Disposition: form-data; name="says"\r\n\r\ngood\r\n--'
    body, kind = sent({"says": "bad"}, {"photo": ('odd "name"; filename=x.jpg', content)})
    upload = take_apart(body, kind)
    assert (upload.files["photo"], upload.fields["says"]) == (content, "bad")


def test_a_file_that_was_not_chosen_is_empty() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="photo"; filename=""\r\nContent-Type: a/b\r\n\r\n\r\n--b--\r\n'
    assert take_apart(body, "multipart/form-data; boundary=b").files == {"photo": b""}
    assert take_apart(body, 'multipart/form-data; boundary="b"').files == {"photo": b""}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"note=x", "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n', "multipart/form-data; boundary=b"),
        (
            b'before\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--',
            "multipart/form-data; boundary=b",
        ),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\nx\r\n--b--\r\n', "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * (LONGEST_FIELD + 1) + b"\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * (MOST_PARTS + 1) + b"--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_what_no_browser_sends_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(ValueError):
        take_apart(body, kind)


@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_breaks_nothing(body: bytes) -> None:
    with suppress(ValueError):
        take_apart(b"--b\r\n" + body + b"\r\n--b--\r\n", "multipart/form-data; boundary=b")
