"""A document as editable DOCX in the layout of GB/T 9704-2012, naming the standard's type for PCs that own it.

Written from the same values as the PDF. A template filled in by a library would be a second layout to keep in step by hand.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from central.core.document import Block, Heading, Paper, Table
from central.paper.ooxml import (
    About,
    Place,
    Shape,
    Type,
    edge,
    line,
    packed,
    page_number,
    picture,
    points,
    run,
    table,
    twips,
)

FANGSONG, BIAOSONG, HEITI, SONGTI = "仿宋_GB2312", "方正小标宋简体", "黑体", "宋体"
LATIN, RED = "Times New Roman", "E60012"
WIDTH, PITCH = points(156), int(points(225) / 22 * 20) / 20
"""The pitch in whole twentieths of a point, as Word keeps it: one more, and only 21 lines fit."""
_TIGHTER = -5
"""Twentieths of a point between characters, so that 28 of 三号 fill a line. Word's grid of characters would say the same, and
only Word reads it so."""
BODY = Type(FANGSONG, LATIN, 16, _TIGHTER)  # 三号
_BLACK = replace(BODY, font=HEITI, latin=HEITI)
_TITLE = Type(BIAOSONG, BIAOSONG, 22)  # 二号
_LESS = Type(FANGSONG, LATIN, 14)  # 四号
_FOOT = Type(SONGTI, SONGTI, 14)
_NOTE = Type(SONGTI, SONGTI, 8)
_NOTE_PITCH = 10
_HEAD = Type(BIAOSONG, BIAOSONG, 42, tracking=60, colour=RED)
_LINE = Shape(pitch=PITCH)
_CENTRED = Shape(pitch=PITCH, align="center")
_BLANK = line("", _LINE)
_SEAL = "seal"
"""Name of its picture in the package."""


def write(paper: Paper, seal: bytes | None = None) -> bytes:
    """`seal`: the picture of `paper.seal`. The same bytes for the same values."""
    body = _head(paper) + _blocks(paper.blocks, tail=True) + _signature(paper)
    for place, attachment in enumerate(paper.attachments, 1):
        label = f"附件{place if len(paper.attachments) > 1 else ''}"
        body += line(run(label, _BLACK), replace(_LINE, breaks=True, align="left")) + _BLANK
        body += _titled((attachment.name,)) + _BLANK + _blocks(attachment.blocks)
    footers = {pages: _footer(paper, pages) for pages in ("first", "default", "even")}
    about = About("".join(paper.title), paper.signed_by, paper.issued)
    pictures = {_SEAL: seal} if seal is not None else {}
    return packed(body + _imprint(paper), _section(), footers, about, BODY, pictures)


def _section() -> str:
    top, bottom, left, right = (twips(points(side)) for side in (37, 35, 28, 26))
    # The number's line has its middle 7 mm below the type area; below it are two small lines, on the first page with text.
    foot = twips(points(35 - 7) - _FOOT.size / 2 - 2 * _NOTE_PITCH)
    size = f'<w:pgSz w:w="{twips(points(210))}" w:h="{twips(points(297))}"/>'
    margins = f'w:top="{top}" w:right="{right}" w:bottom="{bottom}" w:left="{left}" w:header="850" w:footer="{foot}"'
    grid = f'<w:docGrid w:type="lines" w:linePitch="{twips(PITCH)}"/>'
    return f'{size}<w:pgMar {margins} w:gutter="0"/><w:titlePg/>{grid}'


def _footer(paper: Paper, pages: str) -> str:
    side = (
        {"align": "left", "left": _FOOT.size} if pages == "even" else {"align": "right", "right": _FOOT.size}
    )
    number = run("— ", _FOOT) + page_number(_FOOT) + run(" —", _FOOT)
    found = line(number, Shape(pitch=_FOOT.size, free=True, **side))  # type: ignore[arg-type]
    for text in (f"核验码 {paper.code}　{paper.basis}", f"事实摘要 {paper.facts}"):
        found += line(
            run(text, _NOTE) if pages == "first" else "", Shape(pitch=_NOTE_PITCH, align="left", free=True)
        )
    return found


def _head(paper: Paper) -> str:
    wanted = len(paper.letterhead) * (_HEAD.size + _HEAD.tracking / 20)
    # One too long is narrowed, as the PDF's is.
    head = _HEAD if wanted <= WIDTH else replace(_HEAD, wide=int(WIDTH / wanted * 100))
    return "".join(
        (
            line(run(paper.letterhead, head), Shape(pitch=60, align="center", above=points(35), free=True)),
            _BLANK * 2,
            line(run(paper.number, BODY), replace(_CENTRED, rule=RED)),
            _BLANK * 2,
            _titled(paper.title),
            _BLANK,
            line(run(f"{paper.addressee}：", BODY), replace(_LINE, align="left")),
        )
    )


def _titled(parts: Iterable[str]) -> str:
    """Lines end between parts where one line is too short for all."""
    lines, most = [""], int(WIDTH / _TITLE.size)
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > most:
            lines.append("")
        lines[-1] += part
    return "".join(line(run(text, _TITLE), replace(_CENTRED, pitch=PITCH * 1.2, free=True)) for text in lines)


def _blocks(blocks: tuple[Block, ...], *, tail: bool = False) -> str:
    """`tail`: the last one keeps to what follows, so that no signature stands on a page of its own."""
    found = ""
    for place, block in enumerate(blocks, 1):
        if isinstance(block, Table):
            found += _grid(block)
        else:
            kind = _BLACK if isinstance(block, Heading) else BODY
            found += line(run(block.text, kind), replace(_LINE, first=2, keeps=tail and place == len(blocks)))
    return found


def _signature(paper: Paper) -> str:
    kept = replace(_LINE, keeps=True)
    found = line("", kept) if paper.attachments else ""
    for place, attachment in enumerate(paper.attachments, 1):
        one = len(paper.attachments) == 1
        label = "附件：" if one else "附件：1．" if place == 1 else f"{place}．"
        found += line(run(label + attachment.name, BODY), replace(kept, first=2 if place == 1 else 5))
    found += line("", kept) * 2
    # The day ends four characters from the right; the issuer stands centred above it.
    issuer, day = _width(paper.signed_by), _width(paper.day)
    right = max(0.0, 4 - max(0.0, issuer - day) / 2)
    for text, own in ((paper.signed_by, issuer), (paper.day, day)):
        shift = (right + (max(issuer, day) - own) / 2) * BODY.size
        keeps = text is paper.signed_by or paper.seal is not None
        drawn = _sealed(paper, (right + max(issuer, day) / 2) * BODY.size) if text is paper.signed_by else ""
        found += line(drawn + run(text, BODY), Shape(pitch=PITCH, align="right", right=shift, keeps=keeps))
    return found + (_BLANK if paper.seal is not None else "")


def _sealed(paper: Paper, middle: float) -> str:
    """The seal behind the issuer's line: `middle` points from the right, its top half a line below the text, as in the PDF."""
    if paper.seal is None:
        return ""
    across = points(paper.seal.millimetres)
    about = f"{paper.signed_by}印章"
    return picture(_SEAL, Place(WIDTH - middle - across / 2, -1.5 * PITCH, across, about))


