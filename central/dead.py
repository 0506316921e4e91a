"""`mingcha dead`: look into a record nobody could read, repair it, take it in after all, or give it up.

A batch that waits for an upgrade can be given up too: one that only claims to be of a newer version would wait for ever.

A letter keeps the bytes the box chained for ever; what is taken in instead is a record of the same number. Each look at
its content and each decision is a line of the audit.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import judge, noting
from central.config import CentralConfig
from central.core.noted import epoch_name, run_name
from central.ingest import take_letter
from central.judge import Moment, World
from central.store import dead, facts, parked, trail
from central.store.dead import Run
from central.store.engine import within
from common.clock import Clock
from common.core.errors import UsageError
from common.core.record import SCHEMA, Cause, Op, RecordKind, decode_body, decode_record
from common.core.state import LetterState
from common.core.text import one_line

_KIND = 1
_FIGURES = {0, 4, 7, 8, 9}
"""Number, version, times of capture and monotonic time."""
_DIGEST = 10
_BODY = 11
_MOST = 1 << 62
_REINJECT = "dead.reinject"
_PARKED = "parked"


def name_of(row: Row[Any]) -> str:
    """How a letter is named on the command line: site, epoch, number."""
    return run_name(row.site, row.epoch, row.seq, row.seq)


def parse(name: str) -> tuple[str, bytes, int]:
    """Inverse of `name_of`. Raises UsageError."""
    try:
        site, epoch, seq = name.split("/")
        return site, bytes.fromhex(epoch), _number(seq)
    except ValueError:
        raise UsageError(f"不是死信的编号：{name}", hint="编号见  mingcha dead list") from None


def parse_run(name: str) -> Run:
    """What `drop` takes: a letter, `site/epoch/lo-hi`, or `site/epoch` for all of it. Raises UsageError."""
    site, _, rest = name.partition("/")
    epoch, _, numbers = rest.partition("/")
    lo, dash, hi = numbers.partition("-")
    try:
        bounds = (_number(lo), _number(hi if dash else lo)) if numbers else (1, _MOST)
        return Run(site, _epoch(epoch), *bounds)
    except ValueError:
        raise UsageError(
            f"不是死信的编号，也不是一段：{name}", hint="写法见  mingcha dead drop --help"
        ) from None


def _subject(run: Run) -> str:
    """How the audit names it."""
    whole = (run.lo, run.hi) == (1, _MOST)
    return epoch_name(run.site, run.epoch) if whole else run_name(run.site, run.epoch, run.lo, run.hi)


def batch_name(row: Row[Any]) -> str:
    """How a parked batch is named on the command line."""
    return f"{row.site}/{row.epoch.hex()}/{row.first}-{row.last}"


def parked_words(row: Row[Any]) -> str:
    """Why it waits."""
    return f"第 {row.schema} 版记录格式；本程序认识到第 {SCHEMA} 版，升级后自动计入"


class Line(Struct, frozen=True):
    """Of `mingcha dead list`. `state`: of `LetterState`, or `parked`."""

    name: str
    state: str
    reason: str
    at_wall: int

    @property
    def word(self) -> str:
        return "等升级" if self.state == _PARKED else LetterState(self.state).word


async def listed(conn: AsyncConnection, site: str) -> list[Line]:
    """Letters, then what waits for an upgrade, of one site or of all; oldest first."""
    letters = [
        Line(name_of(row), row.state, row.reason, row.at_wall) for row in await dead.listed(conn, site)
    ]
    return letters + [
        Line(batch_name(row), _PARKED, parked_words(row), row.at_wall)
        for row in await parked.listed(conn, site)
    ]


def _epoch(text: str) -> bytes:
    """Raises ValueError for what names none."""
    if not text:
        raise ValueError(text)
    return bytes.fromhex(text)


def _number(text: str) -> int:
    """Raises ValueError for what no column holds."""
    if not 1 <= int(text) < _MOST:
        raise ValueError(text)
    return int(text)


def shown(raw: bytes, *, full: bool) -> str:
    """The record as a JSON array, texts of the body masked unless `full`; hex of what is no MessagePack at all."""
    try:
        items = msgspec.msgpack.decode(raw)
        items[_DIGEST] = items[_DIGEST].hex()
        if not full:
            items = [
                item if place == _DIGEST or _is_plain(place, item) else _masked(item)
                for place, item in enumerate(items)
            ]
        return json.dumps(items, ensure_ascii=False)
    except _UNREADABLE:
        return raw.hex() if full else f"读不出的 {len(raw)} 字节"


def _is_plain(place: int, item: Any) -> bool:
    """Whether it can be nobody's: a kind, or a figure where the record has one. A key may be a number of an identity card."""
    return (place in _FIGURES and type(item) is int) or (
        place == _KIND and isinstance(item, str) and item in set(RecordKind)
    )


_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
"""What comes of bytes that are no record, or of an edited text that is none: msgspec's errors are ValueErrors."""
_TABLE = re.compile(r"(case|step)(\.\w{1,40})?")


def _masked(value: Any) -> Any:
    """Texts, figures and names in maps: a telephone number may stand where nobody expects one."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        is_ours = value in set(Op) | set(Cause) or _TABLE.fullmatch(value)
        return value if is_ours else value[:1] + "*" * min(len(value) - 1, 4)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {f"{number}": _masked(item) for number, item in enumerate(value.values(), 1)}
    return "*" * 4


def repaired(raw: bytes, text: str, seq: int) -> bytes:
    """The record's bytes from an edited `shown`, or `raw` as it is where `text` is empty. Raises UsageError."""
    if text:
        try:
            items = json.loads(text)
            items[_DIGEST] = bytes.fromhex(items[_DIGEST])
            raw = msgspec.msgpack.encode(items)
        except _UNREADABLE as error:
            raise UsageError(
                f"修复后的文件不是一条记录：{one_line(error)}",
                hint="请在 mingcha dead show --full 的输出上修改",
            ) from error
    try:
        item = decode_record(raw)
        decode_body(item)
        if item.seq != seq:
            raise msgspec.ValidationError(f"编号是 {item.seq}，不是 {seq}")
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"仍然读不出：{error}",
            hint="请修改该字段后重试，或升级市中心程序；无法修复的用  mingcha dead drop",
        ) from error
    return raw


