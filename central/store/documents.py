"""Documents: the issuing issuer, gapless numbers, what was issued, its files.

A number is taken in the transaction that issues: it exists if and only if its document does. The series' row is locked
until that transaction has ended (PostgreSQL; SQLite has one writer), so that a rolled back number is the next one's.
"""

from collections.abc import Collection, Sequence
from datetime import date
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.document import Issuer, Kind
from central.store.dialect import insert_new, replace_row
from central.store.sealed import Unopened
from central.store.tables import correction_event, document, document_file, document_series, issuer
from common.core.errors import UsageError


class Files(Struct, frozen=True):
    """Both pictures of a document, and the hall's signature under their hashes."""

    pdf: bytes
    docx: bytes
    preview: bool
    signature: bytes


async def issuer_on(conn: AsyncConnection, name: str, day: date) -> Issuer | None:
    """The issuer as its newest row that is valid on `day` says."""
    query = select(issuer).where(issuer.c.id == name, issuer.c.valid_from <= str(day))
    row = (await conn.execute(query.order_by(issuer.c.valid_from.desc()).limit(1))).first()
    if row is None:
        return None
    return Issuer(row.id, row.name, row.letterhead, row.mark, row.printer, date.fromisoformat(row.valid_from))


async def issuers(conn: AsyncConnection) -> Sequence[Row[Any]]:
    return (await conn.execute(select(issuer).order_by(issuer.c.id, issuer.c.valid_from))).all()


async def set_issuer(conn: AsyncConnection, given: Issuer, who: str, why: str, wall: int) -> None:
    """Add a version; one from the same day on takes its place. Raises UsageError where another issuer has the mark:
    two documents would bear one number.
    """
    other = await conn.scalar(select(issuer.c.id).where(issuer.c.mark == given.mark, issuer.c.id != given.id))
    if other is not None:
        raise UsageError(f"机关代字“{given.mark}”已是 {other} 的", hint="请为每个发文机关各用一个代字")
    values = {
        "id": given.id,
        "valid_from": str(given.valid_from),
        "name": given.name,
        "letterhead": given.letterhead,
        "mark": given.mark,
        "printer": given.printer,
        "who": who,
        "why": why,
        "set_wall": wall,
    }
    await conn.execute(replace_row(conn, issuer), values)


async def hold_series(conn: AsyncConnection, issuer_id: str, kind: Kind, year: int) -> int:
    """Lock the series until the transaction ends. -> the number that is next."""
    series = document_series.c
    row = {"issuer": issuer_id, "kind": kind.value, "year": year, "last": 0}
    await conn.execute(insert_new(conn, document_series).values(row))
    place = (series.issuer == issuer_id, series.kind == kind.value, series.year == year)
    held = await conn.scalar(
        update(document_series).where(*place).values(last=series.last).returning(series.last)
    )
    assert held is not None
    return int(held) + 1


async def find_issued(conn: AsyncConnection, subject: str, kind: Kind, cycle: int) -> Row[Any] | None:
    """The one document of `kind` about this cycle of `subject`."""
    one = document.c
    query = select(document).where(one.subject == subject, one.kind == kind.value, one.cycle == cycle)
    return (await conn.execute(query)).first()


