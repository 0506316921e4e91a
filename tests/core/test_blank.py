"""What may be downloaded: by its bytes, without anything that runs by itself; and for how long a form goes with its item."""

import zlib
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import blank
from central.core.blank import Blank, Kind, Paper, Standing
from central.core.guide import Guide
from central.core.item import Item
from central.core.pdf import MOST_UNPACKED
from tests.files import odt, office, packed, pdf

HTML = b"<html><script>alert(1)</script></html>"
SCRIPT = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
OBJECTS = zlib.compress(SCRIPT)
STREAM = b"<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + OBJECTS + b"\nendstream"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(pdf(), Kind.PDF), (office("word"), Kind.DOCX), (office("xl"), Kind.XLSX), (odt(), Kind.ODT)],
)
def test_a_file_is_what_its_bytes_say(body: bytes, kind: Kind) -> None:
    assert blank.kind_of(body) == (kind, "")
    paper = Paper(kind, len(body), "0" * 64)
    assert paper.told.startswith(kind.word)
    assert kind.mime.startswith("application/")


def with_parts(more: Mapping[str, bytes]) -> bytes:
    with ZipFile(BytesIO(office("word"))) as book:
        return packed({name: book.read(name) for name in book.namelist()} | dict(more))


def twice() -> bytes:
    book = BytesIO(office("word"))
    with ZipFile(book, "a") as made:
        made.writestr("WORD/Document.xml", b"<w>other</w>")
    return book.getvalue()


def picture(width: int, height: int) -> bytes:
    head = b"1 0 obj << /Subtype /Image /Width %d /Height %d /Filter /FlateDecode >>\nstream\n"
    return head % (width, height) + zlib.compress(bytes(9)) + b"\nendstream"


def drawn(body: bytes, *, twice: bool = False) -> bytes:
    """What stands on a page."""
    filters = b"[/FlateDecode /FlateDecode]" if twice else b"/FlateDecode"
    return b"1 0 obj << /Filter " + filters + b" >>\nstream\n" + zlib.compress(body) + b"\nendstream"


