"""待处置: every open red and yellow light, red first, then by the time that is left; broken rules; letters without answer, complaints that are due; what did not arrive."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import wording
from central.core.access import Permission, allows
from central.core.complaint import State as Complained
from central.core.complaint import owed
from central.core.hall import Facts
from central.core.message import State
from central.core.saved_view import Listing
from central.store import complaints as stored_complaints
from central.store import issued, messages, pages
from central.web.listing import DEMANDS, line
from central.web.messages import line as message_line
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from central.web.saved_views import offered
from common.core.instant import local_date
from common.core.state import ClockKind, Light

MOST_FAILED = MOST_OTHERS = 20
LONGEST = 100  # of one light; the list of cases has pages


class Kind(StrEnum):
    """What waits."""

    RED = "red"
    YELLOW = "yellow"
    RULE = "rule"
    LETTER = "letter"
    COMPLAINT = "complaint"
    MESSAGE = "message"

    @property
    def word(self) -> str:
        return _KINDS[self]


_KINDS = {
    Kind.RED: "红灯",
    Kind.YELLOW: "黄灯",
    Kind.RULE: "规则亮灯",
    Kind.LETTER: "逾期未答复的文书",
    Kind.COMPLAINT: "到期的投诉",
    Kind.MESSAGE: "未送达的消息",
}
_ASKS = {
    Kind.LETTER: Permission.VIEW_CORRECTION,
    Kind.COMPLAINT: Permission.VIEW_COMPLAINT,
    Kind.MESSAGE: Permission.VIEW_CORRECTION,
}
"""What somebody has to be allowed to see it; the rest is everybody's whose page this is."""


class Wanted(Struct, frozen=True):
    """What of the queue is shown; empty fields do not restrict."""

    site: str = ""
    kind: str = ""

    def has(self, kind: Kind) -> bool:
        return self.kind in {"", kind.value}


def _wanted(query: Mapping[str, str]) -> Wanted:
    """An unknown word in the address does not restrict; an unknown site has nothing."""
    kind = query.get("kind", "")
    return Wanted(query.get("site", "").replace("\0", ""), kind if kind in set(Kind) else "")


async def show_queue(request: web.Request) -> web.Response:
    facts, reached = facts_of(request), request[USER].scope
    wanted = _wanted(request.query)
    async with request.app[HALL].store.read() as conn:
        undelivered = await _undelivered(conn, request, wanted)
        letters = await _letters(conn, request, wanted, facts)
        complained = await _complaints(conn, request, wanted, facts)
        ruled = await pages.ruled(conn, reached, LONGEST + 1, wanted.site) if wanted.has(Kind.RULE) else ()
        found = {
            light: await pages.queue(conn, reached, light, LONGEST + 1, wanted.site)
            for light, kind in ((Light.RED, Kind.RED), (Light.YELLOW, Kind.YELLOW))
            if wanted.has(kind)
        }
        views = await offered(conn, request, Listing.QUEUE)
    sites = [(item.id, item.name) for item in reached_sites(request)]
    groups = [(light, [_row(row, facts) for row in rows[:LONGEST]]) for light, rows in found.items() if rows]
    cut = {light for light, rows in found.items() if len(rows) > LONGEST}
    return render(
        request,
        "queue.html",
        groups=groups,
        cut=cut,
        ruled=[(line(row, facts), row.site_name, DEMANDS.get(row.rule, "")) for row in ruled[:LONGEST]],
        more_ruled=len(ruled) > LONGEST,
        undelivered=[message_line(row, facts) for row in undelivered[:MOST_FAILED]],
        more_undelivered=len(undelivered) > MOST_FAILED,
        letters=letters[:MOST_OTHERS],
        more_letters=len(letters) > MOST_OTHERS,
        complaints=complained[:MOST_OTHERS],
        more_complaints=len(complained) > MOST_OTHERS,
        most=MOST_OTHERS,
        longest=LONGEST,
        checked=wording.clock(facts.now_at, facts.zone),
        wanted=wanted,
        kinds=[kind for kind in Kind if _sees(request, kind)],
        sites=sites,
        said=" · ".join(
            part
            for part in (
                dict(sites).get(wanted.site, wanted.site),
                Kind(wanted.kind).word if wanted.kind else "",
            )
            if part
        ),
        saved=views,
    )


def _sees(request: web.Request, kind: Kind) -> bool:
    return kind not in _ASKS or allows(request[USER].role, _ASKS[kind])


async def _letters(
    conn: AsyncConnection, request: web.Request, wanted: Wanted, facts: Facts
) -> list[dict[str, str]]:
    """What an office has not answered by its day."""
    if not (_sees(request, Kind.LETTER) and wanted.has(Kind.LETTER)):
        return []
    today = str(local_date(facts.now_at, facts.zone))
    found = await issued.unanswered(conn, request[USER].scope, today, MOST_OTHERS + 1, wanted.site)
    names = {item.id: item.name for item in reached_sites(request)}
    return [
        {
            "href": f"/hall/documents/{row.code}",
            "title": row.title,
            "number": row.number_text,
            "whom": " ".join(part for part in (names.get(row.site, row.site), row.org) if part),
            "due": wording.day_and_weekday(date.fromisoformat(row.answer_by)),
        }
        for row in found
    ]


async def _complaints(
    conn: AsyncConnection, request: web.Request, wanted: Wanted, facts: Facts
) -> list[dict[str, str]]:
    """Complaints whose day is today or has passed; of whose turn it is, the list of complaints says more."""
    if not (_sees(request, Kind.COMPLAINT) and wanted.has(Kind.COMPLAINT)):
        return []
    today = local_date(facts.now_at, facts.zone)
    found = await stored_complaints.due_by(
        conn, request[USER].scope, str(today), MOST_OTHERS + 1, wanted.site
    )
    return [
        {
            "href": f"/hall/complaints/{row.id}",
            "topic": row.topic,
            "number": row.number,
            "state": Complained(row.state).word,
            "unit": row.unit,
            "due": wording.day_and_weekday(date.fromisoformat(row.due_day)),
            "left": "今天到期" if row.due_day == str(today) else "已逾期",
        }
        for row in found
        if row.state != Complained.REPLIED
        or owed(stored_complaints.body_of(row))  # the rest is the complainant's turn
    ]


async def _undelivered(conn: AsyncConnection, request: web.Request, wanted: Wanted) -> Sequence[Row[Any]]:
    if not (_sees(request, Kind.MESSAGE) and wanted.has(Kind.MESSAGE)):
        return ()
    failed = messages.Filter(state=State.FAILED, waits_only=True, site=wanted.site)
    return await messages.listed(conn, request[USER].scope, failed, MOST_FAILED + 1)


def _row(row: Row[Any], facts: Facts) -> dict[str, object]:
    return {
        "line": line(row, facts),
        "site": row.site_name,
        "limit": ClockKind(row.clock).word if row.clock else "时限",
        "late": bool(row.late),
    }


ROUTES = [Route("GET", "/hall/queue", show_queue, Permission.VIEW_CASE)]
