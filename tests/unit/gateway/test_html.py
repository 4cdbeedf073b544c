"""Pages: whatever they show cannot become markup, and a place to go back to is always ours."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.gateway.pages.html import join, table, tag
from backroom.gateway.pages.login import HOME, own_path
from backroom.store.inbox_door import word


class Seen(HTMLParser):
    """What a browser would make of it: elements and texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    parser.close()
    return parser


PRINTABLE = st.text(st.characters(blacklist_categories=("Cs", "Cc")))


@given(PRINTABLE, PRINTABLE)
def test_text_and_attributes_stay_what_they_are(text: str, value: str) -> None:
    found = seen(tag("p", text, title=value))
    assert found.elements == [("p", {"title": value})]
    assert found.text == text


def test_markup_in_a_text_is_shown_and_not_obeyed() -> None:
    assert tag("td", "<script>alert(1)</script>") == "<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>"


def test_elements_within_elements_are_written_once() -> None:
    assert tag("p", "a & ", tag("strong", "b")) == "<p>a &amp; <strong>b</strong></p>"


def test_python_names_become_html_names_and_absent_attributes_are_left_out() -> None:
    written = tag("input", cls="wide", for_="x", aria_label="Code", required=True, value=None, hidden=False)
    assert written == '<input class="wide" for="x" aria-label="Code" required>'


def test_an_empty_table_says_so() -> None:
    assert "Nothing" in table(("A",), [], "Nothing is here.")


def test_nothing_is_shown_for_none() -> None:
    assert join([None, "a", 1, [None, ["b"]]]) == "a1b"


@pytest.mark.parametrize(
    "path", ["https://other.example", "//other.example", "/\\other.example", "", "orders", "/a\r\nb", "javascript:x"]
)
def test_a_way_back_to_another_site_is_not_taken(path: str) -> None:
    assert own_path(path) == HOME


def test_a_way_back_on_this_gateway_is_taken() -> None:
    assert own_path("/orders/A-1042?x=1") == "/orders/A-1042?x=1"


@given(st.text())
def test_a_word_fits_its_column_and_two_words_stay_two(text: str) -> None:
    assert len(word(text)) <= 200
    assert word(text).isprintable()
    assert word(text) != word(text + "!")
