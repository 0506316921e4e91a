"""Publishing: what anybody may see goes into a database of its own, and what citizens ask for is fetched from there.

The hall alone opens both. What it publishes is a function of its own tables, so the public database may be lost and is made
anew; what citizens have handed in stays in it until the hall has it.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection, delete, insert, inspect, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from central import (
    complaint,
    consult,
    public_case,
    public_law,
    public_posted,
    public_score,
    rating,
    survey,
    taking,
)
from central.citizen_clock import Heard
from central.complaint import Bench
from central.config import CentralConfig
from central.core import asked, pinyin
from central.core import guide as guides
from central.core.complaint import Terms
from central.core.guide import Guide, Law, Spot
from central.core.item import Item
from central.correction_clock import Skipped
from central.door import seal
from central.door import store as door
from central.door.store import Beat, Name
from central.door.tables import GRANTS, PUBLISHED, SCHEMA, guide, law, meta, metadata, told
from central.store import complaints, consults, ratings, statutes, surveys, telling
from central.store.dialect import replace_row
from central.store.engine import Store, opened
from central.store.key import parted
from central.world import Moment, World
from common.clock import Clock
from common.core import crypto
from common.core.errors import UnavailableError, words
from common.core.instant import DAY, MINUTE, SECOND, day_ending, local_date

log = structlog.get_logger()

LOOK_SECS = 1.0
BEAT_EVERY = 5 * SECOND
GUIDES_EVERY = 10 * MINUTE
PAGE = 50
MEASURED_DAYS = 30
SPOT_DAYS = 365
MOST_SPOTS = 30
REACH = timedelta(days=500)


class Press(Struct):
    """What the publisher works with, and what it has published last."""

    store: Store
    public: Store
    sign_secret: bytes
    wire_secret: bytes
    terms: Terms = Terms()
    heard: Heard = field(default_factory=Heard)
    skipped: Skipped = field(default_factory=set)
    emptied_at: int | None = None
    slack: int = asked.SLACK
    """So far back the door's time may lie: of the demonstration, whose time flies between two beats, further."""
    beat_wall: int = 0
    guides_wall: int = 0
    guides_of: tuple[object, ...] = ()
    releases_of: public_score.State | None = None
    posted_of: public_posted.State | None = None
    laws_of: public_law.State | None = None
    key: bytes = b""
    """The door's, which follows from the first secret."""

    def __post_init__(self) -> None:
        self.key = seal.key_of(self.sign_secret)


async def open_as_hall(config: CentralConfig, store: Store, key: bytes) -> Store:
    """The public database, made where it is not there; then everything is marked to be published. `key`: the door's.

    The version is written last: a hall killed in between marks all again. Raises UnavailableError.
    """
    folder, (url, _) = config.public.folder, parted(config.database_url)
    is_sqlite = config.database == "sqlite"
    try:
        _lay(folder, key, is_sqlite=is_sqlite)
    except OSError as error:
        raise UnavailableError(
            f"写不了公开数据的目录 {folder}：{words(error)}", hint=f"请让市中心程序的账户可以写 {folder}"
        ) from error
    if is_sqlite:
        url = make_url(f"sqlite+aiosqlite:///{folder / 'public.db'}")
    fresh: list[bool] = []
    public = await opened(url, lambda conn: fresh.append(_prepare(conn, config.public.role)), SCHEMA)
    try:
        if fresh[0]:
            async with store.write() as conn:
                await telling.mark_all(conn)
                await complaints.untell_all(conn)
                await consults.untell_all(conn)
                await ratings.untell_windows(conn)
                await surveys.untell_all(conn)
            async with public.write() as conn:
                await _say(conn, Name.VERSION, str(door.VERSION).encode())
    except BaseException:
        await public.close()
        raise
    return public


def _lay(folder: Path, key: bytes, *, is_sqlite: bool) -> None:
    """Folder, key and empty database for the door's group: set-group-id, so that what SQLite adds belongs to it too."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o2770)
    if is_sqlite:
        path = folder / "public.db"
        if not path.exists():
            path.touch()
            path.chmod(0o660)
    path = folder / "door.key"
    if not path.exists() or path.read_bytes() != key:
        fresh = folder / ".door.key"
        fresh.write_bytes(key)
        fresh.chmod(0o640)
        fresh.replace(path)


def _prepare(conn: Connection, role: str) -> bool:
    """Tables, and on PostgreSQL the rights of the door's role. -> True where the published ones are new."""
    is_sqlite = conn.dialect.name == "sqlite"
    if is_sqlite:
        conn.execute(text("BEGIN IMMEDIATE"))
    else:
        conn.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"'))
    known = inspect(conn).has_table(meta.name, schema=None if is_sqlite else SCHEMA)
    query = select(meta.c.body).where(meta.c.name == Name.VERSION.value)
    is_ours = known and conn.execute(query).scalar() == str(door.VERSION).encode()
    if not is_ours:
        metadata.drop_all(conn, tables=PUBLISHED)
    metadata.create_all(conn)
    if not is_sqlite and role:
        _grant(conn, role)
    return not is_ours


