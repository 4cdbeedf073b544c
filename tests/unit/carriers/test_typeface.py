"""Fonts, widths and line breaks."""

from __future__ import annotations

import io
import unicodedata

import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.carriers.typeface import Line, boxes, clean, fit_block, fit_line, font, glyph, height, width

FONTS = ("regular", "bold", "cjk")


@pytest.fixture(scope="module")
def oracle():
    return {name: TTFont(font(name).path, lazy=True) for name in FONTS}


def outline(file: TTFont, number: int) -> list:
    glyphs = file.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[file.getGlyphOrder()[number]].draw(pen)
    return pen.value


@pytest.mark.parametrize("name", FONTS)
def test_characters_and_widths_are_what_fonttools_reads(name, oracle):
    file = oracle[name]
    by_name = file.getReverseGlyphMap()
    characters = {code: by_name[glyph_name] for code, glyph_name in file.getBestCmap().items()}
    assert font(name).glyph_of == characters
    order, metrics, units = file.getGlyphOrder(), file["hmtx"].metrics, file["head"].unitsPerEm
    for number in list(characters.values())[::97]:
        assert font(name).width(number) == metrics[order[number]][0] * 1000 / units


@pytest.mark.parametrize(("name", "text"), [("regular", "AŻễß"), ("bold", "Łų"), ("cjk", "山田太郎김민수龍ア")])
def test_a_subset_has_the_same_outlines_and_widths(name, text, oracle):
    numbers = [0, *(font(name).glyph_of[ord(character)] for character in text)]
    data = font(name).subset(numbers)
    small = TTFont(io.BytesIO(data))
    assert len(data) < 20_000
    for new, old in enumerate(numbers):
        assert outline(small, new) == outline(oracle[name], old)
        assert small["hmtx"].metrics[small.getGlyphOrder()[new]][0] == round(
            font(name).width(old) * oracle[name]["head"].unitsPerEm / 1000
        )


@pytest.mark.parametrize(
    "text",
    ["Łukasz Żółć", "Nguyễn Thị Ánh", "山田 太郎", "김민수", "Ångström", "Ιωάννης", "Юлия", "ǅ ș ț ğ ı ẞ", "陳大文"],
)
@pytest.mark.parametrize("bold", [False, True])
def test_every_name_has_its_glyphs(text, bold):
    assert all(glyph(character, bold).known for character in clean(text))
    assert all(glyph(c, bold).known for c in clean(unicodedata.normalize("NFD", text)))


def test_what_no_font_has_is_a_box_that_takes_room():
    box = glyph("😀", True)
    assert (box.number, box.known) == (0, False)
    assert box.width > 0


def block(first, last):
    return [chr(code) for code in range(first, last + 1)]


def test_the_gaps_of_cjk_are_those_that_the_readme_names():
    """Whoever changes a font changes its README: people read there which characters become boxes."""
    gaps = {
        "ideographs": [c for c in block(0x4E00, 0x9FFF) if not glyph(c, False).known],
        "kana": [c for c in block(0x3041, 0x30FF) if unicodedata.name(c, "") and not glyph(c, False).known],
        "hangul": [c for c in block(0xAC00, 0xD7A3) if not glyph(c, False).known],
    }
    assert gaps == {"ideographs": block(0x9FC4, 0x9FFF), "kana": list("ゕゖゟ゠ヷヸヹヺヿ"), "hangul": []}


@pytest.mark.parametrize(("text", "count"), [("山田 太郎", 0), ("Anna Groß", 0), ("Anna", 0), ("𠮷野 ヷ", 2)])
def test_boxes_of_a_text_are_counted(text, count):
    assert boxes(text) == count


def test_clean_text_is_one_visible_line():
    assert clean("  Anna\t\n Groß\u200b\ufe0f\x00 ") == "Anna Groß"


anything = st.text(max_size=80) | st.text(st.sampled_from("Ww. 山김ł-"), max_size=200)


@given(st.lists(anything, max_size=8), st.floats(10, 90), st.floats(5, 50))
@settings(deadline=None)
def test_a_block_never_leaves_its_box(texts, box_width, box_height):
    lines = [Line(text, 6.0, bold=index % 2 == 0) for index, text in enumerate(texts)]
    fitted = fit_block(lines, box_width, box_height)
    assert height(fitted) <= box_height
    assert all(width(line.text, line.bold) * line.size <= box_width + 1e-6 for line in fitted)


@given(anything, st.floats(10, 90))
def test_a_line_never_leaves_its_box(text, available):
    line = fit_line(Line(text, 7.0), available)
    assert width(line.text) * line.size <= available + 1e-6


def test_a_long_address_keeps_every_word():
    lines = [Line("Sehr lange Zeile mit vielen Wörtern und Hausnummer 1234 " * 2, 5.2)] * 6
    fitted = fit_block(lines, 86.0, 44.0)
    assert " ".join(line.text for line in fitted).split() == " ".join(line.text for line in lines).split()


def test_cjk_is_broken_anywhere_and_words_only_when_they_must():
    assert [line.text for line in fit_block([Line("山田太郎山田", 1.0)], 4.0, 10.0)] == ["山田太郎", "山田"]
    assert [line.text for line in fit_block([Line("one two", 1.0)], 2.5, 10.0)] == ["one", "two"]
