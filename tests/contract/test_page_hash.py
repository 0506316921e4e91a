"""What the server says of a page: another word after every edit, and rows that need not be read while it is the same."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from agent.core import query
from agent.core.query import Column, Query, Row, Table
from agent.source.base import Source
from common.core.record import Op
from tests.contract.vendor import VENDORS, Vendor
from tests.integration.test_collect import EAGER, Box, Site
from tests.integration.test_lanes import Slow

HASHING = ["mysql", "postgresql", "kingbase"]
"""The others have no such hash, or nobody has tried it on a real server."""
on_hashing = pytest.mark.parametrize(
    "kind", [pytest.param(name, marks=pytest.mark.service) for name in HASHING]
)
WALKING = msgspec.structs.replace(EAGER, page_rows=4, hot_secs=3600, poll_secs=3600)
"""A round is a whole walk, however slow the machine: by the slice of time that others have, an edit that is placed between two
statements of a page would lie in the middle of one."""
SECRET = "0f1e2d3c4b5a6978"
ROWS = [(number, f"王{number}", "甲乙", "x", 1, "2026-06-01 08:00:00", "ab") for number in range(1, 13)]
EDITS = {
    "one letter": "{申请人} = '李1' WHERE {序 号} = 1",
    "two rows alike, which a XOR of their CRCs would hide": "{状态} = 9 WHERE {序 号} IN (2, 3)",
    "all rows alike": "{状态} = 8",
    "the names of two cases exchanged, as the sum of letters is the same": (
        "{申请人} = CASE {序 号} WHEN 4 THEN '王5' ELSE '王4' END WHERE {序 号} IN (4, 5)"
    ),
    "two columns exchanged": "{申请人} = '甲乙', {备注} = '王6' WHERE {序 号} = 6",
    "a letter moved over the border of two columns": "{申请人} = '王', {备注} = '7甲乙' WHERE {序 号} = 7",
    "a text emptied": "{意见} = '' WHERE {序 号} = 8",
    "an empty text made NULL": "{意见} = NULL WHERE {序 号} = 8",
    "NULL made a text that looks like it": "{意见} = 'NULL' WHERE {序 号} = 8",
    "a blank at the end": "{意见} = 'x ' WHERE {序 号} = 9",
    "case alone": "{意见} = 'X' WHERE {序 号} = 10",
    "a second": "{时间} = '2026-06-01 08:00:01' WHERE {序 号} = 11",
    "a time cleared": "{时间} = NULL WHERE {序 号} = 11",
    "a longer scan": "{附件} = 'abc' WHERE {序 号} = 12",
    "a number exchanged for another row's": "{序 号} = 13 WHERE {序 号} = 12",
}


async def made(request: pytest.FixtureRequest, kind: str, folder: Path) -> Vendor:
    """A table of twelve rows."""
    vendor = await VENDORS[kind](request, folder)
    texts = dict.fromkeys(("申请人", "备注", "意见"), "VARCHAR(40)")
    columns = {"序 号": "INTEGER", **texts, "状态": "INTEGER", "时间": vendor.moment, "附件": vendor.lob}
    if kind == "mysql":
        columns["时间"] += " NULL"
    await vendor.create("办件", columns, "序 号")
    await vendor.insert("办件", *ROWS)
    return vendor


async def said(source: Source, table: Table, after: Row | None, upto: Row) -> Row:
    wanted = query.hash_of(table, after, upto, SECRET)
    assert wanted is not None
    (row,) = await source.fetch(wanted)
    return row


async def edit(vendor: Vendor, how: str) -> None:
    names = {
        name: vendor.quoted(name) for name in ("序 号", "申请人", "备注", "意见", "状态", "时间", "附件")
    }
    for name, quoted in names.items():
        how = how.replace(f"{{{name}}}", quoted)
    await vendor.execute(f"UPDATE {vendor.quoted('办件')} SET {how}")


@on_hashing
async def test_every_edit_gives_another_hash_and_none_the_same(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    vendor = await made(request, kind, tmp_path)
    names = ("序 号", "申请人", "备注", "状态", "时间")
    columns = (*(Column(name) for name in names), Column("意见", raw=True), Column("附件", length=True))
    table = Table(vendor.config.dialect, "办件", columns, ("序 号",))
    source, other = vendor.source(), vendor.source()
    seen = {await said(source, table, None, (20,))}
    for name, how in EDITS.items():
        await edit(vendor, how)
        found = await said(source, table, None, (20,))
        assert found[0] == len(ROWS)
        assert found not in seen, name
        assert found == await said(other, table, None, (20,)), "it is a matter of the rows alone"
        seen.add(found)
    assert await said(source, table, (1,), (1,)) == (0, None)
    pair = await said(source, table, (3,), (5,))
    assert pair[0] == 2
    await edit(vendor, "{备注} = '丙' WHERE {序 号} IN (3, 6)")
    assert await said(source, table, (3,), (5,)) == pair, "neighbours are not in it"
    await source.close()
    await other.close()


@on_hashing
async def test_a_page_under_a_key_of_two_columns_ends_with_its_last_row(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    vendor = await VENDORS[kind](request, tmp_path)
    await vendor.create("过程", {"编号": "VARCHAR(20)", "序 号": "INTEGER"}, "编号", "序 号")
    await vendor.insert("过程", *((f"SL{case}", place) for case in (1, 2, 3) for place in (1, 2, 10)))
    table = Table(vendor.config.dialect, "过程", (Column("编号"), Column("序 号")), ("编号", "序 号"))
    source = vendor.source()
    ends = [(f"SL{case}", place) for case in (1, 2, 3) for place in (1, 2, 10)]
    for lo in range(len(ends)):
        for hi in range(lo + 1, len(ends)):
            assert (await said(source, table, ends[lo], ends[hi]))[0] == hi - lo
    await source.close()


# the walk -----------------------------------------------------------------------------------------------------

MAPPING = """
version = 1
[source]
type = "{config.type}"
host = "{config.host}"
port = {config.port}
database = "{config.database}"
user = "{config.user}"
password_file = "password"
[table.case]
from = "办件"
key = ["序 号"]
watch = ["备注", "意见", "状态"]
lob = ["附件"]
columns = {{case_no = "序 号", applicant = "申请人", accepted_at = "时间"}}
"""
After = Callable[[Query], Awaitable[None]]


class Line:
    """Between box and source: what passes, and what happens in the database right after it."""

    def __init__(self, box: Box) -> None:
        self.hashes, self.pages = 0, 0
        self.after: After | None = None
        """Once, after the next hash."""
        self.after_page: After | None = None
        """Once, after the next page."""
        self.is_old = False
        """The server does not know the function that makes a hash."""
        source = box.collector._source
        self._fetch, source.fetch = source.fetch, self.fetch  # type: ignore[method-assign]

    async def fetch(self, query: Query) -> list[Row]:
        is_hash = "sha2" in query.sql.lower()
        if is_hash and self.is_old:
            query = msgspec.structs.replace(query, sql=query.sql.replace("SHA2(", "SHA9("))
        self.hashes += is_hash
        rows = await self._fetch(query)
        is_page = not is_hash and "LIMIT 4" in query.sql
        self.pages += is_page
        if is_page and self.after_page is not None:
            after, self.after_page = self.after_page, None
            await after(query)
        if is_hash and self.after is not None:
            after, self.after = self.after, None
            await after(query)
        return rows

    def counts(self) -> tuple[int, int]:
        """Hashes and pages since the last time."""
        found = self.hashes, self.pages
        self.hashes = self.pages = 0
        return found


@pytest.fixture
def walk_alone() -> Iterator[None]:
    """PostgreSQL tells who wrote, after a sign that comes when two seconds have passed: the walk must find it by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agent.lane.native.LARGEST", 0)
        yield


