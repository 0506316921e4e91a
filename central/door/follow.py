"""查投诉: by number and code, as a case is by number and telephone; and the complainant's verdict."""

from functools import partial

import msgspec
from aiohttp import web

from central.core import complaint as complaints
from central.core import complaint_told, told
from central.core.asked import Hurry, Kind, Verdict
from central.core.complaint import State
from central.core.complaint_told import Account
from central.door import lookup, seal
from central.door.case import (
    ANSWER_AFTER,
    LONGEST,
    PROOF_LASTS,
    Proof,
    carried,
    hand_in,
    proven,
    submit,
    wait_until,
)
from central.door.limits import NUMBER, QUERIES
from central.door.page import DOOR, Door, form_of, render, spend, token_of, with_cookie

UNKNOWN = "没有查到。请核对编号和查询码，都在提交后的回执上。还查不到，请打 {helpline}。"


class ComplaintProof(Proof, frozen=True, kw_only=True):
    """Of a complaint, as it stood."""

    number: str
    level: int
    code: str


async def ask(request: web.Request) -> web.Response:
    await request.app[DOOR].look()
    return await render(request, "follow_ask.html", number="", faults={})


async def show(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    begun = door.clock.mono()
    shown = await door.look()
    form = await form_of(request)
    number, code = form.get("number", "")[:LONGEST], form.get("code", "")[:LONGEST]
    faults = {} if seal.plain(number) else {"number": "请填写投诉编号"}
    faults |= {} if seal.plain(code) else {"code": "请填写查询码"}
    if faults:
        return await render(request, "follow_ask.html", status=400, number=number, faults=faults)
    spend(request, QUERIES)
    spend(request, NUMBER, f"complaint|{seal.plain(number)}")
    found, waits = await find(door, number, code)
    await wait_until(door, begun + ANSWER_AFTER)
    if found is None and waits:
        text = "您的投诉已经收到，正在转给市中心。请过几分钟再查。"
        return await render(request, "message.html", head="已收到", text=text)
    if found is None:
        text = UNKNOWN.format(helpline=door.config.helpline)
        return await render(request, "follow_ask.html", status=404, number=number, faults={"number": text})
    today = door.today(shown)
    cookie, token = token_of(request)
    until = door.clock.wall() + PROOF_LASTS
    proof = ComplaintProof(number=found.number, level=found.level, code=code, until_wall=until)
    response = await render(
        request,
        "follow.html",
        one=found,
        head=complaint_told.headline(found),
        day=lambda value: told.said_day(value, today),
        may_judge=found.state is State.REPLIED,
        may_rise=found.may_rise,
        faults={},
        solved="",
        reason="",
        may_urge=found.state in _MAY_URGE,
        proof=carried(door, "verdict", proof),
        token=token,
    )
    return with_cookie(request, response, cookie)


async def find(door: Door, number: str, code: str) -> tuple[Account | None, bool]:
    """-> what is told of it, and whether it still waits for the hall. The same work for every number."""
    at = seal.place(door.key, seal.COMPLAINT, number, code)
    opened = await lookup.opened(door, at)
    found = msgspec.json.decode(opened[0][1], type=Account) if opened else None
    return found, await lookup.waits(door, at.lookup)


async def judge(request: web.Request) -> web.Response:
    """解决了吗: once for each answer; what is not solved needs a word why."""
    door = request.app[DOOR]
    await door.look()
    form = await form_of(request)
    proof = proven(request, form, "verdict", ComplaintProof, "没有提交，请重新查询后再评价")
    solved, reason = form.get("solved", ""), form.get("reason", "")
    found, _ = await find(door, proof.number, proof.code)
    if found is None or (found.state, found.level) != (State.REPLIED, proof.level):
        return await _judged(request)
    may_rise = proof.level < complaints.TOP
    fault = complaints.text_fault(reason) if solved == "no" else ""
    faults = {"reason": f"哪里没解决，{fault}"} if fault else {}
    if solved not in ({"yes", "no"} if may_rise else {"yes"}):
        faults = {"solved": "请选择已解决或没解决"}
    again = partial(
        render,
        request,
        "judge.html",
        may_rise=may_rise,
        proof=form["proof"],
        token=form["token"],
        solved=solved,
        reason=reason,
    )
    if faults:
        return await again(status=400, faults=faults, stopped="")
    name = f"verdict-{proof.number}-{proof.level}"
    owner = seal.ref(door.key, seal.COMPLAINT, f"verdict|{proof.number}")
    verdict = Verdict(proof.number, proof.level, solved == "yes", reason)
    handed = await submit(request, QUERIES, Kind.VERDICT, name, owner, verdict)
    if handed.why:
        return await again(status=handed.status, faults={}, stopped=handed.why)
    if not handed.is_first:
        return await _judged(request)
    if solved == "yes":
        text = "谢谢您的评价。这件投诉就此办结。"
    else:
        days = (await door.look()).beat.terms.reply
        text = f"已经交上一级重新办理，{days} 个工作日内再次答复。仍用原来的编号和查询码查询。"
    return await render(request, "message.html", head="收到您的评价", text=text)


async def _judged(request: web.Request) -> web.Response:
    """Whoever answers twice is not told that the second one counts."""
    text = f"这次答复已经评价过，以第一次为准。还有话说，请打 {request.app[DOOR].config.helpline}。"
    return await render(request, "message.html", head="已经评价过", text=text)


_MAY_URGE = {State.RECEIVED, State.ACCEPTED, State.ASSIGNED, State.ANSWERED}


async def urge(request: web.Request) -> web.Response:
    """Once a day counts; who presses again is told so in the same words."""
    door = request.app[DOOR]
    shown = await door.look()
    form = await form_of(request)
    proof = proven(request, form, "verdict", ComplaintProof, "没有催办，请重新查询后再催")
    spend(request, QUERIES)
    name = f"hurry-{proof.number}-{door.today(shown)}"
    owner = seal.ref(door.key, seal.COMPLAINT, f"hurry|{proof.number}")
    await hand_in(door, Kind.HURRY, name, owner, Hurry(proof.number))
    text = "办理投诉的人会看到您催过。每件每天算一次；催办不改变期限。"
    return await render(request, "message.html", head="已经催办", text=text)


ROUTES = [
    web.post("/p/complain/urge", urge),
    web.get("/p/complain/follow", ask),
    web.post("/p/complain/follow", show),
    web.post("/p/complain/judge", judge),
]
