"""Writing a PDF file: pages of one size, embedded subsets of our fonts, and nothing more (ISO 32000-1).

What belongs here: objects, fonts and the cross-reference table. What does not: what stands on a page (`sheets`).

fpdf2 does far more and pays for it: it reads its fonts again for every document (70 ms of CPU for two Latin ones), and
a wave of one order cannot spread that. Here fonts are read once per process, and a page is a string of operators.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from backroom.carriers.truetype import TrueType

POINTS_PER_MM = 72 / 25.4


class EmbeddedFont:
    """The glyphs of one font that one document uses, numbered in the order of their first use."""

    def __init__(self, name: str, font: TrueType) -> None:
        self.name = name
        self._font = font
        # Glyph 0 is the box that stands for a missing character, by the rules of TrueType.
        self._glyphs = [0]
        self._characters = [""]
        self._codes: dict[tuple[int, str], str] = {}

    def code(self, glyph: int, character: str) -> str:
        """The glyph's code in this document: four hexadecimal digits. The character makes the text searchable."""
        key = (glyph, character)
        found = self._codes.get(key)
        if found is None:
            found = self._codes[key] = f"{len(self._glyphs):04X}"
            self._glyphs.append(glyph)
            self._characters.append(character)
        return found

    def write(self, writer: ObjectWriter) -> int:
        """Add the font's objects (ISO 32000-1, 9.7: a Type 0 font over a CIDFontType2) and return its number."""
        tag = f"/BACKRM+{self.name}"
        font = self._font
        data = font.subset(self._glyphs)
        file = writer.stream(data, f"/Length1 {len(data)}")
        box = " ".join(map(str, font.box))
        descriptor = writer.add(
            f"<</Type/FontDescriptor/FontName{tag}/Flags 4/FontBBox[{box}]/ItalicAngle 0/Ascent {font.ascent}"
            f"/Descent {font.descent}/CapHeight 714/StemV 80/FontFile2 {file} 0 R>>"
        )
        widths = " ".join(f"{font.width(glyph):.0f}" for glyph in self._glyphs)
        descendant = writer.add(
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont{tag}/CIDToGIDMap/Identity/FontDescriptor {descriptor} 0 R"
            f"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 1000/W[0[{widths}]]>>"
        )
        unicode_map = writer.stream(_to_unicode(self._characters).encode())
        return writer.add(
            f"<</Type/Font/Subtype/Type0/BaseFont{tag}/Encoding/Identity-H/DescendantFonts[{descendant} 0 R]"
            f"/ToUnicode {unicode_map} 0 R>>"
        )


class ObjectWriter:
    """Numbers objects, keeps where they start, and writes the file around them."""

    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def reserve(self) -> int:
        """A number for an object that is set later."""
        self._objects.append(b"")
        return len(self._objects)

    def set(self, number: int, body: str) -> None:
        self._objects[number - 1] = body.encode()

    def add(self, body: str) -> int:
        self._objects.append(body.encode())
        return len(self._objects)

    def stream(self, data: bytes, entries: str = "") -> int:
        packed = zlib.compress(data, 6)
        head = f"<</Filter/FlateDecode/Length {len(packed)}{entries}>>stream\n"
        self._objects.append(head.encode() + packed + b"\nendstream")
        return len(self._objects)

    def file(self, root: int) -> bytes:
        """Header, objects, cross-reference table and trailer (ISO 32000-1, 7.5)."""
        parts = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"]
        offset = len(parts[0])
        table = ["0000000000 65535 f \n"]
        for number, body in enumerate(self._objects, start=1):
            table.append(f"{offset:010d} 00000 n \n")
            parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
            offset += len(parts[-1])
        count = len(table)
        parts.append(f"xref\n0 {count}\n{''.join(table)}".encode())
        parts.append(f"trailer\n<</Size {count}/Root {root} 0 R>>\nstartxref\n{offset}\n%%EOF\n".encode())
        return b"".join(parts)


def document(pages: Sequence[str], fonts: Sequence[EmbeddedFont], *, width_mm: float, height_mm: float) -> bytes:
    """A PDF of content streams, all pages of one size. In the streams a unit is one millimetre, y points up."""
    writer = ObjectWriter()
    root, tree = writer.reserve(), writer.reserve()
    references = "".join(f"/{font.name} {font.write(writer)} 0 R" for font in fonts)
    resources = writer.add(f"<</Font<<{references}>>>>")
    scale = f"{POINTS_PER_MM:.6f} 0 0 {POINTS_PER_MM:.6f} 0 0 cm\n"
    kids: list[int] = []
    for page in pages:
        content = writer.stream((scale + page).encode())
        kids.append(writer.add(f"<</Type/Page/Parent {tree} 0 R/Resources {resources} 0 R/Contents {content} 0 R>>"))
    box = f"[0 0 {width_mm * POINTS_PER_MM:.4f} {height_mm * POINTS_PER_MM:.4f}]"
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    writer.set(tree, f"<</Type/Pages/Count {len(kids)}/Kids[{listed}]/MediaBox{box}>>")
    # A printing dialogue must not scale a label to its own idea of a page.
    writer.set(root, f"<</Type/Catalog/Pages {tree} 0 R/ViewerPreferences<</PrintScaling/None>>>>")
    return writer.file(root)


def _to_unicode(characters: Sequence[str]) -> str:
    """The CMap that turns codes back into text (ISO 32000-1, 9.10.3); at most 100 pairs a block."""
    pairs = [
        f"<{code:04X}><{character.encode('utf-16-be').hex()}>" for code, character in enumerate(characters) if character
    ]
    blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName/Backroom def\n/CMapType 2 def\n"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n"
        f"1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n{body}\nendcmap\n"
        "CMapName currentdict/CMap defineresource pop\nend\nend\n"
    )
