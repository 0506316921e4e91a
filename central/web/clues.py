"""体外循环线索, on the page of the rule S-1: numbers that are missing, complaints that name no case; a person says what each was."""

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from central import clue
from central.core import wording
from central.core.access import Permission, allows
from central.core.asked_rules import UNENTERED
from central.core.clue import DAYS, LEAST, MOST_RUN, MOST_SHARE, Kind
from central.core.hall import Facts
from central.store import clues, subjects
from central.web.page import HALL, USER, Route, facts_of
from common.core.errors import UsageError
from common.core.instant import day_ending, local_date, start_of_day

MOST = 200
SHORTEST, LONGEST = 4, 400
PAGE = f"/hall/rules/{UNENTERED}"


async def shown(request: web.Request, conn: AsyncConnection) -> dict[str, Any]:
    """For the template: what waits, what was said, and by which rule numbers are missed."""
    facts = facts_of(request)
    waiting = await _waiting(request, conn, facts)
    decided = await clues.decided(conn, request[USER].scope, MOST)
    complete, today = await subjects.complete(conn), local_date(facts.now_at, facts.zone)
    begun_at = start_of_day(today, facts.zone)
    sees = allows(request[USER].role, Permission.VIEW_COMPLAINT)
    return {
        "limits": (DAYS, LEAST, MOST_RUN, MOST_SHARE),
        "clues": [_open(one, facts, sees=sees) for one in waiting[:MOST]],
        "clue_count": len(waiting),
        "lacking": [
            row.name
            for row in await subjects.sites(conn)
            if request[USER].scope.has_site(row.id) and complete.get(row.id, 0) < begun_at
        ],
        "decided": [
            {
                "site": row.site_name,
                "kind": Kind(row.kind).word,
                "subject": row.subject,
                "href": _href(Kind(row.kind), row.subject, sees=sees),
                "day": str(day_ending(row.due_at, facts.zone)),
                "said": clues.SAID[row.state],
                "who": row.decided_by,
                "when": wording.full(row.decided_wall, facts.zone, facts.now_wall),
                "why": row.decided_why,
            }
            for row in decided
        ],
    }  # fmt: skip


async def _waiting(request: web.Request, conn: AsyncConnection, facts: Facts) -> list[clue.Clue]:
    user = request[USER]
    sees = allows(user.role, Permission.VIEW_COMPLAINT)
    return await clue.waiting(conn, user.scope, facts.zone, facts.now_at, complaints_too=sees)


def _open(one: clue.Clue, facts: Facts, *, sees: bool) -> dict[str, str]:
    return {
        "of": one.site,
        "site": one.org or one.site_name,
        "kind": one.kind.value,
        "word": one.kind.word,
        "subject": one.subject,
        "href": _href(one.kind, one.subject, sees=sees),
        "item": one.item,
        "words": one.words,
        "day": str(day_ending(one.due_at, facts.zone)),
    }


def _href(kind: Kind, subject: str, *, sees: bool) -> str:
    return f"/hall/complaints/{subject}" if kind is Kind.COMPLAINT and sees else ""


async def examine(request: web.Request) -> web.Response:
    """A person has looked at one of those that wait."""
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    state, why = str(form.get("said", "")), str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明核实的结果，{SHORTEST} 至 {LONGEST} 个字。")
    if state not in clues.SAID:
        raise web.HTTPBadRequest(text="请选“属实”或“不属实”。")
    place = tuple(str(form.get(name, "")) for name in ("site", "kind", "subject"))
    async with hall.store.read() as conn:
        found = await _waiting(request, conn, facts_of(request))
    one = next((one for one in found if (one.site, one.kind.value, one.subject) == place), None)
    try:
        async with hall.store.write() as conn:
            await clue.examine(conn, one, state, user.name, why, hall.clock.wall(), user.home)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"{PAGE}#clues")


ROUTES = [Route("POST", f"{PAGE}/clues", examine, Permission.EXPLAIN_FINDING)]
