"""Files that cannot be read, or not as they should be: each is refused with its line and a remedy, and none crashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backroom.shop.catalogue import read_catalogue, read_stock
from backroom.shop.check import ShopFileInvalid
from backroom.shop.load import load_shop
from backroom.shop.secrets import Secrets

STOCK = b"location,sku,on_hand\nhub,TEE-1,1\n"


def said(tmp_path: Path, name: str, content: bytes, read: Callable[[Path], object]) -> str:
    path = tmp_path / name
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(ShopFileInvalid) as caught:
        read(path)
    assert all(problem.file == name and problem.remedy for problem in caught.value.problems)
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[shop]\nname = " + b"[" * 5_000, "line 2: is nested deeper than 64"),
        (b"[shop]\n\nname = " + b"9" * 5_000, "line 3: holds a number of more than 1000 digits"),
        (b'[shop]\nname = "M\xfcnchen"\n', "line 2: is not UTF-8"),
        (b'"" = 1\n', '"": is not known here'),
        (b'[shop]\nname = "Nord\\u0000"\n', "shop.name: holds a control character"),
    ],
)
def test_a_shop_file_that_python_cannot_read_is_told_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in said(tmp_path, "shop.toml", content, load_shop)


def test_what_moves_a_terminals_cursor_is_not_printed_on_it(tmp_path: Path) -> None:
    text = said(tmp_path, "shop.toml", b'"a\\u001b[2Jb" = 1\n', load_shop)
    assert "\x1b" not in text
    assert "\ufffd[2Jb" in text


def test_a_problem_is_a_line_and_not_a_book(tmp_path: Path) -> None:
    text = said(tmp_path, "stock.csv", STOCK + b"hub,TEE-2," + b"x" * 100_000, read_stock)
    assert "row 3, on_hand" in text
    assert len(text) < 1_000


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (b"hub,TEE-2," + b"1" * 5_000, "row 3, on_hand"),
        (b"hub," + b"x" * 140_000 + b",1", "line 3: cannot be read"),
        (b"hub,TEE\xff,1", "line 3: is not UTF-8"),
        (b"hub,TEE\0,1", "line 3: holds a control character"),
    ],
)
def test_a_row_that_python_cannot_read_is_told_with_its_place(tmp_path: Path, row: bytes, says: str) -> None:
    assert says in said(tmp_path, "stock.csv", STOCK + row, read_stock)


def test_a_quote_that_never_closes_swallows_no_rows(tmp_path: Path) -> None:
    header = "sku,product,title,colourway,size,price,currency,weight_g,tags"
    rows = 'TEE-1,tee,Tee,Ink,M,34.00,EUR,190,"new\nTEE-2,tee,Tee,Ink,L,34.00,EUR,190,new\n'
    text = said(tmp_path, "catalogue.csv", f"{header}\n{rows}".encode(), read_catalogue)
    assert "quotation mark" in text


@pytest.mark.parametrize("content", [b'master_key = "hushhush\n', b"master_key = 'hush\xff'", b"master_key = 314159\n"])
def test_a_secrets_file_that_cannot_be_read_is_told_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    text = said(tmp_path, "secrets.toml", content, Secrets.read)
    assert "hush" not in text
    assert "314159" not in text
