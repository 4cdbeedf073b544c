"""One document of labels of which some are ours and some were drawn by their carriers, each on its own page.

What belongs here: putting pages together. What does not: drawing ours (`sheets`), fetching the others (`label_files`).
A carrier's page keeps its size, for its bar codes are as large as they must be.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from itertools import groupby
from typing import TypeAlias

import pypdfium2
from PIL import Image

from backroom.carriers.layout import Layouts
from backroom.carriers.sheets import render_labels
from backroom.domain.errors import AskPerson
from backroom.domain.labels import LabelData, LabelDocument

# What a label says, and what its carrier has drawn of it.
Printed: TypeAlias = tuple[LabelData, LabelDocument | None]

# A label has one page; with customs papers it has some more.
MOST_PAGES = 6
USUAL_DPI = 300
# PDFium knows no threads, and waves of several places run in one process.
_pdfium = threading.Lock()


class LabelNotPrintable(AskPerson):
    """What a carrier calls a label cannot be put on paper; it is named by its order, and is paid."""

    cause = "label_not_printable"


def render_sheet(printed: Sequence[Printed], layouts: Layouts | None = None) -> bytes:
    """One PDF with every label, in their order; LabelNotPrintable names the one that cannot be read."""
    if all(document is None for _, document in printed):
        return render_labels([label for label, _ in printed], layouts)
    layouts = layouts or Layouts()
    with _pdfium:
        sheet = pypdfium2.PdfDocument.new()
        try:
            for ours, run in groupby(printed, key=lambda one: one[1] is None):
                if ours:
                    _add(sheet, render_labels([label for label, _ in run], layouts))
                    continue
                for label, document in run:
                    assert document is not None
                    _add_document(sheet, document, label.order_number)
            written = io.BytesIO()
            sheet.save(written)
            return written.getvalue()
        finally:
            sheet.close()


def check_document(document: LabelDocument, order_number: str) -> None:
    """Raise LabelNotPrintable unless it can be put on a sheet."""
    with _pdfium:
        sheet = pypdfium2.PdfDocument.new()
        try:
            _add_document(sheet, document, order_number)
        finally:
            sheet.close()


def _add_document(sheet: pypdfium2.PdfDocument, document: LabelDocument, order_number: str) -> None:
    try:
        content = _as_pdf(document.content) if document.media_type == "image/png" else document.content
        pages = _add(sheet, content, MOST_PAGES)
    except (pypdfium2.PdfiumError, OSError, ValueError, Image.DecompressionBombError):
        pages = 0
    if not 0 < pages <= MOST_PAGES:
        raise LabelNotPrintable(
            f"the label of {order_number} is no document that can be printed",
            remedy="Open the shipment at its carrier and print its label there.",
        )


def _as_pdf(picture: bytes) -> bytes:
    written = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        dpi = image.info.get("dpi", (USUAL_DPI, USUAL_DPI))[0] or USUAL_DPI
        image.convert("L").save(written, "PDF", resolution=round(float(dpi)))
    return written.getvalue()


def _add(sheet: pypdfium2.PdfDocument, content: bytes, most: int | None = None) -> int:
    source = pypdfium2.PdfDocument(content)
    try:
        pages = len(source)
        # One of hundreds of pages is no label, and nobody waits for it to be copied.
        if pages <= MOST_PAGES or most is None:
            sheet.import_pages(source)
        return pages
    finally:
        source.close()
