"""What an office is written without a correction: drafted from the page of a case, an item or a rule; read on the office's own."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import hdrs, web
from sqlalchemy.ext.asyncio import AsyncConnection

from central import case_paper, unit_paper
from central.core import document as papers
from central.core.access import Permission
from central.core.case_paper import KINDS
from central.core.document import Kind
from central.core.document_forms import FORMS
from central.core.scope import EVERYTHING
from central.correction_paper import Desk
from central.store import documents, drafts, issued
from central.store.issued import STATES
from central.unit_paper import Office, Words
from central.web.correction import desk
from central.web.documents import handed
from central.web.page import HALL, USER, Route, User
from common.core.errors import RejectedError, UsageError

Work = Callable[[AsyncConnection, Desk, str], Awaitable[int]]
"""Drafts one on behalf of an issuer -> its number."""


def may_draft(user: User, kind: Kind) -> bool:
    """Only accounts that reach everything see drafts, so only they write one."""
    return user.role in FORMS[kind].drafts and user.scope == EVERYTHING


async def about(conn: AsyncConnection, *parts: str) -> list[tuple[str, str, str]]:
    """Address, name and state of every document about something: issued, oldest first, then waiting for a signature."""
    subject = papers.about(*parts)
    done = [
        (
            f"/hall/documents/{row.code}",
            f"{Kind(row.kind).word} {row.number_text}",
            STATES["spoiled"] if row.spoiled_wall else "已签发",
        )
        for row in await documents.of_subject(conn, subject)
    ]
    waiting = [
        (f"/hall/documents/drafts/{row.id}", Kind(row.kind).word, f"{row.drafter} 拟稿，待签发")
        for row in await drafts.of_subject(conn, subject)
    ]
    return done + waiting


async def issuers(conn: AsyncConnection) -> list[tuple[str, str]]:
    return sorted({row.id: row.name for row in await documents.issuers(conn)}.items())


async def _drafted(request: web.Request, kind: Kind, work: Work) -> web.Response:
    """Leave the draft and go to it. Raises the refusal as a page."""
    form, user = await request.post(), request[USER]
    if not may_draft(user, kind):
        raise web.HTTPBadRequest(text=f"{kind.word}由能查看全市的监察员拟稿。")
    try:
        async with request.app[HALL].store.write() as conn:
            number = await work(conn, await desk(request, conn), str(form.get("issuer", "")).strip())
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    except RejectedError as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/documents/drafts/{number}")


async def of_case(request: web.Request) -> web.Response:
    form, user = await request.post(), request[USER]
    site, key, name = (str(form.get(field, "")).replace("\0", "") for field in ("site", "key", "kind"))
    if name not in {kind.value for kind in KINDS}:
        raise web.HTTPBadRequest(text="请从办件页拟稿。")
    kind = Kind(name)
    return await _drafted(
        request,
        kind,
        lambda conn, at, issuer: case_paper.draft(conn, site, key, kind, issuer, user.name, at),
    )


async def of_item(request: web.Request) -> web.Response:
    form, user = await request.post(), request[USER]
    code = str(form.get("code", "")).replace("\0", "")

    async def work(conn: AsyncConnection, at: Desk, issuer: str) -> int:
        office = _chosen(await unit_paper.handlers(conn, code, at), str(form.get("office", "")))
        return await unit_paper.draft_display(conn, code, office, issuer, user.name, at)

    return await _drafted(request, Kind.DISPLAY, work)


async def of_rule(request: web.Request) -> web.Response:
    form, user = await request.post(), request[USER]
    rule, name, reason = (str(form.get(field, "")).strip() for field in ("rule", "period", "reason"))
    measures, copies = (
        tuple(line.strip() for line in str(form.get(field, "")).splitlines() if line.strip())
        for field in ("measures", "copies")
    )

    async def work(conn: AsyncConnection, at: Desk, issuer: str) -> int:
        office = _chosen(await unit_paper.breakers(conn, rule, at), str(form.get("office", "")))
        words = Words(reason=reason, measures=measures, copies=copies)
        return await unit_paper.draft_proposal(conn, rule, name, office, words, issuer, user.name, at)

    return await _drafted(request, Kind.PROPOSAL, work)


def _chosen(known: Sequence[Office], key: str) -> Office:
    """Raises UsageError for an office that is not offered."""
    found = next((one for one in known if one.key == key), None)
    if found is None:
        raise UsageError("请选择主送单位", hint="没有执行。请从页面上的单位中选")
    return found


async def download(request: web.Request) -> web.Response:
    """A file of a document to the account's own office."""
    async with request.app[HALL].store.write() as conn:
        row = await issued.one(conn, request[USER].scope, request.match_info["code"])
        if row is None or not row.site:
            raise web.HTTPNotFound(text="没有这份文书。请从本单位页打开。")
        return await handed(request, conn, row, request.match_info["form"])


ROUTES = [
    Route(hdrs.METH_POST, "/hall/documents/case", of_case, Permission.WORK_CORRECTION),
    Route(hdrs.METH_POST, "/hall/documents/item", of_item, Permission.WORK_CORRECTION),
    Route(hdrs.METH_POST, "/hall/documents/rule", of_rule, Permission.WORK_CORRECTION),
    Route(hdrs.METH_GET, "/unit/documents/{code}.{form:pdf|docx}", download, Permission.ANSWER_CORRECTION),
]
