"""One correction: frozen facts left, the five marks and the dossier in the middle, right what may lawfully be done now."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct
from multidict import MultiDictProxy
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import batch, correction_paper, document, telling
from central import correction as correcting
from central.core import document as papers
from central.core import dossier, snapshot, wording
from central.core.access import Permission, Role, allows
from central.core.correction import Event, State
from central.core.document import Kind
from central.core.dossier import Entry, File, Note
from central.core.scope import EVERYTHING
from central.correction_paper import Desk, Words
from central.store import corrections, documents, law, pages, trail
from central.store import scope as scopes
from central.web import correction_view as view
from central.web.page import HALL, USER, Route, User, facts_of, render
from common.core.errors import RejectedError, UsageError

LARGEST = dossier.MOST_FILES * dossier.LARGEST_FILE + 64 * 1024
"""Bytes of an answer with everything that may be attached."""
FILE_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
STALE = "这件纠错刚刚有人办理过。没有执行，请看最新情况后再办理。"


class Found(Struct, frozen=True):
    """A correction as the tables have it."""

    row: Row[Any]
    entries: list[Entry]
    issued: list[view.Issued]
    waiting: Sequence[Row[Any]]
    applicant: str | None


async def find(request: web.Request, conn: AsyncConnection) -> Found:
    """Raises HTTPNotFound where there is none, or the account does not reach it."""
    number = int(request.match_info["number"])
    row = await corrections.one(conn, request[USER].scope, number)
    if row is None:
        raise web.HTTPNotFound(text="没有这件纠错。请从纠错列表查找。")
    case = await pages.one_case(conn, EVERYTHING, row.site, row.case_key)
    told = await documents.of_correction(conn, number)
    return Found(
        row=row,
        entries=await corrections.entries(conn, number),
        issued=[view.issued(paper, papers.decoded(paper.paper)) for paper in told],
        waiting=[paper for paper in await corrections.papers(conn, number) if paper.code is None],
        applicant=case.applicant if case is not None else None,
    )


async def desk(request: web.Request, conn: AsyncConnection) -> Desk:
    hall = request.app[HALL]
    calendar = await law.calendar(conn)
    return Desk(hall.clock, hall.zone, calendar, hall.sign_secret)


async def show_correction(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        found = await find(request, conn)
        preview, missing = await _preview(request, conn, found.row)
        waiting = await _waiting(request, conn, found)
        issuers = {row.id: row.name for row in await documents.issuers(conn)}
        offices = sorted(await scopes.tree(conn))
        others = await corrections.drafted_with(conn, user.scope, found.row)
        has_login = await telling.has_login(conn, found.row.site, found.row.org)
    row = found.row
    one, frozen = corrections.body_of(row), corrections.snapshot_of(row)
    may = allows(user.role, Permission.WORK_CORRECTION)
    acts = view.offered(one, view.actor(user, row)) if may else []
    first = [Kind(paper.kind).word for paper in found.waiting if Kind(paper.kind) in dossier.SIGNED_FIRST]
    if first:
        acts = [event for event in acts if event is not Event.CLOSE]
    numbers = {paper.code: paper.number for paper in found.issued}
    return render(
        request,
        "correction.html",
        row=row,
        one=one,
        told=view.line(row, user, facts, len(found.waiting)),
        frozen=frozen,
        digest=snapshot.digest(row.snapshot).hex(),
        terms=view.terms(row, frozen, facts),
        case=view.case_address(row),
        marks=view.marks(one, found.entries),
        entries=view.told(found.entries, numbers, found.applicant, facts, own=False),
        issued=found.issued,
        waiting=waiting,
        acts=[event for event in acts if event not in {Event.WITHDRAW, Event.SERVE}],
        first=first if one.state is State.VERIFIED else [],
        may_serve=Event.SERVE in acts and not has_login,
        most_files=dossier.MOST_FILES,
        largest_file=dossier.LARGEST_FILE // 1024 // 1024,
        may_withdraw=Event.WITHDRAW in acts,
        may_sign=may and _may_sign(user, row),
        proposed=any(entry.event == Note.LIGHT_WITHDRAWN for entry in found.entries) and row.is_open,
        preview=preview,
        missing=missing,
        others=[one for one in others if one != row.id],
        issuers=sorted(issuers.items()),
        offices=[name for name in offices if name != row.unit],
        unsaid=dossier.UNSAID,
        measured=dossier.MEASURED,
        events=Event,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _may_sign(user: User, row: Row[Any]) -> bool:
    return user.role is Role.CHIEF and view.actor(user, row).unit != row.unit


async def _preview(
    request: web.Request, conn: AsyncConnection, row: Row[Any]
) -> tuple[view.Sheet | None, str]:
    """The order before it is signed, or what it lacks."""
    if not row.is_red or row.state not in {State.RAISED, State.DRAFTED, State.REVIEWED}:
        return None, ""
    try:
        paper = await correction_paper.preview(conn, row, Words(), await desk(request, conn))
    except UsageError as error:
        return None, f"{error}。{error.hint}"
    return view.sheet(paper), ""


class Waiting(Struct, frozen=True, kw_only=True):
    """A document that waits for a signature, as it would be signed now; or what it lacks."""

    kind: Kind
    cycle: int
    sheet: view.Sheet | None
    missing: str


async def _waiting(request: web.Request, conn: AsyncConnection, found: Found) -> list[Waiting]:
    """Those that may be signed in this state."""
    row, at = found.row, await desk(request, conn)
    told = []
    for paper in found.waiting:
        if not dossier.may_sign(Kind(paper.kind), State(row.state)):
            continue
        sheet, missing = None, ""
        try:
            sheet = view.sheet(await correction_paper.preview_waiting(conn, row, paper, at))
        except UsageError as error:
            missing = f"{error}。{error.hint}"
        told.append(Waiting(kind=Kind(paper.kind), cycle=paper.cycle, sheet=sheet, missing=missing))
    return told


# acts ---------------------------------------------------------------------------------------------------------


async def do(request: web.Request, number: int, seen: str, event: Event, words: Words) -> None:
    """`event` by whoever asks; `seen`: the newest entry that the form knows. Raises the refusal as a page."""
    user = request[USER]
    try:
        async with request.app[HALL].store.write() as conn:
            row = await locked(request, conn, number, seen)
            await batch.act(conn, row, event, view.actor(user, row), words, await desk(request, conn))
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error


async def locked(request: web.Request, conn: AsyncConnection, number: int, seen: str) -> Row[Any]:
    """The row, held, if the account reaches it and nobody has moved it since the page was made."""
    known = await corrections.one(conn, request[USER].scope, number)
    if known is None:
        raise web.HTTPNotFound(text="没有这件纠错。请从纠错列表查找。")
    if known.batch:
        await correcting.held(
            conn, known.batch
        )  # the first of an order first: two people never wait for each other
    row = await correcting.held(conn, number)
    if str(row.entries) != seen:
        raise web.HTTPConflict(text=STALE)
    return row


async def work(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    await do(request, number, await seen(request), await asked(request), await words(request))
    raise web.HTTPSeeOther(f"/hall/corrections/{number}")


async def seen(request: web.Request) -> str:
    return str((await request.post()).get("entries", ""))


async def asked(request: web.Request) -> Event:
    name = str((await request.post()).get("event", ""))
    if name not in set(Event):
        raise web.HTTPBadRequest(text="请选择如何办理。")
    return Event(name)


async def words(request: web.Request) -> Words:
    form = await request.post()

    def said(name: str) -> str:
        return str(form.get(name, "")).strip()

    def lines(name: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in said(name).splitlines() if line.strip())

    return Words(
        files=_files(form),
        reason=said("reason"),
        measures=lines("measures"),
        issuer=said("issuer"),
        copies=lines("copies"),
        org=said("org"),
        day=_day(said("day")),
    )


def _day(text: str) -> date | None:
    """As a date field sends it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _files(form: "MultiDictProxy[str | bytes | bytearray | web.FileField]") -> tuple[File, ...]:
    """What was attached; a browser sends an empty one where nothing was chosen."""
    found = [one for one in form.getall("file", []) if isinstance(one, web.FileField) and one.filename]
    return tuple(File(dossier.file_name(one.filename), one.file.read()) for one in found)