EXTERNAL = b'<Relationships><Relationship Type="x/%s" Target="http://e.example/a" TargetMode="External"/></Relationships>'
REFUSED = {
    "nothing": (b"", "没有选择"),
    "a page": (HTML, "不是 PDF"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "不是 PDF"),
    "an old document": (b"\xd0\xcf\x11\xe0" + bytes(50), "旧格式"),
    "too large": (b"%PDF-1.4" + bytes(blank.LARGEST), "超过 3 MB"),
    "half a PDF": (b"%PDF-1.4\n1 0 obj", "不完整"),
    "a script": (pdf(SCRIPT), "脚本"),
    "a script under another spelling": (pdf(b"<< /S /Java#53cript >>"), "脚本"),
    "a script packed": (pdf(STREAM), "脚本"),
    "a packed stream of nobody's": (pdf(STREAM.replace(OBJECTS, b"xxxx")), "读不懂"),
    "a program": (pdf(b"<< /S /Launch /F (cmd.exe) >>"), "脚本"),
    "a PDF under a password": (pdf(b"trailer << /Encrypt 5 0 R >>"), "密码"),
    "an archive": (packed({"a.txt": b"x"}), "不是 PDF"),
    "a broken archive": (office("word")[:200], "损坏"),
    "macros": (with_parts({"word/vbaProject.bin": b"x"}), "宏"),
    "macros by type": (
        with_parts({"[Content_Types].xml": b"application/vnd.ms-word.document.macroEnabled.main+xml"}),
        "宏",
    ),
    "macros of the other office": (odt({"Basic/Standard/a.xml": b"x"}), "宏"),
    "another file inside": (with_parts({"word/embeddings/oleObject1.bin": b"x"}), "嵌了"),
    "an archive inside": (with_parts({"word/media/a.zip": b"x"}), "嵌了"),
    "a template from elsewhere": (
        with_parts({"word/_rels/settings.xml.rels": EXTERNAL % b"attachedTemplate"}),
        "别处",
    ),
    "macros of the oldest kind": (with_parts({"xl/macrosheets/sheet1.xml": b"x"}), "宏"),
    "macros in the styles of the other office": (odt({"styles.xml": b"<script:event-listener/>"}), "宏"),
    "another document as a part": (with_parts({"word/afchunk.mht": b"x"}), "嵌了"),
    "what another program is asked for": (
        with_parts({"word/header1.xml": b'<w:instrText xml:space="preserve"> DDEAUTO c:\\x</w:instrText>'}),
        "别处",
    ),
    "a table that another program is asked for": (
        with_parts({"xl/externalLinks/externalLink1.xml": b'<x:ddeLink ddeService="cmd"/>'}),
        "别处",
    ),
    "a picture from elsewhere in the other office": (
        odt({"content.xml": b'<draw:image xlink:type="simple" xlink:href="http://e.example/a.png"/>'}),
        "别处",
    ),
    "two parts of one name": (twice(), "损坏"),
    "a picture that unpacks to gigabytes": (pdf(picture(60_000, 60_000)), "太大"),
    "a page that unpacks to gigabytes": (pdf(drawn(bytes(MOST_UNPACKED + 1))), "太大"),
    "a page that is packed twice": (pdf(drawn(zlib.compress(bytes(9)), twice=True)), "太大"),
    "a bomb": (packed({"[Content_Types].xml": b"x", "word/a.xml": bytes(blank.LARGEST_INSIDE)}), "太大"),
    "a crowd": (packed({f"{n}": b"" for n in range(blank.MOST_PARTS + 1)}), "太大"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_runs_hides_or_breaks_is_refused_with_the_reason(what: str) -> None:
    body, why = REFUSED[what]
    kind, fault = blank.kind_of(body)
    assert kind is None
    assert why in fault


def test_a_link_and_a_picture_are_no_danger() -> None:
    linked = with_parts({"word/_rels/document.xml.rels": EXTERNAL % b"hyperlink"})
    assert blank.kind_of(linked) == (Kind.DOCX, "")
    picture = b"<< /Subtype /Image >>\nstream\n" + b"\x00/JS \x00/Launch " + b"\nendstream"
    assert blank.kind_of(pdf(picture)) == (Kind.PDF, "")
    settings = with_parts({"xl/printerSettings/printerSettings1.bin": b"x"})
    assert blank.kind_of(settings) == (Kind.DOCX, "")


@given(st.binary(max_size=400), st.sampled_from([b"", b"%PDF-", b"PK\x03\x04"]))
def test_no_bytes_end_the_check(body: bytes, head: bytes) -> None:
    kind, fault = blank.kind_of(head + body)
    assert (kind is None) is bool(fault)


def version(number: int, since: date | None, shown: bool = True) -> Item:
    return Item(
        code="SP", name="许可", legal_days=20, version=number, valid_from=since, published_on=date(2026, 1, 1) if shown else None
    )  # fmt: skip


GUIDE = Guide("SP", (version(1, None), version(2, date(2026, 7, 1))))
JUNE, JULY = date(2026, 6, 30), date(2026, 7, 1)


@pytest.mark.parametrize(
    ("number", "day", "expected"),
    [
        (1, JUNE, Standing.CURRENT),
        (2, JUNE, Standing.COMING),
        (1, JULY, Standing.EXPIRED),
        (2, JULY, Standing.CURRENT),
        (3, JUNE, Standing.EXPIRED),
    ],
)
def test_a_form_lives_as_long_as_its_version_is_shown(number: int, day: date, expected: Standing) -> None:
    assert blank.standing(number, GUIDE, day) is expected
    assert expected.word
    one = Blank(
        number=7, item="SP", version=number, name="申请书", day=day, form=Paper(Kind.DOCX, 1, "a"), sample=Paper(Kind.PDF, 1, "b")
    )  # fmt: skip
    assert blank.current([one], GUIDE, day) == ([one] if expected is Standing.CURRENT else [])
    assert (one.form_file, one.sample_file) == ("7-form.docx", "7-sample.pdf")


def test_a_form_of_what_is_not_shown_is_not_current() -> None:
    assert blank.standing(1, None, JUNE) is Standing.EXPIRED
    hidden = Guide("SP", (version(1, None, shown=False),))
    assert blank.standing(1, hidden, JUNE) is Standing.COMING
    assert blank.current([], hidden, JUNE) == []


@pytest.mark.parametrize(
    ("size", "words"), [(1, "1 KB"), (1024, "1 KB"), (1025, "2 KB"), (3 * 1024 * 1024, "3.0 MB")]
)
def test_a_size_is_said_in_words(size: int, words: str) -> None:
    assert blank.wide(size) == words
