"""What citizens have handed in at the public door is fetched: opened, written into the hall's tables, then taken out of the box.

The order bears a crash anywhere: what was written and not yet taken out is found again, and is known by its id.
"""

import asyncio
from functools import partial
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace
from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central import complaint, consult, rating, survey
from central.complaint import Bench
from central.core import asked, dossier
from central.core.asked import Kind, Urge
from central.correction_clock import Skipped, taken
from central.door.tables import inbox, upload
from central.store import telling
from central.store.engine import Store
from common.core import crypto
from common.core.crypto import DamagedError

log = structlog.get_logger()

PAGE = 50
_BOX = "inbox"
_MISDATED = "请核对公众网页机器的时间；时间没有错而反复出现时，请检查那台机器是否被人动过"


async def fetch(
    store: Store,
    public: Store,
    wire_secret: bytes,
    bench: Bench,
    skipped: Skipped,
    emptied_at: int,
    slack: int,
) -> int:
    """Take some. -> how many. `emptied_at`: when the box was last found empty (office time); `slack`: so far back the door's time may lie.

    Raises UnavailableError; what cannot be opened is logged and taken out. What opens and cannot be taken stays in the box, and holds
    up no other: who has taken over the door can write anything.
    """
    unread = select(inbox).where(inbox.c.id.not_in([name for what, name in skipped if what == _BOX]))
    async with public.read() as conn:
        rows = (await conn.execute(unread.order_by(inbox.c.sent_at, inbox.c.id).limit(PAGE))).all()
    for row in rows:
        said = _opened(row, wire_secret)
        files = await _files(public, row.id, said, wire_secret) if isinstance(said, asked.Complaint) else []
        if said is not None:
            received_at = asked.received_at(row.sent_at, emptied_at, bench.now.at, slack)
            work = partial(_take, said=said, files=files, bench=replace(bench, received_at=received_at))
            await taken(store, [(_BOX, [row.id], work)], skipped)
            if abs(received_at - row.sent_at) > slack:
                log.warning(
                    "inbox.misdated", kind=row.kind, said=row.sent_at, taken=received_at, hint=_MISDATED
                )
        if (_BOX, row.id) in skipped:
            continue
        async with public.write() as conn:
            await conn.execute(delete(inbox).where(inbox.c.id == row.id))
            await conn.execute(delete(upload).where(upload.c.draft == row.id))
    return len(rows)


_KINDS: dict[Kind, type[asked.Said]] = {
    Kind.URGE: Urge,
    Kind.COMPLAINT: asked.Complaint,
    Kind.VERDICT: asked.Verdict,
    Kind.RATING: asked.Rating,
    Kind.CONSULT: asked.Consult,
    Kind.SURVEY: asked.Survey,
    Kind.HURRY: asked.Hurry,
}


def _opened(row: Row[Any], wire_secret: bytes) -> asked.Said | None:
    """None: nobody can read it, which says that the door or its database was tampered with."""
    try:
        kind = Kind(row.kind)
        plain = crypto.unseal_batch(wire_secret, asked.header(kind, row.id, row.sent_at), row.sealed)
        return msgspec.json.decode(plain, type=_KINDS[kind])
    except (DamagedError, ValueError, msgspec.MsgspecError) as error:
        log.error(
            "inbox.refused",
            kind=row.kind,
            reason=str(error),
            hint="请检查公众网页的机器；反复出现时联系软件维护人员",
        )
        return None


async def _files(public: Store, draft: str, said: asked.Complaint, wire_secret: bytes) -> list[bytes]:
    """The files that the complaint names, in its order; one that is gone, cannot be opened or should not be is left out."""
    async with public.read() as conn:
        rows = {
            row.id: row.sealed for row in await conn.execute(select(upload).where(upload.c.draft == draft))
        }
    found = []
    for one in said.files[: dossier.MOST_FILES]:
        try:
            body = crypto.unseal_batch(wire_secret, asked.file_header(draft, one.id), rows.get(one.id, b""))
            fault = await asyncio.to_thread(dossier.sent_fault, body)
        except DamagedError as error:
            fault = str(error)
        if fault:
            log.error("inbox.refused", kind="file", reason=fault, hint="请检查公众网页的机器")
        else:
            found.append(body)
    return found


async def _take(conn: AsyncConnection, name: str, said: asked.Said, files: list[bytes], bench: Bench) -> bool:
    if isinstance(said, Urge):
        row = {"site": said.site, "case_key": said.key, "day": str(bench.today), "at": bench.at}
        await telling.add_urge(conn, row)
    elif isinstance(said, asked.Complaint):
        number = await complaint.take(conn, said, files, bench)
        if number is not None:
            log.info("complaint.received", number=number)
    elif isinstance(said, asked.Rating):
        await rating.take(conn, name, said, bench)
    elif isinstance(said, asked.Consult):
        await consult.take(conn, said, bench)
    elif isinstance(said, asked.Survey):
        await survey.take(conn, name, said, bench)
    elif isinstance(said, asked.Hurry):
        await complaint.urge(conn, said, bench)
    else:
        await complaint.judge(conn, said, bench)
    return True
