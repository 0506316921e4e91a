"""The walk: a whole table in key order. It alone proves the index row by row, and finds what is gone."""

from collections import Counter
from collections.abc import AsyncIterator

from agent.core import lost, query
from agent.core.indexed import Known
from agent.core.page import BEGIN, Page, Place, runs
from agent.core.proof import Met
from agent.core.query import Row
from agent.index import Index
from agent.lane.native import LARGEST
from agent.lane.reader import ASK_ROWS, Reader
from agent.source import base
from common.core.instant import SECOND
from common.core.record import Anew


class Walk:
    """One walk over the whole of one table."""

    def __init__(self, reader: Reader, index: Index, anew: Anew | None, newest_id: int, made: str) -> None:
        self._reader = reader
        self._index = index
        age = int(reader.source.age_secs(reader.table.mapping.from_) * SECOND)
        self.began_mono = reader.clock.mono() - age
        """What an exported file says holds for when it was written."""
        self.anew = anew
        self.newest_id = newest_id
        self._made = made
        self.met = Met(reader.clock.office() - age)
        self.last: Row | None = None
        """The key it has come to."""
        self.rows = 0
        self.lost = Counter[str]()
        """Column -> rows whose text the source had lost before us."""
        self._used: set[str] = set()
        self.watch = False
        """Whether much that differs at once would be an upheaval, and not what happened while we were away."""
        self.yields = False
        """Whether nobody waits for it: the first walk of a start is waited for, and mostly the one behind an upheaval."""
        self.wary = False
        """Whether much that is gone would be one: no work of days removes it, but an archive, a rebuilt table, a backup."""
        self._content = ""
        self._paired = Counter[str]()
        """Case -> rows without a key that are gone, and for which another one of the case came."""
        name = reader.table.name
        self._bad_before = {key for table, key in reader.capture.bad if table == name}

    @classmethod
    async def begin(cls, reader: Reader, index: Index) -> "Walk":
        """What is new in the source from now on, it need not meet."""
        made = await reader.timed(reader.source.made(reader.table.mapping.from_))
        walk = cls(reader, index, index.anew, await index.newest_id(), made)
        walk._content = await walk._served()
        return walk

    async def _served(self) -> str:
        """What the rows of a table without a key are read from; of others nothing."""
        table = self._reader.table
        return (await self._reader.source.hint(table.mapping.from_) or "") if table.is_keyless else ""

    async def read(self, until: int) -> tuple[int, bool]:
        """Until monotonic time `until`. -> number of changes, whether the walk has come to its end."""
        reader, changed = self._reader, 0
        while True:
            count, rows, last = await self._page()
            changed += count
            self.rows += rows
            if last:
                return changed + await self._finish(), True
            if reader.clock.mono() >= until:
                return changed, False
            await reader.rest(rows, walks=self.yields)

    async def _page(self) -> tuple[int, int, bool]:
        """-> number of changes in the next page, how many rows it has, whether it is the last.

        One that was proven is not read while the server vouches for it, and not looked into while its rows are the same.
        """
        reader, after, soiled = self._reader, self.last, self._index.soiled
        pages = reader.capture.pages(reader.table.name)
        lo = BEGIN if after is None else reader.key_text(after)
        self._used.add(lo)
        proven = pages.at(lo, soiled)
        if proven is not None and proven.rows > reader.limit:
            proven = None
        mono = reader.clock.mono()
        hashed = None if proven is None else await reader.hashed(after, proven.end)
        if proven is not None and hashed is not None and pages.vouched(proven, hashed, mono):
            self._meet(proven)
            self.last = proven.end
            return 0, proven.rows, False
        rows = 0 if proven is None else proven.rows
        page, last = await reader.page(lambda limit: query.by_key(reader.table.select, after, limit), rows)
        changed, holds = 0, proven is not None and len(page) == proven.rows
        if proven is not None and holds and pages.holds(proven, reader.capture.digest(page)):
            self._meet(proven)
            if hashed is not None and hashed[1] and hashed == await reader.hashed(after, proven.end):
                pages.hashed(lo, proven, hashed, mono)
        else:
            kept = pages.cut([reader.key_of(row) for row in page])
            last, page = last and kept == len(page), page[:kept]
            changed = await self._take(page, lo, soiled)
        if page:
            self._step(page[-1], last=last)
        return changed, len(page), last

    async def _take(self, page: list[Row], lo: str, soiled: int) -> int:
        """A page that is not as it was proven. -> number of changes."""
        reader = self._reader
        end = self._key(page[-1]) if page else ()
        place = Place(lo, soiled, lost.count(page, reader.table), end)
        changed = await reader.take(page, met=self.met, place=place, watch=self.watch)
        self.lost.update(place.lost)
        return changed

    def _meet(self, proven: Page) -> None:
        for run in runs(proven.ids):
            self.met.add_run(*run)
        self.lost.update(proven.lost)

    def _key(self, row: Row) -> Row:
        return tuple(row[place] for place in self._reader.key)

    def _step(self, row: Row, *, last: bool) -> None:
        after = self._key(row)
        if not last and (after == self.last or None in after):
            raise base.SchemaError(
                f"{self._reader.table.mapping.from_} 的 key 不能用来翻页（为空或类型不支持）",
                hint="请在 mapping.toml 的 key 换用非空且唯一的字段",
            )
        if None not in after:
            self.last = after

    async def _finish(self) -> int:
        """What the index knows and the walk has not met is gone, if the source says so when asked by key.

        Where rows have no key and another content is served since the walk began, an edited one may have come to stand where the
        walk had passed: what it was before is gone, and told by the next walk, which meets both.
        """
        table, capture = self._reader.table, self._reader.capture
        changed, soiled = 0, self._index.soiled
        if self.wary:
            off = [key async for missing in self._missing(soiled) for key, known in missing if not known.gone]
            capture.evidence.look_out(table, await self._index.count(table.name) - len(off), len(off))
            if off:
                await self._reader.look_again(off, [])
        is_torn = await self._served() != self._content
        async for missing in self._missing(soiled):
            await self._index.check_found(table.name, missing)
            changed += 0 if is_torn else await self._confirm(missing)
            for _, known in missing:
                self.met.add(known.id)
        await self._set_aside_without_key()
        left = self._bad_before - self.met.bad
        cured = [(table.name, key) for key in left if (table.name, key) in capture.bad]
        if cured:
            await capture.cure(cured)
        capture.pages(table.name).keep(self._used, self.met, self.newest_id, soiled)
        await capture.evidence.walked(table, self.met, self.newest_id, self._made)
        capture.evidence.proof(table.name).ended_at = self._reader.clock.office()
        return changed

    async def _set_aside_without_key(self) -> None:
        """Rows of which a key column is NULL come in no page behind another and in no hash, so the walk may not have met them."""
        reader = self._reader
        for column in reader.table.key:
            wanted = query.without_key(reader.table.select, column)
            if self.rows <= LARGEST or not await reader.scans(wanted):
                await reader.rest(0, walks=self.yields)
                page = await reader.timed(reader.source.fetch(wanted))
                await reader.take(page, met=self.met)

    async def _missing(self, soiled: int) -> AsyncIterator[list[tuple[str, Known]]]:
        """Rows that the index has and the walk has not met."""
        name = self._reader.table.name
        left, asked = self._reader.capture.pages(name).left_out(self.met, soiled)
        for start in range(0, len(left), ASK_ROWS):
            if missing := await self._index.there(name, left[start : start + ASK_ROWS]):
                yield missing
        while missing := await self._index.unseen(name, self.met, (asked, self.newest_id), ASK_ROWS):
            asked = missing[-1][1].id
            yield missing

    async def _confirm(self, missing: list[tuple[str, Known]]) -> int:
        """An empty table was answer enough."""
        reader = self._reader
        page = await reader.asked([key for key, _ in missing]) if self.last is not None else []
        there = {reader.key_of(row) for row in page}
        gone = [(key, known) for key, known in missing if key not in there]
        changed = await reader.capture.gone(reader.table, gone, await self._replaced(gone))
        return changed + await reader.take(page)

    async def _replaced(self, gone: list[tuple[str, Known]]) -> set[str]:
        """Of rows without a key that are gone, those for which a new one of the same case has come since the last walk ended:
        most likely the same row, edited. One for one, so that whatever is deleted besides is told as that."""
        name, index = self._reader.table.name, self._index
        if not self._reader.table.is_keyless or not gone:
            return set()
        proof = self._reader.capture.evidence.proof(name)
        since = proof.ended_at or (proof.walked.at if proof.walked is not None else 0)
        there = await index.rows_of(name, list({old.case_key for _, old in gone}))
        left = {key for key, _ in gone}
        come = Counter(old.case_key for key, old in there.items() if old.at >= since and key not in left)
        found = set[str]()
        for key, old in gone:
            if not old.gone and self._paired[old.case_key] < come[old.case_key]:
                self._paired[old.case_key] += 1
                found.add(key)
        return found
