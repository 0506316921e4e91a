"""A document as editable DOCX in the layout of GB/T 9704-2012, naming the standard's type for PCs that own it.

Written by python-docx from the same values as the PDF. A template filled by docxtpl would be a second layout to keep in
step by hand, and that library is LGPL.
"""

from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as Book
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Length, Mm, Pt, RGBColor
from docx.table import Table as Grid
from docx.text.paragraph import Paragraph as Line
from docx.text.run import Run

from central.core.document import Block, Heading, Paper, Table

FANGSONG, BIAOSONG, HEITI, SONGTI = "仿宋_GB2312", "方正小标宋简体", "黑体", "宋体"
LATIN = "Times New Roman"
PITCH, THREE, TWO, FOUR = Pt(28.95), Pt(16), Pt(22), Pt(14)
"""225 mm by 22 lines in twentieths of a point, as Word keeps it; 三号, 二号, 四号."""
SMALL = Pt(10)
RED = RGBColor(0xE6, 0x00, 0x12)
_TIGHTER = -5
"""Twentieths of a point between characters, so that 28 of 三号 fill a line. Word's grid of characters would say the same, and
only Word reads it so."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(paper: Paper) -> bytes:
    """The same bytes for the same values."""
    book = Document()
    _page(book, paper)
    _head(book, paper)
    _blocks(book, paper.blocks, tail=True)
    _signature(book, paper)
    for place, attachment in enumerate(paper.attachments, 1):
        first = _line(book, f"附件{place if len(paper.attachments) > 1 else ''}", font=HEITI)
        first.paragraph_format.page_break_before = True
        _blank(book)
        _title(book, (attachment.name,))
        _blank(book)
        _blocks(book, attachment.blocks)
    _imprint(book, paper)
    return _settled(book, paper)


def _page(book: Book, paper: Paper) -> None:
    section = book.sections[0]
    section.start_type = WD_SECTION.NEW_PAGE
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    # The number's line has its middle 7 mm below the type area; below it are two small lines, on the first page with text.
    section.footer_distance = Length(Mm(35 - 7) - (FOUR + 4 * SMALL) // 2)
    grid = section._sectPr.find(qn("w:docGrid"))  # noqa: SLF001  python-docx has no word for the grid
    grid.set(qn("w:type"), "lines")
    grid.set(qn("w:linePitch"), str(round(PITCH.pt * 20)))
    style = book.styles["Normal"]
    style.font.name, style.font.size = LATIN, THREE
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FANGSONG)
    book.settings.odd_and_even_pages_header_footer = True
    section.different_first_page_header_footer = True
    right, left = (WD_ALIGN_PARAGRAPH.RIGHT, "right_indent"), (WD_ALIGN_PARAGRAPH.LEFT, "left_indent")
    first = section.first_page_footer
    for footer, (side, indent) in (
        (first, right),
        (section.footer, right),
        (section.even_page_footer, left),
    ):
        line = footer.paragraphs[0]
        line.alignment = side
        setattr(line.paragraph_format, indent, FOUR)
        _run(line, "— ", SONGTI, FOUR)
        _field(line, "PAGE")
        _run(line, " —", SONGTI, FOUR)
        _pitch(line, FOUR)
        for text in (f"核验码 {paper.code}　{paper.basis}", f"事实摘要 {paper.facts}"):
            small = footer.add_paragraph()
            _pitch(small, SMALL)
            if footer is first:
                _run(small, text, SONGTI, Pt(8))


def _head(book: Book, paper: Paper) -> None:
    mark = _line(book, "", align=WD_ALIGN_PARAGRAPH.CENTER, pitch=Pt(60))
    mark.paragraph_format.space_before = Mm(35)
    run = _run(mark, paper.letterhead, BIAOSONG, Pt(42))
    run.font.color.rgb = RED
    length = len(paper.letterhead)
    width = 156 / 25.4 * 72
    if length * 45 > width:  # narrowed, as the PDF's is
        _shape(run, "w", int(width / length / 45 * 100))
    else:
        _shape(run, "spacing", 3 * 20)
    for _ in range(2):
        _blank(book)
    number = _line(book, paper.number, align=WD_ALIGN_PARAGRAPH.CENTER)
    border = (
        f'<w:pBdr {nsdecls("w")}><w:bottom w:val="single" w:sz="24" w:space="5" w:color="E60012"/></w:pBdr>'
    )
    number._p.get_or_add_pPr().insert_element_before(  # noqa: SLF001
        parse_xml(border), "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )
    for _ in range(2):
        _blank(book)
    _title(book, paper.title)
    _blank(book)
    _line(book, f"{paper.addressee}：", align=WD_ALIGN_PARAGRAPH.LEFT)


def _title(book: Book, parts: Iterable[str]) -> None:
    """Lines end between parts where one line is too short for all."""
    lines, most = [""], int(156 / 25.4 * 72 / TWO.pt)
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > most:
            lines.append("")
        lines[-1] += part
    for text in lines:
        _line(book, text, align=WD_ALIGN_PARAGRAPH.CENTER, font=BIAOSONG, size=TWO, pitch=Pt(34.75))


def _blocks(book: Book, blocks: tuple[Block, ...], *, tail: bool = False) -> None:
    """`tail`: the last one keeps to what follows, so that no signature stands on a page of its own."""
    for place, block in enumerate(blocks, 1):
        if isinstance(block, Table):
            _grid(book, block)
        else:
            line = _line(book, block.text, font=HEITI if isinstance(block, Heading) else FANGSONG)
            _indent(line, 2)
            line.paragraph_format.keep_with_next = tail and place == len(blocks)


def _signature(book: Book, paper: Paper) -> None:
    if paper.attachments:
        _blank(book).paragraph_format.keep_with_next = True
    for place, attachment in enumerate(paper.attachments, 1):
        one = len(paper.attachments) == 1
        label = "附件：" if one else "附件：1．" if place == 1 else f"{place}．"
        line = _line(book, label + attachment.name)
        _indent(line, 2 if place == 1 else 5)
        line.paragraph_format.keep_with_next = True
    for _ in range(2):
        _blank(book).paragraph_format.keep_with_next = True
    # The day ends four characters from the right; the organ stands centred above it.
    wide, day = _width(paper.signed_by), _width(paper.day)
    for text, own in ((paper.signed_by, wide), (paper.day, day)):
        line = _line(book, text, align=WD_ALIGN_PARAGRAPH.RIGHT)
        shift = 4 + (day - own) / 2 if wide <= day else max(0.0, 4 - (wide - day) / 2) + (wide - own) / 2
        line.paragraph_format.right_indent = Pt(shift * 16)
        line.paragraph_format.keep_with_next = text is not paper.day


def _width(text: str) -> float:
    """In characters: a digit takes half of one."""
    return sum(0.5 if char.isascii() else 1 for char in text)


def _imprint(book: Book, paper: Paper) -> None:
    """版记 at the foot of the last page: a table that floats to the lower margin, rules of 0.35 and 0.25 mm."""
    _pitch(book.add_paragraph(), Pt(1))  # what the table is anchored to
    texts = [[f"抄送：{'，'.join(paper.copies)}。"]] if paper.copies else []
    texts.append([f"{paper.printer}\t{paper.day}印发"])
    grid = book.add_table(rows=len(texts), cols=1)
    for place, (row, (text,)) in enumerate(zip(grid.rows, texts, strict=True)):
        line = row.cells[0].paragraphs[0]
        line.paragraph_format.left_indent = line.paragraph_format.right_indent = FOUR
        _pitch(line, Pt(23))
        if "\t" in text:
            line.paragraph_format.tab_stops.add_tab_stop(Length(Mm(156) - 2 * FOUR), WD_TAB_ALIGNMENT.RIGHT)
        _run(line, text, FANGSONG, FOUR)
        rule = "".join(
            f'<w:{side} w:val="single" w:sz="{8 if edge else 6}" w:space="0" w:color="000000"/>'
            for side, edge in (("top", place == 0), ("bottom", place == len(texts) - 1))
        )
        row.cells[0]._tc.get_or_add_tcPr().append(  # noqa: SLF001
            parse_xml(f"<w:tcBorders {nsdecls('w')}>{rule}</w:tcBorders>")
        )
    properties = grid._tbl.tblPr  # noqa: SLF001
    floating = (
        f'<w:tblpPr {nsdecls("w")} w:vertAnchor="margin" w:horzAnchor="margin" w:tblpXSpec="center" '
        'w:tblpYSpec="bottom" w:leftFromText="0" w:rightFromText="0"/>'
    )
    properties.insert_element_before(
        parse_xml(floating), "w:tblOverlap", "w:tblW", "w:jc", "w:tblBorders", "w:tblLayout", "w:tblLook"
    )
    _widths(grid, (1,))
    _pitch(book.add_paragraph(), Pt(1))  # a document does not end with a table


def _grid(book: Book, table: Table) -> None:
    grid = book.add_table(rows=0, cols=len(table.head), style="Table Grid")
    for place, texts in enumerate((table.head, *table.rows)):
        row = grid.add_row()
        for cell, text in zip(row.cells, texts, strict=True):
            line = cell.paragraphs[0]
            line.alignment = WD_ALIGN_PARAGRAPH.CENTER
            _pitch(line, Pt(21.7))
            _run(line, text, FANGSONG if place else HEITI, FOUR)
    head = parse_xml(f"<w:tblHeader {nsdecls('w')}/>")
    grid.rows[0]._tr.get_or_add_trPr().append(head)  # noqa: SLF001
    _widths(grid, table.widths)


def _widths(grid: Grid, shares: tuple[int, ...]) -> None:
    grid.autofit = False
    for column, share in zip(grid.columns, shares, strict=True):
        width = Mm(156 * share / sum(shares))
        column.width = width
        for cell in column.cells:
            cell.width = width


# pieces -------------------------------------------------------------------------------------------------------


def _line(
    book: Book,
    text: str,
    *,
    align: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.JUSTIFY,
    font: str = FANGSONG,
    size: Length = THREE,
    pitch: Length = PITCH,
) -> Line:
    line = book.add_paragraph()
    line.alignment = align
    _pitch(line, pitch)
    if text:
        _run(line, text, font, size)
    return line


def _blank(book: Book) -> Line:
    return _line(book, "")


def _pitch(line: Line, pitch: Length) -> None:
    form = line.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, pitch


def _indent(line: Line, chars: int) -> None:
    """In characters, so that it stays so when somebody changes the size."""
    line.paragraph_format.first_line_indent = Pt(16 * chars)
    line._p.get_or_add_pPr().get_or_add_ind().set(qn("w:firstLineChars"), str(chars * 100))  # noqa: SLF001


def _run(line: Line, text: str, font: str, size: Length) -> Run:
    run = line.add_run(text)
    run.font.name, run.font.size = LATIN if font == FANGSONG else font, size
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)  # noqa: SLF001
    if size == THREE:
        _shape(run, "spacing", _TIGHTER)
    return run


def _shape(run: Run, name: str, value: int) -> None:
    """`w`: width in percent; `spacing`: twentieths of a point between characters."""
    after = ("w:w", "w:kern", "w:position", "w:sz", "w:szCs", "w:highlight", "w:lang")
    shape = parse_xml(f'<w:{name} {nsdecls("w")} w:val="{value}"/>')
    run._r.get_or_add_rPr().insert_element_before(shape, *after)  # noqa: SLF001


def _field(line: Line, code: str) -> None:
    run = _run(line, "", SONGTI, FOUR)
    for kind in ("begin", "", "end"):
        xml = (
            f'<w:fldChar {nsdecls("w")} w:fldCharType="{kind}"/>'
            if kind
            else f"<w:instrText {nsdecls('w')}> {code} </w:instrText>"
        )
        run._r.append(parse_xml(xml))  # noqa: SLF001


def _settled(book: Book, paper: Paper) -> bytes:
    """Written with the properties of its day, and without the moment at which the library packed it."""
    day: Any = datetime.combine(paper.issued, datetime.min.time())
    about = book.core_properties
    about.title, about.author = "".join(paper.title), paper.signed_by
    about.created = about.modified = day
    about.comments, about.last_modified_by, about.revision = "", paper.signed_by, 1
    raw = BytesIO()
    book.save(raw)
    packed = BytesIO()
    with ZipFile(raw) as source, ZipFile(packed, "w") as target:
        for name in source.namelist():
            entry = ZipInfo(name, _EPOCH)
            entry.compress_type = ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return packed.getvalue()
