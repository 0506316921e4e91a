"""Documents as they are printed: GB/T 9704-2012 measured on the PDF within a millimetre, and the editable copy beside it."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

import pytest
from docx import Document
from docx.oxml.ns import qn
from msgspec.structs import replace

from central.core.compose import Facts
from central.core.document import Kind, Paper, Table
from central.core.faces import BIAOSONG, FANGSONG, choose
from central.core.seal import Seal
from central.paper import docx
from central.paper.pdf import Typesetter
from common.core.errors import RejectedError
from tests.papers import FACTS, ISSUER, paper, seal_picture
from tests.readback import Glyph, Sheet, embedded, metadata, red_rows, sheets

WITHIN = 1.0  # millimetres
PITCH, ADVANCE, LEFT, RIGHT = 225 / 22, 156 / 28, 28.0, 184.0
LONG = replace(FACTS, reason="窗口人员休假期间没有安排替岗申请材料在窗口滞留" * 40)
KINDS = list(Kind)


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter(None)


@pytest.fixture(scope="module")
def order(typesetter: Typesetter) -> list[Sheet]:
    return sheets(typesetter.set(paper()))


@pytest.fixture(scope="module")
def long(typesetter: Typesetter) -> list[Sheet]:
    return sheets(typesetter.set(paper(Kind.PROPOSAL, LONG)))


def near(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= WITHIN


def ink(glyph: Glyph) -> float:
    """Where the ink ends; closing marks have theirs in the left half."""
    half = glyph.size / 2 * 25.4 / 72
    return glyph.right - half if glyph.text in "，。、；：）》”" else glyph.right


def line_with(page: Sheet, text: str, size: float = 16) -> list[Glyph]:
    (found,) = [line for line in page.lines(size) if text in "".join(one.text for one in line)]
    return found


def texts(made: Paper) -> Iterator[str]:
    """Everything a reader is to find, but for page numbers."""
    yield from (made.letterhead, made.number, *made.title, f"{made.addressee}：", made.signed_by, made.day)
    yield f"抄送：{'，'.join(made.copies)}。"
    yield from (made.printer, f"{made.day}印发", made.code, made.facts, made.basis)
    for block in (*made.blocks, *(block for one in made.attachments for block in one.blocks)):
        if isinstance(block, Table):
            yield from block.head
            yield from (cell for row in block.rows for cell in row)
        else:
            yield block.text
    yield from (one.name for one in made.attachments for _ in ("named", "as its title"))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_the_page_has_22_lines_of_28_characters_in_the_type_area(long: list[Sheet]) -> None:
    page = long[1]
    assert near(page.width, 210)
    assert near(page.height, 297)
    lines = page.lines()
    assert len(lines) == 22
    assert near(lines[0][0].middle - PITCH / 2, 37)
    assert near(lines[-1][0].middle + PITCH / 2, 37 + 225)
    for before, after in pairwise(lines):
        assert abs(after[0].middle - before[0].middle - PITCH) < 0.1
    full = [line for line in lines if near(line[0].left, LEFT) and near(line[-1].right, RIGHT)]
    assert len(full) >= 20
    for line in full:
        assert len(line) == 28
        assert all(one.size == 16 for one in line)


def test_head_number_rule_title_and_addressee_stand_where_the_standard_puts_them(
    order: list[Sheet], typesetter: Typesetter
) -> None:
    page = order[0]
    (number,) = [line for line in page.lines() if "〔2026〕18号" in "".join(one.text for one in line)]
    assert near((number[0].left + number[-1].right) / 2, (LEFT + RIGHT) / 2)
    (rule,) = page.rules
    half = 8 * 25.4 / 72
    assert near(rule.y - (number[0].middle + half), 4)
    assert near(rule.left, LEFT)
    assert near(rule.right, RIGHT)
    titles = page.lines(22)
    assert ["".join(one.text for one in line) for line in titles] == [
        "关于食品经营许可（新办）",
        "超过承诺时限办理的督办通知书",
    ]
    assert near(titles[0][0].middle - PITCH * 0.6 - rule.y, 2 * PITCH)
    for line in titles:
        assert near((line[0].left + ink(line[-1])) / 2, (LEFT + RIGHT) / 2)
    addressee = line_with(page, "石桥镇便民服务中心：")
    assert near(addressee[0].left, LEFT)
    assert near(addressee[0].middle - titles[-1][0].middle, PITCH * 2.1)
    first = line_with(page, "你单位受理的")
    assert near(first[0].left, LEFT + 2 * ADVANCE)


@pytest.mark.parametrize(
    "letterhead", [ISSUER.letterhead, "云州市行政审批服务和政务公开工作领导小组办公室文件"]
)
def test_the_red_head_begins_35_mm_below_the_type_area_and_is_never_wider(
    typesetter: Typesetter, letterhead: str
) -> None:
    made = paper(issuer=replace(ISSUER, letterhead=letterhead))
    rows = red_rows(typesetter.picture(made, 72), 72)
    head = [row for row in rows if row[0] < 110]
    assert near(head[0][0], 37 + 35)
    assert min(row[1] for row in head) >= LEFT - WITHIN
    assert max(row[2] for row in head) <= RIGHT + WITHIN
    assert near((min(row[1] for row in head) + max(row[2] for row in head)) / 2, (LEFT + RIGHT) / 2)


def test_page_numbers_lie_7_mm_below_the_type_area_outside_by_turns(order: list[Sheet]) -> None:
    assert len(order) == 3
    for place, page in enumerate(order, 1):
        mark = line_with(page, f"— {place} —", 14)
        assert near(mark[0].middle, 37 + 225 + 7)
        character = 14 * 25.4 / 72
        if place % 2:
            assert near(mark[-1].right, RIGHT - character)
        else:
            assert near(mark[0].left, LEFT + character)


def test_the_imprint_ends_with_the_type_area_of_the_last_page(order: list[Sheet]) -> None:
    rules = [rule for rule in order[-1].rules if rule.y > 200]
    assert [round(rule.thick, 2) for rule in rules] == [0.35, 0.25, 0.35]
    assert near(rules[-1].y, 37 + 225)
    assert all(near(rule.left, LEFT) and near(rule.right, RIGHT) for rule in rules)
    copies = line_with(order[-1], "抄送", 14)
    assert near(copies[0].left, LEFT + 14 * 25.4 / 72)
    printed = line_with(order[-1], "印发", 14)
    assert near(printed[-1].right, RIGHT - 14 * 25.4 / 72)


def test_the_day_ends_four_characters_from_the_right_under_the_issuer(order: list[Sheet]) -> None:
    day = [line for line in order[1].lines() if "".join(one.text for one in line) == "2026年6月11日"]
    assert near(day[0][-1].right, RIGHT - 4 * ADVANCE)
    issuer = line_with(order[1], "云州市监察局")
    assert near((issuer[0].left + issuer[-1].right) / 2, (day[0][0].left + day[0][-1].right) / 2)


@pytest.mark.parametrize("millimetres", [38, 42, 50])
@pytest.mark.parametrize("name", ["云州市监察局", "云州市行政审批服务管理局"])
def test_a_seal_lies_centred_on_issuer_and_date_which_are_below_its_middle(
    millimetres: int, name: str, typesetter: Typesetter
) -> None:
    """GB/T 9704-2012, 7.3.5.1, on the PDF; its top within one line of the text above, nothing under its foot but the type area."""
    picture = seal_picture(300)
    bare = paper(Kind.CLOSING, facts=replace(FACTS, days=()), issuer=replace(ISSUER, name=name))
    made = replace(bare, seal=Seal("00", millimetres))
    pages = sheets(typesetter.set(made, picture))
    ((page, seal),) = [(page, one) for page in pages for one in page.pictures]
    issuer, day = line_with(page, name), line_with(page, made.day)
    middle = (seal.left + seal.right) / 2
    assert near(seal.right - seal.left, millimetres)
    assert near(seal.foot - seal.top, millimetres)
    for line in (issuer, day):
        assert near((line[0].left + line[-1].right) / 2, middle)
    height = (seal.top + seal.foot) / 2
    assert height < (issuer[0].middle + day[0].middle) / 2
    assert height < day[0].middle < seal.foot - 4
    text = max(one.middle for line in page.lines() for one in line if one.middle < issuer[0].middle - 1)
    assert 0 < seal.top - (text + PITCH / 2) < PITCH
    assert seal.foot < 37 + 225
    assert sheets(typesetter.set(bare))[-1].pictures == []
    book = Document(BytesIO(docx.write(made, picture)))
    (shape,) = book.element.body.iter(qn("wp:anchor"))
    assert shape.get("behindDoc") == "1"
    (across,) = {int(one.get(side)) for one in shape.iter(qn("wp:extent")) for side in ("cx", "cy")}
    assert near(across / 36_000, millimetres)
    left = int(next(shape.iter(qn("wp:positionH")))[0].text or "")
    assert near(LEFT + left / 36_000 + millimetres / 2, middle)
    (part,) = [one for one in book.part.package.iter_parts() if str(one.partname).endswith(".png")]
    assert part.blob == picture


@pytest.mark.parametrize("kind", KINDS)
def test_both_formats_say_everything_and_nothing_else(kind: Kind, typesetter: Typesetter) -> None:
    made = paper(kind)
    pages = sheets(typesetter.set(made))
    body = "".join(
        _said(line) for page in pages for line in page.lines()
    )  # a paragraph goes on over the page
    read = squeezed("\0".join((*(page.text() for page in pages), body)))
    for text in texts(made):
        assert squeezed(text) in read, text
    book = Document(BytesIO(docx.write(made)))
    section = book.sections[0]
    feet = (section.first_page_footer, section.footer, section.even_page_footer)
    parts = [book.element.body, *(foot._element for foot in feet)]
    edited = squeezed("".join(node.text or "" for part in parts for node in part.iter(qn("w:t"))))
    for text in texts(made):
        assert squeezed(text) in edited, text
    extra = edited
    for text in sorted(map(squeezed, texts(made)), key=len, reverse=True):
        extra = extra.replace(text, "", 1)
    assert not re.sub(r"附件|：|核验码|事实摘要|—|\d．", "", extra)


def test_no_signature_stands_on_a_page_of_its_own(typesetter: Typesetter) -> None:
    """The text grows over the end of a page line by line."""
    for length in range(14):
        facts = replace(
            FACTS, reason="申请材料在窗口滞留" + "，没有及时转送有关业务科室也没有安排人员替岗" * length
        )
        made = paper(Kind.PROPOSAL, facts)
        pages = sheets(typesetter.set(made))
        signed = next(page for page in pages if any(_said(line) == made.signed_by for line in page.lines()))
        above = [_said(line) for line in signed.lines() if _said(line) not in {made.signed_by, made.day}]
        assert [text for text in above if not text.startswith("附件")], length


def _said(line: list[Glyph]) -> str:
    return "".join(one.text for one in line)


@pytest.mark.parametrize(
    "facts", [FACTS, LONG, replace(FACTS, item="食品经营许可（新办）" * 6, state="仍未办结" * 9)]
)
def test_nothing_leaves_the_type_area(facts: Facts, typesetter: Typesetter) -> None:
    for page in sheets(typesetter.set(paper(Kind.ACCOUNTABILITY, facts))):
        for glyph in page.glyphs:
            if glyph.size in {16, 22}:
                assert glyph.left > LEFT - WITHIN
                assert ink(glyph) < RIGHT + WITHIN
                assert 37 - WITHIN < glyph.middle < 37 + 225 + WITHIN


def test_rare_characters_and_marks_of_the_language_are_set_as_they_are(typesetter: Typesetter) -> None:
    made = paper(facts=replace(FACTS, item="䶮溪𠮷祥#[开]*业*_许_可$x$@y\\<b>&\x07\ufffe\ue000\U00031350🀄"))
    pages = sheets(typesetter.set(made))
    read = squeezed("".join(page.text() for page in pages))
    assert "䶮溪𠮷祥#[开]*业*_许_可$x$@y\\<b>&〓〓〓〓🀄" in read or "<b>&〓〓〓〓〓" in read
    book = Document(BytesIO(docx.write(made)))
    assert any("䶮溪𠮷祥#[开]*业*_许_可$x$@y\\<b>&〓〓〓" in line.text for line in book.paragraphs)


def test_the_archive_copy_is_pdf_a_2b_with_its_fonts_and_the_same_each_time(typesetter: Typesetter) -> None:
    pdf = typesetter.set(paper())
    about = metadata(pdf)
    assert "<pdfaid:part>2</pdfaid:part>" in about
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in about
    assert "2026-06-11" in about
    assert all(embedded(pdf).values())
    assert pdf == typesetter.set(paper())
    assert docx.write(paper()) == docx.write(paper())


def test_a_page_in_other_type_says_so_and_one_in_the_standards_type_does_not(
    typesetter: Typesetter, order: list[Sheet]
) -> None:
    assert typesetter.faces.missing == ("仿宋", "小标宋"), "the test machine owns no licensed type"
    for page in order:
        assert "预览：本机没有仿宋、小标宋字体" in page.text()
    owned = choose(["FANGSONG", "方正小标宋简体", "SimHei", "SimSun", "Noto Serif CJK SC"])
    assert owned.missing == ()
    assert owned.notice == ""
    assert owned.fangsong == ("FANGSONG", "SimSun", "Noto Serif CJK SC")
    assert owned.biaosong_weight == "regular"
    with pytest.raises(RejectedError, match="中文字体"):
        choose(["DejaVu Sans", *FANGSONG[:1], *BIAOSONG[:1]])


def test_the_editable_copy_has_the_standards_page_grid_and_type() -> None:
    book = Document(BytesIO(docx.write(paper())))
    section = book.sections[0]
    sizes = (section.page_width, section.page_height, section.top_margin, section.bottom_margin)
    sides = (section.left_margin, section.right_margin)
    assert [round(size.mm) for size in (*sizes, *sides) if size] == [210, 297, 37, 35, 28, 26]
    grid = section._sectPr.find(qn("w:docGrid"))
    assert grid is not None
    assert grid.get(qn("w:type")) == "lines"
    assert int(grid.get(qn("w:linePitch"))) / 20 * 22 * 25.4 / 72 == pytest.approx(225, abs=WITHIN)
    body = next(line for line in book.paragraphs if line.text.startswith("你单位受理的"))
    assert body.paragraph_format.line_spacing is not None
    assert body.paragraph_format.line_spacing.pt * 22 * 25.4 / 72 == pytest.approx(225, abs=WITHIN)
    (closer,) = body.runs[0]._r.iter(qn("w:spacing"))
    width = (16 + int(closer.get(qn("w:val"))) / 20) * 28 * 25.4 / 72
    assert 156 - WITHIN < width <= 156, "28 characters and no more fill a line"
    used = {
        fonts.get(qn("w:eastAsia"))
        for line in book.paragraphs
        for run in line.runs
        for fonts in run._r.iter(qn("w:rFonts"))
    }
    assert used == {docx.FANGSONG, docx.BIAOSONG, docx.HEITI}


def test_what_the_typesetter_refuses_is_told_with_the_number(typesetter: Typesetter) -> None:
    made = replace(paper(), copies=(1, 2))  # no text: what cannot come out of `compose`
    with pytest.raises(RejectedError, match="18号"):
        typesetter.set(made)
