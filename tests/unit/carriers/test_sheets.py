"""Labels on paper: a page is rendered and read as a scanner and a driver would."""

from __future__ import annotations

import logging
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from backroom.carriers.code128 import NotEncodable
from backroom.carriers.sheets import render_labels
from tests.unit.carriers.people import ANNA, EVERYBODY, LUKASZ, TARO, bought, label_to

DPI = 203


def pages(data: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(data)
    return [page.render(scale=DPI / 72).to_pil().convert("L") for page in document]


def words(data: bytes, page: int = 0) -> str:
    return pypdfium2.PdfDocument(data)[page].get_textpage().get_text_range()


def codes(image: Image.Image) -> dict[str, str]:
    return {str(found.format): found.text for found in zxingcpp.read_barcodes(image)}


def ink(image: Image.Image) -> tuple[int, int, int, int]:
    box = ImageOps.invert(image).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("recipient", EVERYBODY, ids=lambda a: a.country)
def test_both_codes_of_both_labels_are_read_back(recipient):
    purchase = bought(recipient)
    shipping, return_ = pages(render_labels([purchase.shipping, purchase.return_]))
    assert codes(shipping) == {"Code 128": purchase.tracking, "QR Code": purchase.tracking}
    assert codes(return_) == {"Code 128": purchase.return_tracking, "QR Code": purchase.return_tracking}


@pytest.mark.parametrize("recipient", EVERYBODY, ids=lambda a: a.country)
def test_the_address_is_on_the_page_as_text(recipient, caplog):
    text = words(render_labels([label_to(recipient)]))
    for part in (recipient.name, *recipient.lines, recipient.postcode, recipient.city, recipient.region or ""):
        assert part in text
    assert not caplog.records


def test_a_wave_is_one_document_with_a_page_of_100_by_150_mm_a_label():
    labels = [label for recipient in EVERYBODY for label in (bought(recipient).shipping, bought(recipient).return_)]
    document = pypdfium2.PdfDocument(render_labels(labels))
    assert len(document) == 12
    assert all(page.get_size() == pytest.approx((100 / 25.4 * 72, 150 / 25.4 * 72), abs=0.01) for page in document)


def test_a_return_label_says_so_and_a_shipping_label_does_not():
    purchase = bought()
    data = render_labels([purchase.shipping, purchase.return_])
    assert "RETURN / RETOURE" in words(data, 1)
    assert purchase.return_.return_code in words(data, 1)
    assert "RETURN" not in words(data, 0)
    assert ANNA.phone not in words(data, 1)


def test_the_country_is_named_only_abroad():
    assert "POLAND" in words(render_labels([label_to(LUKASZ)]))
    assert "GERMANY" not in words(render_labels([label_to(ANNA)]))


def test_the_longest_address_stays_on_its_label_and_its_codes_are_read():
    long = "Donaudampfschifffahrtsgesellschaftskapitänsstraße Hinterhof links dritter Stock bei Familie Müller 17 b 8"
    label = label_to(replace(ANNA, name=long, company=long, lines=(long,) * 6, city=long[:100]))
    label = replace(label, order_number="A-" + "9" * 60, service="express" * 12, carrier="Courier" * 12)
    (page,) = pages(render_labels([label]))
    left, top, right, bottom = ink(page)
    margin = round(3.9 * DPI / 25.4)
    assert left >= margin
    assert top >= margin
    assert right <= page.width - margin
    assert bottom <= page.height - margin
    assert set(codes(page).values()) == {label.tracking}


def test_characters_without_a_glyph_are_boxes_and_counted_without_being_named(caplog):
    caplog.set_level(logging.WARNING)
    (page,) = pages(render_labels([label_to(replace(ANNA, name="Ann 😀 ش"))]))
    (record,) = caplog.records
    assert record.getMessage() == "2 characters on 1 labels have no glyph and are drawn as boxes"
    blank = pages(render_labels([label_to(replace(ANNA, name="Ann"))]))[0]
    assert page.tobytes() != blank.tobytes()


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=40, deadline=None)
def test_any_name_gives_a_page_whose_codes_are_read(name, line):
    label = label_to(replace(TARO, name=name, lines=(line,)))
    (page,) = pages(render_labels([label]))
    assert set(codes(page).values()) == {label.tracking}


@pytest.mark.parametrize("tracking", ["1Z999AA10123456784", "00340434161094042557", "LB123456785DE", "JJD00 0390"])
def test_other_carriers_numbers_are_read_back_too(tracking):
    (page,) = pages(render_labels([replace(bought().shipping, tracking=tracking)]))
    assert codes(page) == {"Code 128": tracking, "QR Code": tracking}


def test_a_number_too_long_for_any_label_is_refused():
    with pytest.raises(NotEncodable):
        render_labels([replace(bought().shipping, tracking="X" * 100)])
