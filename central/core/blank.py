"""表格: a form to download with its filled sample, of one version of an item; and what a file may be. Pure.

What a file is, its bytes say, never its name. Nobody downloads from a government's page what runs by itself: a document with macros,
with another file inside, or with what it fetches from elsewhere is refused. That stops what was made by mistake or with common
tools; it is no virus scanner, and says so to whoever releases it.
"""

import re
import zlib
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from msgspec import Struct

from central.core import guide as guides
from central.core import pdf
from central.core.guide import Guide

LARGEST = 3 * 1024 * 1024
"""Bytes of a file: half a minute on a slow phone."""
MOST_PARTS, LARGEST_INSIDE = 2_000, 64 * 1024 * 1024
"""Of a packed document: more is made to fill a disk, not to be filled in."""
SHORTEST_NAME, LONGEST_NAME = 4, 40


class Kind(StrEnum):
    """What may be downloaded; its value is the ending of the file's name."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    ODT = "odt"

    @property
    def word(self) -> str:
        return {"pdf": "PDF 文件", "docx": "Word 文档", "xlsx": "Excel 表格", "odt": "ODT 文档"}[self.value]

    @property
    def mime(self) -> str:
        return _MIMES[self]


_OFFICE = "application/vnd.openxmlformats-officedocument"
_MIMES = {
    Kind.PDF: "application/pdf",
    Kind.DOCX: f"{_OFFICE}.wordprocessingml.document",
    Kind.XLSX: f"{_OFFICE}.spreadsheetml.sheet",
    Kind.ODT: "application/vnd.oasis.opendocument.text",
}
_MAINS = {
    b"wordprocessingml.document.main+xml": Kind.DOCX,
    b"spreadsheetml.sheet.main+xml": Kind.XLSX,
}


class Paper(Struct, frozen=True):
    """A file as it is told of. `digest`: SHA-256, hexadecimal, under which it lies."""

    kind: Kind
    size: int
    digest: str

    @property
    def told(self) -> str:
        """For a link: what opens it, and how long it takes to come."""
        return f"{self.kind.word}，{wide(self.size)}"


class Blank(Struct, frozen=True, kw_only=True):
    """What is published: `form` to fill in and `sample` filled, of `version` of the item `item`. `day`: of its release."""

    number: int
    item: str
    version: int
    name: str
    day: date
    form: Paper
    sample: Paper

    @property
    def form_file(self) -> str:
        """Under which it is downloaded."""
        return f"{self.number}-form.{self.form.kind.value}"

    @property
    def sample_file(self) -> str:
        return f"{self.number}-sample.{self.sample.kind.value}"


def wide(size: int) -> str:
    """Bytes in words, rounded up."""
    return f"{-(-size // 1024)} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


class Standing(StrEnum):
    """Of a released form on a day."""

    CURRENT = "current"
    COMING = "coming"
    EXPIRED = "expired"

    @property
    def word(self) -> str:
        return {"current": "现行", "coming": "新版本生效后显示", "expired": "已随事项版本过期"}[self.value]


def standing(version: int, guide: Guide | None, day: date) -> Standing:
    """A form lives as long as its version of the item is the one that may be shown."""
    now = guides.current(guide, day) if guide is not None else None
    if now is not None and now.version == version:
        return Standing.CURRENT
    known = guide is not None and any(one.version == version for one in guide.versions)
    is_coming = known and (now is None or now.version < version)
    return Standing.COMING if is_coming else Standing.EXPIRED


def current(blanks: Iterable[Blank], guide: Guide, day: date) -> list[Blank]:
    """The forms that go with what is shown of an item on `day`, by their names."""
    mine = [
        one
        for one in blanks
        if one.item == guide.code and standing(one.version, guide, day) is Standing.CURRENT
    ]
    return sorted(mine, key=lambda one: (one.name, one.number))


# what a file is -------------------------------------------------------------------------------------------------


def kind_of(body: bytes) -> tuple[Kind | None, str]:
    """What these bytes are, and why they are not taken, for people; one of the two is empty."""
    if not body:
        return None, "没有选择文件，或文件是空的"
    if len(body) > LARGEST:
        return None, f"文件超过 {LARGEST // 1024 // 1024} MB"
    if body.startswith(b"%PDF-"):
        fault = pdf.fault(body, LARGEST_INSIDE)
        return (None, fault) if fault else (Kind.PDF, "")
    if body.startswith(b"PK\x03\x04"):
        return _packed(body)
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        return None, "是旧格式（.doc、.xls）或加了密码的文件，请另存为 DOCX、XLSX 或 PDF，不设密码"
    return None, _OTHER


def _packed(body: bytes) -> tuple[Kind | None, str]:
    try:
        with ZipFile(BytesIO(body)) as book:
            parts = book.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_INSIDE:
                return None, "文件解开后太大"
            if len({part.filename.lower() for part in parts}) < len(parts):
                return None, "文件已经损坏，请重新保存后再上传"  # who reads which of two parts of one name?
            if any(part.flag_bits & 1 for part in parts):
                return None, "文件加了密码，请去掉后再上传"
            fault = _inside_fault([part.filename for part in parts])
            return (None, fault) if fault else _office(book, {part.filename for part in parts})
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError, ValueError):
        return None, "文件已经损坏，请重新保存后再上传"


_MACROS = re.compile(r"vbaproject|(?:^|/)(?:basic|scripts|macros|macrosheets)/|activex", re.IGNORECASE)
_EMBEDDED = re.compile(
    r"(?:^|/)embeddings/|^object[ \d]|\.(?:exe|dll|js|vbs|bat|cmd|ps1|zip|rar|7z|jar|bin|rtf|mht|mhtml|html?)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"/printersettings\d*\.bin$", re.IGNORECASE)


def _inside_fault(names: list[str]) -> str:
    if any(_MACROS.search(name) for name in names):
        return "文件里有宏，请另存为不带宏的文件"
    if any(_EMBEDDED.search(name) and not _HARMLESS.search(name) for name in names):
        return "文件里嵌了别的文件，请去掉后再上传"
    return ""


_ELSEWHERE = re.compile(rb'TargetMode\s*=\s*["\']External["\']')
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b")
_LINK = re.compile(rb'Type\s*=\s*["\'][^"\']*/hyperlink["\']')


_DDE = re.compile(rb"<(?:\w+:)?ddeLink\b|<w:instrText[^>]*>[^<]*\bDDE|<w:fldSimple[^>]*\bDDE")
"""What asks another program for its contents (ECMA-376, 17.16.5.14, 18.14.3)."""
_TAG, _HREF = re.compile(rb"<[\w:]+\s[^>]*>"), re.compile(rb'xlink:href\s*=\s*["\'](?:\w{2,}:|//|\\\\)')
_FETCHES = "文件打开时会从别处取内容（外部模板、图片或数据），请去掉后再上传"


_MACRO = "文件里有宏，请另存为不带宏的文件"
_OTHER = "不是 PDF、DOCX、XLSX 或 ODT 文件"


def _office(book: ZipFile, names: set[str]) -> tuple[Kind | None, str]:
    if "[Content_Types].xml" in names:
        return _open_xml(book, names)
    if "mimetype" in names and book.read("mimetype").strip() == Kind.ODT.mime.encode():
        fault = _text_fault([book.read(name) for name in names & {"content.xml", "styles.xml"}])
        return (None, fault) if fault else (Kind.ODT, "")
    return None, _OTHER


def _open_xml(book: ZipFile, names: set[str]) -> tuple[Kind | None, str]:
    """DOCX, XLSX (ECMA-376)."""
    types = book.read("[Content_Types].xml")
    if b"macroEnabled" in types or b"vbaProject" in types:
        return None, _MACRO
    kind = next((kind for said, kind in _MAINS.items() if said in types), None)
    for name in names:
        if name.endswith(".rels") and _fetches(book.read(name)):
            return None, _FETCHES
        if name.endswith(".xml") and _DDE.search(book.read(name)):
            return None, _FETCHES
    return (kind, "") if kind else (None, _OTHER)


def _text_fault(parts: Iterable[bytes]) -> str:
    """Of an ODT (ISO/IEC 26300); a link that somebody presses fetches nothing."""
    for body in parts:
        if b"script:event-listener" in body:
            return _MACRO
        tags = (tag for tag in _TAG.findall(body) if not tag.startswith((b"<text:a ", b"<draw:a ")))
        if any(_HREF.search(tag) for tag in tags):
            return _FETCHES
    return ""


def _fetches(relations: bytes) -> bool:
    """Whether something is fetched from elsewhere when it is opened; a link that somebody presses is none."""
    return any(_ELSEWHERE.search(one) and not _LINK.search(one) for one in _RELATION.split(relations))
