"""What a printer says of itself, and whether it can honour a request: read before every job.

What belongs here: the printer's attributes (RFC 8011 section 5.4, PWG 5100.13 for supplies), read with pyipp, and the
job attributes made of a request. What does not: sending them (`ipp`).

A request is checked here, attribute by attribute, against the printer's `…-supported` values, since many printers
quietly print something else than they were asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyipp.exceptions import IPPError
from pyipp.models import Printer as PyippPrinter
from pyipp.parser import parse

from backroom.domain.printing import PrinterStatus, PrintRequest, Supply
from backroom.printing.encoding import Attribute, Tag, Value, attribute, collection
from backroom.printing.errors import UnsupportedAttribute
from backroom.printing.pwg_raster import MEDIA_TYPE, raster_of

# Never "all": some printers answer that with megabytes of media, and pyipp fails on enumerations it does not know.
STATUS_ATTRIBUTES = (
    "printer-name",
    "printer-state",
    "printer-state-reasons",
    "printer-is-accepting-jobs",
    "printer-up-time",
    "queued-job-count",
    "document-format-supported",
    "printer-supply",
    "printer-supply-description",
    "marker-names",
    "marker-levels",
    "marker-types",
    "marker-colors",
)
JOB_ATTRIBUTES = (
    "document-format-supported",
    "job-creation-attributes-supported",
    "copies-supported",
    "media-supported",
    "media-col-supported",
    "media-size-supported",
    "sides-supported",
    "print-quality-supported",
    "print-color-mode-supported",
    "pwg-raster-document-resolution-supported",
    "pwg-raster-document-type-supported",
)

PDF = "application/pdf"
FINEST_DPI, USUAL_DPI = 300, 300
_QUALITIES = {"draft": 3, "normal": 4, "high": 5}  # print-quality, RFC 8011 section 5.2.13
_SIZE = re.compile(r"_(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(mm|in)$")
_HUNDREDTHS_OF_MM = {"mm": 100, "in": 2540}


class DescriptionError(ValueError):
    """The printer describes itself in a way that cannot be read."""


def read_description(answer: bytes) -> Mapping[str, Any]:
    """The printer attributes of an answer to Get-Printer-Attributes."""
    try:
        printers: list[dict[str, Any]] = parse(answer)["printers"]
    except (IPPError, ValueError, LookupError, OSError) as error:
        raise DescriptionError(str(error)) from error
    if not printers:
        raise DescriptionError("it has no printer attributes")
    return printers[0]


def read_status(described: Mapping[str, Any]) -> PrinterStatus:
    """State, reasons, media types and supplies."""
    printer = PyippPrinter.from_dict(dict(described))
    markers = tuple(Supply(one.name, one.level if one.level >= 0 else None) for one in printer.markers)
    return PrinterStatus(
        state=str(printer.state.printer_state),
        reasons=tuple(one for one in _several(described.get("printer-state-reasons")) if one != "none"),
        accepts=tuple(_several(described.get("document-format-supported"))),
        accepting_jobs=bool(described.get("printer-is-accepting-jobs", True)),
        queued=int(described.get("queued-job-count", 0)),
        supplies=markers or _supplies(described),
    )


def in_its_format(printer: str, described: Mapping[str, Any], request: PrintRequest) -> PrintRequest:
    """The request as this printer takes it: a PDF becomes PWG Raster where it takes no PDF but that."""
    formats = _several(described.get("document-format-supported"))
    if request.media_type in formats or request.media_type != PDF or MEDIA_TYPE not in formats:
        return request
    types = _several(described.get("pwg-raster-document-type-supported"))
    color = request.color != "monochrome" and (not types or "srgb_8" in types)
    dots = [_dots(one) for one in _several(described.get("pwg-raster-document-resolution-supported"))]
    # The finest that an artwork has something for; a printer that does not say takes the commonest.
    dpi = max((one for one in dots if one <= FINEST_DPI), default=min(dots, default=USUAL_DPI))
    try:
        document = raster_of(request.document, dpi, color=color, quality=request.quality)
    except ValueError as error:
        raise UnsupportedAttribute(printer, "document", "a PDF that nobody can draw") from error
    return replace(request, document=document, media_type=MEDIA_TYPE)


def job_attributes(printer: str, described: Mapping[str, Any], request: PrintRequest) -> list[Attribute]:
    """The job template of a request; UnsupportedAttribute names the first thing this printer cannot honour."""
    if request.media_type not in _several(described.get("document-format-supported")):
        raise UnsupportedAttribute(printer, "document-format", request.media_type)
    asked = _Template(printer, described)
    asked.copies(request.copies)
    if request.media is not None:
        asked.media(request.media)
    if request.sides is not None:
        asked.word(Tag.KEYWORD, "sides", request.sides)
    if request.quality is not None:
        if request.quality not in _QUALITIES:
            raise UnsupportedAttribute(printer, "print-quality", request.quality)
        asked.word(Tag.ENUM, "print-quality", _QUALITIES[request.quality])
    if request.color is not None:
        asked.word(Tag.KEYWORD, "print-color-mode", request.color)
    return asked.attributes


class _Template:
    """The attributes of one job as they are found to be supported."""

    def __init__(self, printer: str, described: Mapping[str, Any]) -> None:
        self.attributes: list[Attribute] = []
        self._printer = printer
        self._described = described
        # A printer older than PWG 5100.11 has no such list; then the attribute's own values decide.
        self._creation = _several(described.get("job-creation-attributes-supported"))

    def copies(self, copies: int) -> None:
        lowest, highest = self._described.get("copies-supported") or (1, 1)
        if not self._takes("copies"):
            lowest, highest = 1, 1
        if not lowest <= copies <= highest:
            raise UnsupportedAttribute(self._printer, "copies", copies)
        if highest > 1:
            self.attributes.append(attribute(Tag.INTEGER, "copies", copies))

    def media(self, media: str) -> None:
        """By its name where the printer lists it; by its measures, as media-col, where the printer takes the size."""
        if not self._takes("media"):
            raise UnsupportedAttribute(self._printer, "media", media)
        if media in _several(self._described.get("media-supported")):
            self.attributes.append(attribute(Tag.KEYWORD, "media", media))
            return
        size = _measures(media)
        # Not every printer that takes media-col lists it among its creation attributes; ippeveprinter does not.
        takes_sizes = "media-size" in _several(self._described.get("media-col-supported"))
        if size is None or not takes_sizes or not self._has_size(size):
            raise UnsupportedAttribute(self._printer, "media", media)
        x, y = (attribute(Tag.INTEGER, f"{axis}-dimension", value) for axis, value in zip("xy", size, strict=True))
        self.attributes.append(collection("media-col", collection("media-size", x, y)))

    def word(self, tag: Tag, name: str, value: Value) -> None:
        if not self._takes(name) or value not in _several(self._described.get(f"{name}-supported")):
            raise UnsupportedAttribute(self._printer, name, value)
        self.attributes.append(attribute(tag, name, value))

    def _takes(self, name: str) -> bool:
        return not self._creation or name in self._creation

    def _has_size(self, size: tuple[int, int]) -> bool:
        for known in _several(self._described.get("media-size-supported")):
            ranges = (known.get("x-dimension"), known.get("y-dimension"))
            if all(_within(value, wide) for value, wide in zip(size, ranges, strict=True)):
                return True
        return False


def _dots(resolution: Any) -> int:
    """Dots an inch of a resolution as pyipp reads it: across, along the feed, unit (3 is inches, 4 centimetres)."""
    across, _, unit = resolution
    return int(across) if unit == 3 else round(int(across) * 2.54)


def _measures(media: str) -> tuple[int, int] | None:
    """Width and height in hundredths of a millimetre of a self-describing media name (PWG 5101.1, section 5)."""
    found = _SIZE.search(media)
    if found is None:
        return None
    scale = _HUNDREDTHS_OF_MM[found[3]]
    return round(float(found[1]) * scale), round(float(found[2]) * scale)


def _within(value: int, wide: object) -> bool:
    if isinstance(wide, list):
        return bool(wide[0] <= value <= wide[-1])
    return value == wide


def _supplies(described: Mapping[str, Any]) -> tuple[Supply, ...]:
    """printer-supply (PWG 5100.13): `index=1;type=ink;unit=percent;level=75;…`, with a name for each beside it."""
    names = _several(described.get("printer-supply-description"))
    supplies = []
    for number, text in enumerate(_several(described.get("printer-supply"))):
        fields = dict(pair.split("=", 1) for pair in str(text).split(";") if "=" in pair)
        level, most = _count(fields.get("level")), _count(fields.get("maxcapacity"))
        if fields.get("unit") == "percent":
            most = 100
        name = str(names[number]) if number < len(names) else fields.get("colorantname", fields.get("type", "supply"))
        supplies.append(Supply(name, None if level is None or not most else round(100 * level / most)))
    return tuple(supplies)


def _count(text: str | None) -> int | None:
    """A level as PWG 5100.13 writes it; negative ones say that the printer does not know."""
    return int(text) if text is not None and text.isdecimal() else None


def _several(value: Any) -> list[Any]:
    """A 1setOf as pyipp gives it: nothing, one value, or a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
