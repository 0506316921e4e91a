"""A table of a live database without any unique columns: read as a whole, and every change of it told once, as what it is."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.source import whole
from common.clock import Clock
from common.core import record
from common.core.record import Case, Cause, Op, Record, Step
from tests.contract.vendor import Vendor, on_sqlite, with_locks
from tests.integration.test_collect import EAGER, Site

MAPPING = """
version = 1
[source]
type = "{config.type}"
path = "{config.path}"
host = "{config.host}"
port = {config.port}
database = "{config.database}"
user = "{config.user}"
password_file = "{config.password_file}"
[table.case]
from = "c"
parent = "id"
lob = ["z"]
columns = {{case_no = "id", applicant = "v", finished_at = "f"}}
[table.step]
from = "s"
parent = "id"
columns = {{step_name = "h", actor = "a"}}
"""
STEPS = [("1", "受理", "王"), ("1", "审查", "李"), ("1", "审查", "李"), ("2", "受理", "王")]


async def opened(vendor: Vendor, folder: Path) -> Site:
    """Two tables as some vendors make them."""
    lob, moment = vendor.lob, vendor.moment
    for table, columns in (
        ("c", f"id VARCHAR(20), v VARCHAR(20), f {moment}, z {lob}, n DECIMAL(12, 3)"),
        ("s", "id VARCHAR(20), h VARCHAR(20), a VARCHAR(20)"),
    ):
        await vendor.execute(f"CREATE TABLE {vendor.quoted(table)} ({columns})")
        if vendor.config.user:
            await vendor.execute(f"GRANT SELECT ON {vendor.quoted(table)} TO {vendor.grantee}")
    await vendor.execute(
        "INSERT INTO c VALUES ('1', '王㐂', NULL, NULL, 1.5), ('2', '', '2026-06-09 00:00:00', NULL, NULL)"
    )
    await vendor.insert("s", *STEPS)
    (folder / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    return Site(folder, is_new=False)


def told(found: list[Record]) -> list[tuple[str, Op, Cause, str, str | None]]:
    """table, what became of the row, why, its case, and what tells it apart there."""
    said = []
    for item in found:
        body = record.decode_body(item)
        assert isinstance(body, Case | Step)
        what = body.applicant if isinstance(body, Case) else body.step_name
        said.append((item.table, item.op, item.cause, body.case_key, what))
    return sorted(said, key=str)


NEVER = replace(EAGER, hot_secs=0)


@with_locks
async def test_every_change_of_it_is_told_once_as_what_it_is(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit is no deletion, of equal rows one less is one, and what is too large is refused and not half read."""
    site = await opened(vendor, tmp_path)
    async with site.running(NEVER) as box:
        first = await box.round()
        assert len({(item.table, item.key) for item in first}) == 6
        assert told(first) == sorted(
            [("case", Op.PUT, Cause.SOURCE, "1", "王㐂"), ("case", Op.PUT, Cause.SOURCE, "2", None)]
            + [("step", Op.PUT, Cause.SOURCE, case, name) for case, name, _ in STEPS],
            key=str,
        )
        bodies = [record.decode_body(item) for item in first if item.table == "case"]
        assert {body.finished_at for body in bodies if isinstance(body, Case)} == {
            None,
            "2026-06-09T00:00:00+08:00",
        }
        assert await box.round() == []
        assert {name: rows for said in await box.passes() for name, rows in said.tables.items()} == {
            "case": 2,
            "step": 4,
        }
        await vendor.execute("UPDATE c SET f = '2026-06-10 00:00:00' WHERE id = '1'")
        await vendor.execute("UPDATE s SET a = '赵' WHERE h = '受理' AND id = '2'")
        await vendor.execute("DELETE FROM s WHERE h = '受理' AND id = '1'")
        assert told(await box.round()) == [
            ("case", Op.DELETE, Cause.REPLACED, "1", None),
            ("case", Op.PUT, Cause.SOURCE, "1", "王㐂"),
            ("step", Op.DELETE, Cause.REPLACED, "2", None),
            ("step", Op.DELETE, Cause.SOURCE, "1", None),
            ("step", Op.PUT, Cause.SOURCE, "2", "受理"),
        ]
        await vendor.execute(
            "UPDATE c SET f = NULL WHERE id = '1'"
        )  # as it was, and its row was told as gone
    async with site.running(NEVER) as box:
        assert told(await box.round()) == [
            ("case", Op.DELETE, Cause.REPLACED, "1", None),
            ("case", Op.PUT, Cause.SOURCE, "1", "王㐂"),
        ]
        await vendor.execute("DELETE FROM s WHERE h = '审查'")
        await vendor.insert("s", STEPS[1])
        assert told(await box.round()) == [("step", Op.DELETE, Cause.SOURCE, "1", None)]
        monkeypatch.setattr(whole, "LARGEST", 1)
        assert await box.round() == []
        assert "c 没有唯一字段，又超过 1 行" in box.state.fault
        monkeypatch.undo()
        box.collector._retry_mono = dict.fromkeys(box.collector._retry_mono, 0)
        await box.round()
        assert (box.state.fault, await box.round()) == ("", [])


async def test_it_is_read_now_and_then_and_nobody_claims_more_than_was_seen(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    site = await opened(vendor := await on_sqlite(request, tmp_path), tmp_path)
    async with site.running(replace(EAGER, hot_secs=30, duty=0.05, rows_per_sec=0.1, night="")) as box:
        await box.round()
        assert box.state.wholes == {"c": (2, 30), "s": (4, 40)}
        copied = Clock().office()
        await vendor.execute("DELETE FROM s WHERE id = '2'")
        assert await box.round() == []
        said = await box.passes()
        assert {name for one in said for name in one.tables} == {"case", "step"}
        assert max(one.started_at for one in said) < copied
    async with site.running(NEVER) as box:
        assert told(await box.round()) == [("step", Op.DELETE, Cause.SOURCE, "2", None)]
