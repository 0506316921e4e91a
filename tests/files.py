"""Small documents as people upload them, made of the few parts that their kinds need."""

from collections.abc import Mapping
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

_TYPES = {
    "word": b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xl": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
}
_ODT = b"application/vnd.oasis.opendocument.text"


def pdf(inside: bytes = b"<< /Type /Page >>") -> bytes:
    return b"%PDF-1.4\n1 0 obj\n" + inside + b"\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def packed(parts: Mapping[str, bytes]) -> bytes:
    book = BytesIO()
    with ZipFile(book, "w", ZIP_DEFLATED) as made:
        for name, body in parts.items():
            made.writestr(name, body)
    return book.getvalue()


def office(kind: str, words: str = "申请书") -> bytes:
    """`kind`: word or xl."""
    return packed(
        {
            "[Content_Types].xml": b'<Types><Override ContentType="' + _TYPES[kind] + b'"/></Types>',
            "_rels/.rels": b"<Relationships/>",
            f"{kind}/document.xml": f"<w>{words}</w>".encode(),
        }
    )


def odt(more: Mapping[str, bytes] | None = None) -> bytes:
    return packed({"mimetype": _ODT, "content.xml": b"<office/>"} | dict(more or {}))
