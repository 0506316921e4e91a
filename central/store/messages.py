"""Messages in the tables: written once for each key, moved by compare-and-swap, every move kept."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.ladder import Level
from central.core.message import MOVES, Cause, Channel, State
from central.core.scope import Scope
from central.store.dialect import insert_new, write_rows
from central.store.message_tables import cut_off, message, message_entry
from central.store.scope import of_case
from central.store.tables import case, clock, correction, document, document_answer, site
from central.world import Moment

_ONE = message.c
LETTER, OVERDUE = "document/", "/overdue"
"""How the happening of a letter is called, and that its day has passed without an answer."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which messages a list shows; empty fields do not restrict."""

    state: str = ""
    channel: str = ""
    level: str = ""
    site: str = ""
    person: str = ""
    correction: int = 0
    case_key: str = ""
    number: int = 0
    waits_only: bool = False  # of the failed ones, those that nobody has seen to


# written -----------------------------------------------------------------------------------------------------


async def add(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Each once: a key that is there stays as it is."""
    fixed = {
        "state": State.QUEUED.value, "cause": "", "next_wall": 0, "attempts": 0, "first_wall": None, "ref": "",
        "carrier": None, "read_wall": None, "settled": False,
    }  # fmt: skip
    found = [
        fixed | row | {"key_index": row["key"], "person_index": row["person"], "ref_index": ""}
        for row in rows
    ]
    await write_rows(conn, insert_new(conn, message), found)


async def id_of(conn: AsyncConnection, key: str) -> int:
    found: int | None = await conn.scalar(select(_ONE.id).where(_ONE.key_index == key))
    assert found is not None, key
    return found


# moved -------------------------------------------------------------------------------------------------------


async def move(
    conn: AsyncConnection, row: Row[Any], state: State, now: Moment, detail: str = "", **values: Any
) -> bool:
    """From the state that `row` shows to `state`; False where another has moved it meanwhile. What carries others takes
    them along.
    """
    assert state in MOVES[State(row.state)], (row.state, state)
    said: dict[str, Any] = {"cause": "", **values, "state": state.value}
    if "ref" in values:
        said["ref_index"] = values["ref"]
    said |= {"changed_at": now.at, "changed_wall": now.wall}
    moved = update(message).where(_ONE.id == row.id, _ONE.state == row.state).values(**said)
    if (await conn.execute(moved)).rowcount == 0:
        return False
    await note(conn, row.id, state, now.wall, detail)
    if row.level == Level.DIGEST and state in {State.DELIVERED, State.FAILED}:
        for part in await parts(conn, row.id):
            if state in MOVES[State(part.state)]:
                await move(conn, part, state, now, detail)
    return True


async def note(conn: AsyncConnection, number: int, state: State, wall: int, detail: str) -> None:
    """What became of a message, behind what is known of it."""
    one = message_entry.c
    last = await conn.scalar(select(func.max(one.number)).where(one.message == number))
    said = {"message": number, "number": (last or 0) + 1, "wall": wall, "state": state.value}
    await conn.execute(insert(message_entry).values(**said, detail=detail[:500]))


async def postpone(conn: AsyncConnection, numbers: Sequence[int], **values: int) -> None:
    """Another `send_at` or `next_wall` for what is queued."""
    mine = _ONE.id.in_(numbers), _ONE.state == State.QUEUED.value
    await conn.execute(update(message).where(*mine).values(**values))


async def revive(conn: AsyncConnection, event: str, now: Moment) -> None:
    """The happening is there again: what was over by its end is not."""
    rows = await conn.execute(select(message).where(_ONE.event == event, _ONE.state == State.OVER.value))
    for row in rows.all():
        await move(conn, row, State.QUEUED, now, "又发生了", send_at=now.at)


async def hurry(conn: AsyncConnection, row: Row[Any], now_at: int) -> None:
    """Somebody could not be reached: the next rungs of the happening are reached now."""
    later = _ONE.event == row.event, _ONE.rung > row.rung, _ONE.send_at > now_at
    await conn.execute(update(message).where(*later, _ONE.state == State.QUEUED.value).values(send_at=now_at))


async def read_upto(conn: AsyncConnection, person: str, number: int, wall: int) -> None:
    """`person` has seen the inbox as it was when `number` was its newest."""
    mine = (
        _ONE.id <= number,
        _ONE.person_index == person,
        _ONE.read_wall.is_(None),
        _ONE.state == State.DELIVERED.value,
    )
    await conn.execute(
        update(message).where(*mine, _ONE.channel == Channel.INBOX.value).values(read_wall=wall)
    )


async def settle(conn: AsyncConnection, number: int) -> bool:
    """Somebody has seen to a failed one; False where it is none."""
    mine = _ONE.id == number, _ONE.state == State.FAILED.value
    return (await conn.execute(update(message).where(*mine).values(settled=True))).rowcount == 1


# what is to be done -------------------------------------------------------------------------------------------


async def due(conn: AsyncConnection, now: Moment, limit: int) -> Sequence[Row[Any]]:
    """What may go now, oldest first."""
    ready = _ONE.state == State.QUEUED.value, _ONE.send_at <= now.at, _ONE.next_wall <= now.wall
    query = select(message).where(*ready).order_by(_ONE.send_at, _ONE.id).limit(limit)
    return (await conn.execute(query)).all()


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return (await conn.execute(select(message).where(_ONE.id == number))).one_or_none()


async def waiting_for(
    conn: AsyncConnection, person: str, channel: str, now: Moment, limit: int
) -> Sequence[Row[Any]]:
    """What may go to one person now."""
    mine = _ONE.person_index == person, _ONE.channel == channel, _ONE.state == State.QUEUED.value
    ready = _ONE.send_at <= now.at, _ONE.next_wall <= now.wall
    query = select(message).where(*mine, *ready).order_by(_ONE.send_at, _ONE.id).limit(limit)
    return (await conn.execute(query)).all()


async def lately(conn: AsyncConnection, person: str, channel: str, since_wall: int) -> tuple[int, int | None]:
    """What went to one person since: how many one by one, and when the newest digest."""
    went = _ONE.person_index == person, _ONE.channel == channel, _ONE.first_wall > since_wall
    is_digest = _ONE.level == Level.DIGEST.value
    singles = await conn.scalar(select(func.count()).where(*went, ~is_digest, _ONE.alone.is_(False)))
    newest = await conn.scalar(select(func.max(_ONE.first_wall)).where(*went, is_digest))
    return int(singles or 0), newest


async def in_state(
    conn: AsyncConnection,
    state: State,
    limit: int,
    *,
    before_wall: int | None = None,
    channels: Sequence[Channel] | None = None,
) -> Sequence[Row[Any]]:
    """Messages of a state, oldest change first; `channels`: of these alone."""
    query = select(message).where(_ONE.state == state.value)
    query = query if before_wall is None else query.where(_ONE.changed_wall < before_wall)
    query = query if channels is None else query.where(_ONE.channel.in_([one.value for one in channels]))
    return (await conn.execute(query.order_by(_ONE.changed_wall, _ONE.id).limit(limit))).all()


async def silenced(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """All that a silence holds back, oldest first: what asks whether it still does, and what `move` needs."""
    held = _ONE.state == State.INHIBITED.value, _ONE.cause == Cause.SILENCE.value
    query = select(_ONE.id, _ONE.state, _ONE.level, _ONE.site, _ONE.person).where(*held)
    return (await conn.execute(query.order_by(_ONE.id))).all()


async def released(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Held back for a cut-off site that is whole again, or for a limit that is no longer provisional."""
    held = _ONE.state == State.INHIBITED.value
    off = select(cut_off.c.site).where(cut_off.c.site == _ONE.site).exists()
    guessed = select(clock.c.kind).where(*_its_clock(), clock.c.provisional).exists()
    over = or_(and_(_ONE.cause == Cause.SITE.value, ~off), and_(_ONE.cause == Cause.CALENDAR.value, ~guessed))
    return (await conn.execute(select(message).where(held, over).order_by(_ONE.id).limit(limit))).all()


async def by_ref(conn: AsyncConnection, channel: Channel, ref: str) -> Row[Any] | None:
    """The newest message that a gateway knows by `ref`, or by our key."""
    mine = _ONE.channel == channel.value, or_(_ONE.key_index == ref, _ONE.ref_index == ref)
    query = select(message).where(*mine).order_by(_ONE.first_wall.desc()).limit(1)
    return (await conn.execute(query)).one_or_none()


async def parts(conn: AsyncConnection, carrier: int) -> Sequence[Row[Any]]:
    """What a digest stands for."""
    return (await conn.execute(select(message).where(_ONE.carrier == carrier).order_by(_ONE.id))).all()


# what a message is about ---------------------------------------------------------------------------------------


class Standing(Struct, frozen=True):
    """How what a message speaks of stands now. `light`: None where no clock shows it (a rule, or none)."""

    light: str | None
    is_provisional: bool
    is_open: bool | None  # of its correction
    state: str  # of its correction
    is_cut_off: bool  # for so long that people have been told
    is_answered: bool = False  # the letter whose day has passed, or nobody need answer it any more


def _its_clock() -> list[ColumnElement[bool]]:
    known = clock.c
    return [
        known.site == _ONE.site, known.case_key == _ONE.case_key, known.kind == _ONE.subject, known.cycle == _ONE.cycle
    ]  # fmt: skip


async def standing(conn: AsyncConnection, row: Row[Any]) -> Standing:
    known, one_correction = clock.c, correction.c
    query = (
        select(known.light, known.provisional, one_correction.is_open, one_correction.state, cut_off.c.told)
        .select_from(message)
        .outerjoin(clock, and_(*_its_clock()))
        .outerjoin(correction, one_correction.id == _ONE.correction)
        .outerjoin(cut_off, cut_off.c.site == _ONE.site)
        .where(_ONE.id == row.id)
    )
    found = (await conn.execute(query)).one()
    is_open = None if found.is_open is None else bool(found.is_open)
    answered = row.event.endswith(OVERDUE) and not await _is_owed(conn, row.event)
    return Standing(
        found.light, bool(found.provisional), is_open, found.state or "", bool(found.told), answered
    )


async def _is_owed(conn: AsyncConnection, event: str) -> bool:
    code = event.removesuffix(OVERDUE).removeprefix(LETTER)
    answered = exists().where(document_answer.c.code == code)
    one = document.c
    query = select(func.count()).where(one.code == code, one.spoiled_wall.is_(None), ~answered)
    return bool(await conn.scalar(query))


# shown ---------------------------------------------------------------------------------------------------------


async def listed(
    conn: AsyncConnection, reached: Scope, wanted: Filter, limit: int, below: int | None = None
) -> Sequence[Row[Any]]:
    """Newest first, with what is known of their case."""
    known = case.c
    query = select(message, known.case_no, known.item_name, site.c.name.label("site_name"))
    query = query.outerjoin(case, and_(known.site == _ONE.site, known.case_key == _ONE.case_key))
    query = query.outerjoin(site, site.c.id == _ONE.site).where(*_reached(reached), *_wanted(wanted))
    query = query if below is None else query.where(_ONE.id < below)
    return (await conn.execute(query.order_by(_ONE.id.desc()).limit(limit))).all()


def _reached(reached: Scope) -> list[ColumnElement[bool]]:
    within = of_case(reached, _ONE.site, case.c.org)
    return [or_(_ONE.site == "", and_(*within))] if within else []


def _wanted(wanted: Filter) -> list[ColumnElement[bool]]:
    said = {
        name: getattr(wanted, name)
        for name in ("channel", "level", "site", "correction", "case_key")
        if getattr(wanted, name)
    }
    found = [_ONE[name] == value for name, value in said.items()]
    if wanted.person:
        found.append(_ONE.person_index == wanted.person)
    if wanted.number:
        return [_ONE.id == wanted.number]
    if wanted.waits_only:  # what a digest stands for is seen to with it
        found += [_ONE.settled.is_(False), _ONE.carrier.is_(None)]
    if wanted.state:
        found.append(_ONE.state == wanted.state)
    elif not (wanted.correction or wanted.case_key):  # what was never needed is looked for by name alone
        found.append(_ONE.state != State.OVER.value)
    return found


async def entries(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """What became of one, in order."""
    one_entry = message_entry.c
    query = select(message_entry).where(one_entry.message == number).order_by(one_entry.number)
    return (await conn.execute(query)).all()


async def inbox(conn: AsyncConnection, person: str, limit: int) -> Sequence[Row[Any]]:
    """What has come for an account, newest first."""
    mine = (
        _ONE.person_index == person,
        _ONE.channel == Channel.INBOX.value,
        _ONE.state == State.DELIVERED.value,
    )
    query = select(message).where(*mine).order_by(_ONE.changed_at.desc(), _ONE.id.desc()).limit(limit)
    return (await conn.execute(query)).all()


async def unread(conn: AsyncConnection, person: str) -> int:
    mine = (
        _ONE.person_index == person,
        _ONE.channel == Channel.INBOX.value,
        _ONE.state == State.DELIVERED.value,
    )
    return int(await conn.scalar(select(func.count()).where(*mine, _ONE.read_wall.is_(None))) or 0)


async def failures(conn: AsyncConnection, limit: int) -> tuple[int, Sequence[Row[Any]]]:
    """What did not arrive and nobody has seen to: how many, and the newest; a digest counts for what it stands for."""
    wrong = _ONE.state == State.FAILED.value, _ONE.settled.is_(False), _ONE.carrier.is_(None)
    count = await conn.scalar(select(func.count()).select_from(message).where(*wrong))
    query = select(message).where(*wrong).order_by(_ONE.changed_wall.desc(), _ONE.id.desc()).limit(limit)
    return int(count or 0), (await conn.execute(query)).all()


async def stuck(conn: AsyncConnection, now: Moment, before_wall: int) -> int:
    """How many should have gone long ago."""
    late = _ONE.state == State.QUEUED.value, _ONE.send_at <= now.at, _ONE.made_wall < before_wall
    return int(
        await conn.scalar(select(func.count()).select_from(message).where(*late, _ONE.attempts > 0)) or 0
    )


async def counts(conn: AsyncConnection) -> dict[str, int]:
    """State -> messages."""
    rows = await conn.execute(select(_ONE.state, func.count()).group_by(_ONE.state))
    return {row[0]: row[1] for row in rows}
