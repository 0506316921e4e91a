"""异常规律, 环节用时, 办件量预测: what stands out in a period's decisions, where their days went, and how many more will come."""

from decimal import Decimal

from aiohttp import hdrs, web
from msgspec import Struct

from central import insight
from central.core import bottleneck, chart, wording, workload
from central.core.access import Permission
from central.core.bottleneck import Line
from central.core.measure import HINTS, MEASURES
from central.core.pattern import Group
from central.core.period import Period, parse
from central.store import audit
from central.web.listing import address
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from common.core.errors import UsageError
from common.core.instant import from_us, local_date, start_of_day

MOST_CASES, MOST_STEPS = 100_000, 20_000
"""Decided cases that a page looks through; of steps every row of a source is read, so fewer. The command line has no bound."""
MOST_GROUPS, MOST_SHOWN, MOST_LINES = 100, 30, 200


def _period(request: web.Request) -> Period:
    facts = facts_of(request)
    return parse(request.query.get("period") or f"{from_us(facts.now_at, facts.zone):%Y-%m}")


def _this_month(request: web.Request) -> Period:
    facts = facts_of(request)
    return parse(f"{from_us(facts.now_at, facts.zone):%Y-%m}")


class Shown(Struct, frozen=True):
    """One pattern as the page shows it. `cases`: address and number of the first ones."""

    site: str
    org: str
    when: str
    count: int
    of: int
    share: str
    cases: list[tuple[str, str]]


def _shown(one: Group, names: dict[str, str]) -> Shown:
    cases = [(address(case.site, case.key), case.no or case.key) for case in one.cases[:MOST_SHOWN]]
    share = f"{Decimal(len(one.cases) * 100) / one.of:.0f}%" if one.of else "–"
    return Shown(
        names.get(one.site, one.site), one.org or "未记录", one.when, len(one.cases), one.of, share, cases
    )


async def show_odd(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    fault, of, found, lacking = "", _this_month(request), list[Group](), list[str]()
    try:
        of = _period(request)
        async with request.app[HALL].store.read() as conn:
            await audit.freeze(conn)
            found = await insight.patterns(conn, of, facts.zone, user.scope, MOST_CASES)
        lacking = _lacking(request, of)
    except UsageError as error:
        fault = f"{error}。{error.hint}。"
    names = {site.id: site.name for site in reached_sites(request)}
    sections = [
        (
            MEASURES[kind],
            sum(len(one.cases) for one in mine),
            len(mine),
            [_shown(one, names) for one in mine[:MOST_GROUPS]],
        )
        for kind in HINTS
        for mine in [[one for one in found if one.kind == kind]]
    ]
    return render(
        request,
        "odd.html",
        status=400 if fault else 200,
        fault=fault,
        period=of,
        sections=sections,
        lacking=lacking,
        most=MOST_SHOWN,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _lacking(request: web.Request, of: Period) -> list[str]:
    """The sites whose data of the period, as far as it is past, is not whole."""
    facts = facts_of(request)
    least = start_of_day(of.past(local_date(facts.now_at, facts.zone)), facts.zone)
    return [site.name for site in reached_sites(request) if (site.complete_until or 0) < least]


async def show_steps(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    fault, of, found, lacking = "", _this_month(request), list[Line](), list[str]()
    item = request.query.get("item", "").replace("\0", "")
    try:
        of = _period(request)
        async with request.app[HALL].store.read() as conn:
            await audit.freeze(conn)
            found = await insight.steps(conn, of, facts.zone, user.scope, MOST_STEPS)
        lacking = _lacking(request, of)
    except UsageError as error:
        fault = f"{error}。{error.hint}。"
    chosen = [one for one in found if not item or one.item == item]
    shown = chosen[:MOST_LINES]
    widths = [width for _, width in chart.bars([(one.step, Decimal(one.days)) for one in shown])]
    return render(
        request,
        "steps.html",
        status=400 if fault else 200,
        fault=fault,
        period=of,
        items=sorted({one.item for one in found}),
        item=item,
        rows=[
            (
                one,
                width,
                [(address(each.site, each.key), each.no or each.key, each.days) for each in one.slowest],
            )
            for one, width in zip(shown, widths, strict=True)
        ],
        left=len(chosen) - len(shown),
        lacking=lacking,
        definitions=bottleneck.DEFINITIONS,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_workload(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    sites = reached_sites(request)
    site = request.query.get("site", "")
    if site and site not in {one.id for one in sites}:
        raise web.HTTPNotFound(text="没有这个站点，或不在您所及的范围里。请从办件量预测页进入。")
    today = local_date(facts.now_at, facts.zone)
    async with request.app[HALL].store.read() as conn:
        found = await insight.workload_of(conn, today, facts.zone, user.scope, site)
    bars = chart.bars([(str(one.day), one.foretold) for one in found.ahead])
    lacking = _lacking(request, _this_month(request))
    days = [
        (str(one.day), None if one.actual is None else Decimal(one.actual), one.foretold)
        for one in (*found.tested, *found.ahead)
    ]
    return render(
        request,
        "workload.html",
        found=found,
        columns=chart.columns(days, lambda value: "" if value is None else f"{value}"),
        ahead=[(one, width) for one, (_, width) in zip(found.ahead, bars, strict=True)],
        sites=sites,
        site=site,
        lacking=[
            name for name in lacking if not site or name in {one.name for one in sites if one.id == site}
        ],
        definitions=workload.DEFINITIONS,
        checked=wording.clock(facts.now_at, facts.zone),
    )


ROUTES = [
    Route(hdrs.METH_GET, "/hall/statistics/odd", show_odd, Permission.VIEW_STATISTICS),
    Route(hdrs.METH_GET, "/hall/statistics/steps", show_steps, Permission.VIEW_STATISTICS),
    Route(hdrs.METH_GET, "/hall/statistics/workload", show_workload, Permission.VIEW_STATISTICS),
]