def _width(text: str) -> float:
    """In characters: a digit takes half of one."""
    return sum(0.5 if char.isascii() else 1 for char in text)


def _imprint(paper: Paper) -> str:
    """版记 at the foot of the last page: rules of 0.35 mm outside and 0.25 mm between."""
    texts = [f"抄送：{'，'.join(paper.copies)}。"] if paper.copies else []
    texts.append(f"{paper.printer}\t{paper.day}印发")
    side = _LESS.size - 5.4  # a cell has a margin of its own
    shape = Shape(
        pitch=PITCH * 0.8, free=True, align="left", left=side, right=side, tab=WIDTH - _LESS.size - 5.4
    )
    edges = {
        place: edge("top", 8 if place == 0 else 6) + edge("bottom", 8 if place == len(texts) - 1 else 6)
        for place in range(len(texts))
    }
    anchor = line(
        "", Shape(pitch=1, free=True)
    )  # a table that floats is anchored, and none may end a document
    rows = [[line(run(text, _LESS), shape)] for text in texts]
    return anchor + table(rows, (WIDTH,), floats=True, edges=edges) + anchor


def _grid(block: Table) -> str:
    shape, head = replace(_CENTRED, pitch=PITCH * 0.75, free=True), replace(_LESS, font=HEITI, latin=HEITI)
    rows = [
        [line(run(text, _LESS if place else head), shape) for text in texts]
        for place, texts in enumerate((block.head, *block.rows))
    ]
    return table(rows, [WIDTH * share / sum(block.widths) for share in block.widths])
