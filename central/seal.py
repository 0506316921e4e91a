"""Put up, confirm and take out of use the seal of an organ. What has been issued under one keeps it."""

from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import seal
from central.core.access import Role
from central.core.dossier import LONGEST, SHORTEST
from central.store import documents, seals, trail
from common.clock import Clock
from common.core.errors import RejectedError, UsageError

_GONE = "这枚印章已经有人办理过"
_AGAIN = "没有执行。请刷新后再看"


class Picture(Struct, frozen=True, kw_only=True):
    """What is put up. `issuer`: whose; `is_drawn`: whether the typesetter could draw it."""

    issuer: str
    body: bytes
    millimetres: int
    is_drawn: bool


class Who(Struct, frozen=True):
    """Who acts, and why."""

    person: str
    role: Role
    why: str = ""


async def upload(conn: AsyncConnection, given: Picture, who: Who, clock: Clock) -> int:
    """-> its number. Raises RejectedError for a role that may not, and where one waits already; UsageError for a picture that is
    not taken, an unknown organ, and without a reason.
    """
    refused = seal.upload_refusal(who.role)
    if refused:
        raise RejectedError(refused, hint="没有执行")
    fault = seal.fault(given.body, given.millimetres)
    if not fault and not given.is_drawn:
        fault = "印章图片损坏，或用了排版不支持的格式"
    if not fault and given.issuer not in {row.id for row in await documents.issuers(conn)}:
        fault = "没有这个发文机关"
    fault = fault or _why_fault(who.why)
    if fault:
        raise UsageError(fault, hint="请改正后再提交")
    await documents.keep_bodies(conn, [given.body])
    number = await seals.add(
        conn,
        {
            "issuer": given.issuer,
            "digest": sha256(given.body).digest(),
            "millimetres": given.millimetres,
            "uploaded_by": who.person,
            "why": who.why,
            "made_wall": clock.wall(),
        },
    )
    if number is None:
        raise RejectedError("这个机关已经有一枚印章待确认", hint="请先确认或退回那一枚")
    await _note(conn, "seal.upload", given.issuer, number, who, clock)
    return number


async def confirm(conn: AsyncConnection, number: int, who: Who, clock: Clock) -> None:
    """From now on the documents of the organ bear it. Raises RejectedError."""
    row = await seals.lock(conn, number)
    if row is None or row.confirmed_wall is not None:
        raise RejectedError(_GONE, hint=_AGAIN)
    refused = seal.confirm_refusal(who.person, who.role, row.uploaded_by)
    if refused:
        raise RejectedError(refused, hint="请由另一位监察领导确认")
    await seals.confirm(conn, row, who.person, clock.wall())
    await _note(conn, "seal.confirm", row.issuer, number, who, clock)


async def end(conn: AsyncConnection, number: int, who: Who, clock: Clock) -> None:
    """Refuse one that waits, or take one out of use. Raises RejectedError; UsageError without a reason."""
    row = await seals.lock(conn, number)
    if row is None:
        raise RejectedError(_GONE, hint=_AGAIN)
    in_force = row.confirmed_wall is not None
    refused = seal.end_refusal(who.person, who.role, row.uploaded_by, in_force=in_force)
    if refused:
        raise RejectedError(refused, hint="没有执行")
    fault = _why_fault(who.why)
    if fault:
        raise UsageError(fault, hint="请补全后再提交")
    await seals.end(conn, number, who.person, who.why, clock.wall())
    await _note(conn, "seal.end", row.issuer, number, who, clock)


def _why_fault(why: str) -> str:
    return "" if SHORTEST <= len(why) <= LONGEST else f"请写明原因，{SHORTEST} 至 {LONGEST} 个字"


async def _note(conn: AsyncConnection, act: str, issuer: str, number: int, who: Who, clock: Clock) -> None:
    await trail.note(conn, clock.wall(), who.person, act, f"{issuer} 印章 {number}", who.why)


async def picture(conn: AsyncConnection, row: Row[Any], who: str, clock: Clock) -> bytes | None:
    """The picture of a seal, for who has to judge it; each look is in the audit."""
    await trail.note(conn, clock.wall(), who, "seal.show", f"{row.issuer} 印章 {row.id}", "")
    return await documents.body(conn, row.digest)
