"""Move a correction on: guard, document, number, dossier and what is due next, in the caller's transaction.

All or nothing: a number is taken if and only if the step that needs its document has happened. Whoever does a step signs its
document where they may; where they may not (the clock, a supervisor), it waits for somebody who may (`sign`).
"""

from datetime import date
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import correction_paper as papers
from central import telling
from central.core import correction, dossier, snapshot
from central.core.calendar import Calendar
from central.core.correction import ENDS, Actor, Correction, Event, Side, State, step_of
from central.core.document import Act, Kind
from central.core.document_forms import FORMS
from central.core.dossier import Entry, Note
from central.core.snapshot import Snapshot
from central.correction_paper import Desk, Words
from central.store import corrections, documents, trail
from central.store import scope as scopes
from common.core.errors import RejectedError, UsageError
from common.core.instant import end_of_day, local_date


class Light(Struct, frozen=True):
    """What raises a correction: a light as the outbox tells it, `follows` another that was another office's."""

    site: str
    case_key: str
    subject: str
    cycle: int
    event: str
    follows: int = 0

    @property
    def place(self) -> dict[str, Any]:
        """The key of `correction_light`."""
        names = ("site", "case_key", "subject", "cycle", "event")
        return {name: getattr(self, name) for name in names}


async def raise_for(
    conn: AsyncConnection, light: Light, org: str | None, found: Snapshot, reason: str, desk: Desk
) -> int | None:
    """Begin a correction. -> its number; None where the light has one already."""
    frozen = snapshot.encoded(found)
    now_at = desk.clock.office()
    day = local_date(
        now_at, desk.zone
    )  # asked once: midnight may pass meanwhile, and its dossier gives the same clock again
    one = correction.raised(found.unit, day, is_red=found.is_red)
    values = light.place | standing(one, desk.calendar, desk.zone)
    number = await corrections.add(
        conn,
        values
        | {
            "follows": light.follows,
            "org": org,
            "unit": found.unit,
            "batch": 0,
            "is_red": found.is_red,
            "issuer": "",
            "copies": b"[]",
            "snapshot": frozen,
            "entries": 0,
            "chain": snapshot.digest(frozen),
            "raised_at": now_at,
        },
    )
    if number is None:
        return None
    if not light.follows:
        await corrections.add_light(conn, light.place, number)
    row = await held(conn, number)
    entry = await _entry(conn, row, Note.RAISE, one.state, ("", ""), reason, "", desk)
    await corrections.write(conn, row, msgspec.structs.replace(entry, day=day))
    return number


async def held(conn: AsyncConnection, number: int) -> Row[Any]:
    """The row of a correction that is there, locked to the end of the transaction."""
    row = await corrections.lock(conn, number)
    assert row is not None, number
    return row


async def act(
    conn: AsyncConnection,
    row: Row[Any],
    event: Event,
    actor: Actor | None,
    words: Words,
    desk: Desk,
    shared: str = "",
) -> None:
    """`actor` (None: the clock) does `event`. `row`: locked by the caller. `shared`: code of a document that was issued for this
    one and others together, and is told by whoever did that.

    Raises RejectedError where it may not be done, UsageError where a document lacks a fact or its issuer.
    """
    one = corrections.body_of(row)
    step = step_of(one.state, event)
    day = await _day(conn, row, event, words, desk)
    moved = correction.applied(one, event, actor, day, desk.calendar)
    assert step is not None
    fault = dossier.fault(event, words.reason, words.measures) or dossier.file_fault(event, words.files)
    fault = fault or dossier.copies_fault(words.copies)
    fault = fault if actor is not None else ""
    if fault:
        raise RejectedError(fault, hint="没有执行。请补全后再提交")
    if event is Event.CLOSE:
        await _must_be_signed(conn, row)
    changes: dict[str, Any] = {}
    if event is Event.DRAFT:
        issuer = await papers.issuer_of(conn, row, words, desk)
        changes = {"issuer": issuer.id, "copies": msgspec.json.encode(words.copies)}
        await papers.preview(conn, row, words, desk)  # what cannot be composed is said to the drafter already
    code, owed = shared, None if shared else step.document
    if owed is not None and actor is not None and actor.role in FORMS[owed].may(Act.SIGN):
        drafter = one.doer(Event.DRAFT) if event is Event.ISSUE else None
        ask = papers.Ask(owed, event, moved, drafter or papers.SYSTEM, actor)
        code = await papers.issue(conn, row, ask, words, desk)
    elif owed is not None:
        drafter = actor.person if actor is not None and step.side is Side.HALL else papers.SYSTEM
        await papers.owe(conn, row, owed, drafter, words, desk)
    for kind in dossier.SPARED.get(event, ()):
        await corrections.spare(conn, row.id, kind)
    who, role = (actor.person, actor.role.value) if actor is not None else ("", "")
    reason = f"回证载明 {day} 签收：{words.reason}" if event is Event.SERVE else words.reason
    entry = await _entry(conn, row, event, moved.state, (who, role), reason, code, desk)
    await documents.keep_bodies(conn, [one.body for one in words.files])
    entry = msgspec.structs.replace(
        entry, day=day, files=tuple((one.name, sha256(one.body).hexdigest()) for one in words.files)
    )
    stands = standing(moved, desk.calendar, desk.zone)
    await corrections.write(conn, row, entry, **stands, **changes)
    if code and not shared and step.document is not None:
        await telling.of_paper(conn, row, step.document, entry.number, stands["due_day"], desk)
    elif actor is None:
        await telling.of_lapse(conn, row, step, entry.number, desk)
    if actor is not None:
        await trail.note(conn, entry.wall, who, "correction.act", f"{row.id} {event.word}", words.reason)
    if event is Event.REASSIGN and words.org:
        await _raise_anew(conn, row, words.org, desk)


