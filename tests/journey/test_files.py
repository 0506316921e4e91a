"""The box's own files are spoilt: it starts all the same, says so, and the hall ends as the office's database is."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from central.config import load as load_central
from central.store import tables as t
from central.store.engine import look
from common.core.record import Case, decode_body, decode_record
from provisioning.core.identity import Box
from tests.journey.scene import Place, command, ended, events, finds, scene, until
from tests.journey.together import together
from tests.processes import Agent

pytestmark = pytest.mark.service


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database, " * 2000)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 3 * PAGE + 100])


def deleted(path: Path) -> None:
    path.unlink()


def scribbled(path: Path) -> None:
    """Its last pages alone, so that opening it shows nothing."""
    data = bytearray(path.read_bytes())
    for page in range(len(data) // PAGE - 3, len(data) // PAGE):
        data[page * PAGE : page * PAGE + 64] = b"\xff" * 64
    path.write_bytes(data)


def beheaded(path: Path) -> None:
    """SQLite does not open it, and every record is there."""
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def flipped(path: Path) -> None:
    """One bit in one record that waits; the database is sound."""
    with closing(sqlite3.connect(path)) as db, db:
        seq, blob = db.execute("SELECT seq, blob FROM outbox ORDER BY seq DESC LIMIT 1 OFFSET 20").fetchone()
        db.execute("UPDATE outbox SET blob=? WHERE seq=?", (bytes([blob[0] ^ 1]) + blob[1:], seq))


WHOLE = (garbage, truncated, deleted, scribbled, beheaded)
SPOILT = [(name, spoil) for name in ("buffer.db", "index.db") for spoil in WHOLE] + [("buffer.db", flipped)]
PAGE = 4096
BETWEEN = "经手人"
"""What a row said for a while: only the buffer knows."""
BOXES = [Box(f"s{number:02}", 1) for number in range(1, len(SPOILT) + 1)]


async def stopped_with_a_backlog(place: Place) -> None:
    """Of every site some rows are in the hall, some wait on the box, and one was deleted."""
    for site in place.sites:
        site.office.receive(40)
    await place.settled()
    await place.stop(place.hall)
    before = [captured(site.agent) for site in place.sites]
    for site in place.sites:
        site.office.receive(40)
        site.office.execute('DELETE FROM "办件" WHERE "编号"=\'SL00003\'')
    await until("the rows wait", lambda: _have(place, before, 81))
    for site in place.sites:
        site.office.execute(f'UPDATE "办件" SET "申请人"=\'{BETWEEN}\' WHERE "编号"=\'SL00060\'')
    await until("the edit is captured", lambda: _have(place, before, 82))
    codes = await asyncio.gather(*(ended(site.agent, signal.SIGTERM) for site in place.sites))
    assert set(codes) == {0}, [s.agent.log for s, code in zip(place.sites, codes, strict=True) if code]


def captured(agent: Agent) -> int:
    """Changes of rows that it has found since it started."""
    return sum(event["changed"] for event in events(agent, "round.finished"))


def _have(place: Place, before: list[int], more: int) -> bool:
    return all(captured(s.agent) >= n + more for s, n in zip(place.sites, before, strict=True))


async def said_of(place: Place, site: str, key: str) -> set[str | None]:
    """Applicants in every version of this case that the hall holds."""
    query = select(t.record.c.raw).where(
        t.record.c.site == site, t.record.c.tbl == "case", t.record.c.key == key
    )
    async with look(load_central(place.hall.config).database_url) as conn:
        bodies = [decode_body(decode_record(row.raw)) for row in await conn.execute(query)]
    return {body.applicant for body in bodies if isinstance(body, Case)}


@together
async def test_spoilt_files_are_kept_aside_and_what_they_held_is_read_again() -> None:
    async with scene(BOXES) as place:
        await stopped_with_a_backlog(place)
        for site, (name, spoil) in zip(place.sites, SPOILT, strict=True):
            spoil(site.agent.folder / "data" / name)
            site.office.receive(3)
            site.office.execute('DELETE FROM "办件" WHERE "编号"=\'SL00005\'')  # nobody watches
            site.office.execute('UPDATE "办件" SET "申请人"=\'最后\' WHERE "编号"=\'SL00060\'')
        box = await finds(place.agent, "E-SYS-01", "E-BUF-01")
        assert box.code == 3
        last = place.sites[-1]
        away = last.office.file.rename(last.office.file.with_name("away.db"))
        await place.start(place.hall)
        await place.start()
        box = await finds(last.agent, "E-BUF-05", "E-SRC-02")
        damaged = events(last.agent, "record.damaged")
        assert len(damaged) == 1
        assert box.detail("E-BUF-05") == f"编号 {damaged[0]['seq']}，还有 1 行等重读"
        away.rename(last.office.file)
        await place.settled()
        box = await finds(last.agent)
        assert box.checks["E-BUF-05"]["detail"] == "曾损坏 1 条，都已从数据源重读"
        assert await place.twice() == []
        for site, (name, spoil) in zip(place.sites, SPOILT, strict=True):
            said = len(events(site.agent, f"{name.removesuffix('.db')}.replaced"))
            kept = list((site.agent.folder / "data").glob(f"{name.replace('.db', '*.db')}.damaged*"))
            nothing_kept = spoil in {deleted, flipped}
            assert (said, bool(kept)) == ((0, False) if nothing_kept else (1, True)), (name, spoil)
            reopened = bool(events(site.agent, "buffer.reopened"))
            while_running = spoil is scribbled and name == "index.db"
            assert reopened is while_running, "the buffer's newest record is looked for at the start"
            assert site.agent.status(), "nobody ended"
            readable = name == "index.db" or spoil in {beheaded, flipped}
            assert (BETWEEN in await said_of(place, site.id, "SL00060")) is readable, (name, spoil)

        async def arrived() -> tuple[int, str] | None:
            code, out, _ = await command("mingcha", "verify", "--config", str(place.hall.config))
            return None if "号 尚未到达" in out else (code, out)

        code, out = await until("nothing is on its way while verify looks", arrived)
        assert code == 1, out
        assert "条记录" in out
        box = await finds(place.agent)
        assert "曾换用新缓存，旧文件保留：buffer-" in box.checks["E-BUF-01"]["detail"]
