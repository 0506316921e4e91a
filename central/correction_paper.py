"""The documents of a correction: what they say as of today, issued with a signature, left to be signed, or looked at before."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import document
from central.core import cycle, snapshot
from central.core.calendar import Calendar
from central.core.circular import closed
from central.core.compose import Facts, compose
from central.core.correction import ACCOUNT_DAYS, DAYS, Actor, Correction, Event, State
from central.core.document import Issuer, Kind, Paper
from central.core.document_forms import FORMS, form_of
from central.core.dossier import File, next_due
from central.core.scope import EVERYTHING
from central.core.snapshot import Asked
from central.document import Order
from central.store import corrections, documents, opinions, pages
from common.clock import Clock
from common.core.errors import UsageError
from common.core.instant import day_ending, from_us, local_date

SYSTEM = "系统"
"""Drafts what is composed of frozen facts alone."""
_CIRCULATED = ("立即答复本机关并办结有关办件", "核查造成逾期的原因，落实责任")
_EXPLAINED = (
    "造成上述情形的原因，以及各环节的经办人和停留时间",
    "有无延长期限、停止计时的批准和对申请人的告知",
    "该件现在的办理情况和办结安排",
)
"""What 责令说明理由通知书 asks about: the same of everybody, so that no hand words it."""
_RESULTS = {Event.GRANT: "支持申诉，撤销原督办", Event.DISMISS: "驳回申诉，维持原督办"}
_UNNUMBERED = "（签发时编号）"


class Desk(Struct, frozen=True):
    """What an act needs beside the correction. `secret`: the hall's raw private operations key."""

    clock: Clock
    zone: ZoneInfo
    calendar: Calendar
    secret: bytes

    @property
    def today(self) -> date:
        return local_date(self.clock.office(), self.zone)

    @property
    def minute(self) -> datetime:
        """As of when a document speaks: local time of the legal zone."""
        return from_us(self.clock.office(), self.zone).replace(second=0, microsecond=0, tzinfo=None)


class Words(Struct, frozen=True, kw_only=True):
    """What somebody says with an act. `org`: of a correction that is another office's, which; empty: nobody's. `day`: on a receipt
    on paper.
    """

    reason: str = ""
    measures: tuple[str, ...] = ()
    issuer: str = ""
    copies: tuple[str, ...] = ()
    org: str = ""
    files: tuple[File, ...] = ()
    day: date | None = None


class Ask(Struct, frozen=True):
    """A document to be issued: for which event (None: it waited), with the correction as it is after it."""

    kind: Kind
    event: Event | None
    after: Correction
    drafter: str
    signer: Actor


async def issue(conn: AsyncConnection, row: Row[Any], ask: Ask, words: Words, desk: Desk) -> str:
    """Take the number and freeze the document. -> its code. Raises RejectedError, UsageError as `document.issue` does."""
    subject = subject_of(row.id)
    before = await documents.of_subject(conn, subject)
    order = Order(
        kind=ask.kind,
        issuer=(await issuer_of(conn, row, words, desk)).id,
        subject=subject,
        cycle=1 + sum(paper.kind == ask.kind.value for paper in before),
        facts=snapshot.facts(
            corrections.snapshot_of(row), ask.kind, await _asked(conn, row, ask, words, desk)
        ),
        copies=tuple(msgspec.json.decode(row.copies, type=list[str])),
        drafter=ask.drafter,
        signer=ask.signer.person,
        role=ask.signer.role,
    )
    return await document.issue(conn, order, desk.secret, desk.clock, desk.zone)


async def issue_together(
    conn: AsyncConnection, rows: Sequence[Row[Any]], signer: Actor, words: Words, desk: Desk
) -> str:
    """One order for several corrections of one unit. -> its code. Raises as `issue` does."""
    first = corrections.body_of(rows[0])
    ask = Ask(Kind.ORDER, Event.ISSUE, first, first.doer(Event.DRAFT) or SYSTEM, signer)
    subject = f"batch/{rows[0].batch}"
    order = Order(
        kind=Kind.ORDER,
        issuer=(await issuer_of(conn, rows[0], words, desk)).id,
        subject=subject,
        cycle=1 + len(await documents.of_subject(conn, subject)),
        facts=await _together(conn, rows, ask, words, desk),
        copies=tuple(msgspec.json.decode(rows[0].copies, type=list[str])),
        drafter=ask.drafter,
        signer=signer.person,
        role=signer.role,
    )
    return await document.issue(conn, order, desk.secret, desk.clock, desk.zone)


async def _together(
    conn: AsyncConnection, rows: Sequence[Row[Any]], ask: Ask, words: Words, desk: Desk
) -> Facts:
    ones = [(corrections.snapshot_of(row), await _state(conn, row, desk)) for row in rows]
    return snapshot.together(ones, await _asked(conn, rows[0], ask, words, desk))


async def owe(
    conn: AsyncConnection, row: Row[Any], kind: Kind, drafter: str, words: Words, desk: Desk
) -> None:
    """Leave a document to somebody who may sign it; one of a kind waits at a time."""
    known = [paper for paper in await corrections.papers(conn, row.id) if paper.kind == kind.value]
    if any(paper.code is None for paper in known):
        return
    values = {
        "correction": row.id,
        "kind": kind.value,
        "cycle": len(known) + 1,
        "drafter": drafter,
        "reason": words.reason,
        "measures": msgspec.json.encode(words.measures),
        "made_at": desk.clock.office(),
    }
    await corrections.owe(conn, values)


