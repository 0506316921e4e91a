"""An office answers a document that no correction asks for; of an office without accounts an officer enters its answer on paper."""

from hashlib import sha256
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import telling
from central.core import answer
from central.core.access import Role
from central.core.document import Kind
from central.core.document_forms import FORMS
from central.correction_paper import Desk, Words
from central.store import answers, documents, issued, trail
from common.core.errors import RejectedError
from common.core.instant import local_date

log = structlog.get_logger()


class By(Struct, frozen=True):
    """Who answers. `on_paper`: an officer enters what the office has sent on paper."""

    who: str
    role: Role
    on_paper: bool = False


async def give(conn: AsyncConnection, row: Row[Any], seen: int, said: Words, by: By, desk: Desk) -> None:
    """Append an answer to the document of `row`; `seen`: how many there were when the form was made.

    Raises RejectedError where the document is void, somebody was faster, the words or files will not do, or it is not for `by`.
    """
    known = await answers.held(conn, row.code)
    fault = "" if row.site else "这份文书不由单位在此答复"
    if not fault and row.spoiled_wall is not None:
        fault = "这份文书已经作废，不必答复"
    if not fault and len(known) != seen:
        fault = "这份文书刚刚有人答复过，请刷新后再看"
    fault = fault or answer.fault(said.reason, said.files, len(known), on_paper=by.on_paper)
    if not fault and by.on_paper:
        fault = await _paper_fault(conn, row, said, by, desk)
    if fault:
        raise RejectedError(fault, hint="没有执行")
    day = said.day if by.on_paper else desk.today
    await documents.keep_bodies(conn, [one.body for one in said.files])
    values = {
        "code": row.code,
        "number": len(known) + 1,
        "at": desk.clock.office(),
        "wall": desk.clock.wall(),
        "day": str(day),
        "who": by.who,
        "role": by.role.value,
        "on_paper": by.on_paper,
        "reason": said.reason,
    }
    files = [(one.name, sha256(one.body).hexdigest()) for one in said.files]
    await answers.add(conn, values, files)
    await trail.note(conn, desk.clock.wall(), by.who, "document.answer", row.number_text, said.reason)


async def urge(conn: AsyncConnection, code: str, desk: Desk) -> bool:
    """Tell that nobody has answered the letter `code` by its day. -> False where somebody has meanwhile, or it was told already."""
    row = await issued.claim_urging(conn, code, str(desk.today), desk.clock.wall())
    if row is not None:
        await telling.of_unanswered(conn, row, desk)
        log.info("letter.unanswered", code=code)
    return row is not None


async def _paper_fault(conn: AsyncConnection, row: Row[Any], said: Words, by: By, desk: Desk) -> str:
    if by.role not in FORMS[Kind(row.kind)].drafts:
        return "纸质答复由监察员登记"
    fault = answer.paper_fault(local_date(row.issued_at, desk.zone), said.day, desk.today)
    if not fault and await telling.has_login(conn, row.site, row.org):
        fault = "该单位有账号，由它自己答复"
    return fault