def _letters_of(row: Row[Any]) -> list[dict[str, Any]]:
    """A parked batch as letters that were given up: what the box chained is kept, and `mingcha verify` counts it."""
    said = {"site": row.site, "epoch": row.epoch, "code": "bad_record", "reason": parked_words(row)}
    said |= {"at_wall": row.at_wall, "state": LetterState.DROPPED.value}
    return [{**said, "seq": seq, "raw": raw} for seq, raw in parked.records(row)]


async def readable(conn: AsyncConnection) -> list[Row[Any]]:
    """Open letters that this program reads: one before it could not. A checkpoint is no such letter: it contradicts its batch."""
    return [row async for row in dead.open_letters(conn) if _is_readable(row)]


def _is_readable(row: Row[Any]) -> bool:
    try:
        item = decode_record(row.raw)
        decode_body(item)
    except msgspec.MsgspecError:
        return False
    return item.seq == row.seq and item.kind is not RecordKind.CHECKPOINT


async def take_readable(conn: AsyncConnection, row: Row[Any], world: World, now: Moment) -> None:
    """Take in one of `readable`. Raises ValueError."""
    await take_up(conn, row, row.raw, world, now)
    await trail.note(conn, now.wall, trail.HALL, _REINJECT, name_of(row), "升级后读得出")


async def take_up(conn: AsyncConnection, row: Row[Any], raw: bytes, world: World, now: Moment) -> None:
    """Take in `raw` for the letter. Raises ValueError where it is none still; then nothing of the transaction may stay."""
    await dead.settle(conn, row, LetterState.REINJECTED)
    await take_letter(conn, row, raw, world, now)


class Clerk:
    """Acts on one letter, or gives up a run of them, in the name of `who`, for the reason `why`."""

    def __init__(self, config: CentralConfig, name: str, who: str, why: str) -> None:
        self.config = config
        self.name = name
        self.who = who
        self.why = why

    async def show(self, *, full: bool) -> str:
        """A look at the unmasked content is audited."""

        async def look(conn: AsyncConnection, row: Row[Any]) -> str:
            if full:
                await self._note(conn, "dead.show", name_of(row))
            return shown(row.raw, full=full)

        return await self._with(look)

    async def reinject(self, text: str) -> str:
        """Take the letter in, as it is or as edited. -> what happened."""

        async def take(conn: AsyncConnection, row: Row[Any]) -> str:
            self._must_be_open(row)
            raw = repaired(row.raw, text, row.seq)
            world = await judge.load_world(conn, ZoneInfo(self.config.legal_zone))
            now = Clock(self.config.clock)
            try:
                await take_up(conn, row, raw, world, Moment(now.office(), now.wall()))
            except ValueError as error:  # the transaction is rolled back: it stays as it is
                raise UsageError(
                    f"读得出，但不能计入：{error}", hint="请查明来历；确认不用的执行  mingcha dead drop"
                ) from error
            await self._note(conn, _REINJECT, name_of(row))
            return f"{self.name} 已计入"

        return await self._with(take)

    async def drop(self) -> str:
        """Give up the letters and parked batches of a run: they hold nothing back any more and stay as evidence."""
        run = parse_run(self.name)

        async def give_up(conn: AsyncConnection) -> str:
            letters = await dead.give_up(conn, run)
            batches = await parked.inside(conn, run)
            for row in batches:
                await facts.add_dead_letters(conn, _letters_of(row))
                numbers = range(row.first, row.last + 1)
                await noting.came_unread(conn, row.site, row.epoch, numbers, Clock().wall())
                await parked.drop(conn, row)
            found = letters + sum(row.last - row.first + 1 for row in batches)
            if not found:
                self._must_be_open(await self._letter(conn, run))
            await self._note(conn, "dead.drop", _subject(run))
            return f"{self.name} 已放弃{'' if found == 1 else f' {found:,} 条'}，原文保留"

        return await within(self.config.database_url, give_up)

    def _must_be_open(self, row: Row[Any]) -> None:
        if row.state != LetterState.OPEN:
            raise UsageError(
                f"{self.name} {LetterState(row.state).word}", hint="未处理的见  mingcha dead list"
            )

    async def _note(self, conn: AsyncConnection, act: str, subject: str) -> None:
        """`subject` in the one way in which `mingcha verify` reads it, however it was typed."""
        await trail.note(conn, Clock().wall(), self.who, act, subject, self.why)

    async def _letter(self, conn: AsyncConnection, run: Run | None = None) -> Row[Any]:
        """The one that is named; of a `run` its only one. Raises UsageError."""
        place = parse(self.name) if run is None else (run.site, run.epoch, run.lo)
        row = await dead.find(conn, *place) if run is None or run.lo == run.hi else None
        if row is None:
            raise UsageError(f"没有这封死信：{self.name}", hint="编号见  mingcha dead list")
        return row

    async def _with(self, act: Callable[[AsyncConnection, Row[Any]], Awaitable[str]]) -> str:
        async def work(conn: AsyncConnection) -> str:
            return await act(conn, await self._letter(conn))

        return await within(self.config.database_url, work)
