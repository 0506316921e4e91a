"""消息: what was told to whom and what became of it; what did not arrive is sent again here, or told otherwise."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy import Row

from central import posting
from central.core import wording
from central.core.access import Permission, allows
from central.core.dossier import LONGEST, SHORTEST
from central.core.hall import Facts
from central.core.ladder import Level
from central.core.message import Cause, Channel, State
from central.core.recipient import veiled
from central.core.scope import Scope
from central.store import messages
from central.store.messages import Filter
from central.web.listing import address
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from common.core.errors import UsageError

PAGE = 50
_WORD = 100


class Line(Struct, frozen=True, kw_only=True):
    """One message of a list; numbers and mailboxes are veiled here."""

    id: int
    when: str
    level: str
    channel: str
    state: str
    word: str
    note: str
    whom: str
    where: str
    text: str
    site: str
    case: str
    correction: int | None
    may_resend: bool


def line(row: Row[Any], facts: Facts) -> Line:
    """`row`: of `messages.listed`."""
    state = State(row.state)
    waits = state is State.QUEUED and row.send_at > facts.now_at
    note = (
        Cause(row.cause).word
        if row.cause
        else f"{wording.moment(row.send_at, facts.zone, facts.now_at)} 起发"
        if waits
        else ""
    )
    return Line(
        id=row.id,
        when=wording.moment(row.made_at, facts.zone, facts.now_at),
        level=Level(row.level).word,
        channel=Channel(row.channel).word,
        state=state.value,
        word=state.word,
        note="已另行告知" if state is State.FAILED and row.settled else note,
        whom=row.name,
        where=veiled(row.address),
        text=row.text,
        site=row.site_name or "",
        case=address(row.site, row.case_key) if row.case_key else "",
        correction=row.correction,
        may_resend=state is State.FAILED and not row.settled,
    )


async def show_messages(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    wanted, below = _wanted(request), request.query.get("below", "")
    place = int(below) if below.isascii() and below.isdigit() and len(below) < 19 else None
    async with request.app[HALL].store.read() as conn:
        rows = await messages.listed(conn, user.scope, wanted, PAGE + 1, place)
    kept = {name: value for name, value in request.query.items() if name != "below" and value}
    return render(
        request,
        "messages.html",
        lines=[line(row, facts) for row in rows[:PAGE]],
        wanted=wanted,
        states=list(State),
        channels=list(Channel),
        levels=list(Level),
        sites=[(item.id, item.name) for item in reached_sites(request)],
        first="?" + urlencode(kept) if place is not None else "",
        following="?" + urlencode(kept | {"below": str(rows[PAGE - 1].id)}) if len(rows) > PAGE else "",
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _wanted(request: web.Request) -> Filter:
    """An unknown word in the address finds nothing, and harms nothing."""
    said: dict[str, Any] = {
        name: request.query.get(name, "").replace("\0", "").strip()[:_WORD]
        for name in ("state", "channel", "level", "site", "person", "case_key")
    }
    number = request.query.get("correction", "")
    return Filter(
        **said, correction=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    )


async def show_message(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        row = await _reached(conn, request[USER].scope, int(request.match_info["number"]))
        entries = await messages.entries(conn, row.id)
    return render(
        request,
        "message.html",
        line=line(row, facts),
        entries=[
            (wording.full(entry.wall, facts.zone, facts.now_wall), State(entry.state).word, entry.detail)
            for entry in entries
        ],
        may_work=allows(request[USER].role, Permission.WORK_CORRECTION),
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def _reached(conn: Any, reached: Scope, number: int) -> Row[Any]:
    """Raises HTTPNotFound where there is none, or the account does not reach it."""
    found = await messages.listed(conn, reached, Filter(number=number), 1)
    if not found:
        raise web.HTTPNotFound(text="没有这条消息。请从消息列表查找。")
    return found[0]


async def act(request: web.Request) -> web.Response:
    """Send again, or say that somebody was told otherwise."""
    form, user = await request.post(), request[USER]
    why = str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明情况，{SHORTEST} 至 {LONGEST} 个字。")
    does = {"resend": posting.resend, "settle": posting.settle}.get(str(form.get("act", "")))
    if does is None:
        raise web.HTTPBadRequest(text="请选择重发，或已另行告知。")
    try:
        async with request.app[HALL].store.write() as conn:
            row = await _reached(conn, user.scope, int(request.match_info["number"]))
            await does(conn, row, user.name, why)
    except UsageError as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/messages/{request.match_info['number']}")


_ONE = r"/hall/messages/{number:\d{1,15}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/messages", show_messages, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_GET, _ONE, show_message, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_POST, _ONE, act, Permission.WORK_CORRECTION),
]
