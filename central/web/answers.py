"""The office answers what it was written without a correction; the hall sees it, and enters what came on paper."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import answering
from central.answering import By
from central.core import answer as answering_core
from central.core import document as papers
from central.core import dossier, wording
from central.core.access import Permission, Role
from central.core.answer import Standing
from central.core.hall import Facts
from central.core.scope import EVERYTHING
from central.store import answers, issued, pages
from central.web import correction as one_correction
from central.web import correction_view as view
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.errors import RejectedError
from common.core.instant import local_date


class Told(Struct, frozen=True, kw_only=True):
    """One answer, for people."""

    number: int
    when: str
    who: str
    reason: str
    files: tuple[tuple[str, str], ...]


class Answers(Struct, frozen=True, kw_only=True):
    """How the answer to a document stands, and what has been said."""

    standing: Standing
    last: str  # the last day, for people; empty: none was named
    told: list[Told]

    @property
    def is_full(self) -> bool:
        return len(self.told) >= answering_core.MOST

    @property
    def word(self) -> str:
        waits = self.standing in answering_core.WAITING
        return f"{self.standing.word}，{self.last}24时前" if waits else self.standing.word


def standing(row: Row[Any], first: date | None, facts: Facts) -> Answers:
    """Of a row of `document`, without what was said."""
    last = date.fromisoformat(row.answer_by) if row.answer_by else None
    is_void = row.spoiled_wall is not None
    today = local_date(facts.now_at, facts.zone)
    now = answering_core.standing(last, first, today, is_void=is_void)
    return Answers(standing=now, last=wording.day(last) if last is not None else "", told=[])


async def told(conn: AsyncConnection, row: Row[Any], facts: Facts, *, own: bool) -> Answers:
    """With what was said; `own`: for the office, which hears no name of the hall's people."""
    found, applicant = await answers.of(conn, row.code), await _applicant(conn, row)
    first = min((date.fromisoformat(one.day) for one in found), default=None)
    return Answers(
        standing=(now := standing(row, first, facts)).standing,
        last=now.last,
        told=[
            Told(
                number=one.number,
                when=wording.full(one.at, facts.zone, facts.now_at),
                who=_who(one, own=own),
                reason=wording.redact(one.reason, applicant),
                files=tuple(answers.files_of(one)),
            )
            for one in found
        ],
    )


def _who(row: Row[Any], *, own: bool) -> str:
    if row.on_paper:
        day = wording.day(date.fromisoformat(row.day))
        return f"{day} 纸质答复" if own else f"{day} 纸质答复（{row.who} 登记）"
    return f"{Role(row.role).word} {row.who}"


async def _applicant(conn: AsyncConnection, row: Row[Any]) -> str | None:
    """Of the case that the document is about: the name is not shown in what people write."""
    kind, *place = papers.parts_of(row.subject)
    if kind != "case":
        return None
    site, key = place
    case = await pages.one_case(conn, EVERYTHING, site, key)
    return case.applicant if case is not None else None


# acts ---------------------------------------------------------------------------------------------------------


async def _found(request: web.Request, conn: AsyncConnection, where: str) -> Row[Any]:
    """Raises HTTPNotFound where it was written to no office, or the account does not reach it."""
    code = papers.read_code(request.match_info["code"])
    row = await issued.one(conn, request[USER].scope, code) if code else None
    if row is None or not row.site:
        raise web.HTTPNotFound(text=f"没有这份文书。请从{where}打开。")
    return row


async def show_letter(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        row = await _found(request, conn, "本单位页")
        answers_ = await told(conn, row, facts, own=True)
    return render(
        request,
        "unit_letter.html",
        row=row,
        answers=answers_,
        sheet=view.sheet(papers.decoded(row.paper)),
        most_files=dossier.MOST_FILES,
        largest_file=dossier.LARGEST_FILE // 1024 // 1024,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def _give(request: web.Request, where: str, *, on_paper: bool) -> None:
    """Raises the refusal as a page."""
    form, user = await request.post(), request[USER]
    said = await one_correction.words(request)
    seen = str(form.get("seen", ""))
    try:
        async with request.app[HALL].store.write() as conn:
            row = await _found(request, conn, where)
            at = await one_correction.desk(request, conn)
            by = By(user.name, user.role, on_paper)
            await answering.give(conn, row, int(seen) if seen in _COUNTS else -1, said, by, at)
    except RejectedError as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error


_COUNTS: Sequence[str] = [str(number) for number in range(answering_core.MOST + 1)]


async def answer(request: web.Request) -> web.Response:
    await _give(request, "本单位页", on_paper=False)
    raise web.HTTPSeeOther(f"/unit/documents/{request.match_info['code']}")


async def enter(request: web.Request) -> web.Response:
    """An answer on paper of an office without accounts."""
    await _give(request, "文书页", on_paper=True)
    raise web.HTTPSeeOther(f"/hall/documents/{request.match_info['code']}")


async def attachment(request: web.Request) -> web.Response:
    """What came with an answer."""
    async with request.app[HALL].store.write() as conn:
        row = await _found(request, conn, "文书页")
        files = [one for each in await answers.of(conn, row.code) for one in answers.files_of(each)]
        return await one_correction.attached(request, conn, files, f"{row.number_text} 答复附件")


_FILE = "/files/{digest:[0-9a-f]{64}}"
_LARGEST = one_correction.LARGEST
ROUTES = [
    Route(hdrs.METH_GET, "/unit/documents/{code}", show_letter, Permission.ANSWER_CORRECTION),
    Route(
        hdrs.METH_POST,
        "/unit/documents/{code}/answer",
        answer,
        Permission.ANSWER_CORRECTION,
        largest=_LARGEST,
    ),
    Route(hdrs.METH_GET, "/unit/documents/{code}" + _FILE, attachment, Permission.ANSWER_CORRECTION),
    Route(
        hdrs.METH_POST, "/hall/documents/{code}/answer", enter, Permission.WORK_CORRECTION, largest=_LARGEST
    ),
    Route(hdrs.METH_GET, "/hall/documents/{code}" + _FILE, attachment, Permission.VIEW_CORRECTION),
]