async def add(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """Take the number that `hold_series` gave and write the document under it."""
    series = document_series.c
    place = (series.issuer == row["issuer"], series.kind == row["kind"], series.year == row["year"])
    await conn.execute(update(document_series).where(*place).values(last=row["number"]))
    await conn.execute(insert(document).values(row))


async def undone(conn: AsyncConnection, limit: int, but: Collection[str]) -> Sequence[Row[Any]]:
    """Issued and without files yet, oldest first; without those of the codes `but`."""
    query = select(document).where(document.c.pdf.is_(None), document.c.code.not_in(but))
    return (await conn.execute(query.order_by(document.c.issued_wall).limit(limit))).all()


async def keep_files(conn: AsyncConnection, code: str, files: Files) -> bool:
    """Keep both by their hash. -> False where somebody had made them before: those stay."""
    digests = sha256(files.pdf).digest(), sha256(files.docx).digest()
    done = await conn.execute(
        update(document)
        .where(document.c.code == code, document.c.pdf.is_(None))
        .values(pdf=digests[0], docx=digests[1], preview=files.preview, signature=files.signature)
    )
    if not done.rowcount:
        return False
    bodies = [
        {"digest": digest, "body": body}
        for digest, body in zip(digests, (files.pdf, files.docx), strict=True)
    ]
    await conn.execute(insert_new(conn, document_file), bodies)
    return True


async def keep_bodies(conn: AsyncConnection, bodies: Sequence[bytes]) -> None:
    """Each by its hash, once."""
    rows = [{"digest": sha256(one).digest(), "body": one} for one in bodies]
    if rows:
        await conn.execute(insert_new(conn, document_file), rows)


async def spoil(conn: AsyncConnection, code: str, who: str, why: str, wall: int) -> bool:
    """作废: the document keeps its number and its files. -> False where it is unknown or spoiled already."""
    done = await conn.execute(
        update(document)
        .where(document.c.code == code, document.c.spoiled_wall.is_(None))
        .values(spoiled_by=who, spoiled_why=why, spoiled_wall=wall)
    )
    return bool(done.rowcount)


async def find(conn: AsyncConnection, code: str) -> Row[Any] | None:
    return (await conn.execute(select(document).where(document.c.code == code))).first()


async def of_subject(conn: AsyncConnection, subject: str) -> Sequence[Row[Any]]:
    """Everything that was issued about `subject`, oldest first."""
    one = document.c
    query = select(document).where(one.subject == subject).order_by(one.issued_wall, one.number)
    return (await conn.execute(query)).all()


async def of_correction(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """Everything that was issued about a correction, alone or together with others, oldest first."""
    one, of = document.c, correction_event.c
    codes = select(of.code).where(of.correction == number, of.code != "")
    query = select(document).where(one.code.in_(codes)).order_by(one.issued_wall, one.number)
    return (await conn.execute(query)).all()


async def paper_hash(conn: AsyncConnection, code: str) -> bytes:
    """SHA-256 of what a document that is there says."""
    paper: bytes | None = await conn.scalar(select(document.c.paper).where(document.c.code == code))
    assert paper is not None, code
    return sha256(paper).digest()


async def find_by_number(conn: AsyncConnection, text: str) -> Row[Any] | None:
    """By the number as it stands on the document."""
    return (await conn.execute(select(document).where(document.c.number_text == text))).first()


async def find_by_file(conn: AsyncConnection, digest: bytes) -> Row[Any] | None:
    """The document one of whose files has this SHA-256."""
    one = document.c
    return (await conn.execute(select(document).where(or_(one.pdf == digest, one.docx == digest)))).first()


async def body(conn: AsyncConnection, digest: bytes) -> bytes | None:
    """The file with this SHA-256; None where there is none, or it does not open."""
    found: bytes | None = await conn.scalar(
        select(document_file.c.body).where(document_file.c.digest == digest)
    )
    return None if isinstance(found, Unopened) else found


async def listed(conn: AsyncConnection, kind: str, limit: int) -> Sequence[Row[Any]]:
    """Newest first; `kind`: of one kind alone, or empty."""
    one = document.c
    query = select(document).order_by(one.issued_wall.desc(), one.number.desc()).limit(limit)
    return (await conn.execute(query.where(one.kind == kind) if kind else query)).all()


async def series(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Each series: last number given, how many documents there are, the lowest and the highest of their numbers."""
    one, of = document_series.c, document.c
    joined = document_series.outerjoin(
        document, (of.issuer == one.issuer) & (of.kind == one.kind) & (of.year == one.year)
    )
    counts = func.count(of.code).label("count"), func.min(of.number).label("low"), func.max(of.number)
    query = select(one.issuer, one.kind, one.year, one.last, *counts[:2], counts[2].label("high"))
    grouped = query.select_from(joined).group_by(one.issuer, one.kind, one.year, one.last)
    return (await conn.execute(grouped.order_by(one.issuer, one.kind, one.year))).all()


async def everything(conn: AsyncConnection, after: str, limit: int) -> Sequence[Row[Any]]:
    """In the order of codes, a page at a time."""
    query = select(document).where(document.c.code > after).order_by(document.c.code).limit(limit)
    return (await conn.execute(query)).all()
