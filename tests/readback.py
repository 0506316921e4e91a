"""What a PDF says where: pages of glyphs and rules in millimetres from the upper left corner of the sheet."""

import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from msgspec import Struct
from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTChar, LTComponent, LTContainer, LTCurve, LTImage
from pdfminer.pdfdocument import PDFDocument
from pdfminer.pdfparser import PDFParser
from pdfminer.pdftypes import PDFStream, resolve1

MM = 25.4 / 72


class Glyph(Struct, frozen=True):
    text: str
    left: float
    right: float
    middle: float  # of the em box: baseline and 0.38 of the size
    size: float  # points
    font: str


class Rule(Struct, frozen=True):
    left: float
    right: float
    y: float
    thick: float


class Picture(Struct, frozen=True):
    left: float
    right: float
    top: float
    foot: float


class Sheet(Struct, frozen=True):
    width: float
    height: float
    glyphs: list[Glyph]
    rules: list[Rule]
    pictures: list[Picture] = []

    def lines(self, size: float = 16) -> list[list[Glyph]]:
        """Glyphs of one size by lines, from above, each from the left."""
        found: dict[int, list[Glyph]] = {}
        for glyph in self.glyphs:
            if abs(glyph.size - size) < 0.1:
                found.setdefault(round(glyph.middle * 2), []).append(glyph)
        return [sorted(found[place], key=lambda one: one.left) for place in sorted(found)]

    def text(self) -> str:
        return "".join(glyph.text for glyph in self.glyphs)


def sheets(pdf: bytes) -> list[Sheet]:
    found = []
    for page in extract_pages(BytesIO(pdf), laparams=LAParams(all_texts=True)):
        glyphs, rules, pictures = [], [], []
        for part in _parts(page):
            if isinstance(part, LTChar):
                baseline = page.height - part.matrix[5]
                size = round(part.size, 2)
                middle = (baseline - 0.38 * size) * MM
                glyphs.append(Glyph(part.get_text(), part.x0 * MM, part.x1 * MM, middle, size, part.fontname))
            elif isinstance(part, LTImage):
                top, foot = ((page.height - y) * MM for y in (part.y1, part.y0))
                pictures.append(Picture(part.x0 * MM, part.x1 * MM, top, foot))
            elif isinstance(part, LTCurve) and part.width > 100:
                y = (page.height - (part.y0 + part.y1) / 2) * MM
                rules.append(Rule(part.x0 * MM, part.x1 * MM, y, part.linewidth * MM))
        found.append(Sheet(page.width * MM, page.height * MM, glyphs, rules, pictures))
    return found


def _parts(one: LTComponent) -> Iterator[LTComponent]:
    yield one
    if isinstance(one, LTContainer):
        for part in one:
            yield from _parts(part)


def embedded(pdf: bytes) -> dict[str, bool]:
    """Name of each font -> whether it is embedded."""
    document = PDFDocument(PDFParser(BytesIO(pdf)))
    found = {}
    for xref in document.xrefs:
        for number in xref.get_objids():
            one = resolve1(document.getobj(number))
            if isinstance(one, dict) and "FontName" in one:
                found[str(one["FontName"])] = bool({"FontFile", "FontFile2", "FontFile3"} & set(one))
    return found


def metadata(pdf: bytes) -> str:
    """The XMP packet."""
    document = PDFDocument(PDFParser(BytesIO(pdf)))
    stream = resolve1(document.catalog["Metadata"])
    assert isinstance(stream, PDFStream)
    return re.sub(r"\s+", " ", stream.get_data().decode())


def red_rows(png: bytes, ppi: float) -> list[tuple[float, float, float]]:
    """Rows of a picture in which anything is red: (y, left, right) in millimetres."""
    width, height, raw = _pixels(png)
    stride, found = width * 4, []
    for row in range(height):
        line = raw[row * stride : (row + 1) * stride]
        red = [x for x in range(width) if line[4 * x] > 180 and line[4 * x + 1] < 90 and line[4 * x + 3]]
        if red:
            found.append((row * 25.4 / ppi, red[0] * 25.4 / ppi, (red[-1] + 1) * 25.4 / ppi))
    return found


def _pixels(png: bytes) -> tuple[int, int, bytes]:
    """An 8-bit RGBA picture unpacked (PNG, RFC 2083 6)."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour) == (8, 6)
    place, packed = 8, b""
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        packed += png[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    raw, stride = zlib.decompress(packed), width * 4
    out, above = bytearray(), bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], line, above)
        out += line
        above = line
    return width, height, bytes(out)


def _unfilter(kind: int, line: bytearray, above: bytearray) -> None:
    for place in range(len(line)):
        left = line[place - 4] if place >= 4 else 0
        up, corner = above[place], above[place - 4] if place >= 4 else 0
        if kind == 1:
            add = left
        elif kind == 2:
            add = up
        elif kind == 3:
            add = (left + up) // 2
        elif kind == 4:
            guess = left + up - corner
            add = min((left, up, corner), key=lambda one: abs(guess - one))
        else:
            return
        line[place] = (line[place] + add) & 255