def _grant(conn: Connection, role: str) -> None:
    if not conn.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": role}).scalar():
        log.warning("public.unreachable", role=role, hint=f"请在数据库里执行  CREATE ROLE {role} LOGIN")
        return
    quoted = '"' + role.replace('"', '""') + '"'
    conn.execute(text(f'GRANT USAGE ON SCHEMA "{SCHEMA}" TO {quoted}'))
    for table, rights in GRANTS.items():
        conn.execute(text(f'REVOKE ALL ON "{SCHEMA}".{table.name} FROM {quoted}'))
        conn.execute(text(f'GRANT {rights} ON "{SCHEMA}".{table.name} TO {quoted}'))


# the loop -----------------------------------------------------------------------------------------------------


async def run(
    config: CentralConfig, store: Store, world: World, clock: Clock, keys: tuple[bytes, bytes], heard: Heard
) -> None:
    """Publish and fetch for ever; a public database that is away is waited for, and holds up nothing else. `keys`: the operations and
    the wire key; `heard`: kept up to what has been fetched.
    """
    press: Press | None = None
    lost_mono = 0
    try:
        while True:
            try:
                press = press or await _opened(config, store, keys, heard, clock)
                await look_once(
                    press, world, clock, BEAT_EVERY
                )  # nothing waits until a whole city is published
            except UnavailableError as error:
                if not lost_mono:
                    lost_mono = clock.mono()
                    log.warning("public.unavailable", reason=str(error), hint=error.hint)
            else:
                if lost_mono:
                    log.info("public.recovered", after_secs=round((clock.mono() - lost_mono) / SECOND, 1))
                lost_mono = 0
            await asyncio.sleep(10 * LOOK_SECS if lost_mono else LOOK_SECS)
    finally:
        if press is not None:
            await press.public.close()


async def _opened(
    config: CentralConfig, store: Store, keys: tuple[bytes, bytes], heard: Heard, clock: Clock
) -> Press:
    public = await open_as_hall(config, store, seal.key_of(keys[0]))
    terms = Terms(config.public.accept_days, config.public.reply_days)
    slack = max(asked.SLACK, int(BEAT_EVERY * clock.top_pace))
    return Press(store, public, *keys, terms, heard, slack=slack)


async def look_once(press: Press, world: World, clock: Clock, span: int | None = None) -> int:
    """Publish what has changed. -> how many cases. `span`: so long cases may take (microseconds), the rest are left for the next look;
    None: however long. Raises UnavailableError.
    """
    now = Moment(clock.office(), clock.wall())
    if now.wall - press.beat_wall >= BEAT_EVERY:
        await _beat(press, now)
    today = local_date(now.at, world.zone)
    state = (today, world.calendar.version, sum(len(versions) for versions in world.items.values()))
    if press.guides_of != state or now.wall - press.guides_wall >= GUIDES_EVERY:
        await publish_guides(press, world, now)
        press.guides_of, press.guides_wall = state, now.wall
    press.releases_of = await public_score.publish(press.store, press.public, world.zone, press.releases_of)
    press.posted_of = await public_posted.publish(press.store, press.public, world.zone, press.posted_of)
    press.laws_of = await public_law.publish(press.store, press.public, press.laws_of)
    total = 0
    bench = Bench(now, world.zone, world.calendar, press.sign_secret, press.terms)
    await _answer(press, world, bench)
    await survey.publish(press.store, press.public)
    await rating.publish_windows(press.store, press.public, press.key)
    while done := await publish_cases(press, world, now):
        total += done
        if span is not None and clock.wall() - now.wall >= span:
            break
    return total


async def _answer(press: Press, world: World, bench: Bench) -> None:
    """Whoever has handed in finds it: in the box, or told as soon as it is taken."""
    await _fetch(press, bench)
    await complaint.publish(press.store, press.public, press.key, bench)
    await consult.publish(press.store, press.public, press.key, world, bench)


async def _fetch(press: Press, bench: Bench) -> None:
    """Take all that lies in the box, and remember until when. What stays in it could not be taken: it keeps its day until it is, and
    nothing is said of nobody's silence, for a verdict may be among it.
    """
    if press.emptied_at is None:
        async with press.store.read() as conn:
            press.emptied_at = await telling.emptied_at(conn)
    box = press.store, press.public, press.wire_secret, bench, press.skipped, press.emptied_at, press.slack
    while await taking.fetch(*box) >= taking.PAGE:
        continue
    if press.skipped:
        return
    now_at = bench.now.at
    press.heard.at = now_at - press.slack
    if now_at - press.emptied_at >= BEAT_EVERY:
        async with press.store.write() as conn:
            await telling.set_emptied(conn, now_at)
        press.emptied_at = now_at


async def _beat(press: Press, now: Moment) -> None:
    beat = Beat(now.at, now.wall, crypto.wire_public(press.wire_secret), press.terms)
    async with press.public.write() as conn:
        await _say(conn, Name.BEAT, msgspec.json.encode(beat))
    press.beat_wall = now.wall


