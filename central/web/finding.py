"""疑点: what a site's versions and observations show, both versions side by side; a supervisor says what it was."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import evidence, wording
from central.core.access import Permission
from central.core.evidence import Difference
from central.core.hall import Facts
from central.store import findings
from central.store.findings import Filter
from central.store.sealed import Unopened
from central.web.listing import address
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from common.core.errors import UsageError
from common.core.record import Case, Op, Step, decode_body, decode_record
from common.core.state import FindingCode, FindingState

PAGE = 30
SHORTEST, LONGEST = 4, 400


class View(Struct, frozen=True, kw_only=True):
    """One finding as a page shows it; personal data is masked here, before any template sees it."""

    id: int
    code: FindingCode
    site: str
    site_name: str
    href: str
    item: str
    tail: str
    table: str
    words: str
    still: str
    seen: str
    size: str
    records: str
    differences: list[Difference]
    state: FindingState
    decided: str


async def views(conn: AsyncConnection, rows: Sequence[Row[Any]], facts: Facts) -> list[View]:
    """`rows`: as `findings.listed` gives them."""
    raws = await findings.evidence(conn, rows)
    return [_view(row, raws, facts) for row in rows]


def _view(row: Row[Any], raws: dict[tuple[str, bytes, int], bytes], facts: Facts) -> View:
    before = _body(raws.get((row.site, row.before_epoch, row.before_seq)))
    after = _body(raws.get((row.site, row.after_epoch, row.after_seq)))
    is_row = row.code not in {FindingCode.T7, FindingCode.NOTICE}
    pair = (before, after, row.applicant, facts.zone, facts.now_at)
    return View(
        id=row.id,
        code=FindingCode(row.code),
        site=row.site,
        site_name=row.site_name,
        href=address(row.site, row.case_key) if row.case_key else "",
        item=row.item_name or ("事项未填" if row.case_key else ""),
        tail=wording.tail(row.case_no),
        table=wording.table_word(row.tbl),
        words=wording.redact(row.words, row.applicant),
        still=_moment(row.still_at, facts),
        seen=_moment(row.seen_at, facts),
        size=wording.span(row.size) if row.size else "",
        records=_records(row),
        differences=evidence.differences(*pair) if is_row and (before or after) else [],
        state=FindingState(row.state),
        decided=_decided(row, facts),
    )


def _body(raw: bytes | None) -> Case | Step | None:
    """None where there is no such version, it does not open, or says that the row is gone."""
    item = decode_record(raw) if raw is not None and not isinstance(raw, Unopened) else None
    body = decode_body(item) if item is not None and item.op is not Op.DELETE else None
    return body if isinstance(body, Case | Step) else None


def _moment(at: int | None, facts: Facts) -> str:
    return "" if at is None else wording.full(at, facts.zone, facts.now_at)


def _records(row: Row[Any]) -> str:
    numbers = f"第 {row.after_seq:,} 条"
    return numbers if row.before_seq is None else f"第 {row.before_seq:,} 条与{numbers}"


def _decided(row: Row[Any], facts: Facts) -> str:
    if row.decided_wall is None:
        return ""
    return f"{row.decided_by} {wording.full(row.decided_wall, facts.zone, facts.now_wall)}：{row.decided_why}"


async def show_findings(request: web.Request) -> web.Response:
    facts, reached = facts_of(request), request[USER].scope
    wanted, below = _filter(request), request.query.get("below", "")
    place = int(below) if below.isascii() and below.isdigit() and len(below) < 19 else None
    async with request.app[HALL].store.read() as conn:
        rows = await findings.listed(conn, reached, wanted, PAGE + 1, place)
        shown = await views(conn, rows[:PAGE], facts)
        counts = await findings.count(conn, reached, wanted)
        late = await findings.lateness(conn, reached)
    names = {item.id: item.name for item in reached_sites(request)}
    query = {name: text for name, text in request.query.items() if name != "below"}
    following = urlencode(query | {"below": str(shown[-1].id)}) if len(rows) > PAGE else ""
    return render(
        request,
        "findings.html",
        wanted=wanted,
        items=shown,
        codes=[(code, counts.get(code, 0)) for code in FindingCode],
        count=sum(counts.values()),
        sites=list(names.items()),
        late=[_late(names[site], item) for site, item in late.items() if site in names],
        following=f"/hall/findings?{following}" if following else "",
        first=f"/hall/findings?{urlencode(query)}" if place is not None else "",
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _filter(request: web.Request) -> Filter:
    """An unknown word in the address does not restrict."""
    code, site = (request.query.get(name, "").replace("\0", "") for name in ("code", "site"))
    return Filter(
        site=site,
        code=code if code in set(FindingCode) else "",
        decided_too=request.query.get("state") == "all",
    )


def _late(name: str, item: findings.Lateness) -> tuple[str, str, str, str]:
    return name, wording.number(item.number), wording.span(item.median), wording.span(item.most)


async def explain(request: web.Request) -> web.Response:
    form = await request.post()
    why = str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明核实的结果，{SHORTEST} 至 {LONGEST} 个字。")
    hall, number = request.app[HALL], int(request.match_info["number"])
    try:
        async with hall.store.write() as conn:
            user, now_wall = request[USER], hall.clock.wall()
            row = await findings.explain(conn, user.scope, number, user.name, why, now_wall)
    except UsageError as error:
        raise web.HTTPNotFound(text="没有这个疑点，或已由他人核实。请回到疑点页刷新。") from error
    back = address(row.site, row.case_key) if form.get("back") == "case" else "/hall/findings"
    raise web.HTTPSeeOther(back)


ROUTES = [
    Route("GET", "/hall/findings", show_findings, Permission.VIEW_FINDING),
    Route("POST", r"/hall/findings/{number:\d{1,9}}", explain, Permission.EXPLAIN_FINDING),
]
