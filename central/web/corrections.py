"""纠错: every correction that is under way, by stage, with whose turn it is; what is one's own turn first."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row

from central import batch
from central.core import wording
from central.core.access import Permission
from central.core.correction import ENDS, Event, State
from central.core.dossier import STAGES, Stage
from central.core.hall import Facts
from central.store import corrections, documents
from central.store.corrections import Filter
from central.web import correction as one_correction
from central.web import correction_view
from central.web.correction_view import actor, offered
from central.web.page import HALL, USER, Route, User, facts_of, number_of, reached_sites, render
from common.core.errors import RejectedError, UsageError
from common.core.instant import local_date

LONGEST = 200


class Member(Struct, frozen=True):
    """A light that may share an order: number, newest entry, item."""

    number: int
    entries: int
    item: str


APPEALS, REMINDERS, OVER = "appeal", "yellow", "closed"
"""What may be looked at beside the five stages."""


async def show_corrections(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    chosen = request.query.get("stage", "")
    wanted = _filter(chosen, request.query.get("site", "").replace("\0", ""))
    async with request.app[HALL].store.read() as conn:
        rows = await corrections.listed(conn, user.scope, wanted, LONGEST + 1)
        counts = await corrections.counts(conn, user.scope)
        unsigned = await corrections.unsigned(conn, user.scope)
        issuers = sorted({row.id: row.name for row in await documents.issuers(conn)}.items())
        before = await corrections.before(conn, user.scope) if not chosen else 0
    lines = [correction_view.line(row, user, facts, unsigned.get(row.id, 0)) for row in rows[:LONGEST]]
    if chosen == OVER:
        lines.reverse()
    mine = [line for line in lines if line.mine]
    together = _together(rows[:LONGEST], user, facts) if chosen in {"", Stage.ORDER} else []
    return render(
        request,
        "corrections.html",
        chosen=chosen,
        tabs=_tabs(counts),
        mine=mine,
        others=[line for line in lines if not line.mine],
        cut=len(rows) > LONGEST,
        longest=LONGEST,
        before=before,
        together=together,
        issuers=issuers,
        site=wanted.site,
        sites=[(item.id, item.name) for item in reached_sites(request)],
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _together(rows: Sequence[Row[Any]], user: User, facts: Facts) -> list[tuple[str, date, list[Member]]]:
    """Unit, day and lights of each order that this account may draft for several."""
    mine = [row for row in rows if Event.DRAFT in offered(corrections.body_of(row), actor(user, row))]
    return [
        (
            group[0].unit,
            local_date(group[0].raised_at, facts.zone),
            [Member(row.id, row.entries, corrections.snapshot_of(row).item) for row in group],
        )
        for group in batch.groups(mine, facts.zone)
    ]


async def draft_together(request: web.Request) -> web.Response:
    """One order for the lights that were ticked."""
    form, user = await request.post(), request[USER]
    picked = [str(text).partition(":") for text in form.getall("number", [])[: batch.MOST]]
    numbers = sorted((number, seen) for text, _, seen in picked if (number := number_of(text)) is not None)
    if not numbers:
        raise web.HTTPBadRequest(text="请勾选要并案的红灯。")
    said = await one_correction.words(request)
    try:
        async with request.app[HALL].store.write() as conn:
            rows = [await one_correction.locked(request, conn, number, seen) for number, seen in numbers]
            who = actor(user, rows[0])
            first = await batch.draft(conn, rows, who, said, await one_correction.desk(request, conn))
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/corrections/{first}")


def _filter(chosen: str, site: str) -> Filter:
    """An unknown word in the address does not restrict."""
    if chosen in set(Stage):
        states = tuple(state for state, stage in STAGES.items() if stage == chosen)
        return Filter(states=states, is_red=True, site=site)
    if chosen == APPEALS:
        return Filter(states=(State.APPEALED,), site=site)
    if chosen == REMINDERS:
        return Filter(is_red=False, site=site)
    if chosen == OVER:
        return Filter(states=tuple(sorted(ENDS)), closed_too=True, site=site)
    return Filter(is_red=True, site=site)


def _tabs(counts: dict[tuple[str, bool], int]) -> list[tuple[str, str, int | None]]:
    """Name in the address, word, how many; closed ones are not counted."""
    stages = dict.fromkeys(Stage, 0)
    for (state, is_red), number in counts.items():
        stage = STAGES.get(State(state))
        if is_red and stage is not None:
            stages[stage] += number
    red = sum(number for (_, is_red), number in counts.items() if is_red)
    yellow = sum(number for (_, is_red), number in counts.items() if not is_red)
    appeals = counts.get((State.APPEALED.value, True), 0)
    return [
        ("", "全部红灯", red),
        *((stage.value, stage.word, number) for stage, number in stages.items()),
        (APPEALS, "申诉中", appeals),
        (REMINDERS, "黄灯提示", yellow),
        (OVER, "已办结", None),
    ]


ROUTES = [
    Route("GET", "/hall/corrections", show_corrections, Permission.VIEW_CORRECTION),
    Route("POST", "/hall/corrections/batch", draft_together, Permission.WORK_CORRECTION),
]
