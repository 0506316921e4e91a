"""本单位: the office's own side: what it has to answer and until when, its documents, and the acts that are its own."""

from contextlib import suppress

from aiohttp import hdrs, web

from central.core import document as papers
from central.core import dossier, wording
from central.core.access import Permission
from central.core.circular import PERIODS
from central.core.correction import Event, State
from central.core.document import Kind
from central.store import answers as stored_answers
from central.store import corrections, documents, issued
from central.store.corrections import Filter
from central.web import answers
from central.web import correction as one_correction
from central.web import correction_view as view
from central.web.documents import handed
from central.web.page import HALL, USER, Route, facts_of, number_of, render

LONGEST, ENDED = 200, 30
"""Rows of each list; what the list of yellow lights shows may be acknowledged at once."""
MOST_CIRCULARS = 6
MOST_LETTERS = 20
_CIRCULARS = issued.Filter(kind=Kind.CIRCULAR.value)
_OURS = {State.ISSUED, State.SERVED, State.OVERDUE, State.RECTIFYING}


async def show_unit(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        reds = await corrections.listed(conn, user.scope, Filter(is_red=True), LONGEST)
        yellows = await corrections.listed(conn, user.scope, Filter(is_red=False), LONGEST)
        over = await corrections.ended(conn, user.scope, ENDED)
        circulars = await issued.listed(conn, user.scope, _CIRCULARS, MOST_CIRCULARS)
        owed = await issued.owed(conn, user.scope, LONGEST)
        waits = {one.code for one in owed}
        letters = [
            one for one in await issued.to_office(conn, user.scope, MOST_LETTERS) if one.code not in waits
        ]
        first = await stored_answers.first_days(conn, [one.code for one in letters])
    told = [(row, view.line(row, user, facts)) for row in reds if not view.hidden(corrections.body_of(row))]
    return render(
        request,
        "unit.html",
        ours=[line for row, line in told if State(row.state) in _OURS],
        theirs=[line for row, line in told if State(row.state) not in _OURS],
        reminders=[
            (view.line(row, user, facts), row.entries, row.state, corrections.snapshot_of(row).last)
            for row in yellows
        ],
        over=[view.line(row, user, facts) for row in over if not view.hidden(corrections.body_of(row))],
        owed=[(one, papers.decoded(one.paper).day, answers.standing(one, None, facts)) for one in owed],
        letters=[
            (one, papers.decoded(one.paper).day, answers.standing(one, first.get(one.code), facts))
            for one in letters
        ],
        circulars=[one for one in circulars if one.subject.startswith(PERIODS) and one.spoiled_wall is None],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def circular(request: web.Request) -> web.Response:
    """A file of a circular, which is for everybody."""
    async with request.app[HALL].store.write() as conn:
        row = await documents.find(conn, request.match_info["code"])
        if row is None or row.kind != Kind.CIRCULAR.value or not row.subject.startswith(PERIODS):
            raise web.HTTPNotFound(text="没有这份通报。请从本单位页打开。")
        return await handed(request, conn, row, request.match_info["form"])


async def show_own(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        found = await one_correction.find(request, conn)
    row, one = found.row, corrections.body_of(found.row)
    if view.hidden(one):
        raise web.HTTPNotFound(text="没有这件纠错。请从本单位页查找。")
    numbers = {paper.code: paper.number for paper in found.issued}
    frozen = corrections.snapshot_of(row)
    return render(
        request,
        "unit_correction.html",
        row=row,
        one=one,
        told=view.line(row, user, facts),
        terms=view.terms(row, frozen, facts),
        frozen=frozen,
        case=view.case_address(row),
        marks=view.marks(one, found.entries),
        entries=view.told(found.entries, numbers, found.applicant, facts, own=True),
        issued=found.issued,
        acts=view.offered(one, view.actor(user, row)),
        events=Event,
        most_files=dossier.MOST_FILES,
        largest_file=dossier.LARGEST_FILE // 1024 // 1024,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def answer(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    event = await one_correction.asked(request)
    seen = await one_correction.seen(request)
    await one_correction.do(request, number, seen, event, await one_correction.words(request))
    raise web.HTTPSeeOther(f"/unit/corrections/{number}")


async def acknowledge(request: web.Request) -> web.Response:
    """Yellow lights together, with one reason; one that somebody has moved meanwhile is left as it is."""
    form = await request.post()
    picked = [str(text).partition(":") for text in form.getall("number", [])[:LONGEST]]
    numbers = [(number, seen) for text, _, seen in picked if (number := number_of(text)) is not None]
    if not numbers:
        raise web.HTTPBadRequest(text="请勾选要知悉的黄灯。")
    said = await one_correction.words(request)
    fault = dossier.fault(Event.ACKNOWLEDGE, said.reason, ())
    if fault:
        raise web.HTTPBadRequest(text=f"{fault}。")
    for number, seen in numbers:
        with suppress(web.HTTPNotFound, web.HTTPConflict):
            await one_correction.do(request, number, seen, Event.ACKNOWLEDGE, said)
    raise web.HTTPSeeOther("/unit")


_ONE = r"/unit/corrections/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/unit", show_unit, Permission.ANSWER_CORRECTION),
    Route(hdrs.METH_POST, "/unit/acknowledge", acknowledge, Permission.ANSWER_CORRECTION),
    Route(hdrs.METH_GET, "/unit/circulars/{code}.{form:pdf|docx}", circular, Permission.ANSWER_CORRECTION),
    Route(hdrs.METH_GET, _ONE, show_own, Permission.ANSWER_CORRECTION),
    Route(
        hdrs.METH_POST, f"{_ONE}/act", answer, Permission.ANSWER_CORRECTION, largest=one_correction.LARGEST
    ),
    Route(
        hdrs.METH_GET,
        _ONE + "/files/{digest:[0-9a-f]{64}}",
        one_correction.attachment,
        Permission.ANSWER_CORRECTION,
    ),
    Route(
        hdrs.METH_GET,
        _ONE + "/documents/{code}.{form:pdf|docx}",
        one_correction.download,
        Permission.ANSWER_CORRECTION,
    ),
]