@on_hashing
@pytest.mark.usefixtures("walk_alone")
async def test_pages_that_the_server_vouches_for_are_not_read_and_no_silent_edit_is_missed(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = await made(request, kind, tmp_path)
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    async with Site(tmp_path, is_new=False).running(WALKING) as box:
        line = Line(box)
        assert len(await box.round()) == len(ROWS)
        await box.round()  # every row is as the index has it: its pages are proven
        await box.round()  # hashed, and read once more
        line.counts()
        assert await box.round() == []
        tail = 1
        assert line.counts() == (3, 1 + tail), "three pages vouched for, and the empty one behind them"
        for name, how in EDITS.items():
            await edit(vendor, how)
            assert await box.round() != [], name
            for _ in range(3):  # proven, hashed and read, vouched for
                assert await box.round() == []
        await vendor.execute(f"DELETE FROM {vendor.quoted('办件')} WHERE {vendor.quoted('序 号')} = 5")
        assert [(item.key, item.op) for item in await box.round()] == [("5", Op.DELETE)]
        for _ in range(3):
            assert await box.round() == []

        async def silently(_: Query) -> None:
            await edit(vendor, "{备注} = '丁' WHERE {序 号} = 1")

        line.after = silently  # after the page was vouched for
        assert await box.round() == []
        assert [item.key for item in await box.round()] == ["1"]
        assert await box.round() == []

        async def again(_: Query) -> None:
            await edit(vendor, "{备注} = '戊' WHERE {序 号} = 1")

        line.after = again  # between the hash that is to be kept and the reading of its rows
        assert [item.key for item in await box.round()] == ["1"]
        for _ in range(3):
            assert await box.round() == []

        async def to_and_fro(_: Query) -> None:
            await edit(vendor, "{备注} = '戊' WHERE {序 号} = 1")

        monkeypatch.setattr(
            "agent.core.page.READ_EVERY", 0
        )  # so that the server is asked for the hash to be kept
        await edit(vendor, "{备注} = '己' WHERE {序 号} = 1")
        line.after = to_and_fro  # put back before the rows are read: the hash is of what nobody has read
        assert await box.round() == []
        monkeypatch.undo()
        await edit(vendor, "{备注} = '己' WHERE {序 号} = 1")
        assert [item.key for item in await box.round()] == ["1"]
        for _ in range(3):
            assert await box.round() == []

        async def behind(_: Query) -> None:
            await edit(vendor, "{备注} = '庚' WHERE {序 号} = 1")

        monkeypatch.setattr("agent.core.page.READ_EVERY", 0)

        async def then(_: Query) -> None:
            line.after_page = behind

        line.after = then  # between the reading of the rows and the hash after it
        assert await box.round() == []
        monkeypatch.undo()
        assert [item.key for item in await box.round()] == ["1"]
        for _ in range(3):
            assert await box.round() == []
        line.counts()
        monkeypatch.setattr("agent.core.page.READ_EVERY", 0)
        assert await box.round() == []
        assert line.counts()[1] > 1 + tail, "once a day they are read"


@on_hashing
async def test_hashes_are_part_of_the_duty_and_of_the_figure(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the walk in which they are asked for and the pages are read besides."""
    vendor = await made(request, kind, tmp_path)
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    config = msgspec.structs.replace(WALKING, duty=0.05)
    async with Site(tmp_path, is_new=False).running(config) as box:
        time, line = Slow(box, monkeypatch, hour=12), Line(box)
        await box.round()
        assert 0.045 < time.share() < 0.075, (
            "the first walk has the whole of it; its last page is rested for later"
        )
        first = time.now, time.worked
        for _ in range(5):
            await box.round()
        hashes, _ = line.counts()
        assert hashes >= 3 * 2 + 3 * 2
        assert 0.004 < time.share(first) < 0.0075, "and any other a tenth"
        assert box.collector._lanes["case"].busy_us >= time.worked - 20_000, "the clock is no lane's"


@pytest.mark.service
async def test_a_server_whose_hash_is_cut_or_not_known_has_its_pages_read(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A list of hashes that MySQL cuts is no hash of all rows; an old release has no SHA2."""
    vendor = await made(request, "mysql", tmp_path)
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    async with Site(tmp_path, is_new=False).running(WALKING) as box:
        for _ in range(3):
            await box.round()
        line, source = Line(box), box.collector._source
        await source.fetch(Query("SET SESSION group_concat_max_len = 100"))
        for _ in range(3):
            await box.round()
        assert line.counts() == (3 * 3, 3 * (3 + 1 + 1))
        for number in (1, 4, 12):
            await edit(vendor, f"{{备注}} = '辛' WHERE {{序 号}} = {number}")
            assert [item.key for item in await box.round()] == [str(number)]
    async with Site(tmp_path, is_new=False).running(WALKING) as box:
        line = Line(box)
        line.is_old = True
        for _ in range(3):
            await box.round()
        assert line.hashes == 1, "asked once"
        await edit(vendor, "{备注} = '壬' WHERE {序 号} = 1")
        assert [item.key for item in await box.round()] == ["1"]
