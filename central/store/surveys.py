"""Surveys and their answers, in the tables."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.survey import Answers, State, Survey
from central.store import released
from central.store.dialect import insert_new
from central.store.survey_tables import survey, survey_answer

_BODY = msgspec.json.Decoder(Survey)
_ANSWERS = msgspec.json.Decoder(Answers)


def body_of(row: Row[Any]) -> Survey:
    return _BODY.decode(row.body)


async def add(conn: AsyncConnection, body: Survey, who: str) -> int:
    values = {
        "body": msgspec.json.encode(body),
        "state": State.DRAFT.value,
        "who": who,
        "decided_by": "",
        "is_told": True,
    }
    if known := await released.again(conn, survey, values, "body"):
        return known
    found = await conn.scalar(insert(survey).values(**values).returning(survey.c.id))
    return int(found or 0)


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return (await conn.execute(select(survey).where(survey.c.id == number))).one_or_none()


async def lock(conn: AsyncConnection, number: int) -> Row[Any] | None:
    query = select(survey).where(survey.c.id == number).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def move(conn: AsyncConnection, number: int, state: State, who: str) -> None:
    values = {"state": state.value, "decided_by": who, "is_told": False}
    await conn.execute(update(survey).where(survey.c.id == number).values(**values))


async def listed(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first, each with the number of its answers."""
    number = select(func.count()).where(survey_answer.c.survey == survey.c.id).scalar_subquery()
    query = select(survey, number.label("answers")).order_by(survey.c.id.desc()).limit(limit)
    return (await conn.execute(query)).all()


async def add_answer(conn: AsyncConnection, values: dict[str, Any]) -> bool:
    """-> False where that browser's was received before."""
    added = await conn.execute(insert_new(conn, survey_answer).values(**values))
    return bool(added.rowcount)


async def answers(conn: AsyncConnection, number: int) -> tuple[list[Answers], list[tuple[str, bytes]]]:
    """-> the answers, and day and line of each."""
    one = survey_answer.c
    query = select(one.body, one.day, one.source).where(one.survey == number).order_by(one.id)
    rows = (await conn.execute(query)).all()
    return [_ANSWERS.decode(row.body) for row in rows], [(row.day, row.source) for row in rows]


async def untold(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    query = select(survey).where(survey.c.is_told.is_(False)).order_by(survey.c.id).limit(limit)
    return (await conn.execute(query)).all()


async def told(conn: AsyncConnection, number: int, state: str) -> None:
    """The door knows it as it was read."""
    mine = survey.c.id == number, survey.c.state == state
    await conn.execute(update(survey).where(*mine).values(is_told=True))


async def untell_all(conn: AsyncConnection) -> None:
    """The public database is new."""
    await conn.execute(update(survey).values(is_told=False))
