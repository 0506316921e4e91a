"""Documents that no correction asks for (通报, what a complainant is told): drafted by one person, signed by another.

A draft bears no number: it is taken with the signature, so a draft that is thrown away leaves no hole. What is counted (the table of
a circular) is counted anew when it is signed, since a document states the facts as at its own issue.
"""

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import document
from central.core import dossier, free
from central.core.access import Role
from central.core.circular import Counted
from central.core.compose import Facts, compose
from central.core.document import Act, Kind, Paper
from central.core.document import refusal as document_refusal
from central.core.document_forms import FORMS
from central.core.free import Change, Free
from central.correction_paper import Desk, issuer_named
from central.document import Order
from central.store import drafts, trail
from common.core.errors import RejectedError, UsageError

UNNUMBERED = "（签发时编号）"
_GONE = "这份草稿已经签发或作废"


class Draft(Struct, frozen=True, kw_only=True):
    """What is to be issued. `period`: whose figures it shows; empty: it shows none. `issuer`: empty: the only one. `site`, `org`:
    whose it is when it has been issued (`central.document.Order`).
    """

    kind: Kind
    subject: str
    facts: Facts
    period: str = ""
    issuer: str = ""
    copies: tuple[str, ...] = ()
    site: str = ""
    org: str | None = None


async def leave(
    conn: AsyncConnection, one: Draft, drafter: str, desk: Desk, counted: Counted | None = None
) -> int:
    """Keep a draft for somebody else's signature. -> its number.

    Raises UsageError where a fact or the issuer is missing, RejectedError where one about the same waits already.
    """
    fault = dossier.copies_fault(one.copies)
    if fault:
        raise UsageError(fault, hint="请改正后再提交")
    issuer = await issuer_named(conn, one.issuer, desk)
    _composed(one.kind, with_figures(one.facts, counted), issuer, one.copies, desk)
    number = await drafts.add(
        conn,
        {
            "kind": one.kind.value,
            "issuer": issuer.id,
            "subject": one.subject,
            "site": one.site,
            "org": one.org,
            "facts": msgspec.json.encode(one.facts, order="deterministic"),
            "period": one.period,
            "copies": msgspec.json.encode(one.copies),
            "drafter": drafter,
            "made_at": desk.clock.office(),
        },
    )
    if number is None:
        raise RejectedError(
            f"这件事的{one.kind.word}已经有一份草稿待签", hint="请先签发或作废那一份，见“文书”页"
        )
    await trail.note(conn, desk.clock.wall(), drafter, "document.draft", f"草稿 {number}", one.kind.word)
    return number


def facts_of(row: Row[Any]) -> Facts:
    return msgspec.json.decode(row.facts, type=Facts)


def copies_of(row: Row[Any]) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(row.copies, type=list[str]))


def with_figures(facts: Facts, counted: Counted | None) -> Facts:
    """With the table as it is now, and with what its data lack said beside the reason."""
    if counted is None:
        return facts
    said = [part for part in (facts.reason, counted.lacking) if part]
    return msgspec.structs.replace(facts, figures=counted.table, reason="。".join(said))


async def preview(conn: AsyncConnection, row: Row[Any], facts: Facts, desk: Desk) -> Paper:
    """A draft as it would be issued now; `facts`: as of today. Raises UsageError where it cannot be any more."""
    issuer = await document.issuer_today(conn, row.issuer, desk.clock.office(), desk.zone)
    return _composed(Kind(row.kind), facts, issuer, copies_of(row), desk)


def _composed(kind: Kind, facts: Facts, issuer: Any, copies: tuple[str, ...], desk: Desk) -> Paper:
    facts = msgspec.structs.replace(facts, as_of=desk.minute)
    paper = compose(FORMS[kind], facts, issuer, desk.today.year, 0, UNNUMBERED, copies)
    return msgspec.structs.replace(paper, number=UNNUMBERED)


async def sign(
    conn: AsyncConnection, number: int, seen: int, who: str, role: Role, facts: Facts, desk: Desk
) -> tuple[Row[Any], str]:
    """Issue a draft; `facts`: as of today, `seen`: how often it had been changed when the signer looked. -> its row and the code. Raises RejectedError where `who` may not sign it or it waits no more, UsageError."""
    row = await drafts.lock(conn, number)
    if row is None:
        raise RejectedError(_GONE, hint="没有执行。请刷新后再看")
    if row.edits != seen:
        raise RejectedError("草稿刚刚有人改动过", hint="没有执行。请刷新，看过改动后再签发")
    if who in {edit.who for edit in await drafts.edits(conn, number)}:
        raise RejectedError("改动过草稿的人不能自己签发", hint="请由另一位有签发权限的人办理")
    order = Order(
        kind=Kind(row.kind),
        issuer=row.issuer,
        subject=row.subject,
        cycle=row.cycle,
        site=row.site,
        org=row.org,
        facts=facts,
        copies=copies_of(row),
        drafter=row.drafter,
        signer=who,
        role=role,
    )
    code = await document.issue(conn, order, desk.secret, desk.clock, desk.zone)
    await drafts.signed(conn, number, code)
    return row, code


async def edit(conn: AsyncConnection, number: int, said: Free, who: str, role: Role, desk: Desk) -> None:
    """Change the free paragraphs of a draft, before and after kept beside it; who has changed it does not sign it.

    Raises RejectedError for one that waits no more and for whom the kind is not to draft, UsageError for words that will not do,
    a kind without free paragraphs, and where nothing is changed.
    """
    row = await drafts.lock(conn, number)
    if row is None:
        raise RejectedError(_GONE, hint="没有执行。请刷新后再看")
    form, facts = FORMS[Kind(row.kind)], facts_of(row)
    refused = document_refusal(form, Act.DRAFT, who, role, {})
    if refused:
        raise RejectedError(refused, hint="没有执行")
    before = free.of(facts)
    fault = free.fault(said)
    if not form.is_free:
        fault = f"{form.kind.word}没有可以改写的段落，日期与数字由系统得出"
    elif before == said:
        fault = "没有改动"
    if fault:
        raise UsageError(fault, hint="请改正后再提交")
    await drafts.edit(
        conn,
        {
            "draft": number,
            "number": row.edits + 1,
            "who": who,
            "at": desk.clock.office(),
            "before": msgspec.json.encode(before),
            "after": msgspec.json.encode(said),
        },
        msgspec.json.encode(free.put(facts, said), order="deterministic"),
    )
    await trail.note(conn, desk.clock.wall(), who, "document.edit", f"草稿 {number}", form.kind.word)


async def edits(conn: AsyncConnection, number: int) -> list[tuple[Row[Any], list[Change]]]:
    """Who changed what, oldest first."""
    decode = msgspec.json.Decoder(Free).decode
    return [
        (row, free.changes(decode(row.before), decode(row.after))) for row in await drafts.edits(conn, number)
    ]


async def drop(conn: AsyncConnection, number: int, who: str, why: str, desk: Desk) -> None:
    """Throw a draft away; its row stays with the reason. Raises RejectedError for one that waits no more, UsageError."""
    if not dossier.SHORTEST <= len(why) <= dossier.LONGEST:
        raise UsageError(
            f"作废草稿须写明原因，{dossier.SHORTEST} 至 {dossier.LONGEST} 个字", hint="请补全后再提交"
        )
    if await drafts.lock(conn, number) is None:
        raise RejectedError(_GONE, hint="没有执行。请刷新后再看")
    await drafts.ended(conn, number, who, why, desk.clock.wall())
    await trail.note(conn, desk.clock.wall(), who, "document.drop", f"草稿 {number}", why)
