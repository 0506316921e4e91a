"""Documents to try: the sample's facts under an invented issuer, with a number."""

import struct
import zlib
from datetime import date
from math import hypot

from msgspec.structs import replace

from central.core.compose import Facts, compose
from central.core.document import Issuer, Kind, Paper, verification_code
from central.core.document_forms import FORMS
from central.core.document_sample import COPIES
from central.core.document_sample import FACTS as SAMPLE

ISSUER = Issuer("jcj", "云州市监察局", "云州市监察局文件", "云监", "云州市监察局办公室", date(2020, 1, 1))
SECRET = bytes(range(32))
FACTS = replace(SAMPLE, articles=("行政许可法 42", "行政许可法 32(四)"))


def paper(kind: Kind = Kind.ORDER, facts: Facts = FACTS, issuer: Issuer = ISSUER) -> Paper:
    return compose(FORMS[kind], facts, issuer, 2026, 18, verification_code(SECRET, kind, "facts"), COPIES)


def seal_picture(size: int = 360, high: int = 0) -> bytes:
    """A red ring with a disc in its middle, on nothing, as PNG."""
    high = high or size
    middle, red, none = (size - 1) / 2, bytes((200, 16, 16, 230)), bytes(4)
    rows = []
    for y in range(high):
        far = (hypot(x - middle, y - middle) / middle for x in range(size))
        rows.append(b"\0" + b"".join(red if 0.92 < one <= 1 or one < 0.2 else none for one in far))
    head = struct.pack(">IIBBBBB", size, high, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
