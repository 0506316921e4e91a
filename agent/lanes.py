"""One table's lanes in their order: what was just entered first, the walk over everything last.

cursor (what the vendor stamped), tail (beyond the highest number, and missing numbers), native (what the engine says was
written, if none of them knew), hot (rows of open cases), walk
(every row): what was stamped while we were away is known before the others wonder at it. A cursor is only an accelerator; the truth is the index, which the walk proves row by row.
"""

from collections.abc import Sequence

import structlog
from msgspec.structs import replace

from agent.capture import Capture
from agent.config import CaptureConfig
from agent.core import gentle, hint, query, upheaval
from agent.core.gentle import SMALL, Account
from agent.core.indexed import Known
from agent.core.mapping import Table
from agent.core.query import Row
from agent.core.upheaval import Upheaval, UpheavalError
from agent.index import Index
from agent.lane import numbers, survey
from agent.lane.cursor import CursorLane
from agent.lane.hot import HotLane
from agent.lane.native import NativeLane
from agent.lane.reader import Reader
from agent.lane.schema import Schema
from agent.lane.survey import Survey
from agent.lane.tail import TailLane
from agent.lane.walk import Walk
from agent.lane.whole import WholeLane
from agent.source.base import Source
from agent.source.whole import WholeSource
from common.clock import Clock
from common.core.instant import SECOND
from common.core.record import Anew, Cause, RecordKind

log = structlog.get_logger()

NEWEST_EVERY = 2 * SECOND
FIRST = 3
"""Of the rows of a page that differ, so many are looked for under other numbers: of a table numbered anew nearly all would be found."""
NEVER_ENDS = 1 << 63
"""Behind every instant of the monotonic clock."""


