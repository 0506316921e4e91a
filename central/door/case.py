"""查进度: number and last four digits of the telephone, by post, never in an address or a log; and the urge button.

An unknown number and wrong digits get the same answer in the same time: one look-up, one opening of what is found or of
a stand-in, and an answer not before its time.
"""

import asyncio
import secrets
from datetime import date
from typing import TypeVar

import msgspec
import structlog
from aiohttp import web

from central.core import asked, told
from central.core.asked import Kind, Urge
from central.core.told import Standing, Told
from central.door import lookup, seal
from central.door import store as rows
from central.door.limits import NUMBER, QUERIES, Budget
from central.door.page import (
    DOOR,
    Door,
    form_of,
    must_be_ours,
    refused,
    render,
    spend,
    token_of,
    with_cookie,
)
from common.core import crypto
from common.core.errors import UnavailableError
from common.core.instant import HOUR, SECOND, local_date

log = structlog.get_logger()
LONGEST = 60
ANSWER_AFTER = SECOND // 4
"""No answer to a query comes sooner, whatever it is."""
PROOF_LASTS = 2 * HOUR
UNKNOWN = (
    "没有查到。请核对编号和手机后四位；刚受理的，过一会儿再查。仍查不到，请打 {helpline}，或到受理的窗口问。"
)
_MAY_URGE = {Standing.OPEN, Standing.NEAR, Standing.OVER, Standing.UNKNOWN, Standing.RECEIVED}


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody has opened this until a while ago."""

    until_wall: int


P = TypeVar("P", bound=Proof)


class CaseProof(Proof, frozen=True, kw_only=True):
    """Of a case."""

    site: str
    key: str


async def ask(request: web.Request) -> web.Response:
    await request.app[DOOR].look()
    return await render(request, "case_ask.html", number="", faults={})


async def show(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    begun = door.clock.mono()
    shown = await door.look()
    form = await form_of(request)
    number, tail = form.get("number", "")[:LONGEST], form.get("tail", "")[:LONGEST]
    faults = _faults(number, tail)
    if faults:
        return await render(request, "case_ask.html", status=400, number=number, faults=faults)
    spend(request, QUERIES)
    spend(request, NUMBER, seal.plain(number))
    one = await find(door, number, tail)
    await wait_until(door, begun + ANSWER_AFTER)
    if one is None:
        text = UNKNOWN.format(helpline=door.config.helpline)
        return await render(request, "case_ask.html", status=404, number=number, faults={"number": text})
    today = door.today(shown)
    cookie, token = token_of(request)
    proof = CaseProof(site=one.site, key=one.key, until_wall=door.clock.wall() + PROOF_LASTS)
    response = await render(
        request,
        "case.html",
        one=one,
        tail=seal.plain(tail),
        answer=told.answer(one, today, shown.workdays),
        due=told.said_day(one.due, today) if one.due else "",
        day=lambda value: said(value, today),
        may_urge=one.standing in _MAY_URGE,
        proof=carried(door, "urge", proof),
        token=token,
    )
    return with_cookie(request, response, cookie)


def said(value: date, today: date) -> str:
    return told.said_day(value, today)


def _faults(number: str, tail: str) -> dict[str, str]:
    """Field -> what is wrong; the same for every number."""
    found = {}
    if not seal.plain(number):
        found["number"] = "请填写办件编号"
    digits = seal.plain(tail)
    if len(digits) != seal.TAIL_DIGITS or not (digits.isascii() and digits.isdigit()):
        found["tail"] = "请填写手机号的最后 4 位数字"
    return found


async def find(door: Door, number: str, tail: str) -> Told | None:
    """The newest case of that number and telephone; two sites may use the same number."""
    at = seal.place(door.key, seal.CASE, number, tail)
    cases = [msgspec.json.decode(plain, type=Told) for _, plain in await lookup.opened(door, at)]
    return max(cases, key=lambda one: str(one.accepted or one.received or ""), default=None)


async def wait_until(door: Door, mono: int) -> None:
    """Answers of one kind leave at one time."""
    await asyncio.sleep(max(0, mono - door.clock.mono()) / SECOND)


def carried(door: Door, purpose: str, proof: Proof) -> str:
    """As a form carries it, for nobody else to read or to make."""
    nonce = secrets.token_bytes(crypto.NONCE_BYTES)
    return seal.carry(door.key, purpose, nonce, msgspec.json.encode(proof))


def proven(request: web.Request, form: dict[str, str], purpose: str, kind: type[P], undone: str) -> P:
    """What the posted form carries; it must be ours and not too old. `undone`: what was not done. Raises HTTPForbidden."""
    must_be_ours(request, form)
    door = request.app[DOOR]
    proof = seal.carried(door.key, purpose, form.get("proof", ""), kind)
    if proof is None or proof.until_wall < door.clock.wall():
        raise web.HTTPForbidden(text=f"这一页放得太久了。{undone}。")
    return proof


async def urge(request: web.Request) -> web.Response:
    """Once a day counts; who presses again is told so in the same words."""
    door = request.app[DOOR]
    shown = await door.look()
    form = await form_of(request)
    proof = proven(request, form, "urge", CaseProof, "没有催办，请重新查询后再催")
    spend(request, QUERIES)
    day = local_date(door.now_at(shown), door.zone)
    owner = seal.ref(door.key, seal.CASE, f"{proof.site}|{proof.key}")
    name = f"urge-{owner.hex()}-{day}"
    await hand_in(door, Kind.URGE, name, owner, Urge(proof.site, proof.key))
    text = "监察部门和办理单位会看到您催过。每件每天算一次；催办不会改变法定时限，也不会插队。"
    return await render(request, "message.html", head="已经催办", text=text)


async def hand_in(door: Door, kind: Kind, name: str, owner: bytes, what: asked.Said) -> bool:
    """Seal it to the hall and put it into the box. -> False where it lies there already. Raises HTTPServiceUnavailable."""
    shown = await door.look()
    sent_at = door.now_at(shown)
    sealed = crypto.seal_batch(shown.beat.wire_key, asked.header(kind, name, sent_at), asked.encoded(what))
    row = {
        "id": name,
        "kind": kind.value,
        "lookup": owner,
        "sealed": sealed,
        "sent_at": sent_at,
    }
    async with door.store.write() as conn:
        if await rows.waiting(conn) >= MOST_WAITING:
            raise web.HTTPServiceUnavailable(text="现在提交的人太多。请过一会儿再试，或打电话办理。")
        return await rows.hand_in(conn, row)


class Handed(msgspec.Struct, frozen=True):
    """What became of what somebody wrote. `is_first`: it did not lie in the box already; `why`: it was not taken, for its writer."""

    is_first: bool = True
    status: int = 200
    why: str = ""


TAKEN = Handed()


async def submit(
    request: web.Request, budget: Budget, kind: Kind, name: str, owner: bytes, what: asked.Said
) -> Handed:
    """Hand it in. Nothing is raised where it cannot be taken now: the form is to be shown again, with what was written."""
    door = request.app[DOOR]
    why = refused(request, budget)
    if why:
        return Handed(status=429, why=why)
    try:
        return Handed(is_first=await hand_in(door, kind, name, owner, what))
    except web.HTTPServiceUnavailable as busy:
        return Handed(status=503, why=busy.text or "")
    except UnavailableError as error:
        log.error("door.full", reason=str(error), hint="请检查公众网页的磁盘空间")
        return Handed(
            status=503,
            why=f"现在收不下。写好的内容还在这一页：请过几分钟再提交，或打 {door.config.helpline}。",
        )


MOST_WAITING = 20_000
"""In the box: more means that the hall does not fetch them, or that somebody fills it."""

ROUTES = [web.get("/p/case", ask), web.post("/p/case", show), web.post("/p/case/urge", urge)]
