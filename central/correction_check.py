"""Whether what is kept of the corrections is what their dossiers say: chain, every move, every document, one for each red light."""

from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import dossier, snapshot
from central.core.calendar import Calendar
from central.core.correction import State
from central.core.dossier import Note
from central.store import corrections, documents, law
from common.core.errors import RejectedError

PAGE = 200


class Report(Struct):
    """How much was looked at, and every fault in words."""

    corrections: int = 0
    entries: int = 0
    faults: list[str] = []


async def check_all(conn: AsyncConnection) -> Report:
    """Fold every dossier anew. Nothing is written."""
    calendars: dict[int, Calendar] = {}
    report, after = Report(), 0
    while rows := await corrections.everything(conn, after, PAGE):
        for row in rows:
            fault = await _check(conn, row, calendars, report)
            report.faults += [f"纠错 {row.id} 号：{fault}"] if fault else []
        report.corrections += len(rows)
        after = rows[-1].id
    report.faults += [
        f"红灯没有纠错：{row.site}/{row.case_key}/{row.subject}/{row.cycle}"
        for row in await corrections.orphans(conn, PAGE)
    ]
    return report


async def _check(conn: AsyncConnection, row: Row[Any], calendars: dict[int, Calendar], report: Report) -> str:
    """What is wrong with one, for people; empty if nothing is."""
    entries = await corrections.entries(conn, row.id)
    report.entries += len(entries)
    chain = snapshot.digest(row.snapshot)
    for entry in entries:
        chain = dossier.chained(chain, entry)
        if entry.calendar not in calendars:
            calendars[entry.calendar] = await law.calendar_of(conn, entry.calendar)
        paper = await documents.find(conn, entry.code) if entry.code else None
        if entry.code and (paper is None or sha256(paper.paper).digest() != entry.paper):
            return f"案卷第 {entry.number} 条的文书缺失或被改动"
        if entry.event == Note.JOIN and entry.paper and entry.paper != snapshot.digest(row.graver or b""):
            return f"案卷第 {entry.number} 条并入的事实缺失或被改动"
        for name, digest in entry.files:
            body = await documents.body(conn, bytes.fromhex(digest))
            if body is None or sha256(body).hexdigest() != digest:
                return f"案卷第 {entry.number} 条的附件“{name}”缺失或被改动"
    if chain != row.chain or len(entries) != row.entries:
        return "案卷的链不相符：有记录缺失或被改动"
    frozen = snapshot.decoded(row.snapshot)
    try:
        one = dossier.refold(row.unit, entries, calendars.__getitem__, is_red=frozen.is_red)
    except RejectedError as error:
        return str(error)
    kept = corrections.body_of(row), State(row.state)
    alike = "，状态相同，时限、级别或经手人不同" if kept[1] is one.state else ""
    return "" if kept == (one, one.state) else f"库中为{kept[1].word}，由案卷得出的是{one.state.word}{alike}"
