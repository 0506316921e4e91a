"""The little of WordprocessingML (ECMA-376) that an official document needs: lines, tables, footers, and their package.

Elements are made as text, in the order that the schema wants their parts. The standard's own file of a library brings forty
kilobytes of styles that nothing uses, and costs ten times as long.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from io import BytesIO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from msgspec import Struct

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_DRAWN = "http://schemas.openxmlformats.org/drawingml/2006"
_A, _PIC = f'xmlns:a="{_DRAWN}/main"', f'xmlns:pic="{_DRAWN}/picture"'
_WP = f'xmlns:wp="{_DRAWN}/wordprocessingDrawing"'
_EMU = 12_700
"""English metric units to a point."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""What every packed part is dated, so that the same document is the same bytes."""


def twips(points: float) -> int:
    """Twentieths of a point."""
    return round(points * 20)


def points(millimetres: float) -> float:
    return millimetres / 25.4 * 72


class Type(Struct, frozen=True):
    """How a run is set. `size` in points, `tracking` in twentieths of one, `wide` in percent."""

    font: str
    latin: str
    size: float
    tracking: int = 0
    wide: int = 100
    colour: str = ""


def run(text: str, kind: Type) -> str:
    """A tabulator in a text is one on the page."""
    parts = "<w:tab/>".join(f'<w:t xml:space="preserve">{escape(part)}</w:t>' for part in text.split("\t"))
    return f"<w:r>{_set(kind)}{parts}</w:r>"


def page_number(kind: Type) -> str:
    """A field that Word fills in."""
    return (
        f'<w:r>{_set(kind)}<w:fldChar w:fldCharType="begin"/></w:r>'
        f"<w:r>{_set(kind)}<w:instrText> PAGE </w:instrText></w:r>"
        f'<w:r>{_set(kind)}<w:fldChar w:fldCharType="end"/></w:r>'
    )


def _set(kind: Type) -> str:
    found = f'<w:rFonts w:ascii="{kind.latin}" w:hAnsi="{kind.latin}" w:eastAsia="{kind.font}"/>'
    found += f'<w:color w:val="{kind.colour}"/>' if kind.colour else ""
    found += f'<w:spacing w:val="{kind.tracking}"/>' if kind.tracking else ""
    found += f'<w:w w:val="{kind.wide}"/>' if kind.wide != 100 else ""
    half = round(kind.size * 2)
    return f'<w:rPr>{found}<w:sz w:val="{half}"/><w:szCs w:val="{half}"/></w:rPr>'


class Place(Struct, frozen=True):
    """Where a picture lies, in points: from the left of the type area, from the top of its line, width and height; in words, what it is."""

    left: float
    above: float
    across: float
    about: str


def picture(name: str, place: Place) -> str:
    """A picture of the package, behind the text, which does not move for it."""
    left, above, across = (round(length * _EMU) for length in (place.left, place.above, place.across))
    size, about = f'cx="{across}" cy="{across}"', quoteattr(place.about)
    blip = f'<a:blip r:embed="{name}"/><a:stretch><a:fillRect/></a:stretch>'
    drawn = (
        f'<pic:pic {_PIC}><pic:nvPicPr><pic:cNvPr id="1" name="{name}"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill>{blip}</pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic>'
    )
    return (
        f'<w:r><w:drawing><wp:anchor {_WP} behindDoc="1" distT="0" distB="0" distL="0" distR="0" simplePos="0" '
        'locked="1" layoutInCell="1" allowOverlap="1" relativeHeight="1"><wp:simplePos x="0" y="0"/>'
        f'<wp:positionH relativeFrom="margin"><wp:posOffset>{left}</wp:posOffset></wp:positionH>'
        f'<wp:positionV relativeFrom="paragraph"><wp:posOffset>{above}</wp:posOffset></wp:positionV>'
        f'<wp:extent {size}/><wp:wrapNone/><wp:docPr id="1" name="{name}" descr={about}/>'
        f'<a:graphic {_A}><a:graphicData uri="{_DRAWN}/picture">{drawn}</a:graphicData></a:graphic>'
        "</wp:anchor></w:drawing></w:r>"
    )


class Shape(Struct, frozen=True, kw_only=True):
    """How a line lies. Lengths in points; `pitch` from line to line; `first` in characters."""

    pitch: float
    align: str = "both"  # both | left | right | center
    above: float = 0
    left: float = 0
    right: float = 0
    first: int = 0
    tab: float = 0  # a stop at which what follows ends
    keeps: bool = False  # with the next line on one page
    breaks: bool = False  # begins a page
    free: bool = False  # of the grid of lines
    rule: str = ""  # colour of a line of 1 mm below


def line(runs: str, shape: Shape) -> str:
    parts = "<w:keepNext/>" if shape.keeps else ""
    parts += "<w:pageBreakBefore/>" if shape.breaks else ""
    if shape.rule:
        bottom = f'<w:bottom w:val="single" w:sz="24" w:space="5" w:color="{shape.rule}"/>'
        parts += f"<w:pBdr>{bottom}</w:pBdr>"
    if shape.tab:
        parts += f'<w:tabs><w:tab w:val="right" w:pos="{twips(shape.tab)}"/></w:tabs>'
    parts += '<w:snapToGrid w:val="0"/>' if shape.free else ""
    above, pitch = twips(shape.above), twips(shape.pitch)
    parts += f'<w:spacing w:before="{above}" w:after="0" w:line="{pitch}" w:lineRule="exact"/>'
    sides = f'w:left="{twips(shape.left)}" w:right="{twips(shape.right)}"'
    first = (
        f' w:firstLineChars="{shape.first * 100}" w:firstLine="{shape.first * 320}"' if shape.first else ""
    )
    parts += f'<w:ind {sides}{first}/><w:jc w:val="{shape.align}"/>'
    return f"<w:p><w:pPr>{parts}</w:pPr>{runs}</w:p>"


