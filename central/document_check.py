"""Whether what is kept of the documents is what was issued: signatures, files, numbers without gaps."""

from hashlib import sha256
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.document import Kind
from central.document import is_signed
from central.store import documents


async def check_one(conn: AsyncConnection, row: Row[Any], sign_key: bytes) -> str:
    """What is wrong with one issued document, for people; empty if nothing is.

    `sign_key`: the hall's raw public operations key.
    """
    if row.pdf is None:
        return f"{row.number_text} 的文件还没有生成，无从核对"
    if not is_signed(row, sign_key):
        return f"{row.number_text} 的内容与市中心的签名不符"
    for name, digest in (("PDF", row.pdf), ("可编辑版", row.docx)):
        body = await documents.body(conn, digest)
        if body is None or sha256(body).digest() != digest:
            return f"{row.number_text} 的{name}缺失或被改动"
    return ""


async def check_all(conn: AsyncConnection, sign_key: bytes, page: int) -> tuple[int, list[str]]:
    """-> how many documents there are, and every fault."""
    faults = [
        f"{row.issuer} 的{Kind(row.kind).word} {row.year} 年：文号编到 {row.last}，文书 {row.count} 份"
        for row in await documents.series(conn)
        if row.last and (row.count, row.low, row.high) != (row.last, 1, row.last)
    ]
    count, after = 0, ""
    while rows := await documents.everything(conn, after, page):
        for row in rows:
            fault = await check_one(conn, row, sign_key)
            faults += [fault] if fault else []
        count, after = count + len(rows), rows[-1].code
    return count, faults
