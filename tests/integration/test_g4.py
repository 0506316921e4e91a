import msgspec, pytest
from collections import Counter
from agent.source.base import BusyError
from common.core.record import Op
from tests.integration.test_collect import EAGER, Site
from tests.integration.test_lanes import Office, WALKING, observed, MAPPING
from tests.integration.test_upheaval import whole, codes

W = msgspec.structs.replace(EAGER, page_rows=500, hot_secs=3600, poll_secs=600)


async def test_archive(tmp_path):
    o = Office(tmp_path)
    with o.vendor() as db:
        db.executemany(
            "INSERT INTO SP_YWSL VALUES (?,?,?,?,?)",
            [(n, f"S{n}", "x", "2026-05-01 09:00:00", "2026-05-01 09:00:00") for n in range(41, 3041)],
        )
    async with o.running(W) as box:
        await whole(box)
        await whole(box)
        o.sql("DELETE FROM SP_YWSL WHERE ID BETWEEN 41 AND 1540")
        f = await whole(box)
        print("G archive", Counter((r.table, r.op.name, r.cause.name) for r in f), await codes(box))


async def test_hotbulk(tmp_path):
    o = Office(tmp_path)
    with o.vendor() as db:
        db.executemany(
            "INSERT INTO SP_YWSL VALUES (?,?,?,?,?)",
            [(n, f"S{n}", "x", None, "2026-05-01 09:00:00") for n in range(41, 341)],
        )
    async with o.running(msgspec.structs.replace(W, hot_secs=0.05, sweep_secs=3600)) as box:
        await whole(box)
        o.sql("DELETE FROM SP_YWSL WHERE ID BETWEEN 41 AND 240")
        f = []
        for _ in range(5):
            for l in box.collector._lanes.values():
                l._hot._due_mono = 0
            f += await box.round()
        print("G hotbulk", Counter((r.table, r.op.name, r.cause.name) for r in f), await codes(box))


async def test_mixed(tmp_path):
    o = Office(tmp_path)
    o.sql("DROP TABLE SP_YWSL")
    o.sql("CREATE TABLE SP_YWSL (ID STRING PRIMARY KEY, SLBH, SQR, BJSJ, XGSJ)")
    for n in ("A01", "A02", "5", "6", "7", "8"):
        o.sql("INSERT INTO SP_YWSL VALUES (?,?,'x',NULL,NULL)", n, n)
    async with o.running(msgspec.structs.replace(W, hot_secs=0.05)) as box:
        for n in range(5):
            for l in box.collector._lanes.values():
                l._hot._due_mono = 0
            print("G mixed", n, [(r.table, r.key, r.op.name) for r in await box.round() if r.table == "case"])


async def test_busy(tmp_path):
    o = Office(tmp_path)
    async with o.running(msgspec.structs.replace(W, page_rows=40)) as box:
        src = box.collector._source
        fetch = src.fetch

        async def slow(q):
            rows = await fetch(q)
            if len(rows) > 12:
                raise BusyError("x", hint="y")
            return rows

        src.fetch = slow
        for n in range(6):
            box.collector._retry_mono.clear()
            print("G busy", n, len(await box.round()), box.state.table_faults)


async def test_mixed2(tmp_path):
    o = Office(tmp_path)
    o.sql("DROP TABLE SP_YWSL")
    o.sql("CREATE TABLE SP_YWSL (ID STRING PRIMARY KEY, SLBH, SQR, BJSJ, XGSJ)")
    for n in ("A01", "A02", "5", "6", "7", "8", "9", "10", "11"):
        o.sql("INSERT INTO SP_YWSL VALUES (?,?,'x',NULL,NULL)", n, n)
    async with o.running(msgspec.structs.replace(W, hot_secs=0.05, poll_secs=0, page_rows=2)) as box:
        for n in range(25):
            for l in box.collector._lanes.values():
                l._hot._due_mono = 0
            f = [(r.table, r.key, r.op.name) for r in await box.round() if r.table == "case"]
            if f:
                print("G mixed2", n, f)
