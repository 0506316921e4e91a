"""What a PDF would do by itself, read from its bytes. Pure; it reads once through, whatever somebody has made to be slow or large.

What lies outside of streams is read, and what is packed in streams of objects: pictures may hold any bytes. That stops what was made by
mistake or with common tools; it is no virus scanner.
"""

import re
import zlib
from collections.abc import Iterator

_BEGIN, _END = re.compile(rb"stream\r?\n"), b"endstream"
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_RUNS = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData)(?![0-9A-Za-z])"
)
_BEFORE = 2_048
"""Bytes before a stream in which its kind stands."""
MOST_UNPACKED = 64 * 1024 * 1024
"""Of what is drawn, fonts and tables: three megabytes of a real document are some twenty of it."""
MOST_PIXELS = 200_000_000
"""Of a picture: whoever opens a scan of A0 at 600 dpi still sees something."""
_SIDE = re.compile(rb"/(Width|Height)\s+(\d{1,9})")


def fault(body: bytes, most_inside: int) -> str:
    """Why this is not taken, for people; empty if it is. `most_inside`: bytes that all its streams of objects may unpack to."""
    if b"%%EOF" not in body[-2048:]:
        return "PDF 不完整，请重新导出"
    left, drawn = most_inside, MOST_UNPACKED
    for head, stream in _parts(body):
        said, mine = _names(head), b""
        if stream:
            mine = said[-_BEFORE:].rpartition(b" obj")[2]
        if b"/ObjStm" in mine:
            unpacked = _inflated(stream, left + 1)
            if unpacked is None:
                return "PDF 里有读不懂的内容，请用办公软件重新导出"
            left -= len(unpacked)
            said += b"\n" + _names(unpacked)
        else:
            drawn -= _drawn(mine, stream, drawn)
        if left < 0 or drawn < 0:
            return "PDF 展开后太大，请用办公软件重新导出"
        if b"/Encrypt" in said:
            return "PDF 加了密码或限制，请去掉后再上传"
        if _RUNS.search(said):
            return "PDF 里有脚本、内嵌文件或自动提交，请去掉后再上传"
    return ""


def _drawn(head: bytes, stream: bytes, left: int) -> int:
    """Bytes that whoever draws it unpacks; more than `left` of a picture without measure, and of what is packed twice, as nobody does."""
    if _pixels(head) > MOST_PIXELS or head.count(b"/FlateDecode") > 1:
        return left + 1
    is_drawn = b"/FlateDecode" in head and b"/Image" not in head
    return len(_inflated(stream, left + 1) or b"") if is_drawn else 0


def _parts(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What stands before each stream, and the stream; at last what follows them."""
    at = 0
    while (found := _BEGIN.search(body, at)) and (end := body.find(_END, found.end())) >= 0:
        yield body[at : found.start()], body[found.end() : end]
        at = end + len(_END)
    yield body[at:], b""


def _pixels(head: bytes) -> int:
    """Of the picture whose dictionary this is; 0 for another stream."""
    sides = {side: int(number) for side, number in _SIDE.findall(head)} if b"/Image" in head else {}
    return sides.get(b"Width", 0) * sides.get(b"Height", 0)


def _names(body: bytes) -> bytes:
    """With names as they are read: `/J#53` is `/JS`."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), body)


def _inflated(packed: bytes, most: int) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return None
