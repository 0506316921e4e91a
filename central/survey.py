"""Surveys: built, released by another person, answered from the door, their results counted and published."""

from datetime import date

import msgspec
import structlog
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central.complaint import Bench
from central.core import asked, survey, wording
from central.core.survey import Event, Poll, State, Survey
from central.door.tables import poll
from central.store import surveys, trail
from central.store.engine import Store
from common.core.errors import RejectedError, UsageError

log = structlog.get_logger()
PAGE = 50


async def take(conn: AsyncConnection, name: str, said: asked.Survey, bench: Bench) -> bool:
    """-> whether it counts. The door is not trusted. `name`: the box's, of one browser."""
    row = await surveys.one(conn, said.survey)
    if row is None or row.state not in {State.RELEASED.value, State.SHOWN.value}:
        return False
    body = surveys.body_of(row)
    if not body.first <= bench.today <= body.last or not survey.are_sound(body, said.answers):
        return False
    plain = {
        place: tuple(wording.redact(text, None) for text in given) for place, given in said.answers.items()
    }
    return await surveys.add_answer(
        conn,
        {
            "number": name,
            "survey": said.survey,
            "day": str(bench.today),
            "source": said.source[:16],
            "body": msgspec.json.encode(plain),
        },
    )


async def draft(conn: AsyncConnection, body: Survey, who: str, wall: int) -> int:
    """-> its number. Raises RejectedError with the reasons where it may not be asked."""
    found = survey.faults(body)
    if found:
        raise RejectedError("；".join(found), hint="请改好后再拟稿")
    number = await surveys.add(conn, body, who)
    await trail.note(conn, wall, who, "survey.draft", f"调查 {number}", body.title)
    return number


async def decide(
    conn: AsyncConnection, number: int, event: Event, who: str, why: str, wall: int, today: date
) -> None:
    """Release, refuse, show the results of or take back what somebody else has drafted. Raises RejectedError, UsageError."""
    row = await surveys.lock(conn, number)
    if row is None:
        raise UsageError(f"没有调查 {number}", hint="请从调查列表进入")
    fault = survey.refusal(surveys.body_of(row), State(row.state), event, row.who, who, today)
    if fault:
        raise RejectedError(fault, hint="请由别的人办理，或等到那一天")
    await surveys.move(conn, number, survey.after(State(row.state), event), who)
    await trail.note(conn, wall, who, "survey.decide", f"调查 {number}", f"{event.word}：{why}")


async def publish(store: Store, public: Store) -> None:
    """Those that the door does not know as they are."""
    async with store.read() as conn:
        rows = await surveys.untold(conn, PAGE)
        found = []
        for row in rows:
            body = surveys.body_of(row)
            results = None
            if row.state == State.SHOWN.value:
                results = survey.counted(body, *await surveys.answers(conn, row.id))
            found.append((row, Poll(number=row.id, survey=body, results=results)))
    for row, one in found:
        async with public.write() as there:
            await there.execute(delete(poll).where(poll.c.number == row.id))
            if row.state in {State.RELEASED.value, State.SHOWN.value}:
                await there.execute(insert(poll).values(number=row.id, body=msgspec.json.encode(one)))
        async with store.write() as conn:
            await surveys.told(conn, row.id, row.state)