async def sign(request: web.Request) -> web.Response:
    """A document that waits for a signature."""
    form, user, number = await request.post(), request[USER], int(request.match_info["number"])
    kind, cycle = str(form.get("kind", "")), str(form.get("cycle", ""))
    if kind not in set(Kind) or not (cycle.isascii() and cycle.isdigit() and len(cycle) < 6):
        raise web.HTTPBadRequest(text="请从待签的文书办理。")
    try:
        async with request.app[HALL].store.write() as conn:
            row = await locked(request, conn, number, await seen(request))
            place, who = (Kind(kind), int(cycle)), view.actor(user, row)
            at = await desk(request, conn)
            await correcting.sign(conn, row, place, who, str(form.get("issuer", "")).strip(), at)
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/corrections/{number}")


# documents ----------------------------------------------------------------------------------------------------


async def download(request: web.Request) -> web.Response:
    """A file of a document, as it was signed; who took it is in the audit."""
    number, code, form = (request.match_info[name] for name in ("number", "code", "form"))
    hall, user = request.app[HALL], request[USER]
    async with hall.store.write() as conn:
        row = await corrections.one(conn, user.scope, int(number))
        told = await documents.of_correction(conn, int(number)) if row is not None else []
        paper = next((one for one in told if one.code == code), None)
        if paper is None:
            raise web.HTTPNotFound(text="没有这份文书。请从纠错页打开。")
        if not document.is_signed(paper, hall.sign_key):
            raise web.HTTPNotFound(text="文件还没有生成，几秒后再试。")
        body = await documents.body(conn, paper.pdf if form == "pdf" else paper.docx)
        await trail.note(conn, hall.clock.wall(), user.name, "document.show", paper.number_text, form)
    if body is None:
        raise web.HTTPNotFound(text="文件的数据损坏。请运维人员执行  mingcha verify，并从备份恢复。")
    answer = web.Response(body=body, content_type=FILE_TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{code}.{form}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def attachment(request: web.Request) -> web.Response:
    """What was attached to an entry of the dossier."""
    number = int(request.match_info["number"])
    async with request.app[HALL].store.write() as conn:
        if await corrections.one(conn, request[USER].scope, number) is None:
            raise web.HTTPNotFound(text="没有这件纠错。请从纠错列表查找。")
        files = [one for entry in await corrections.entries(conn, number) for one in entry.files]
        return await attached(request, conn, files, f"纠错 {number} 附件")


async def attached(
    request: web.Request, conn: AsyncConnection, files: Sequence[tuple[str, str]], about: str
) -> web.Response:
    """The one of `files` (name, digest in hex) that is asked for; who took it is in the audit under `about`. Raises HTTPNotFound."""
    digest, hall = request.match_info["digest"], request.app[HALL]
    name = next((name for name, known in files if known == digest), None)
    body = await documents.body(conn, bytes.fromhex(digest)) if name is not None else None
    if name is None or body is None:
        raise web.HTTPNotFound(text="没有这个附件。请从纠错页或文书页打开。")
    await trail.note(conn, hall.clock.wall(), request[USER].name, "document.show", about, name)
    kind = dossier.kind_of(body)
    answer = web.Response(body=body, content_type=FILE_TYPES[kind])
    saved = quote(dossier.saved_name(name, kind), safe="")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{saved}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


_ONE = r"/hall/corrections/{number:\d{1,9}}"
ROUTES = [
    Route("GET", _ONE, show_correction, Permission.VIEW_CORRECTION),
    Route("POST", f"{_ONE}/act", work, Permission.WORK_CORRECTION, largest=LARGEST),
    Route("GET", _ONE + "/files/{digest:[0-9a-f]{64}}", attachment, Permission.VIEW_CORRECTION),
    Route("POST", f"{_ONE}/sign", sign, Permission.WORK_CORRECTION),
    Route("GET", _ONE + "/documents/{code}.{form:pdf|docx}", download, Permission.VIEW_CORRECTION),
]
