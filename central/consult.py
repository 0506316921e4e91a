"""Consultations: taken from the door's box, answered, published after redaction, told to whoever asked."""

import secrets
from datetime import date
from typing import Any

import msgspec
import structlog
from sqlalchemy import Row, delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central import complaint
from central.complaint import Bench, Person
from central.core import asked, consult, release
from central.core.access import Permission
from central.core.complaint import text_fault
from central.core.consult import Account, Answer, Consult, Event, State
from central.door import seal
from central.door.tables import answer, told
from central.store import consults, trail
from central.store.engine import Store
from central.world import World
from common.core import crypto
from common.core.errors import RejectedError, UsageError
from common.core.instant import DAY, end_of_day, local_date

log = structlog.get_logger()
_LATER = DAY // 2
"""A last day that no notice has published yet is looked at again after so long."""
PAGE = 50


async def take(conn: AsyncConnection, said: asked.Consult, bench: Bench) -> int | None:
    """-> its id; None where it was taken before. What the door has checked is checked again: it is not trusted."""
    one = consult.asked(bench.today, bench.calendar)
    person = Person("", "", said.code, said.text[: consult.LONGEST])
    values = {
        "number": said.number,
        "item_code": said.item_code[:60],
        "text": complaint.redacted(person.text, person),
        "answer": "",
        "question": "",
        "reply": "",
        "sealed": complaint.seal_person(bench.secret, said.number, person),
        "entries": 0,
        "told": 0,
        "received_at": bench.at,
        "day": str(bench.today),
        **_standing(one, bench),
    }
    number = await consults.add(conn, values)
    if number is None:
        return None
    row = await consults.lock(conn, number)
    assert row is not None
    await consults.write(conn, row, _event(bench, Event.ASK, "", ""))
    log.info("consult.received", number=number)
    return number


def _standing(one: Consult, bench: Bench) -> dict[str, Any]:
    last = consult.due(one, bench.calendar)
    check = end_of_day(last, bench.zone) if last is not None and one.lapsed is None else None
    return {
        "body": msgspec.json.encode(one, order="deterministic"),
        "state": one.state.value,
        "due_day": str(last) if last is not None else None,
        "next_check_at": check,
    }


def _event(bench: Bench, event: Event, who: str, reason: str) -> dict[str, Any]:
    return {"at": bench.at, "day": str(bench.today), "who": who, "event": event.value, "reason": reason}


class Words(msgspec.Struct, frozen=True):
    """What goes with an act. `text`: the answer, or the reason; `question`: as it is to be published."""

    text: str
    question: str = ""


async def act(
    conn: AsyncConnection, row: Row[Any], event: Event, may: Permission, who: str, words: Words, bench: Bench
) -> None:
    """One act of a person, with its line of the audit. `row` is locked. Raises RejectedError, UsageError."""
    one = consult.applied(consults.body_of(row), event, may, who, bench.calendar)
    fault = text_fault(words.text, 4, consult.LONGEST_ANSWER)
    if fault:
        raise UsageError(f"{event.word}：{fault}", hint="请写清楚后再提交")
    values: dict[str, Any] = {"answer": words.text} if event is Event.ANSWER else {}
    if event is Event.DRAFT:
        _check(words)
        values = {"question": words.question, "reply": words.text}
    reason = words.text if event in {Event.REFUSE, Event.WITHDRAW, Event.RELEASE} else ""
    await consults.write(conn, row, _event(bench, event, who, reason), **_standing(one, bench), **values)
    await trail.note(conn, bench.now.wall, who, "consult.act", row.number, f"{event.word} {reason}".strip())


def _check(words: Words) -> None:
    fault = text_fault(words.question, consult.SHORTEST, consult.LONGEST)
    if fault:
        raise UsageError(f"公布的问题：{fault}", hint="请写清楚后再提交")
    found = release.personal([words.question, words.text], ())
    if found:
        raise RejectedError("不能公布：" + "；".join(found), hint="请把号码和住址改写掉，只留问题本身")


async def pass_day(conn: AsyncConnection, number: int, bench: Bench) -> bool:
    """What was to be answered by now, and is not, is noted for good."""
    row = await consults.lock(conn, number)
    assert row is not None
    one = consults.body_of(row)
    if not consult.has_passed(one, bench.today, bench.calendar):
        check = _standing(one, bench)["next_check_at"]
        later = bench.now.at + _LATER if check is not None and check <= bench.now.at else check
        await consults.set_check(conn, number, later)
        return False
    after = consult.applied(one, Event.LAPSE, None, "", bench.calendar)
    await consults.write(conn, row, _event(bench, Event.LAPSE, "", ""), **_standing(after, bench))
    log.info("consult.lapsed", number=number)
    return True


# told ---------------------------------------------------------------------------------------------------------


async def publish(store: Store, public: Store, key: bytes, world: World, bench: Bench) -> None:
    """Those that have moved since they were told: to whoever asked, and, once released, to anybody. `key`: the door's."""
    async with store.read() as conn:
        rows = await consults.untold(conn, PAGE)
    for row in rows:
        one = consults.body_of(row)
        versions = world.items.get(row.item_code, ())
        item = versions[-1].name if versions else ""
        account = Account(
            number=row.number,
            item=item,
            asked=local_date(row.received_at, bench.zone),
            due=consult.due(one, bench.calendar),
            answer=row.answer,
            is_late=one.lapsed is not None,
        )
        owner = seal.ref(key, seal.CONSULT, row.number)
        at = seal.place(key, seal.CONSULT, row.number, complaint.person_of(row, bench.secret).code)
        said = seal.closed(at, owner, secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(account))
        async with public.write() as there:
            await there.execute(delete(told).where(told.c.ref == owner))
            await there.execute(insert(told).values(lookup=at.lookup, ref=owner, sealed=said))
            await there.execute(delete(answer).where(answer.c.number == row.id))
            if one.state is State.RELEASED:
                body = msgspec.json.encode(_answer(row, item))
                await there.execute(insert(answer).values(number=row.id, body=body))
        async with store.write() as conn:
            await consults.told(conn, row.id, row.entries)


def _answer(row: Row[Any], item: str) -> Answer:
    return Answer(
        number=row.id,
        item=item,
        item_code=row.item_code if item else "",
        question=row.question,
        answer=row.reply,
        day=date.fromisoformat(row.day),
    )