async def _day(conn: AsyncConnection, row: Row[Any], event: Event, words: Words, desk: Desk) -> date:
    """From which its clocks run: today, or the day of a receipt on paper. Raises RejectedError for a day that cannot be, and where
    the office has accounts: it receives by itself.
    """
    if event is not Event.SERVE:
        return desk.today
    fault = dossier.receipt_fault(await corrections.entries(conn, row.id), words.day, desk.today)
    if not fault and await telling.has_login(conn, row.site, row.org):
        fault = "该单位有账号，由它自己签收"
    if fault or words.day is None:
        raise RejectedError(fault, hint="没有执行。请核对回证")
    return words.day


async def _must_be_signed(conn: AsyncConnection, row: Row[Any]) -> None:
    """Raises RejectedError while something waits that closing would leave unsigned for good."""
    for paper in await corrections.papers(conn, row.id):
        if paper.code is None and Kind(paper.kind) in dossier.SIGNED_FIRST:
            raise RejectedError(f"{Kind(paper.kind).word}还没有签发", hint="没有执行。请先签发，再销号")


async def sign(
    conn: AsyncConnection, row: Row[Any], place: tuple[Kind, int], actor: Actor, issuer: str, desk: Desk
) -> None:
    """Sign a document that waits; `place`: its kind and cycle. `row`: locked. Raises as `act` does."""
    one, (kind, cycle) = corrections.body_of(row), place
    waiting = await corrections.papers(conn, row.id)
    paper = next((item for item in waiting if (item.kind, item.cycle) == (kind.value, cycle)), None)
    if paper is None or paper.code is not None or not dossier.may_sign(kind, one.state):
        raise RejectedError("这份文书不在待签之列", hint="没有执行。请刷新后再看")
    if actor.unit == one.unit:
        raise RejectedError("不能办理本单位的纠错", hint="请由另一位监察领导签发")
    words = papers.words_of(paper, issuer)
    ask = papers.Ask(kind, None, one, paper.drafter, actor)
    code = await papers.issue(conn, row, ask, words, desk)
    await corrections.signed(conn, row.id, kind.value, cycle, code)
    doer = actor.person, actor.role.value
    entry = await _entry(conn, row, Note.SIGN, one.state, doer, kind.word, code, desk)
    await corrections.write(conn, row, entry)
    await telling.of_paper(conn, row, kind, entry.number, row.due_day, desk)
    await trail.note(
        conn, entry.wall, actor.person, "correction.act", f"{row.id} {Note.SIGN.word}", kind.word
    )


async def note(conn: AsyncConnection, row: Row[Any], what: Note, who: str, reason: str, desk: Desk) -> None:
    """Write into the dossier of the locked `row` what moves nothing."""
    entry = await _entry(conn, row, what, State(row.state), (who, ""), reason, "", desk)
    await corrections.write(conn, row, entry)


async def join(conn: AsyncConnection, row: Row[Any], light: Light, found: Snapshot, desk: Desk) -> None:
    """Another red light of the case belongs to the locked `row` too; a graver one is what its documents speak of now."""
    entry = await _entry(
        conn, row, Note.JOIN, State(row.state), ("", ""), found.why or found.matter, "", desk
    )
    changes: dict[str, Any] = {}
    if snapshot.is_graver(found, corrections.snapshot_of(row)):
        changes["graver"] = snapshot.encoded(found)
        entry = msgspec.structs.replace(entry, paper=snapshot.digest(changes["graver"]))
    await corrections.write(conn, row, entry, **changes)
    await corrections.add_light(conn, light.place, row.id)


async def _entry(
    conn: AsyncConnection,
    row: Row[Any],
    event: Event | Note,
    after: State,
    doer: tuple[str, str],
    reason: str,
    code: str,
    desk: Desk,
) -> Entry:
    return Entry(
        number=row.entries + 1,
        at=desk.clock.office(),
        wall=desk.clock.wall(),
        day=desk.today,
        who=doer[0],
        role=doer[1],
        event=event.value,
        before=row.state,
        after=after.value,
        reason=reason,
        code=code,
        paper=await documents.paper_hash(conn, code) if code else b"",
        calendar=desk.calendar.version,
    )


async def _raise_anew(conn: AsyncConnection, row: Row[Any], org: str, desk: Desk) -> None:
    """For the office whose it is. Raises UsageError for one that nobody knows."""
    if org not in await scopes.tree(conn) or org == row.unit:
        raise UsageError(f"没有机构 {org}，或就是原单位", hint="机构名录见  mingcha org list")
    found = msgspec.structs.replace(corrections.snapshot_of(row), unit=org)
    light = Light(row.site, row.case_key, row.subject, row.cycle, row.event, row.id)
    await raise_for(conn, light, org, found, f"由纠错 {row.id} 号转来：不属于{row.unit}", desk)


def standing(one: Correction, calendar: Calendar, zone: ZoneInfo) -> dict[str, Any]:
    """What the tables keep of a correction beside its dossier."""
    due = dossier.next_due(one, calendar)
    return {
        "body": corrections.bytes_of(one),
        "state": one.state.value,
        "is_open": one.state not in ENDS,
        "due_day": str(due) if due is not None else None,
        "calendar_version": calendar.version,
        "next_check_at": end_of_day(due, zone) if due is not None else None,
    }
