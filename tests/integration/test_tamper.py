"""A seeded sample of `make soak WHAT=tamper`: nothing that is done to the data goes unnoticed."""

from pathlib import Path

import pytest
from sqlalchemy import delete, insert

from central import verify
from central.core import noted
from central.core.flaw import Grade
from central.store import tables as t
from central.store import trail
from central.store.engine import open_store
from tests import tamper
from tests.keyed import keyed
from tests.thief import NOW, ZONE

pytestmark = pytest.mark.service


async def test_nothing_that_is_done_to_the_data_goes_unnoticed(tmp_path: Path) -> None:
    done = await tamper.run(tmp_path, 100, seed=2)
    assert done.unnoticed == []
    assert sum(done.trials.values()) == 100
    assert len(done.trials) > 20


async def test_a_site_that_is_taken_out_whole_is_missed(tmp_path: Path) -> None:
    """What the audit says began there is not."""
    store = await open_store(keyed(tmp_path / "central.db"))
    async with store.write() as conn:
        row = {"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}
        await conn.execute(insert(t.site), [row, {**row, "id": "s02", "name": "石桥镇", "position": 1}])
        place = noted.epoch_name("s01", b"epoch--1")
        await trail.note(conn, NOW, trail.HALL, noted.EPOCH_OPEN, place, "第 1 代机器")
        await conn.execute(delete(t.site).where(t.site.c.id == "s01"))
        reports = {report.site: report for report in await verify.examine(conn, ZONE, NOW)}
        assert {site: verify.grade([report]) for site, report in reports.items()} == {
            "s01": Grade.BROKEN,
            "s02": Grade.PROVEN,
        }
        assert [one.site for one in await verify.examine(conn, ZONE, NOW, "s01")] == ["s01"]
    await store.close()
