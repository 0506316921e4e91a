"""Ratings 好差评: taken from the door's box, moved on by office, centre and clock; what there is to rate, told to the door."""

import secrets
from datetime import date
from typing import Any

import msgspec
import structlog
from sqlalchemy import Row, delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central import complaint
from central import telling as messages
from central.complaint import Bench, Person
from central.core import asked, rating
from central.core import case as folding
from central.core.access import Permission
from central.core.complaint import Actor, text_fault
from central.core.document import LETTERS
from central.core.rating import Event, Level, Near, Rating, Ticket
from central.core.scope import EVERYTHING
from central.door import seal
from central.door.tables import told
from central.store import cases, pages, ratings, telling, trail
from central.store.engine import Store
from common.core import crypto
from common.core.errors import RejectedError, UsageError
from common.core.instant import DAY, end_of_day

log = structlog.get_logger()
_LATER = DAY // 2
"""A last day that no notice has published yet is looked at again after so long."""
PAGE = 50


def case_number(site: str, key: str) -> str:
    """Of the one rating that a case has."""
    return f"case|{site}|{key}"


# taken --------------------------------------------------------------------------------------------------------


class About(msgspec.Struct, frozen=True):
    """What a rating is about, as the hall itself knows it."""

    number: str
    org: str
    item: str
    applicant: str


async def take(conn: AsyncConnection, name: str, said: asked.Rating, bench: Bench) -> int | None:
    """-> its id; None for one that is repeated, or about nothing that there is. The door is not trusted. `name`: the box's."""
    about = await _about(conn, name, said)
    why = "没有这个办件或窗口" if about is None else ""
    if said.level not in set(Level):
        why = "没有这个等级"
    number: int | None = None
    if about is not None and not why:
        number = await _keep(conn, about, said, bench)
        why = "" if number is not None else "已经评价过"
    if number is None:
        log.warning("rating.refused", name=name, reason=why)
        return None
    log.info("rating.received", number=number, grade=said.level)
    return number


async def _about(conn: AsyncConnection, name: str, said: asked.Rating) -> About | None:
    if not said.key:
        window = await ratings.open_window(conn, said.site, said.window)
        return About(name, window.org, "", "") if window is not None else None
    row = await pages.one_case(conn, EVERYTHING, said.site, said.key)
    if row is None:
        return None
    return About(case_number(said.site, said.key), row.org or "", row.item_name or "", row.applicant or "")


async def _keep(conn: AsyncConnection, about: About, said: asked.Rating, bench: Bench) -> int | None:
    can_call = bool(said.key or said.phone.strip())
    one = rating.rated(Level(said.level), bench.today, bench.calendar, can_call=can_call)
    person = Person("", said.phone[:30], "", said.text[: rating.LONGEST])
    values = {
        "number": about.number,
        "site": said.site,
        "case_key": said.key,
        "window": "" if said.key else said.window,
        "org": about.org,
        "item": about.item,
        "at": bench.at,
        "day": str(bench.today),
        "level": said.level,
        "text": complaint.redacted(person.text, msgspec.structs.replace(person, name=about.applicant)),
        "source": said.source[:16],
        "flags": "",
        "has_phone": bool(person.phone),
        "sealed": complaint.seal_person(bench.secret, about.number, person),
        "entries": 0,
        **_standing(one, bench),
    }
    number = await ratings.add(conn, values)
    if number is None:
        return None
    row = await ratings.lock(conn, number)
    assert row is not None
    await ratings.write(conn, row, _event(bench, Event.RATE, "", one, ""))
    if one.state is rating.State.MENDING:
        await _tell_office(conn, row, one, bench)
    newest = Near(number, row.at, ratings.window_of(row), bench.today, row.source, row.text)
    before = await ratings.near(conn, number, values)
    await ratings.mark(conn, rating.flagged(newest, before))
    if said.key:
        await telling.mark(conn, [(said.site, said.key)])  # its token opens nothing any more
    return number


async def _tell_office(conn: AsyncConnection, row: Row[Any], one: Rating, bench: Bench) -> None:
    """A message to the office: of what, how bad, until when; no number, no word, nobody's name."""
    due = rating.due(one, bench.calendar)
    happening = messages.of_rating(row, one, due)
    await messages.tell_at(conn, happening, bench.now, bench.calendar, bench.zone)


def _standing(one: Rating, bench: Bench) -> dict[str, Any]:
    """The columns that follow from the state."""
    last = rating.due(one, bench.calendar)
    check = end_of_day(last, bench.zone) if last is not None and not one.is_told_late else None
    return {
        "body": msgspec.json.encode(one, order="deterministic"),
        "state": one.state.value,
        "is_aside": one.is_aside,
        "due_day": str(last) if last is not None else None,
        "next_check_at": check,
    }


