"""Whether a printer can honour a request, attribute by attribute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backroom.domain.printing import PrintRequest, Supply
from backroom.printing.capabilities import job_attributes, read_status
from backroom.printing.encoding import Tag, attribute, collection
from backroom.printing.errors import UnsupportedAttribute

PRINTER: dict[str, Any] = {
    "document-format-supported": ["application/pdf", "image/png"],
    "job-creation-attributes-supported": ["copies", "media", "sides", "print-quality", "print-color-mode"],
    "copies-supported": [1, 99],
    "media-supported": ["iso_a4_210x297mm", "na_index-4x6_4x6in"],
    "media-col-supported": ["media-size", "media-type"],
    "media-size-supported": [
        {"x-dimension": 21000, "y-dimension": 29700},
        {"x-dimension": [5000, 11000], "y-dimension": [5000, 20000]},
    ],
    "sides-supported": "one-sided",
    "print-quality-supported": [4, 5],
    "print-color-mode-supported": ["color", "monochrome"],
}
REQUEST = PrintRequest("print-1", b"%PDF", "application/pdf", 2)


def test_everything_that_is_asked_is_sent() -> None:
    request = replace(REQUEST, media="iso_a4_210x297mm", sides="one-sided", quality="high", color="color")
    assert job_attributes("p", PRINTER, request) == [
        attribute(Tag.INTEGER, "copies", 2),
        attribute(Tag.KEYWORD, "media", "iso_a4_210x297mm"),
        attribute(Tag.KEYWORD, "sides", "one-sided"),
        attribute(Tag.ENUM, "print-quality", 5),
        attribute(Tag.KEYWORD, "print-color-mode", "color"),
    ]


def test_what_is_not_asked_is_left_to_the_printer() -> None:
    assert job_attributes("p", PRINTER, replace(REQUEST, copies=1)) == [attribute(Tag.INTEGER, "copies", 1)]


@pytest.mark.parametrize(
    ("media", "width", "height"), [("custom_label_100x150mm", 10000, 15000), ("na_index-3x5_3x5in", 7620, 12700)]
)
def test_a_size_without_a_name_at_the_printer_is_asked_by_its_measures(media: str, width: int, height: int) -> None:
    size = collection(
        "media-size", attribute(Tag.INTEGER, "x-dimension", width), attribute(Tag.INTEGER, "y-dimension", height)
    )
    assert job_attributes("p", PRINTER, replace(REQUEST, media=media))[1] == collection("media-col", size)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"media_type": "image/tiff"}, "document-format"),
        ({"copies": 100}, "copies"),
        ({"copies": 0}, "copies"),
        ({"media": "custom_banner_900x900mm"}, "media"),
        ({"media": "blank-shirt"}, "media"),
        ({"sides": "two-sided-long-edge"}, "sides"),
        ({"quality": "draft"}, "print-quality"),
        ({"quality": "finest"}, "print-quality"),
        ({"color": "auto"}, "print-color-mode"),
    ],
)
def test_what_the_printer_cannot_do_is_refused_by_its_name(change: dict[str, Any], name: str) -> None:
    with pytest.raises(UnsupportedAttribute) as refused:
        job_attributes("p", PRINTER, replace(REQUEST, **change))
    assert refused.value.attribute == name


@pytest.mark.parametrize("name", ["media", "sides", "print-quality", "print-color-mode", "copies"])
def test_an_attribute_that_no_job_may_carry_is_refused_whatever_its_values(name: str) -> None:
    creation = [one for one in PRINTER["job-creation-attributes-supported"] if one != name]
    request = replace(REQUEST, media="iso_a4_210x297mm", sides="one-sided", quality="high", color="color")
    with pytest.raises(UnsupportedAttribute) as refused:
        job_attributes("p", PRINTER | {"job-creation-attributes-supported": creation}, request)
    assert refused.value.attribute == name


def test_one_copy_needs_no_attribute_at_a_printer_that_knows_no_copies() -> None:
    old = {"document-format-supported": "application/pdf"}
    assert job_attributes("p", old, replace(REQUEST, copies=1)) == []
    with pytest.raises(UnsupportedAttribute):
        job_attributes("p", old, REQUEST)


def test_supplies_are_read_in_percent_and_stay_open_where_the_printer_cannot_say() -> None:
    described = {
        "printer-state": 3,
        "printer-state-reasons": "none",
        "document-format-supported": "application/pdf",
        "printer-supply": [
            "index=1;type=ink;unit=percent;maxcapacity=100;level=25;colorantname=cyan;",
            "index=2;type=ink;unit=tenThousandthsOfInches;maxcapacity=400;level=100;colorantname=black;",
            "index=3;type=wasteInk;maxcapacity=-2;level=-2;",
        ],
        "printer-supply-description": ["Cyan"],
    }
    status = read_status(described)
    assert status.supplies == (Supply("Cyan", 25), Supply("black", 25), Supply("wasteInk", None))
    assert (status.state, status.reasons, status.accepts) == ("idle", (), ("application/pdf",))
