"""A folder of exports through the whole of capture: what changed is told once, and nothing is called whole that is older."""

import csv
import os
import time
from pathlib import Path

import pytest

from agent.source import files
from common.clock import Clock
from common.core import record
from common.core.instant import SECOND
from common.core.record import Case, Op
from tests.integration.test_collect import Box, Site, summary

HEAD = ["受理编号", "申请人", "办结时间"]
MAPPING = """
version = 1
[source]
type = "folder"
path = "exports"
[table.case]
from = "台账"
parent = "受理编号"
columns = {case_no = "受理编号", applicant = "申请人", finished_at = "办结时间"}
"""


class Exports(Site):
    """A site whose vendor exports one sheet without a key."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, is_new=False)
        (folder / "mapping.toml").write_text(MAPPING, "utf-8")
        (folder / "exports").mkdir()

    def export(self, *rows: tuple[str, str, str], name: str = "台账.csv", ago_secs: int = 0) -> Path:
        path = self.folder / "exports" / name
        with path.open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows([HEAD, *rows])
        os.utime(path, (time.time() - ago_secs, time.time() - ago_secs))
        return path


FIRST = ("001", "王㐂", "")
SECOND_ROW = ("002", "张三", "2026-06-09")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exports:
    monkeypatch.setattr(files, "SETTLE_SECS", 0.0)
    monkeypatch.setattr(files, "DUTY", 1.0)
    return Exports(tmp_path)


async def cases(box: Box) -> list[tuple[Op, str, str | None]]:
    found = []
    for item in await box.round():
        body = record.decode_body(item)
        assert isinstance(body, Case)
        found.append((item.op, body.case_key, body.finished_at))
    return sorted(found)


async def test_an_edit_of_a_row_without_a_key_is_an_insert_and_a_deletion_of_one_case(site: Exports) -> None:
    site.export(FIRST, SECOND_ROW)
    async with site.running() as box:
        assert await cases(box) == [(Op.PUT, "001", None), (Op.PUT, "002", "2026-06-09")]
        assert await cases(box) == []
        site.export(FIRST, ("002", "张三", "2026-06-10"))
        assert await cases(box) == [(Op.DELETE, "002", None), (Op.PUT, "002", "2026-06-10")]
        site.export(("002", "张三", "2026-06-10"))
        assert await cases(box) == [(Op.DELETE, "001", None)]


async def test_the_next_of_a_dated_series_tells_only_what_is_new_and_so_does_a_restart(site: Exports) -> None:
    site.export(FIRST, name="台账_20260611.csv")
    async with site.running() as box:
        assert len(await box.round()) == 1
        site.export(FIRST, SECOND_ROW, name="台账_20260612.csv")
        assert await cases(box) == [(Op.PUT, "002", "2026-06-09")]
    async with site.running() as box:
        assert await box.round() == []


async def test_nothing_is_called_whole_beyond_the_age_of_the_file(site: Exports) -> None:
    """A case that ended after the export was made must not turn red."""
    site.export(FIRST, ago_secs=86_400 * 400)
    async with site.running() as box:
        await box.round()
        (said,) = await box.passes()
        age = (Clock().office() - said.started_at) / SECOND
        assert age == pytest.approx(86_400 * 400, abs=60)
        site.export(FIRST, SECOND_ROW)
        await box.round()
        newest = (await box.passes())[-1]
        assert (Clock().office() - newest.started_at) / SECOND < 60


async def test_a_half_written_export_tells_nothing_and_deletes_nothing(site: Exports) -> None:
    site.export(FIRST, SECOND_ROW)
    async with site.running() as box:
        await box.round()
        whole = site.export(FIRST, SECOND_ROW, ("003", "李四", ""))
        whole.write_bytes(whole.read_bytes()[:-8])
        assert await box.round() == []
        assert "栏" in box.state.fault or "编码" in box.state.fault or "引号" in box.state.fault
        box.collector._retry_mono.clear()
        site.export(FIRST, SECOND_ROW, ("003", "李四", ""))
        assert [key for _, key, _ in await cases(box)] == ["003"]


async def test_equal_rows_are_one_case_until_the_last_is_gone(site: Exports) -> None:
    site.export(FIRST, FIRST)
    async with site.running() as box:
        first = await box.round()
        assert len(summary(first)) == 2
        site.export(FIRST)
        assert await cases(box) == [(Op.DELETE, "001", None)]


async def test_names_that_the_export_has_lost_are_counted_in_the_status(site: Exports) -> None:
    site.export(("001", "王?", ""), ("002", "王㐂", ""))
    async with site.running() as box:
        await box.round()
        assert box.state.lost == {"台账.申请人": 1}
        site.export(("001", "王㐂", ""), ("002", "王㐂", ""))
        await box.round()
        assert box.state.lost == {}


async def test_a_change_is_not_said_to_be_younger_than_the_file_before_was_old(site: Exports) -> None:
    """A case that ended at ten is no back-dated one because a file of eight was looked at until eleven."""
    mapping = site.folder / "mapping.toml"
    mapping.write_text(MAPPING.replace('parent = "受理编号"', 'key = ["受理编号"]'), "utf-8")
    site.export(FIRST, ago_secs=3 * 3600)
    async with site.running() as box:
        await box.round()
        await box.round()
        site.export(("001", "王㐂", "2026-06-09"), ago_secs=60)
        (changed,) = [item for item in await box.round() if item.table]
        assert changed.same_until is not None
        assert changed.cap_at - changed.same_until >= 3 * 3600 * SECOND - 5 * SECOND
