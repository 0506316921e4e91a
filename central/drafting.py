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
from central.core import dossier
from central.core.access import Role
from central.core.circular import Counted
from central.core.compose import Facts, compose
from central.core.document import Kind, Paper
from central.core.document_forms import FORMS
from central.correction_paper import Desk, issuer_named
from central.document import Order
from central.store import drafts, trail
from common.core.errors import RejectedError, UsageError
from common.core.instant import from_us

UNNUMBERED = "（签发时编号）"
_GONE = "这份草稿已经签发或作废"


class Draft(Struct, frozen=True, kw_only=True):
    """What is to be issued. `period`: whose figures it shows; empty: it shows none. `issuer`: empty: the only one."""

    kind: Kind
    subject: str
    facts: Facts
    period: str = ""
    issuer: str = ""
    copies: tuple[str, ...] = ()


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


async def preview(conn: AsyncConnection, row: Row[Any], counted: Counted | None, desk: Desk) -> Paper:
    """A draft as it would be issued now. Raises UsageError where it cannot be any more."""
    issuer = await document.issuer_today(conn, row.issuer, desk.clock.office(), desk.zone)
    facts = with_figures(facts_of(row), counted)
    return _composed(Kind(row.kind), facts, issuer, copies_of(row), desk)


def _composed(kind: Kind, facts: Facts, issuer: Any, copies: tuple[str, ...], desk: Desk) -> Paper:
    now = from_us(desk.clock.office(), desk.zone).replace(second=0, microsecond=0, tzinfo=None)
    facts = msgspec.structs.replace(facts, as_of=now)
    paper = compose(FORMS[kind], facts, issuer, desk.today.year, 0, UNNUMBERED, copies)
    return msgspec.structs.replace(paper, number=UNNUMBERED)


async def sign(
    conn: AsyncConnection, number: int, who: str, role: Role, counted: Counted | None, desk: Desk
) -> tuple[Kind, str]:
    """Issue a draft. -> kind and code. Raises RejectedError where `who` may not sign it or it waits no more, UsageError."""
    row = await drafts.lock(conn, number)
    if row is None:
        raise RejectedError(_GONE, hint="没有执行。请刷新后再看")
    order = Order(
        kind=Kind(row.kind),
        issuer=row.issuer,
        subject=row.subject,
        cycle=row.cycle,
        facts=with_figures(facts_of(row), counted),
        copies=copies_of(row),
        drafter=row.drafter,
        signer=who,
        role=role,
    )
    code = await document.issue(conn, order, desk.secret, desk.clock, desk.zone)
    await drafts.signed(conn, number, code)
    return order.kind, code


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
