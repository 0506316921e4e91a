"""The rules of the law: which cases broke one, what is watched, what no source records, and what waits to be withdrawn."""

from typing import Any

from aiohttp import web
from sqlalchemy import Row

from central import unit_paper
from central.core import snapshot, wording
from central.core.access import Permission
from central.core.articles import RULES
from central.core.asked_rules import UNENTERED
from central.core.document import Kind
from central.core.hall import Facts
from central.core.judgement import WithdrawalState
from central.core.lamp import UNCONFIRMED
from central.core.off_rules import OF_COUNTERS
from central.core.opinion import MARK
from central.core.ruling import Answer
from central.store import breaches, opinions, packs, rulings, withdrawals
from central.web import clues, letters
from central.web.correction import desk
from central.web.documents import last_month
from central.web.listing import address
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.errors import UsageError
from common.core.state import ClockKind, Light

MOST = 200
SHORTEST, LONGEST = 4, 400
_WATCHED = "W-"


async def show_rules(request: web.Request) -> web.Response:
    facts, reached = facts_of(request), request[USER].scope
    async with request.app[HALL].store.read() as conn:
        counts = await rulings.counts(conn, reached)
        waiting = await withdrawals.listed(conn, reached, MOST)
        figures = await packs.every(conn)
        examined = await opinions.of_pack(conn, figures[-1][1])
    numbers = {rule.id: {light: counts.get((rule.id, light), 0) for light in Light} for rule in RULES}
    return render(
        request,
        "rules.html",
        rules=[(rule, numbers[rule.id]) for rule in RULES if not rule.id.startswith(_WATCHED)],
        watched=[(rule, sum(numbers[rule.id].values())) for rule in RULES if rule.id.startswith(_WATCHED)],
        of_items={rule.id for rule in RULES if rule.kept_elsewhere and not snapshot.clocks_of(rule.id)},
        of_counters=OF_COUNTERS,
        waiting=[_waiting(row, facts) for row in waiting],
        pack=figures[-1][1],
        examined=f"{examined.day} {examined.examiner}审核（{examined.number}）"
        if examined is not None
        else MARK,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_rule(request: web.Request) -> web.Response:
    facts, reached = facts_of(request), request[USER].scope
    name = request.match_info["rule"]
    rule = next((one for one in RULES if one.id == name), None)
    if rule is None:
        raise web.HTTPNotFound(text="没有这条规则。请从规则页查找。")
    async with request.app[HALL].store.read() as conn:
        kinds = snapshot.clocks_of(name)
        found = (
            await breaches.lit(conn, reached, kinds, MOST)
            if kinds
            else await rulings.listed(conn, reached, name, MOST)
        )
        may = letters.may_draft(request[USER], Kind.PROPOSAL)
        offices = await unit_paper.breakers(conn, name, await desk(request, conn)) if may else []
        issuers = await letters.issuers(conn) if may else []
        others = await clues.shown(request, conn) if name == UNENTERED else {}
    return render(
        request,
        "rule.html",
        **others,
        has_clues=bool(others),
        rule=rule,
        most=MOST,
        waits=[_unexamined(row, facts) for row in found if rule.confirm and not row.withdrawal],
        offices=offices,
        issuers=issuers,
        last_month=last_month(facts),
        rows=[_ruled(row, facts) for row in found],
        of_items=rule.kept_elsewhere and not kinds,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _ruled(row: Row[Any], facts: Facts) -> dict[str, object]:
    return {
        "href": address(row.site, row.case_key),
        "tail": wording.tail(row.case_no),
        "item": row.item_name or "事项未填",
        "site": row.site_name,
        "light": Light(row.light),
        "why": wording.redact(row.why, row.applicant),
        "found": wording.full(row.found_at, facts.zone, facts.now_at),
        "answer": Answer(row.answer).word,
        "withdrawal": _said(row),
    }


def _said(row: Row[Any]) -> str:
    """What a person has said of it, or is to say."""
    state = WithdrawalState(row.withdrawal) if row.withdrawal else None
    if state in withdrawals.SAID and getattr(row, "rule", "") in UNCONFIRMED:
        return "核实属实" if state is WithdrawalState.KEPT else "核实不属实"
    return f"撤销{state.word}" if state else ""


def _unexamined(row: Row[Any], facts: Facts) -> dict[str, object]:
    return _ruled(row, facts) | {"of": row.site, "key": row.case_key}


async def examine(request: web.Request) -> web.Response:
    """A person has looked at a broken rule that is held against nobody before."""
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    said, why = str(form.get("said", "")), str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明核实的结果，{SHORTEST} 至 {LONGEST} 个字。")
    states = {word: state for state, word in withdrawals.SAID.items()}
    if said not in states:
        raise web.HTTPBadRequest(text="请选“属实”或“不属实”。")
    place = str(form.get("site", "")), str(form.get("key", "")), request.match_info["rule"]
    try:
        async with hall.store.write() as conn:
            wall = hall.clock.wall()
            await withdrawals.examine(conn, user.scope, place, states[said], user.name, why, wall, user.home)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/rules/{place[2]}")


def _waiting(row: Row[Any], facts: Facts) -> dict[str, object]:
    return {
        "href": address(row.site, row.case_key),
        "tail": wording.tail(row.case_no),
        "item": row.item_name or "事项未填",
        "site": row.site_name,
        "what": ClockKind(row.clock).word if row.cycle else f"规则 {row.clock}",
        "lit": wording.redact(row.red_why or "–", row.applicant),
        "now": wording.redact(row.reason, row.applicant),
        "proposed": wording.full(row.proposed_at, facts.zone, facts.now_at),
    }


ROUTES = [
    Route("GET", "/hall/rules", show_rules, Permission.VIEW_FINDING),
    Route("GET", "/hall/rules/{rule}", show_rule, Permission.VIEW_FINDING),
    Route("POST", "/hall/rules/{rule}/examine", examine, Permission.EXPLAIN_FINDING),
]