def table(
    rows: Iterable[Iterable[str]],
    widths: Iterable[float],
    *,
    floats: bool = False,
    edges: Mapping[int, str] = {},
) -> str:
    """Cells are lines. With a grid; or one that `floats` to the foot of the page, with the rules that `edges` says of a row."""
    columns = [twips(width) for width in widths]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in columns)
    body = ""
    for place, cells in enumerate(rows):
        borders = f"<w:tcBorders>{edges[place]}</w:tcBorders>" if place in edges else ""
        head = "<w:trPr><w:tblHeader/></w:trPr>" if not floats and place == 0 else ""
        body += f"<w:tr>{head}"
        for cell, width in zip(cells, columns, strict=True):
            body += f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{borders}</w:tcPr>{cell}</w:tc>'
        body += "</w:tr>"
    place_of = (
        '<w:tblpPr w:leftFromText="0" w:rightFromText="0" w:vertAnchor="margin" w:horzAnchor="margin" '
        'w:tblpXSpec="center" w:tblpYSpec="bottom"/>'
        if floats
        else ""
    )
    ruled = (
        ""
        if floats
        else "".join(edge(side, 4) for side in ("top", "left", "bottom", "right", "insideH", "insideV"))
    )
    borders = f"<w:tblBorders>{ruled}</w:tblBorders>" if ruled else ""
    about = f'{place_of}<w:tblW w:w="{sum(columns)}" w:type="dxa"/>{borders}<w:tblLayout w:type="fixed"/>'
    return f"<w:tbl><w:tblPr>{about}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>"


def edge(side: str, eighths: int) -> str:
    """A rule so many eighths of a point thick."""
    return f'<w:{side} w:val="single" w:sz="{eighths}" w:space="0" w:color="000000"/>'


class About(Struct, frozen=True):
    title: str
    author: str
    day: date


def packed(
    body: str,
    section: str,
    footers: Mapping[str, str],
    about: About,
    default: Type,
    pictures: Mapping[str, bytes] = {},
) -> bytes:
    """`footers`: which pages (`first`, `default`, `even`) -> their lines. `section`: the inside of `w:sectPr` after them.
    `pictures`: name -> PNG.
    """
    feet = {f"footer{place}": (pages, lines) for place, (pages, lines) in enumerate(footers.items(), 1)}
    links = "".join(
        f'<w:footerReference w:type="{pages}" r:id="{name}"/>' for name, (pages, _) in feet.items()
    )
    parts = {
        "word/document.xml": f"<w:document {W} {R}><w:body>{body}<w:sectPr>{links}{section}</w:sectPr></w:body></w:document>",
        "word/styles.xml": _styles(default),
        "word/settings.xml": f"<w:settings {W}><w:evenAndOddHeaders/></w:settings>",
        **{f"word/{name}.xml": f"<w:ftr {W}>{lines}</w:ftr>" for name, (_, lines) in feet.items()},
        "docProps/core.xml": _properties(about),
        "_rels/.rels": _relations(
            {
                "document": (f"{_RELATED}/officeDocument", "word/document.xml"),
                "core": (f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
            }
        ),
        "word/_rels/document.xml.rels": _relations(
            {name: (f"{_RELATED}/{name}", f"{name}.xml") for name in ("styles", "settings")}
            | {name: (f"{_RELATED}/footer", f"{name}.xml") for name in feet}
            | {name: (f"{_RELATED}/image", f"media/{name}.png") for name in pictures}
        ),
    }
    kinds = {
        "word/document.xml": "document.main",
        "word/styles.xml": "styles",
        "word/settings.xml": "settings",
    }
    kinds |= {f"word/{name}.xml": "footer" for name in feet}
    whole = BytesIO()
    texts = {"[Content_Types].xml": _kinds(kinds), **parts}
    bodies = {name: (HEAD + text).encode() for name, text in texts.items()}
    bodies |= {f"word/media/{name}.png": body for name, body in pictures.items()}
    with ZipFile(whole, "w") as target:
        for name, body_of in bodies.items():
            entry = ZipInfo(name, _EPOCH)
            entry.compress_type = ZIP_DEFLATED
            target.writestr(entry, body_of)
    return whole.getvalue()


def _styles(default: Type) -> str:
    return (
        f"<w:styles {W}><w:docDefaults><w:rPrDefault>{_set(default)}</w:rPrDefault></w:docDefaults>"
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style></w:styles>'
    )


def _properties(about: About) -> str:
    day = f'xsi:type="dcterms:W3CDTF">{about.day}T00:00:00Z</dcterms'
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(about.title)}</dc:title>"
        f"<dc:creator>{escape(about.author)}</dc:creator>"
        f"<dcterms:created {day}:created><dcterms:modified {day}:modified></cp:coreProperties>"
    )


def _relations(links: Mapping[str, tuple[str, str]]) -> str:
    found = "".join(
        f"<Relationship Id={quoteattr(name)} Type={quoteattr(kind)} Target={quoteattr(target)}/>"
        for name, (kind, target) in links.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{found}</Relationships>'


def _kinds(kinds: Mapping[str, str]) -> str:
    found = "".join(
        f'<Override PartName="/{name}" ContentType="{_KIND}.{kind}+xml"/>' for name, kind in kinds.items()
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="png" ContentType="image/png"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{found}'
        '<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
        "</Types>"
    )
