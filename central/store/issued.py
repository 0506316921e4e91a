"""What has been issued, as the console lists it: by who reaches it, with what became of it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.circular import PERIODS
from central.core.document import Kind
from central.core.dossier import RECEIPTS
from central.core.message import State
from central.core.scope import EVERYTHING, Scope
from central.store.scope import of_case
from central.store.tables import correction, correction_event, document, document_answer, message

_ONE = document.c
FOR_ALL = frozenset({Kind.CIRCULAR})
"""Kinds that every account may read which may read documents at all, where no correction asks for them."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which documents a list shows; empty fields do not restrict. `state`: valid, making, spoiled. `answer`: of `ANSWERS`, as of `today`."""

    kind: str = ""
    year: int = 0
    state: str = ""
    text: str = ""  # of number, title or code
    answer: str = ""
    today: str = ""  # YYYY-MM-DD


STATES = {"valid": "有效", "making": "文件生成中", "spoiled": "已作废"}
_STATES: dict[str, ColumnElement[bool]] = {
    "valid": _ONE.spoiled_wall.is_(None) & _ONE.pdf.is_not(None),
    "making": _ONE.spoiled_wall.is_(None) & _ONE.pdf.is_(None),
    "spoiled": _ONE.spoiled_wall.is_not(None),
}


_ANSWERED = exists().where(document_answer.c.code == _ONE.code)
_OWED = _ONE.answer_by.is_not(None) & _ONE.spoiled_wall.is_(None) & ~_ANSWERED
ANSWERS = {"owed": "待答复", "overdue": "逾期未答复", "answered": "已答复"}


def _answer(name: str, today: str) -> ColumnElement[bool]:
    if name == "answered":
        return _ANSWERED
    return _OWED & (_ONE.answer_by < today if name == "overdue" else _ONE.answer_by >= today)


async def listed(
    conn: AsyncConnection, reached: Scope, wanted: Filter, limit: int, after: int = 0
) -> Sequence[Row[Any]]:
    """Newest first, from the `after`-th on."""
    query = _reached(reached).order_by(_ONE.issued_wall.desc(), _ONE.code)
    if wanted.kind:
        query = query.where(_ONE.kind == wanted.kind)
    if wanted.year:
        query = query.where(_ONE.year == wanted.year)
    if wanted.state in _STATES:
        query = query.where(_STATES[wanted.state])
    if wanted.answer in ANSWERS:
        query = query.where(_answer(wanted.answer, wanted.today))
    if wanted.text:
        names = (_ONE.number_text, _ONE.title, _ONE.code)
        query = query.where(or_(*(name.contains(wanted.text, autoescape=True) for name in names)))
    return (await conn.execute(query.limit(limit).offset(after))).all()


async def to_office(conn: AsyncConnection, reached: Scope, limit: int) -> Sequence[Row[Any]]:
    """What was written without a correction to those whom the account reaches, newest first."""
    query = select(document).where(_ONE.site != "", *of_case(reached, _ONE.site, _ONE.org))
    return (await conn.execute(query.order_by(_ONE.issued_wall.desc(), _ONE.code).limit(limit))).all()


async def owed(conn: AsyncConnection, reached: Scope, limit: int) -> Sequence[Row[Any]]:
    """Of those, the ones that ask for an answer and have none, the earliest day first."""
    query = select(document).where(_OWED, _ONE.site != "", *of_case(reached, _ONE.site, _ONE.org))
    return (await conn.execute(query.order_by(_ONE.answer_by, _ONE.code).limit(limit))).all()


async def unanswered(
    conn: AsyncConnection, reached: Scope, today: str, limit: int, site: str = ""
) -> Sequence[Row[Any]]:
    """The letters that are past their day without an answer, the earliest day first."""
    query = select(document).where(
        _answer("overdue", today), _ONE.site != "", *of_case(reached, _ONE.site, _ONE.org)
    )
    query = query.where(_ONE.site == site) if site else query
    return (await conn.execute(query.order_by(_ONE.answer_by, _ONE.code).limit(limit))).all()


async def overdue(conn: AsyncConnection, reached: Scope, today: str) -> int:
    """How many that the account reaches are past their day without an answer."""
    query = select(func.count()).select_from(_reached(reached).where(_answer("overdue", today)).subquery())
    return int(await conn.scalar(query) or 0)


async def to_urge(conn: AsyncConnection, today: str, limit: int) -> list[str]:
    """Codes of the letters that are past their day without an answer, of which nobody has been told."""
    query = select(_ONE.code).where(_answer("overdue", today), _ONE.urged_wall.is_(None), _ONE.site != "")
    return list(await conn.scalars(query.order_by(_ONE.answer_by, _ONE.code).limit(limit)))


async def claim_urging(conn: AsyncConnection, code: str, today: str, wall: int) -> Row[Any] | None:
    """The letter, marked as told of, if it is still to be; another looker finds it marked."""
    query = update(document).where(_ONE.code == code, _answer("overdue", today), _ONE.urged_wall.is_(None))
    return (await conn.execute(query.values(urged_wall=wall).returning(document))).one_or_none()


async def one(conn: AsyncConnection, reached: Scope, code: str) -> Row[Any] | None:
    return (await conn.execute(_reached(reached).where(_ONE.code == code))).one_or_none()


def _reached(reached: Scope) -> Select[Any]:
    """Of an account that does not reach everything: documents of its own corrections, what was written to it, what is for all."""
    query = select(document)
    if reached == EVERYTHING:
        return query
    of = correction_event.c
    mine = select(of.code).join(correction, correction.c.id == of.correction).where(of.code != "")
    mine = mine.where(*of_case(reached, correction.c.site, correction.c.org))
    for_all = and_(_ONE.kind.in_([kind.value for kind in FOR_ALL]), _ONE.subject.startswith(PERIODS))
    own = and_(_ONE.site != "", *of_case(reached, _ONE.site, _ONE.org))
    return query.where(or_(_ONE.code.in_(mine), own, for_all))


async def entries(conn: AsyncConnection, codes: Collection[str]) -> dict[str, list[Row[Any]]]:
    """Code -> the entries of dossiers that issued it (correction, number), the first correction first."""
    of = correction_event.c
    query = select(of.correction, of.number, of.code).where(of.code.in_(codes)).order_by(of.correction)
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in await conn.execute(query):
        found[row.code].append(row)
    return found


async def receipts(conn: AsyncConnection, numbers: Collection[int]) -> dict[int, Row[Any]]:
    """Correction -> what proves that its unit has the order."""
    of = correction_event.c
    query = select(of.correction, of.at, of.who, of.event, of.day).where(
        of.correction.in_(numbers), of.event.in_([event.value for event in RECEIPTS])
    )
    return {row.correction: row for row in await conn.execute(query)}


async def told(conn: AsyncConnection, events: Collection[str]) -> dict[str, dict[str, int]]:
    """Happening -> state -> messages."""
    of = message.c
    query = select(of.event, of.state, func.count().label("number")).where(of.event.in_(events))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in await conn.execute(query.where(of.state != State.OVER.value).group_by(of.event, of.state)):
        found[row.event][row.state] = row.number
    return found


async def recipients(conn: AsyncConnection, events: Collection[str]) -> Sequence[Row[Any]]:
    """Every message of these happenings."""
    of = message.c
    return (await conn.execute(select(message).where(of.event.in_(events)).order_by(of.id))).all()
