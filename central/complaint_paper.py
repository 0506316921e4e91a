"""The documents of a complaint 受理、不予受理、答复: what is still to be written to a complainant who left a name, as drafts.

The act has force by itself and is told at the public door; the paper follows it, signed by another person. It is addressed to the
number and not to the name, so that who complained stays sealed; whoever hands it over looks the name up, which is audited.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import complaint, drafting
from central.core.circular import closed
from central.core.complaint import Event
from central.core.compose import Facts
from central.core.document import Kind
from central.correction_paper import Desk
from central.drafting import Draft
from central.store import complaints, documents, drafts
from common.core.errors import RejectedError, UsageError
from common.core.instant import local_date

_KINDS = {
    Event.ACCEPT: Kind.COMPLAINT_ACCEPTED,
    Event.REFUSE: Kind.COMPLAINT_REFUSED,
    Event.REPLY: Kind.COMPLAINT_REPLY,
}


class Papers(Struct, frozen=True):
    """What there is of a complaint: issued, drafted and waiting for a signature, and still to be drafted."""

    issued: Sequence[Row[Any]]
    waiting: Sequence[Row[Any]]
    owed: tuple[Kind, ...]


def subject_of(number: int) -> str:
    """Under which the documents of a complaint are kept."""
    return f"complaint/{number}"


async def of_complaint(conn: AsyncConnection, row: Row[Any]) -> Papers:
    """Of an unnamed complaint nothing is owed: there is nobody to write to."""
    issued = await documents.of_subject(conn, subject_of(row.id))
    waiting = await drafts.of_subject(conn, subject_of(row.id))
    entries = await complaints.events(conn, row.id)
    owed = []
    for event, kind in _KINDS.items():
        asked = sum(entry.event == event.value for entry in entries)
        there = [one for one in (*issued, *waiting) if one.kind == kind.value]
        if row.is_named and asked > len(there):
            owed.append(kind)
    return Papers(issued, waiting, tuple(owed))


async def draft(
    conn: AsyncConnection, row: Row[Any], kind: Kind, issuer: str, drafter: str, desk: Desk
) -> int:
    """Draft what is owed. `row`: locked. -> number of the draft. Raises RejectedError where it is not owed, as `leave` does."""
    if kind not in (await of_complaint(conn, row)).owed:
        raise RejectedError(f"这件投诉现在不用出具{kind.word}", hint="没有执行。请刷新后再看")
    one = Draft(
        kind=kind, subject=subject_of(row.id), facts=await _facts(conn, row, kind, desk), issuer=issuer
    )
    return await drafting.leave(conn, one, drafter, desk)


async def draft_after(conn: AsyncConnection, row: Row[Any], event: Event, drafter: str, desk: Desk) -> None:
    """Draft what an act asks for, where it is plain whose document it is; else the page offers it."""
    kind = _KINDS.get(event)
    issuers = {one.id for one in await documents.issuers(conn)}
    if kind is None or not row.is_named or len(issuers) != 1:
        return
    fresh = await complaints.lock(conn, row.id)
    assert fresh is not None
    try:
        await draft(conn, fresh, kind, "", drafter, desk)
    except (RejectedError, UsageError):
        return  # an issuer of tomorrow, an older draft that waits: the act itself has force, and the page says what is owed


async def _facts(conn: AsyncConnection, row: Row[Any], kind: Kind, desk: Desk) -> Facts:
    person = complaint.person_of(row, desk.secret)
    entries = await complaints.events(conn, row.id)
    refused = next((entry.reason for entry in entries if entry.event == Event.REFUSE.value), "")
    return Facts(
        addressee=f"投诉人（编号{row.number}）",
        as_of=desk.minute,
        case_no=row.number,
        received=local_date(row.received_at, desk.zone),
        answer_by=date.fromisoformat(row.due_day)
        if row.due_day and kind is Kind.COMPLAINT_ACCEPTED
        else None,
        reason=closed(complaint.redacted(refused, person)) or None,
        result=closed(complaint.redacted(row.reply, person)) or None,
    )