async def preview(conn: AsyncConnection, row: Row[Any], words: Words, desk: Desk) -> Paper:
    """The order as it would be issued now. Raises UsageError where a fact or the issuer is missing."""
    one = corrections.body_of(row)
    issuer = await issuer_of(conn, row, words, desk)
    ask = Ask(Kind.ORDER, Event.ISSUE, one, SYSTEM, Actor("", next(iter(FORMS[Kind.ORDER].signs))))
    rows = await corrections.of_batch(conn, row.batch, row.state) if row.batch else [row]
    if len(rows) > 1:
        found = await _together(conn, rows, ask, words, desk)
    else:
        asked = await _asked(conn, row, ask, words, desk)
        found = snapshot.facts(corrections.snapshot_of(row), Kind.ORDER, asked)
    copies = words.copies or tuple(msgspec.json.decode(row.copies, type=list[str]))
    paper = compose(form_of(Kind.ORDER, found), found, issuer, desk.today.year, 0, _UNNUMBERED, copies)
    return msgspec.structs.replace(paper, number=_UNNUMBERED)


async def preview_waiting(
    conn: AsyncConnection, row: Row[Any], paper: Row[Any], desk: Desk, issuer: str = ""
) -> Paper:
    """A document that waits for a signature (row of `correction_paper`) as it would be signed now. Raises UsageError as `preview` does."""
    kind = Kind(paper.kind)
    words = words_of(paper, issuer)
    ask = Ask(kind, None, corrections.body_of(row), paper.drafter, Actor("", next(iter(FORMS[kind].signs))))
    found = snapshot.facts(corrections.snapshot_of(row), kind, await _asked(conn, row, ask, words, desk))
    name, copies = (
        await issuer_of(conn, row, words, desk),
        tuple(msgspec.json.decode(row.copies, type=list[str])),
    )
    sheet = compose(form_of(kind, found), found, name, desk.today.year, 0, _UNNUMBERED, copies)
    return msgspec.structs.replace(sheet, number=_UNNUMBERED)


def words_of(paper: Row[Any], issuer: str) -> Words:
    """What was said when the document was left to be signed."""
    measures = tuple(msgspec.json.decode(paper.measures, type=list[str]))
    return Words(reason=paper.reason, measures=measures, issuer=issuer)


def subject_of(number: int) -> str:
    """Under which the documents of a correction are kept."""
    return f"correction/{number}"


async def issuer_of(conn: AsyncConnection, row: Row[Any], words: Words, desk: Desk) -> Issuer:
    """Whose documents these are: as drafted, as said now, or the only one there is. Raises UsageError."""
    return await issuer_named(conn, row.issuer or words.issuer, desk)


async def issuer_named(conn: AsyncConnection, name: str, desk: Desk) -> Issuer:
    """As it is called today; without a name the only one there is. Raises UsageError."""
    known = sorted({one.id for one in await documents.issuers(conn)})
    if not name and len(known) != 1:
        raise UsageError(
            "请选择发文机关" if known else "还没有发文机关",
            hint="没有执行" if known else "请先在市中心执行  mingcha issuer set  写入名称、版头与机关代字",
        )
    return await document.issuer_today(conn, name or known[0], desk.clock.office(), desk.zone)


async def _asked(conn: AsyncConnection, row: Row[Any], ask: Ask, words: Words, desk: Desk) -> Asked:
    """What changes from day to day, as it is now."""
    state, orders = await _state(conn, row, desk), await documents.of_correction(conn, row.id)
    earlier = next((paper.number_text for paper in orders if paper.kind == Kind.ORDER.value), None)
    is_circular = ask.kind is Kind.CIRCULAR
    said = {Kind.CIRCULAR: _CIRCULATED, Kind.EXPLAIN: _EXPLAINED}.get(ask.kind)
    unanswered = f"{row.unit}逾期未{'报告责任追究结果' if ask.after.account else '说明理由'}"
    result = _RESULTS.get(ask.event) if ask.event is not None else None
    return Asked(
        as_of=desk.minute,
        state=state,
        answer_by=_answer_by(ask, desk),
        earlier=earlier,
        reason=unanswered if is_circular else _closed(words.reason),
        result=result or _closed(words.reason),
        measures=said or tuple(_closed(line) or "" for line in words.measures),
        mark=await opinions.mark(conn, corrections.snapshot_of(row).rule_version),
    )


def _closed(text: str) -> str | None:
    return closed(text) or None


def _answer_by(ask: Ask, desk: Desk) -> date | None:
    """The last day that the document names: of what follows the order never one beyond the clock's own, whenever it is signed."""
    today, calendar = desk.today, desk.calendar
    if ask.kind is Kind.ORDER:
        return calendar.nth(today, DAYS[State.ISSUED] + DAYS[State.SERVED])
    if ask.kind is Kind.ACCOUNTABILITY:
        return calendar.nth(today, ACCOUNT_DAYS)
    due = next_due(ask.after, calendar)
    if ask.kind is Kind.EXPLAIN:
        return due  # the clock's own day, which the order has named already
    if ask.kind is Kind.RECTIFICATION and ask.after.clock is not None:
        return calendar.nth(today, ask.after.clock.remaining)
    return due if due is not None and due >= today else calendar.nth(today, 1)


async def _state(conn: AsyncConnection, row: Row[Any], desk: Desk) -> str:
    known = await pages.one_case(conn, EVERYTHING, row.site, row.case_key)
    if known is None:
        return corrections.snapshot_of(row).state
    frozen = corrections.snapshot_of(row)
    return stands(known, frozen.since_at, desk.zone)


def stands(row: Row[Any], since_at: int, zone: ZoneInfo) -> str:
    """How a case stands for a document about what held since `since_at`: where it ended then, that it opened again."""
    finished = day_ending(row.finished_at, zone) if row.finished_at else None
    was_over = (one.ended for one in cycle.read(row.reopened) if one.at > since_at)
    return snapshot.state_words(finished, is_open=bool(row.open), was_over=next(was_over, None))
