"""A search that finds nothing must be able to find what is there, however it is written."""

from __future__ import annotations

import base64
import gzip
import json
import quopri
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from backroom.carriers.sheets import render_labels
from tests.searching import places
from tests.unit.carriers.people import ANNA, LUKASZ, label_to

WORD = "Zaphrodel Wurbelgaße"
UTF8 = f"to {WORD}, 4".encode()


@pytest.mark.parametrize(
    "content",
    [
        UTF8,
        json.dumps({"to": WORD}).encode(),
        quote(WORD).encode(),
        f"x{WORD}".encode("utf-16-le"),
        UTF8.hex().encode(),
        base64.b64encode(UTF8),
        base64.b64encode(b"." + UTF8),
        base64.b64encode(b".." + UTF8 + b"."),
        base64.urlsafe_b64encode(UTF8),
        quopri.encodestring(UTF8),
        b"head" + zlib.compress(UTF8) + b"tail",
        gzip.compress(json.dumps([WORD]).encode()),
        zlib.compress(b"outer" + zlib.compress(UTF8)),
    ],
    ids=[
        "plain",
        "json",
        "url",
        "utf-16",
        "hex",
        "base64-0",
        "base64-1",
        "base64-2",
        "base64-url",
        "quoted-printable",
        "zlib",
        "gzip",
        "nested",
    ],
)
def test_a_word_is_found_in_every_spelling_and_container(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(content)
    assert places(tmp_path, [WORD, "Quibbleton"]) == [("deep/file", WORD)]


def test_a_name_on_a_label_sheet_is_found_by_what_its_page_says(tmp_path: Path) -> None:
    sheet = render_labels([label_to(ANNA), label_to(LUKASZ)])
    (tmp_path / "sheet.pdf").write_bytes(sheet)
    assert "Anna Groß".encode() not in sheet
    assert places(tmp_path, ["Anna Groß", "Łukasz Żółć", "Quibbleton"]) == [
        ("sheet.pdf", "Anna Groß"),
        ("sheet.pdf", "Łukasz Żółć"),
    ]