def _workdays(world: World, today: date) -> list[date]:
    """The published working days around today: sentences count in them."""
    calendar = world.calendar
    day, last = max(calendar.first, today - REACH), min(calendar.published_until, today + REACH)
    return [
        day + timedelta(days=place)
        for place in range((last - day).days + 1)
        if calendar.is_workday(day + timedelta(days=place))
    ]


async def _say(conn: AsyncConnection, name: Name, body: bytes) -> None:
    await conn.execute(replace_row(conn, meta).values(name=name.value, body=body))


# guides -------------------------------------------------------------------------------------------------------


async def publish_guides(press: Press, world: World, now: Moment) -> None:
    """Every item with its versions, and the laws that the shown ones rest on: made anew as a whole."""
    today = local_date(now.at, world.zone)
    async with press.store.read() as conn:
        decided = await telling.decided(conn, now.at - MEASURED_DAYS * DAY)
        places = await telling.spots(conn, now.at - SPOT_DAYS * DAY)
        entered = [_law(row) for row in await statutes.listed(conn)]
    measured, spots = _measured(decided, world, today), _spots(places)
    made = [
        Guide(code, tuple(map(_public, versions)), spots.get(code, ()), measured.get(code))
        for code, versions in sorted(world.items.items())
    ]
    shown = [item for one in made if (item := guides.current(one, today)) is not None]
    rows = [
        {"code": one.code, "name": one.versions[-1].name, "initials": letters(one.versions[-1].name), "body": msgspec.json.encode(one)}
        for one in made
    ]  # fmt: skip
    laws = [
        {"name": one.name, "initials": letters(one.name), "body": msgspec.json.encode(one)}
        for one in guides.laws(shown, entered)
    ]
    async with press.public.write() as conn:
        await _say(conn, Name.WORKDAYS, msgspec.json.encode(_workdays(world, today)))
        for table, said in ((guide, rows), (law, laws)):
            await conn.execute(delete(table))
            if said:
                await conn.execute(insert(table), said)


def _public(item: Item) -> Item:
    """Without who decides: article 30 wants nobody's name, and what the door does not need does not lie in its database."""
    return replace(item, deciders=[])


def _law(row: Any) -> Law:
    repealed = date.fromisoformat(row.repealed) if row.repealed else None
    return Law(row.name, (), row.number, date.fromisoformat(row.effective), repealed)


def letters(name: str) -> str:
    """Initials and syllables, as `guide.rank` reads them."""
    return f"{pinyin.initials(name)} {pinyin.spelled(name)}"


def _measured(decided: Sequence[Any], world: World, today: date) -> dict[str, guides.Measured]:
    spans: dict[str, list[int | None]] = defaultdict(list)
    late: dict[str, int] = defaultdict(int)
    broken: dict[str, int] = defaultdict(int)
    for row in decided:
        spans[row.item_code].append(_span(row, world))
        late[row.item_code] += bool(row.late)
        broken[row.item_code] += bool(row.broken)
    return {
        code: guides.measured(found, late[code], broken[code], today, MEASURED_DAYS)
        for code, found in spans.items()
    }


def _span(row: Any, world: World) -> int | None:
    """Working days from acceptance to decision; None where one of them is not known."""
    if row.accepted_at is None:
        return None
    with suppress(ValueError):  # outside the calendar
        first, last = (day_ending(at, world.zone) for at in (row.accepted_at, row.finished_at))
        return world.calendar.count(first, last)
    return None


def _spots(places: Sequence[Any]) -> dict[str, tuple[Spot, ...]]:
    found: dict[str, list[tuple[int, Spot]]] = defaultdict(list)
    for row in places:
        found[row.item_code].append((-row.number, Spot(row.name, row.office)))
    return {code: tuple(spot for _, spot in sorted(many)[:MOST_SPOTS]) for code, many in found.items()}


# cases --------------------------------------------------------------------------------------------------------


async def publish_cases(press: Press, world: World, now: Moment) -> int:
    """Some of the changed cases: at least once each, and no lock of the hall is held while the public side is written."""
    async with press.store.read() as conn:
        taken = await telling.waiting(conn, PAGE)
        found = [(row, await public_case.tell(conn, row.site, row.case_key, world, now)) for row in taken]
    if not taken:
        return 0
    async with press.public.write() as public:
        for row, one in found:
            await _replace(public, press.key, f"{row.site}|{row.case_key}", one)
    async with press.store.write() as conn:
        await telling.done(conn, taken)
    return len(taken)


async def _replace(public: AsyncConnection, key: bytes, name: str, one: public_case.Public | None) -> None:
    owner = seal.ref(key, seal.CASE, name)
    await public.execute(delete(told).where(told.c.ref == owner))
    ticket = one.ticket if one is not None else None
    token = seal.ticket(key, name) if ticket is not None else ""
    await rating.put(public, key, name, token, ticket)
    if one is not None:
        at = public_case.place_of(key, one)
        shown = msgspec.structs.replace(one.told, rate=token)
        said = seal.closed(at, owner, secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(shown))
        await public.execute(insert(told).values(lookup=at.lookup, ref=owner, sealed=said))
