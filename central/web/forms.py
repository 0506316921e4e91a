"""表格: a form of an item's version with its filled sample: uploaded by one person, looked at and released by another, taken back."""

import hashlib
from datetime import date
from typing import Any
from urllib.parse import quote

from aiohttp import hdrs, web
from aiohttp.web_request import FileField
from sqlalchemy import Row

from central.core import blank as core
from central.core import wording
from central.core.access import Permission
from central.core.blank import LARGEST, Paper
from central.core.guide import Guide
from central.core.release import ReleaseState, personal
from central.store import blanks, items
from central.web.page import HALL, USER, Route, facts_of, render
from central.web.posted import Posted
from common.core.instant import local_date

MOST = 300
PARTS = {"form": "空白表", "sample": "填写样本"}


async def show_list(request: web.Request) -> web.Response:
    facts, hall = facts_of(request), request.app[HALL]
    today = local_date(hall.clock.office(), hall.zone)
    async with request.app[HALL].store.read() as conn:
        rows, catalogue = await blanks.listed(conn, MOST), await items.catalogue(conn)
    guides = {code: Guide(code, tuple(versions)) for code, versions in catalogue.items()}
    choices = [
        (f"{code}|{one.version}", f"{one.name}（{code}）第 {one.version} 版")
        for code, versions in sorted(catalogue.items())
        for one in versions
        if core.standing(one.version, guides[code], today) is not core.Standing.EXPIRED
    ]
    return render(
        request,
        "forms.html",
        lines=[(row, ReleaseState(row.state), _standing(row, guides, today)) for row in rows],
        choices=choices,
        largest=LARGEST // 1024 // 1024,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _standing(row: Row[Any], guides: dict[str, Guide], today: date) -> str:
    if row.state != ReleaseState.RELEASED.value:
        return ""
    return core.standing(row.version, guides.get(row.item), today).word


async def draft(request: web.Request) -> web.Response:
    form, hall = await request.post(), request.app[HALL]
    code, _, version = str(form.get("item", "")).rpartition("|")
    name = str(form.get("name", "")).replace("\0", "").strip()
    async with hall.store.read() as conn:
        versions = (await items.catalogue(conn)).get(code, ())
    if not any(str(one.version) == version for one in versions):
        raise web.HTTPBadRequest(text="请选择事项和版本。")
    if not core.SHORTEST_NAME <= len(name) <= core.LONGEST_NAME:
        raise web.HTTPBadRequest(text=f"表格名称须为 {core.SHORTEST_NAME} 至 {core.LONGEST_NAME} 个字。")
    if found := personal([name], ()):
        raise web.HTTPBadRequest(text=f"{found[0]}。")
    files: list[tuple[Paper, bytes]] = []
    for part, word in PARTS.items():
        field = form.get(part)
        body = field.file.read(LARGEST + 1) if isinstance(field, FileField) else b""
        kind, fault = core.kind_of(body)
        if kind is None:
            raise web.HTTPBadRequest(text=f"{word}：{fault}。没有保存。")
        files.append((Paper(kind, len(body), hashlib.sha256(body).hexdigest()), body))
    async with hall.store.write() as conn:
        number = await blanks.draft(
            conn, (code, int(version)), name, (files[0], files[1]), request[USER].name, hall.clock.wall()
        )
    raise web.HTTPSeeOther(f"/hall/forms/{number}")


async def show_one(request: web.Request) -> web.Response:
    hall = request.app[HALL]
    today = local_date(hall.clock.office(), hall.zone)
    async with request.app[HALL].store.read() as conn:
        row = await _POSTED.found(request, conn)
        versions = (await items.catalogue(conn)).get(row.item, ())
        papers = await blanks.papers(conn, [row.form, row.sample])
    item = next((one for one in versions if one.version == row.version), None)
    return _POSTED.page(
        request,
        row,
        item=item,
        papers=[(part, word, papers[getattr(row, part)]) for part, word in PARTS.items()],
        shown=_standing(row, {row.item: Guide(row.item, tuple(versions))}, today),
    )


async def download(request: web.Request) -> web.Response:
    """For whoever is to release it."""
    part = request.match_info["part"]
    async with request.app[HALL].store.read() as conn:
        row = await _POSTED.found(request, conn)
        digest = getattr(row, part)
        paper, body = (await blanks.papers(conn, [digest]))[digest], await blanks.body(conn, digest)
    response = web.Response(body=body, content_type=paper.kind.mime)
    name = quote(f"{row.name}-{PARTS[part]}.{paper.kind.value}", safe="")
    response.headers[hdrs.CONTENT_DISPOSITION] = f"attachment; filename*=UTF-8''{name}"
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


_POSTED = Posted("form.html", blanks.one, blanks.move, "没有这份表格。请从表格页进入。")
_ONE = r"/hall/forms/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/forms", show_list, Permission.VIEW_PUBLICATION),
    Route(
        hdrs.METH_POST, "/hall/forms", draft, Permission.DRAFT_PUBLICATION, largest=2 * LARGEST + 64 * 1024
    ),
    Route(hdrs.METH_GET, _ONE, show_one, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_GET, _ONE + "/{part:form|sample}", download, Permission.VIEW_PUBLICATION),
    Route(
        hdrs.METH_POST, _ONE + "/{to:release|refuse|withdraw}", _POSTED.decide, Permission.RELEASE_PUBLICATION
    ),
]
