"""投诉建议: four short steps, a look at the whole, a receipt. What has been written travels in the forms, sealed; files go apart."""

import asyncio
import secrets
from datetime import date

import msgspec
from aiohttp import web

from central.core import asked, dossier, told
from central.core import complaint as complaints
from central.core import draft as drafts
from central.core.asked import Attached, Kind
from central.core.document import LETTERS
from central.core.draft import Draft, Part
from central.door import seal
from central.door import store as rows
from central.door.case import submit
from central.door.guard import NO_ROOM
from central.door.limits import COMPLAINTS, UPLOADS
from central.door.page import DOOR, Door, form_of, must_be_ours, refused, render, token_of, with_cookie
from common.core import crypto
from common.core.errors import UnavailableError
from common.core.instant import HOUR

MOST_STORED = 1024 * 1024 * 1024
"""Bytes of files that wait altogether."""
LARGEST = dossier.LARGEST_FILE
CODE_LETTERS = 8


async def begin(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    today = door.today(await door.look())
    until = door.clock.wall() + drafts.LASTS_HOURS * HOUR
    fresh = Draft(id=secrets.token_hex(16), until_wall=until, day=today)
    return await _show(request, fresh, Part.WHAT, {})


async def step(request: web.Request) -> web.Response:
    """One form: on to the next step, back to one, or sent."""
    form = await form_of(request)
    must_be_ours(request, form)
    draft, part = _draft(request, form), _part(form.get("at", ""))
    draft = drafts.filled(draft, part, form)
    go = form.get("go", "next")
    if go == "send":
        return await _send(request, draft)
    if go != "next":
        return await _show(request, draft, _part(go), {})
    faults = drafts.faults(draft, part)
    if faults:
        return await _show(request, draft, part, faults, status=400)
    return await _show(request, draft, Part(min(part + 1, Part.CHECK)), {})


def _part(text: str) -> Part:
    if text not in {str(part.value) for part in Part}:
        raise web.HTTPBadRequest(text="没有这一步。请从首页重新进入。")
    return Part(int(text))


def _draft(request: web.Request, form: dict[str, str]) -> Draft:
    door = request.app[DOOR]
    draft = seal.carried(door.key, "draft", form.get("state", ""), Draft)
    if draft is None or draft.until_wall < door.clock.wall():
        raise web.HTTPForbidden(text="这份投诉放了一天以上，没有提交。请重新填写。")
    return draft


async def _show(
    request: web.Request,
    draft: Draft,
    part: Part,
    faults: dict[str, str],
    *,
    status: int = 200,
    stopped: str = "",
) -> web.Response:
    door = request.app[DOOR]
    cookie, token = token_of(request)
    state = seal.carry(door.key, "draft", secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(draft))
    response = await render(
        request,
        "complain.html",
        status=status,
        draft=draft,
        part=part,
        parts_of=list(Part)[:-1],
        faults=faults,
        stopped=stopped,
        state=state,
        token=token,
        topics=complaints.TOPICS,
        longest=complaints.LONGEST,
        most_files=drafts.MOST_FILES,
        largest=LARGEST // 1024 // 1024,
        terms=(await request.app[DOOR].look()).beat.terms,
    )
    return with_cookie(request, response, cookie)


# files --------------------------------------------------------------------------------------------------------


async def files(request: web.Request) -> web.Response:
    """One file is added or taken away; then the step is shown again, or the next one."""
    door = request.app[DOOR]
    form = await form_of(request)
    must_be_ours(request, form)
    draft = _draft(request, form)
    go = form.get("go", "add")
    if go.startswith("drop-"):
        kept = tuple(one for one in draft.files if one.id != go[5:])
        async with door.store.write() as conn:
            await rows.forget(conn, draft.id, go[5:])
        return await _show(request, msgspec.structs.replace(draft, files=kept), Part.FILES, {})
    field = (await request.post()).get("file")
    chosen = isinstance(field, web.FileField) and bool(field.filename)
    if chosen:
        assert isinstance(field, web.FileField)
        body = field.file.read(LARGEST + 1)
        fault = await asyncio.to_thread(_file_fault, draft, body)
        if fault:
            return await _show(request, draft, Part.FILES, {"file": fault}, status=400)
        if fault := refused(request, UPLOADS):
            return await _show(request, draft, Part.FILES, {"file": fault}, status=429)
        try:
            draft = await _keep(request, draft, dossier.file_name(field.filename), body)
        except UnavailableError:  # a full disk: what was typed is still there
            return await _show(request, draft, Part.FILES, {"file": NO_ROOM}, status=503)
    if go == "add":
        faults = {} if chosen else {"file": "请先选择一个文件"}
        return await _show(request, draft, Part.FILES, faults, status=200 if chosen else 400)
    return await _show(request, draft, Part.CHECK if go == "next" else _part(go), {})


def _file_fault(draft: Draft, body: bytes) -> str:
    if len(draft.files) >= drafts.MOST_FILES:
        return f"最多 {drafts.MOST_FILES} 个文件"
    if len(body) > LARGEST:
        return f"这个文件超过 {LARGEST // 1024 // 1024} MB，没有上传。照片可以打开后截一张图，再选截图"
    return dossier.sent_fault(body)


async def _keep(request: web.Request, draft: Draft, name: str, body: bytes) -> Draft:
    """Sealed to the hall: the door cannot open it again."""
    door = request.app[DOOR]
    shown, now = await door.look(), door.clock.wall()
    file = Attached(secrets.token_hex(8), name, len(body))
    sealed = crypto.seal_batch(shown.beat.wire_key, asked.file_header(draft.id, file.id), body)
    row = {"id": file.id, "draft": draft.id, "size": len(body), "sealed": sealed, "made_wall": now}
    async with door.store.write() as conn:
        await rows.forget_old(conn, now - drafts.LASTS_HOURS * HOUR, await rows.drafts_waiting(conn))
        if await rows.uploaded(conn) + len(body) > MOST_STORED:
            raise UnavailableError(NO_ROOM, hint="请检查公众网页的磁盘空间")
        await rows.keep(conn, row)
    return msgspec.structs.replace(draft, files=(*draft.files, file))


# sent ---------------------------------------------------------------------------------------------------------


async def _send(request: web.Request, draft: Draft) -> web.Response:
    """The same form sent twice is one complaint, with one number and code."""
    door = request.app[DOOR]
    missing = drafts.unfinished(draft)
    if missing is not None:
        return await _show(request, draft, missing, drafts.faults(draft, missing), status=400)
    shown = await door.look()
    today = door.today(shown)
    begun = (draft.until_wall - drafts.LASTS_HOURS * HOUR) // HOUR
    number, code = receipt(door, "T", f"{draft.id}|{begun}", draft.day)
    at = seal.place(door.key, seal.COMPLAINT, number, code)
    said = drafts.handed_in(draft, number, code)
    handed = await submit(request, COMPLAINTS, Kind.COMPLAINT, draft.id, at.lookup, said)
    if handed.why:
        return await _show(request, draft, Part.CHECK, {}, status=handed.status, stopped=handed.why)
    return await render(
        request,
        "receipt.html",
        number=number,
        code=code,
        accept_by=last_day(today, shown.beat.terms.accept, shown.workdays),
        reply_by=last_day(today, shown.beat.terms.reply, shown.workdays),
        is_named=draft.named == "yes",
    )


def receipt(door: Door, mark: str, draft: str, day: date) -> tuple[str, str]:
    """Number (which begins with `mark`) and code, from the draft's own id: nobody can guess either. `day`: on which the draft was begun, so
    that a form that is sent again after midnight is still the same one."""
    proof = int(seal.token(door.key, "receipt", draft), 16)
    letters = [LETTERS[proof >> 5 * place & 31] for place in range(6 + CODE_LETTERS)]
    code = "".join(letters[6:])
    return f"{mark}{day:%y%m%d}-{''.join(letters[:6])}", f"{code[:4]}-{code[4:]}"


def last_day(today: date, days: int, workdays: tuple[date, ...]) -> str:
    """The last day in time, as the hall will count it; empty where the calendar does not reach."""
    coming = [day for day in workdays if day >= today]
    start = coming[0] if coming else today
    after = [day for day in coming if day > start]
    return told.said_day(after[days - 1], today) if len(after) >= days else ""


ROUTES = [
    web.get("/p/complain", begin),
    web.post("/p/complain", step),
    web.post("/p/complain/files", files),
]
