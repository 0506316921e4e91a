"""审计: every look at personal data and every decision, newest first; the whole trail can be checked from the page."""

from urllib.parse import urlencode

from aiohttp import web

from central import trail as trails
from central.core import wording
from central.core.access import Permission
from central.core.hall import Facts
from central.core.trail import ACTS, Line, code
from central.store import trail
from central.store.trail import Wanted
from central.web.page import HALL, Route, facts_of, render

PAGE = 50
LONGEST = 100


async def show_trail(request: web.Request) -> web.Response:
    facts, hall = facts_of(request), request.app[HALL]
    who, act, subject = (request.query.get(name, "").strip()[:LONGEST] for name in ("who", "act", "subject"))
    wanted, below = Wanted(who, act, subject), request.query.get("below", "")
    place = int(below) if below.isascii() and below.isdigit() and len(below) < 19 else None
    async with hall.store.read() as conn:
        found = await trail.listed(conn, wanted, PAGE + 1, place)
        newest, signed = await trail.newest(conn), await trail.last_sealed(conn)
        check = None
        if request.query.get("check"):
            check = await trails.checked(conn, hall.sign_key, [])
    kept = {name: text for name, text in (("who", who), ("act", act), ("subject", subject)) if text}
    return render(
        request,
        "trail.html",
        wanted=wanted,
        acts=ACTS,
        lines=[_line(line, facts) for line in found[:PAGE]],
        first="?" + urlencode(kept) if place is not None else "",
        following="?" + urlencode(kept | {"below": found[PAGE - 1].id}) if len(found) > PAGE else "",
        newest=newest.id if newest else 0,
        code=code(newest.chain) if newest else "",
        signed=signed,
        check=check,
        checking="?" + urlencode(kept | {"check": "1"}),
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _line(line: Line, facts: Facts) -> dict[str, str]:
    return {
        "id": wording.number(line.id),
        "when": wording.full(line.at_wall, facts.zone, facts.now_wall),
        "who": line.who,
        "word": ACTS.get(line.act, line.act),
        "subject": line.subject,
        "why": line.why,
    }


ROUTES = [Route("GET", "/hall/admin/audit", show_trail, Permission.VIEW_TRAIL)]
