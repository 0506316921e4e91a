"""文书: everything that has been issued with its number, state and delivery; one document; what waits for a signature."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import correction, document, drafting
from central.core import document as papers
from central.core import dossier, wording
from central.core.access import Permission, Role, allows
from central.core.answer import Standing
from central.core.correction import Event
from central.core.delivery import Delivery
from central.core.document import Kind
from central.core.document_forms import FORMS
from central.core.dossier import Note
from central.core.hall import Facts
from central.core.message import Channel, State
from central.core.scope import EVERYTHING
from central.store import answers as stored_answers
from central.store import corrections, documents, drafts, issued, trail
from central.store.issued import ANSWERS, STATES, Filter
from central.telling import TOLD, has_login, overdue_event
from central.web import answers
from central.web import correction_view as view
from central.web.correction import FILE_TYPES, desk
from central.web.page import HALL, USER, Route, User, facts_of, render
from common.core.errors import RejectedError, UsageError
from common.core.instant import from_us

PAGE = 50
_LONGEST = 60


class Line(Struct, frozen=True, kw_only=True):
    """One document of the list. Whom it is for is told only where that is no citizen."""

    code: str
    number: str
    kind: str
    title: str
    addressee: str
    day: str
    state: str
    corrections: tuple[int, ...]
    delivery: Delivery
    answer: str  # how its office's answer stands; empty for what no office answers here
    is_overdue: bool


async def show_documents(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    wanted, page = _wanted(request), _number(request.query.get("page", ""), 4) or 1
    async with request.app[HALL].store.read() as conn:
        rows = await issued.listed(conn, user.scope, wanted, PAGE + 1, (page - 1) * PAGE)
        lines = await _lines(conn, rows[:PAGE], facts)
        waiting = await drafts.waiting(conn) if user.scope == EVERYTHING else []
        unsigned = await corrections.unsigned(conn, user.scope)
        overdue = await issued.overdue(conn, user.scope, wanted.today)
        issuers = {row.id: row.name for row in await documents.issuers(conn)}
    kept = {name: value for name, value in request.query.items() if name != "page" and value}
    may = allows(user.role, Permission.WORK_CORRECTION)
    return render(
        request,
        "documents.html",
        lines=lines,
        wanted=wanted,
        kinds=list(Kind),
        states=STATES,
        answers=ANSWERS,
        overdue=overdue,
        waiting=[_draft(row, facts) for row in waiting],
        sees_all=user.scope == EVERYTHING,
        unsigned=sum(unsigned.values()),
        may_draft=may and user.role in FORMS[Kind.CIRCULAR].drafts and user.scope == EVERYTHING,
        issuers=sorted(issuers.items()),
        last_month=last_month(facts),
        first="?" + urlencode(kept) if page > 1 else "",
        following="?" + urlencode(kept | {"page": str(page + 1)}) if len(rows) > PAGE else "",
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _wanted(request: web.Request) -> Filter:
    """An unknown word in the address finds nothing, and harms nothing."""
    said = {
        name: request.query.get(name, "").replace("\0", "").strip()[:_LONGEST]
        for name in ("kind", "state", "text", "answer")
    }
    facts = facts_of(request)
    today = str(from_us(facts.now_at, facts.zone).date())
    return Filter(**said, year=_number(request.query.get("year", ""), 4), today=today)


def _number(text: str, digits: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else 0


def last_month(facts: Facts) -> str:
    today = from_us(facts.now_at, facts.zone).date()
    return f"{today.year - (today.month == 1)}-{(today.month - 2) % 12 + 1:02}"


def _draft(row: Row[Any], facts: Facts) -> tuple[int, str, str, str, str]:
    """Number, kind, about what, by whom, when."""
    said = drafting.facts_of(row)
    about = row.period or said.item or said.period or papers.parts_of(row.subject)[-1]
    when = wording.moment(row.made_at, facts.zone, facts.now_at)
    return row.id, Kind(row.kind).word, about, row.drafter, when


Entries = dict[str, list[Row[Any]]]


async def _lines(conn: AsyncConnection, rows: Sequence[Row[Any]], facts: Facts) -> list[Line]:
    entries = await issued.entries(conn, [row.code for row in rows])
    came = await _deliveries(conn, rows, entries, facts)
    first = await stored_answers.first_days(conn, [row.code for row in rows])
    return [
        _line(
            row,
            entries.get(row.code, []),
            came[row.code],
            answers.standing(row, first.get(row.code), facts).standing,
        )
        for row in rows
    ]


def _line(row: Row[Any], entries: Sequence[Row[Any]], delivery: Delivery, answered: Standing) -> Line:
    kind, paper = Kind(row.kind), papers.decoded(row.paper)
    name = "spoiled" if row.spoiled_wall is not None else "valid" if row.pdf is not None else "making"
    return Line(
        code=row.code,
        number=row.number_text,
        kind=kind.word,
        title=row.title,
        addressee="投诉人" if FORMS[kind].to_person else paper.addressee,
        day=paper.day,
        state=STATES[name],
        corrections=tuple(entry.correction for entry in entries),
        delivery=delivery,
        answer=answered.word if row.site and answered is not Standing.UNASKED else "",
        is_overdue=answered is Standing.OVERDUE,
    )


async def _deliveries(
    conn: AsyncConnection, rows: Sequence[Row[Any]], entries: Entries, facts: Facts
) -> dict[str, Delivery]:
    """Code -> what proves that it came."""
    events = {row.code: _event(row.code, entries) for row in rows}
    counts = await issued.told(conn, list(events.values()))
    orders = [entry.correction for row in rows if row.kind == Kind.ORDER for entry in entries[row.code]]
    received = await issued.receipts(conn, orders)
    found = {}
    for row in rows:
        told = counts.get(events[row.code], {})
        signed = [received.get(entry.correction) for entry in entries.get(row.code, [])]
        last = max((one for one in signed if one), key=lambda one: one.at, default=None)
        is_received = last is not None and all(signed) and row.kind == Kind.ORDER
        found[row.code] = Delivery(
            received=_received(last, facts) if last is not None and is_received else "",
            told=sum(told.values()),
            arrived=told.get(State.DELIVERED.value, 0),
            failed=told.get(State.FAILED.value, 0),
            is_due=Kind(row.kind) in TOLD,
        )
    return found


def _received(row: Row[Any], facts: Facts) -> str:
    """When and by whom, for people; a receipt on paper bears its own day."""
    if row.event == Event.SERVE:
        return f"{wording.day(date.fromisoformat(row.day))} 纸质回证（{row.who} 登记）"
    return f"{wording.moment(row.at, facts.zone, facts.now_at)} {row.who} "


def _event(code: str, entries: Entries) -> str:
    """The name under which people were told of it: `telling.of_paper`, `circular.tell`."""
    of = entries.get(code)
    return f"correction/{of[0].correction}/{of[0].number}" if of else f"document/{code}"


# one ----------------------------------------------------------------------------------------------------------


async def _found(request: web.Request, conn: AsyncConnection) -> Row[Any]:
    """Raises HTTPNotFound where there is none, or the account does not reach it."""
    code = papers.read_code(request.match_info["code"])
    row = await issued.one(conn, request[USER].scope, code) if code else None
    if row is None:
        raise web.HTTPNotFound(text="没有这份文书。请从文书列表查找。")
    return row


async def show_document(request: web.Request) -> web.Response:
    facts, user, hall = facts_of(request), request[USER], request.app[HALL]
    async with hall.store.read() as conn:
        row = await _found(request, conn)
        (line,) = await _lines(conn, [row], facts)
        event = _event(row.code, await issued.entries(conn, [row.code]))
        told = await issued.recipients(conn, [event, overdue_event(row.code)])
        given = await answers.told(conn, row, facts, own=False) if row.site else None
        on_paper = bool(row.site) and not await has_login(conn, row.site, row.org)
        against = await _against_void(conn, row, user)
    may = row.spoiled_wall is None and user.role is Role.CHIEF and user.name != row.signer and not against
    spoiled = wording.full(row.spoiled_wall, facts.zone, facts.now_wall) if row.spoiled_wall else ""
    return render(
        request,
        "document.html",
        row=row,
        line=line,
        sheet=view.sheet(papers.decoded(row.paper)),
        told=[(one.name, Channel(one.channel).word, _said(one, event), one.state, one.id) for one in told],
        issued=wording.full(row.issued_at, facts.zone, facts.now_at),
        is_sealed=papers.decoded(row.paper).seal is not None,
        is_signed=document.is_signed(row, hall.sign_key),
        spoiled=spoiled,
        answers=given,
        may_enter=on_paper
        and row.spoiled_wall is None
        and user.role in FORMS[Kind(row.kind)].drafts
        and allows(user.role, Permission.WORK_CORRECTION),
        most_files=dossier.MOST_FILES,
        largest_file=dossier.LARGEST_FILE // 1024 // 1024,
        may_spoil=may and allows(user.role, Permission.WORK_CORRECTION),
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _said(row: Row[Any], event: str) -> str:
    """What became of a message; of one that is not of the issue itself, what it says too."""
    word = State(row.state).word
    return word if row.event == event else f"逾期未答复 · {word}"


async def download(request: web.Request) -> web.Response:
    """A file as it was signed; who took it is in the audit."""
    hall, form = request.app[HALL], request.match_info["form"]
    async with hall.store.write() as conn:
        row = await _found(request, conn)
        return await handed(request, conn, row, form)


async def handed(request: web.Request, conn: AsyncConnection, row: Row[Any], form: str) -> web.Response:
    """The file of a document that the account may have. Raises HTTPNotFound where it is not made yet."""
    hall = request.app[HALL]
    if not document.is_signed(row, hall.sign_key):
        raise web.HTTPNotFound(text="文件还没有生成，几秒后再试。")
    body = await documents.body(conn, row.pdf if form == "pdf" else row.docx)
    await trail.note(conn, hall.clock.wall(), request[USER].name, "document.show", row.number_text, form)
    assert body is not None
    answer = web.Response(body=body, content_type=FILE_TYPES[form])
    answer.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{row.code}.{form}"'
    answer.headers[hdrs.CACHE_CONTROL] = "no-store"
    return answer


async def _against_void(conn: AsyncConnection, row: Row[Any], user: User) -> str:
    """Why this document may not be declared void now by `user`, for people; empty if it may."""
    if view.is_own(user, row):
        return "不能作废致本单位的文书"
    for entry in (await issued.entries(conn, [row.code])).get(row.code, []):
        one = await corrections.one(conn, EVERYTHING, entry.correction)
        assert one is not None, entry.correction
        if view.actor(user, one).unit == one.unit:
            return "不能作废致本单位的文书"
        if one.is_open and Kind(row.kind) in dossier.CARRYING:
            return f"纠错 {one.id} 号还在据这份文书办理，请先在纠错页撤销本件"
    return ""


async def spoil(request: web.Request) -> web.Response:
    """作废, with its line in the dossier of the correction whose it is."""
    form, user, hall = await request.post(), request[USER], request.app[HALL]
    why = str(form.get("why", "")).strip()
    try:
        async with hall.store.write() as conn:
            row = await _found(request, conn)
            against = await _against_void(conn, row, user)
            if against:
                raise web.HTTPConflict(text=f"{against}。没有执行。")
            await document.spoil(conn, row, user.name, user.role, why, hall.clock.wall())
            for entry in (await issued.entries(conn, [row.code])).get(row.code, []):
                held = await correction.held(conn, entry.correction)
                said = f"{row.number_text}：{why}"
                await correction.note(conn, held, Note.SPOIL, user.name, said, await desk(request, conn))
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/documents/{row.code}")


_ONE = "/hall/documents/{code}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/documents", show_documents, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_GET, _ONE + ".{form:pdf|docx}", download, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_GET, _ONE, show_document, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_POST, f"{_ONE}/spoil", spoil, Permission.WORK_CORRECTION),
]
