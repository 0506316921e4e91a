"""纠错: every correction that is under way, by stage, with whose turn it is; what is one's own turn first."""

from aiohttp import web

from central.core import wording
from central.core.access import Permission
from central.core.correction import ENDS, State
from central.core.dossier import STAGES, Stage
from central.store import corrections
from central.store.corrections import Filter
from central.web import correction_view
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render

LONGEST = 200
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
        before = await corrections.before(conn, user.scope) if not chosen else 0
    lines = [correction_view.line(row, user, facts, unsigned.get(row.id, 0)) for row in rows[:LONGEST]]
    if chosen == OVER:
        lines.reverse()
    mine = [line for line in lines if line.mine]
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
        site=wanted.site,
        sites=[(item.id, item.name) for item in reached_sites(request)],
        checked=wording.clock(facts.now_at, facts.zone),
    )


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


ROUTES = [Route("GET", "/hall/corrections", show_corrections, Permission.VIEW_CORRECTION)]