class Lanes:
    """`advance` reads a slice of each lane.

    `whole_mono`: the table is whole up to it, the start of its last finished walk; None: nobody knows. The cursor
    alone proves nothing: it does not see an edit that the vendor did not stamp.
    """

    def __init__(
        self,
        table: Table,
        source: Source,
        capture: Capture,
        index: Index,
        config: CaptureConfig,
        clock: Clock,
        schema: Schema,
        account: Account,
    ) -> None:
        self._table = table
        self._schema = schema
        self._capture = capture
        self._index = index
        self._clock = clock
        self._every = int(config.sweep_secs * SECOND)
        self._reader = Reader(table, source, capture, config, clock, account)
        self._reader.look_again = self._look_again
        self.whole = (
            WholeLane(self._reader, source, config.hot_secs)
            if table.is_whole and isinstance(source, WholeSource)
            else None
        )
        self._tail = TailLane(self._reader)
        cursors = (
            0 if table.is_keyless else len(table.cursors)
        )  # a row that changed is another one: the walk's
        self._cursors = [CursorLane(self._reader, number) for number in range(cursors)]
        self._hot = HotLane(self._reader, index, config.hot_secs)
        self._native = NativeLane(self._reader)
        self._walk: Walk | None = None
        self.survey: Survey | None = None
        """Under way, or at its end and not concluded: nothing is told of the table."""
        self._said_off: list[str] = []
        self._newest_mono = 0
        self._off: list[str] = []
        """Of the newest rows, those that were gone or other when they were looked at last."""
        self._next_walk_mono = 0
        self._hurried = False
        """Whether something was written of which no quick lane knows."""
        self._watch = False
        """Whether the table was whole since the start: much that differs at once is then no work of days that we missed.
        Tables that are away for a while are just being restored."""
        self._wary = True
        """Whether the newest rows are asked for, and what a walk misses is counted before it is told: from the start on, for no
        work of days removes so much. Not between a survey and the end of the walk that tells what it has counted."""
        self._upset_mono: int | None = None
        """When an upheaval was concluded last."""
        self._is_waited_for = True
        """Whether the next walk is, if it is behind a start or an upheaval."""
        self.whole_mono: int | None = None
        self.anew: Anew | None = None
        """From where on that walk has seen every row sent."""
        self.rows = 0
        self.lost: dict[str, int] = {}
        """Column -> rows of that walk whose text the source had lost before us."""

    @property
    def source_name(self) -> str:
        """As the vendor calls the table."""
        return self._table.mapping.from_

    @property
    def busy_us(self) -> int:
        """What the source has worked for us since the start."""
        return self._reader.busy_us

    @property
    def overlaps(self) -> dict[str, int]:
        """Cursor -> seconds behind its high water from which it reads."""
        return {lane.name: lane.overlap_secs for lane in self._cursors if lane.is_timed}

    @property
    def wholes(self) -> dict[str, tuple[int, int]]:
        """Where the table is read as a whole: its name -> rows, seconds between two readings."""
        return (
            {self.source_name: (self.whole.rows, self.whole.secs)} if self.whole and self.whole.secs else {}
        )

    @property
    def without_index(self) -> list[str]:
        """Table and column of the cursors that are not read, because no index carries them. Of a table whose first walk has
        not shown yet whether it is small, nothing is said."""
        rows = max(self.rows, self._walk.rows if self._walk is not None else 0)
        off = [lane for lane in self._cursors if lane.is_off and rows > SMALL]
        return [f"{self.source_name}.{lane.column}" for lane in off]

    def resume(self, positions: dict[str, bytes]) -> None:
        """Continue from stored positions; without one a lane begins with the oldest row."""
        self._tail.resume(positions)
        for lane in self._cursors:
            lane.resume(positions)
        proof = self._capture.evidence.proof(self._table.name)
        if proof.upheaval is not None and survey.is_told(proof.upheaval, self._table.name, positions):
            proof.upheaval = replace(proof.upheaval, told=True)
        self._go_on_surveying()

    def _go_on_surveying(self) -> None:
        sign = self._capture.evidence.proof(self._table.name).upheaval
        noticed = sign is not None and not sign.told
        self.survey = Survey(self._reader, self._index, sign) if sign and noticed else None

    def sweep_now(self) -> None:
        """Walk the table anew, from its first row: until that is done nobody knows that it is whole."""
        self._walk, self._next_walk_mono = None, 0
        self.whole_mono = None

    def restart(self) -> None:
        """The table could not be read: begin every lane again, with a look at its columns."""
        self.sweep_now()
        self._newest_mono = 0
        self._go_on_surveying()
        self._hot.restart()
        if self.whole is not None:
            self.whole.restart()
        for lane in self._cursors:
            lane.restart()

    async def look(self) -> int:
        """Before any table is read, whether the newest rows are there: in a restored source, numbers are soon given a second
        time. -> 0.

        A table that is read as a whole is copied anew here, if it is due and no walk is on the former copy."""
        if self.whole is not None and self._walk is None and await self.whole.read():
            self._next_walk_mono = 0
        if self.survey is None and self._clock.mono() >= self._newest_mono:
            await self._look_at_newest()
        return 0

    async def _look_at_newest(self) -> None:
        known = await self._newest()
        if not known:
            return
        page = await self._reader.asked(list(known))
        there = {self._reader.key_of(row) for row in page}
        gone = [None if key in there else old.case_key for key, old in known.items()]
        is_many = len(known) >= upheaval.FEW and upheaval.in_newest(gone)
        is_end = len(known) >= upheaval.FEW and upheaval.in_end(gone)
        if is_many or (is_end and await self._is_anew()):
            await self._notice(newest_gone=True, anew=not is_many)
            return
        _, other, _ = await self._capture.compare(self._table, page)
        off = [*other, *(key for key in known if key not in there)]
        if off != self._off:
            self._off = off
            await self._look_at_numbers(off, page)

    async def _look_again(self, off: Sequence[str], page: Sequence[Row]) -> None:
        """Before rows are told as gone or other: a backup may have been put back, or rows numbered anew, since the look that began
        this round. Raises UpheavalError where it was."""
        await self._look_at_newest()
        if self.survey is None:
            await self._look_at_numbers(off, page)
        if self.survey is not None:
            raise UpheavalError

    async def _look_at_numbers(self, off: Sequence[str], page: Sequence[Row]) -> None:
        """Rows of the keys `off` are gone, or are other as read in `page`: whether they were only given other numbers. Of a small table
        all rows are counted, where one of the first few stands in `page` under another number, or may stand anywhere."""
        if not (off and self._is_looked_at) or self._table.is_keyless:
            return
        rows, few = self.rows or await self._index.count(self._table.name), off[:FIRST]
        stand = await numbers.moved(self._reader, self._index, few, page)
        sign = Upheaval(
            self._clock.office(), newest_gone=False, alone=self._table.kind is not RecordKind.CASE
        )
        if rows > SMALL:
            is_one = len(off) >= upheaval.FEW and stand == len(few)
        else:
            are_there = {self._reader.key_of(row) for row in page}.issuperset(few)
            is_one = (stand > 0 or not are_there) and await self._is_renumbered(sign)
        if is_one:
            await self._note(sign)

    async def _is_renumbered(self, sign: Upheaval) -> bool:
        counted = Survey(self._reader, self._index, sign)
        await counted.read(NEVER_ENDS)
        return counted.size is not None and counted.size.is_renumbered

    async def _is_anew(self) -> bool:
        made = await self._reader.timed(self._reader.source.made(self.source_name))
        return self._capture.evidence.is_anew(self._table.name, made)

    async def advance(self, secs: float) -> int:
        """Read for about `secs`, at least one page per lane. -> number of changes.

        While an upheaval is surveyed nothing is told: what belongs to it must say so.
        """
        until = self._clock.mono() + int(secs * SECOND)
        if self.survey is None:
            try:
                return await self._read(until)
            except UpheavalError:
                if self.survey is None:
                    await self._look_at_newest()
                if self.survey is None:
                    await self._notice(newest_gone=False)
        if self.survey is not None:
            await self.survey.read(until)
        return 0

    async def join(self, at: int) -> None:
        """Another table of the source has given a sign at office time `at`."""
        evidence = self._capture.evidence
        if self.survey is None and evidence.cause(self._table) is Cause.SOURCE:
            await evidence.noticed(self._table.name, Upheaval(at, newest_gone=False, of_source=True))
            self._go_on_surveying()

    async def conclude(self, *, told: bool) -> None:
        """It was an upheaval and that is said, or it was none."""
        assert self.survey is not None
        evidence, is_own = self._capture.evidence, not self.survey.sign.of_source
        await (evidence.told if told else evidence.dismissed)(self._table.name)
        self.survey = None
        if told or is_own:
            self._watch = self._wary = False  # what it has counted is not counted again
            self._is_waited_for = gentle.is_waited_for(self._clock.mono(), self._upset_mono)
            self._upset_mono = self._clock.mono()
            self.sweep_now()
            self._tail.restart()

    async def _notice(self, *, newest_gone: bool, anew: bool = False) -> None:
        await self._note(Upheaval(self._clock.office(), newest_gone, anew=anew))

    async def _note(self, sign: Upheaval) -> None:
        await self._capture.evidence.noticed(self._table.name, sign)
        self._go_on_surveying()

    @property
    def _is_looked_at(self) -> bool:
        return self._wary and self._capture.evidence.cause(self._table) is Cause.SOURCE

    async def _newest(self) -> dict[str, Known]:
        """Asked for every two seconds: what the index has of the rows that were new last, newest first."""
        if not self._is_looked_at:
            return {}
        self._newest_mono = self._clock.mono() + NEWEST_EVERY
        known = await self._index.newest(self._table.name, upheaval.NEWEST)
        if known and self._reader.sample is None:
            # after a start: by any row of the table, if there is one, keys become values
            await self._reader.timed(self._schema.check(self._table))
            await self._reader.read(query.by_key(self._table.select, None, 1))
        return known

    async def _read(self, until: int) -> int:
        moved = await self._reader.moved()
        due = hint.due(self._next_walk_mono, self._every, hurried=self._hurried)
        if self._walk is None and self._clock.mono() >= due:
            self._hurried = False
            await self._reader.timed(self._schema.check(self._table))
            await self._look_at_plans(self.rows or await self._index.count(self._table.name))
            await self._native.walk_begins()
            self._walk = await Walk.begin(self._reader, self._index)
            self._walk.watch, self._walk.wary = self._watch, self._wary
            self._walk.yields = self._watch or not self._is_waited_for
        changed, cursors = 0, [lane for lane in self._cursors if not lane.is_off]
        for lane in cursors:
            changed += await lane.read(until, self._walk.met if self._walk else None)
        up_to_date = self.whole_mono is not None and all(lane.caught_up for lane in cursors)
        changed += await self._tail.read(until, watch=up_to_date)
        if not changed and up_to_date:
            changed += await self._native.read(self.rows, signed=moved)
        if moved and not changed:
            self._hot.hurry()
            self._hurried = True
        if up_to_date and not self._table.is_keyless:
            changed += await self._hot.read(until)
        if self._walk is not None:
            changed += await self._on(self._walk, until)
        self._say_plans()
        return changed

    async def _look_at_plans(self, rows: int) -> None:
        for lane in self._cursors:
            await lane.look_at_plan(rows)

    def _say_plans(self) -> None:
        off = self.without_index
        for name in off:
            if name not in self._said_off:
                log.warning("cursor.stopped", column=name, hint="请厂商给该字段建索引，建好后自动恢复")
        for name in self._said_off:
            if name not in off:
                log.info("cursor.resumed", column=name)
        self._said_off = off

    async def _on(self, walk: Walk, until: int) -> int:
        changed, done = await walk.read(until)
        if done:
            self.whole_mono, self.anew, self.rows = walk.began_mono, walk.anew, walk.rows
            self._watch = self._wary = True
            self._newest_mono = 0
            self.lost = {f"{self._table.mapping.from_}.{column}": rows for column, rows in walk.lost.items()}
            self._tail.begin(walk.last)
            self._native.walk_ended()
            self._walk = None
            await self._look_at_plans(self.rows)
            self._next_walk_mono = self._clock.mono() + self._every
            secs = round((self._clock.mono() - walk.began_mono) / SECOND, 1)
            log.debug("walk.finished", table=self._table.name, rows=walk.rows, secs=secs)
        return changed