def _event(bench: Bench, event: Event, who: str, after: Rating, reason: str) -> dict[str, Any]:
    return {
        "at": bench.at,
        "day": str(bench.today),
        "who": who,
        "event": event.value,
        "after": after.state.value,
        "reason": reason,
    }


# moved on -----------------------------------------------------------------------------------------------------


async def act(
    conn: AsyncConnection, row: Row[Any], event: Event, may: Permission, actor: Actor, text: str, bench: Bench
) -> None:
    """One act of a person, with its line of the audit. `row` is locked. Raises RejectedError, UsageError."""
    before = ratings.body_of(row)
    one = rating.applied(before, event, may, bench.today, bench.calendar)
    if may is Permission.WORK_RATING and {row.site, row.org} & actor.places - {""}:
        raise RejectedError("不能办理对本单位的评价", hint="请由别的人办理")
    why = rating.not_answered_by(before, actor.role) if may is Permission.ANSWER_RATING else ""
    if why:
        raise RejectedError(why, hint="请由部门负责人登录后办理")
    fault = text_fault(text, rating.SHORTEST_WORDS, rating.LONGEST_WORDS)
    if fault:
        raise UsageError(f"{event.word}：{fault}", hint="请写清楚后再提交")
    known = complaint.redacted(text, complaint.person_of(row, bench.secret))
    await ratings.write(conn, row, _event(bench, event, actor.person, one, known), **_standing(one, bench))
    if event is Event.AGAIN:
        await _tell_office(conn, row, one, bench)
    await trail.note(
        conn, bench.now.wall, actor.person, "rating.act", f"评价 {row.id}", f"{event.word}：{known}"
    )


async def pass_day(conn: AsyncConnection, number: int, bench: Bench) -> bool:
    """What was to be mended or called back by now, and is not, is noted for good."""
    row = await ratings.lock(conn, number)
    assert row is not None
    one = ratings.body_of(row)
    if not rating.has_passed(one, bench.today, bench.calendar):
        check = _standing(one, bench)["next_check_at"]
        later = bench.now.at + _LATER if check is not None and check <= bench.now.at else check
        await ratings.set_check(conn, number, later)
        return False
    after = rating.applied(one, Event.LAPSE, None, bench.today, bench.calendar)
    await ratings.write(conn, row, _event(bench, Event.LAPSE, "", after, ""), **_standing(after, bench))
    log.info("rating.lapsed", number=number)
    return True


async def phone_of(conn: AsyncConnection, row: Row[Any], bench: Bench) -> tuple[str, str]:
    """-> name and telephone by which whoever rated can be called back; empty where nobody knows them."""
    person = complaint.person_of(row, bench.secret)
    if not row.case_key:
        return "", person.phone
    source = (await cases.source_rows(conn, row.site, [row.case_key])).get(row.case_key, [])
    facts = folding.fold(row.case_key, source, bench.zone).facts
    return facts.applicant or "", person.phone or facts.phone or ""


# what there is to rate ----------------------------------------------------------------------------------------


def new_code() -> str:
    """Of a window; who stands before it reads it off."""
    return seal.grouped("".join(secrets.choice(LETTERS) for _ in range(seal.WINDOW_LETTERS)))


async def ticket_of(conn: AsyncConnection, row: Row[Any], place: str, finished: date | None) -> Ticket | None:
    """What may be rated of a case that has ended; None: nothing, or it is rated."""
    if finished is None or await ratings.is_rated(conn, case_number(row.site, row.case_key)):
        return None
    until = date.fromordinal(finished.toordinal() + rating.RATE_WITHIN_DAYS)
    return Ticket(
        site=row.site,
        key=row.case_key,
        place=place,
        office=row.org or "",
        item=row.item_name or "",
        until=until,
    )


async def put(public: AsyncConnection, key: bytes, name: str, token: str, one: Ticket | None) -> None:
    """Publish what `token` opens in the place of what was published under `name`; None: nothing any more. `key`: the door's."""
    owner = seal.ref(key, seal.RATE, name)
    await public.execute(delete(told).where(told.c.ref == owner))
    if one is not None:
        at = seal.place(key, seal.RATE, seal.letters_of(token), "")
        said = seal.closed(at, owner, secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(one))
        await public.execute(insert(told).values(lookup=at.lookup, ref=owner, sealed=said))


async def publish_windows(store: Store, public: Store, key: bytes) -> None:
    """Those that the door does not know as they are."""
    async with store.read() as conn:
        rows = await ratings.untold_windows(conn, PAGE)
    for row in rows:
        one = Ticket(site=row.site, window=row.name, place=row.place, office=row.org) if row.is_open else None
        async with public.write() as there:
            await put(there, key, f"window|{row.code}", row.code, one)
        async with store.write() as conn:
            await ratings.told_window(conn, row.code, is_open=row.is_open)
