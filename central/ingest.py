"""Batches -> committed facts -> acknowledgement. One transaction per group of batches; the ack follows the commit.

Everything here may be repeated: a number already in the range set is not touched again, so a lost ack, a batch
re-cut differently or a killed worker leaves the same rows. The chain values of the header and of the ranges held
must meet; where they do not, the epoch is refused as a fork (a cloned box, or a rewritten record).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import conduct, gaps, judge, noting
from central.core.fair import MOST_CREDIT
from central.core.passes import begun_at
from central.core.portion import Portion
from central.judge import Moment, World
from central.opening import Opened
from central.store import alarms, cameras, commands, facts, parked, passes, seats, status, stills
from central.store.passes import Settled
from central.welcome import barred
from common.core import batch, ranges
from common.core.batch import Lane
from common.core.checkpoint import is_signed_by
from common.core.instant import MINUTE, SECOND
from common.core.message import Ack, Nack
from common.core.ranges import ForkError, Range
from common.core.record import (
    SCHEMA,
    CameraState,
    Case,
    Checkpoint,
    Gap,
    Observation,
    Pass,
    Record,
    Result,
    SeatState,
    Step,
    Still,
    decode_body,
    decode_record,
)
from common.core.state import LetterState

log = structlog.get_logger()

UPGRADE = "请升级市中心程序，启动时自动计入；站点程序并不比市中心新的，查明后放弃，见  mingcha dead list"
LATE_AFTER = 60 * SECOND
_SLOT = 15 * MINUTE
_Seen = TypeVar("_Seen", CameraState, SeatState, Still)


class Outcome(Struct):
    """What a transaction did: the acks to send after its commit, and whether lights may have changed."""

    acks: list[tuple[str, Ack]] = []
    records: int = 0
    again: int = 0  # records that were held already


async def ingest_batches(conn: AsyncConnection, batches: list[Opened], world: World, now: Moment) -> Outcome:
    """Commit-ready effects of `batches` in `conn`'s transaction.

    A batch of an epoch that was never welcomed is answered `unknown_epoch`; one whose chain differs, `fork`; one of
    a box that may write no more, `superseded`, `revoked` or `retired`.
    """
    groups: dict[tuple[str, bytes], list[Opened]] = defaultdict(list)
    for item in batches:
        groups[item.header.site, item.header.epoch].append(item)
    outcome = Outcome()
    for (site, epoch), group in groups.items():
        row = await facts.cursor(conn, site, epoch)
        box = None if row is None else await facts.find_box(conn, site, row.generation)
        code = "unknown_epoch" if box is None else _barred(site, box)
        if row is None or box is None or code:
            nacks = [_nack(item, code) for item in group]
            outcome.acks.append((site, Ack(epoch, 0, [], nacks, 0, now.wall)))
            continue
        intake = _Intake(conn, row, box.sign_key, now)
        ack = await intake.take(group, world)
        outcome.acks.append((site, ack))
        outcome.records += intake.count
        outcome.again += intake.again
    return outcome


def _barred(site: str, box: Row[Any]) -> str:
    """A box that was shut out since its hello is told so now, whatever the broker still lets through."""
    code = barred(box)
    if code:
        log.warning("batch.refused", site=site, code=code, reason=f"generation {box.generation}")
    return code


async def take_letter(conn: AsyncConnection, letter: Row[Any], raw: bytes, world: World, now: Moment) -> None:
    """Take `raw` in place of a dead letter of the same number. Raises ValueError where it is a dead letter still."""
    dead = await _again(conn, letter, [(letter.seq, raw)], world, now)
    if dead:
        raise ValueError(dead[0]["reason"])


async def take_parked(conn: AsyncConnection, world: World, now: Moment, skip: int = 0) -> int:
    """Take in one parked batch but the oldest `skip` whose schema is known. -> its records; 0 if there is none."""
    row = await parked.first_known(conn, SCHEMA, skip)
    if row is None:
        return 0
    await parked.drop(conn, row)
    await _again(conn, row, parked.records(row), world, now)
    return int(row.last - row.first + 1)


async def _again(
    conn: AsyncConnection, row: Row[Any], records: Iterable[tuple[int, bytes]], world: World, now: Moment
) -> list[dict[str, Any]]:
    """`row`: of the epoch in which the numbers lie. -> dead letters."""
    cursor = await facts.cursor(conn, row.site, row.epoch)
    box = None if cursor is None else await facts.find_box(conn, row.site, cursor.generation)
    assert cursor is not None
    assert box is not None
    intake = _Intake(conn, cursor, box.sign_key, now)
    await intake.take_again(records, world)
    return intake.dead


class _Intake:
    """The batches of one epoch inside one transaction."""

    def __init__(self, conn: AsyncConnection, cursor: Row[Any], sign_key: bytes, now: Moment) -> None:
        self.conn = conn
        self.cursor = cursor
        self.sign_key = sign_key
        self.site: str = cursor.site
        self.epoch: bytes = cursor.epoch
        self.now = now
        self.held = facts.decode_ranges(cursor.ranges)
        self.newest = 0
        self.count = 0
        self.again = 0
        self.nacks: list[Nack] = []
        self.rows: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.parked: list[dict[str, Any]] = []
        self.passes: list[dict[str, Any]] = []
        self.gaps: list[tuple[Record, Gap]] = []
        self.gap_at: int = cursor.gap_at
        self.forked = False
        self.is_signed = False
        self.arrived = conduct.Arrived(cursor, [], [], self.passes)
        self.late: set[str] = set()
        self.results: list[Result] = []
        self.seen: list[tuple[Record, CameraState | SeatState | Still]] = []
        self.record_wall: int | None = None
        self.slots: dict[int, list[int]] = defaultdict(lambda: [0, 0])

    async def take(self, group: list[Opened], world: World) -> Ack:
        for item in group:
            self._take_one(item)
        ack = await self._commit(world)
        upto_hash = self.held[0].at if ack.upto else b""
        return msgspec.structs.replace(ack, asked_wall=group[-1].header.created_wall, upto_hash=upto_hash)

    async def take_again(self, records: Iterable[tuple[int, bytes]], world: World) -> None:
        """Numbers that are held and were not read: a dead letter, a parked batch."""
        for seq, raw in records:
            self._take_record(seq, raw, Lane.BULK, None)
        await self._commit(world)

    async def _commit(self, world: World) -> Ack:
        await facts.add_records(self.conn, self.rows)
        if self.dead:
            first = self.dead[0]
            said = {"seq": first["seq"], "records": len(self.dead), "reason": first["reason"]}
            log.error("record.parked", site=self.site, **said, hint="执行 mingcha dead list")
        await facts.add_dead_letters(self.conn, self.dead)
        unread = (letter["seq"] for letter in self.dead)
        await noting.came_unread(self.conn, self.site, self.epoch, unread, self.now.wall)
        await parked.add(self.conn, self.parked)
        await passes.add(self.conn, self.passes)
        await cameras.add(self.conn, self._said(CameraState))
        await seats.add(self.conn, self._said(SeatState))
        await stills.add(self.conn, self._said(Still))
        self.held, self.gap_at = await gaps.close(
            self.conn, self.cursor, self.held, self.gap_at, self.gaps, self.now
        )
        if self.is_signed:
            await noting.reached_again(self.conn, self.site, self.epoch, self.held, self.now.wall)
        if self.forked:
            await alarms.sound_fork(self.conn, self.cursor, self.now.wall)
        await self._settle_commands()
        cases = await conduct.take(self.conn, self.arrived, world.zone, self.now.wall)
        settled = await self._move()
        cases |= settled.cases
        portion = Portion(self.count)
        await judge.judge_cases(self.conn, self.site, cases, world, self.now, self.late, portion)
        if settled.moved:
            await judge.judge_parked(self.conn, self.site, world, self.now, portion)
        upto = ranges.upto(self.held)
        above = [(item.lo, item.hi) for item in self.held if item.lo > upto]
        return Ack(self.epoch, upto, above, self.nacks, MOST_CREDIT, self.now.wall)

    def _said(self, kind: type[_Seen]) -> list[tuple[bytes, str, Record, _Seen]]:
        """Of what cameras saw, the bodies of one kind."""
        return [(self.epoch, self.site, item, body) for item, body in self.seen if isinstance(body, kind)]

    async def _settle_commands(self) -> None:
        """Answers of the site's newest box: one that it replaced has not been asked."""
        if self.results and self.cursor.generation == await facts.newest_generation(self.conn, self.site):
            for result in self.results:
                await commands.settle(self.conn, self.site, result, self.now.wall)

    def _take_one(self, item: Opened) -> None:
        header = item.header
        new = Range(header.first, header.last, header.prev_hash, header.last_hash)
        try:
            _check_overlap(self.held, item)
            merged = ranges.merge(self.held, new)
            if len(merged) > max(ranges.MOST, len(self.held)):
                log.warning("batch.refused", site=self.site, code="scattered", reason=SCATTERED)
                self.nacks.append(_nack(item, "scattered"))
                return
        except ForkError as error:
            log.warning("batch.refused", site=self.site, code="fork", reason=str(error))
            self.nacks.append(_nack(item, "fork"))
            self.forked = True
            return
        self.again += len(item.raws)
        for lo, hi in ranges.missing(self.held, header.first, header.last):
            self.again -= hi - lo + 1
            if header.schema != SCHEMA:
                self._park(item, lo, hi)
                continue
            for seq in range(lo, hi + 1):
                self._take_record(seq, item.raws[seq - header.first], header.lane, item)
        self.held = merged
        self.newest = max(self.newest, header.last)

    def _park(self, item: Opened, lo: int, hi: int) -> None:
        header = item.header
        log.error("batch.parked", site=self.site, schema=header.schema, first=lo, last=hi, hint=UPGRADE)
        self.parked.append(
            {
                "site": self.site,
                "epoch": self.epoch,
                "first": lo,
                "last": hi,
                "schema": header.schema,
                "raws": msgspec.msgpack.encode(item.raws[lo - header.first : hi - header.first + 1]),
                "claim": item.claim,
                "at_wall": self.now.wall,
            }
        )

    def _take_record(self, seq: int, raw: bytes, lane: Lane, batched: Opened | None) -> None:
        try:
            item = decode_record(raw)
            body = decode_body(item)
        except msgspec.MsgspecError as error:
            self._bury(seq, raw, str(error))
            return
        if item.seq != seq:
            self._bury(seq, raw, f"number {item.seq} in the place of {seq}")
            return
        if isinstance(body, Checkpoint) and (fault := self._contradicted(body, batched)):
            self._bury(seq, raw, fault)
            return
        self.is_signed |= isinstance(body, Checkpoint) and not body.epoch
        self.count += 1
        self.rows.append(self._row(item, raw, lane))
        if isinstance(body, Pass) and (began := begun_at(body, self.now.at)) is not None:
            self.passes.append(
                {
                    "site": self.site,
                    "epoch": self.epoch,
                    "seq": seq,
                    "started_at": began,
                    "tables": msgspec.msgpack.encode(list(body.tables)),
                    "mapped": msgspec.msgpack.encode(body.mapped),
                    "anew": msgspec.msgpack.encode(body.anew),
                }
            )
        elif isinstance(body, Gap):
            self.gaps.append((item, body))
        elif isinstance(body, Result):
            self.results.append(body)
        elif isinstance(body, CameraState | SeatState | Still):
            self.seen.append((item, body))
        elif isinstance(body, Observation):
            self.arrived.observed.append((item, body))
        elif isinstance(body, Case | Step):
            self.arrived.changes.append((item, body))
            sent_wall = self.now.wall if batched is None else batched.header.created_wall
            waited = max(0, sent_wall - item.cap_wall)  # by one clock, however wrong it is
            self.record_wall = max(self.record_wall or 0, self.now.wall - waited)
            late = lane is Lane.BULK and waited > LATE_AFTER
            if late:
                self.late.add(body.case_key)
            self.slots[item.cap_at - item.cap_at % _SLOT][late] += 1

    def _contradicted(self, body: Checkpoint, batched: Opened | None) -> str:
        """What is wrong with a checkpoint, as far as it can be seen here; `mingcha verify` sees the rest."""
        if not is_signed_by(self.sign_key, self.site, self.epoch, body):
            return "the checkpoint's signature does not verify"
        if body.epoch or batched is None:
            return ""
        header = batched.header
        values = [header.prev_hash, *batch.chain_values(header, batched.raws)]
        known = dict(enumerate(values, header.first - 1))
        if known.get(body.seq, body.chain) not in {body.chain, b""}:
            return f"the checkpoint's chain value at {body.seq} differs"
        return ""

    def _bury(self, seq: int, raw: bytes, reason: str) -> None:
        before = self.nacks[-1] if self.nacks else None
        if before is not None and (before.last, before.code) == (seq - 1, "bad_record"):
            self.nacks[-1] = msgspec.structs.replace(before, last=seq)
        else:
            self.nacks.append(Nack(seq, seq, "bad_record", permanent=True))
        self.dead.append(
            {
                "site": self.site,
                "epoch": self.epoch,
                "seq": seq,
                "code": "bad_record",
                "reason": reason,
                "raw": raw,
                "at_wall": self.now.wall,
                "state": LetterState.OPEN.value,
            }
        )

    def _row(self, item: Record, raw: bytes, lane: Lane) -> dict[str, Any]:
        return {
            "site": self.site,
            "epoch": self.epoch,
            "seq": item.seq,
            "kind": item.kind.value,
            "tbl": item.table,
            "key": item.key,
            "version": item.version,
            "cap_at": item.cap_at,
            "cap_wall": item.cap_wall,
            "received_at": self.now.at,
            "received_wall": self.now.wall,
            "lane": lane.value,
            "digest": item.digest,
            "raw": raw,
        }

    async def _move(self) -> Settled:
        """Write cursor, receipt and arrivals, and settle the passes that are due."""
        upto = ranges.upto(self.held)
        moved = {"upto": upto, "newest": max(self.newest, self.cursor.newest), "gap_at": self.gap_at}
        if not await facts.move_cursor(self.conn, self.cursor, self.held, moved, self.now.wall):
            msg = f"cursor of {self.site} moved under us"
            raise RuntimeError(msg)
        receipt = {"site": self.site, "receipt_wall": self.now.wall, "record_wall": self.record_wall}
        await status.note_receipts(self.conn, [receipt])
        await facts.count_arrivals(
            self.conn,
            ({"site": self.site, "slot_at": at, "live": n[0], "late": n[1]} for at, n in self.slots.items()),
        )
        if await facts.has_dead_letters(self.conn, self.site) or await parked.any_of(self.conn, self.site):
            return Settled()  # the record nobody could read may be the one that acquits
        return await passes.settle(self.conn, self.site, self.epoch, upto, self.gap_at)


SCATTERED = f"more than {ranges.MOST:,} separate ranges of one epoch"


def _nack(item: Opened, code: str) -> Nack:
    return Nack(
        item.header.first, item.header.last, code, permanent=code not in {"unknown_epoch", "scattered"}
    )


def _check_overlap(held: list[Range], item: Opened) -> None:
    """Where a batch overlaps what is held, the chain values inside it must agree. Raises ForkError."""
    first, last = item.header.first, item.header.last
    known = {r.hi: r.at for r in held if r.at and first <= r.hi <= last}
    known |= {r.lo - 1: r.before for r in held if r.before and first <= r.lo - 1 <= last}
    if not known:
        return
    for seq, value in enumerate(batch.chain_values(item.header, item.raws), first):
        if known.get(seq, value) != value:
            raise ForkError(f"the chain at {seq} differs")
