"""A buffer that was set aside: what it had not delivered is numbered anew, once, whatever is damaged or cut off."""

import random
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent import files, salvage
from agent.room import Room
from agent.sqlfile import BufferFullError
from common.core import record
from common.core.record import Event, Gap, Record
from tests.integration.test_collect import Box, Site, puts, summary
from tests.integration.test_collect import site as site  # noqa: PLC0414  the fixture

Version = tuple[str, str, int, str]


def versions(found: list[Record]) -> list[Version]:
    return [(item.table, item.key, item.version, item.digest.hex()) for item in found if item.table]


async def edited(site: Site, times: int = 4) -> list[Version]:
    """An epoch of which the hall has the first ten numbers. -> the versions that it was not given."""
    async with site.running() as box:
        for number in range(times):
            with site.vendor() as db:
                db.execute(f'UPDATE "办件" SET "申请人"=\'第{number}版\' WHERE "编号" <= \'SL003\'')
                db.execute(f'DELETE FROM "办理过程" WHERE "编号" = \'SL00{number + 1}\'')
            await box.round()
        await box.index.note_acknowledged(box.buffer.epoch, 10, await box.buffer.chain_at(10))
        return versions(await box.buffer.tail(10))


def spoil(site: Site) -> None:
    """Its first page: SQLite does not open it, every record is there."""
    path = site.folder / "buffer.db"
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


async def salvaged(box: Box) -> tuple[list[Gap], list[str]]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return (
        [body for body in bodies if isinstance(body, Gap)],
        [body.detail for body in bodies if isinstance(body, Event) and body.name == "buffer.salvaged"],
    )


async def test_versions_in_between_are_numbered_anew_and_the_old_epoch_is_closed(site: Site) -> None:
    lost = await edited(site)
    former = Path(site.folder / "buffer.db")
    spoil(site)
    with site.vendor() as db:
        db.execute('UPDATE "办件" SET "申请人"=\'最后\' WHERE "编号" = \'SL001\'')
    async with site.running(salvage=True) as box:
        (ended,) = box.index.ended
        assert (ended.seq, len(ended.chain)) == (10, 32)
        await box.round()
        told = versions(await box.buffer.tail(0))
        assert set(lost) <= set(told)
        assert max(Counter(item[:3] for item in told).values()) == 1, "each version once"
        newest = {item[:2]: item[2] for item in sorted(told, key=lambda item: item[2])}
        assert (
            newest["case", "SL001"]
            == max(n for table, key, n, _ in lost if (table, key) == ("case", "SL001")) + 1
        )
        gaps, said = await salvaged(box)
        assert [(gap.lo, gap.why, gap.before, gap.epoch) for gap in gaps] == [
            (11, "moved", ended.chain, ended.epoch)
        ]
        assert gaps[0].hi >= 10 + len(lost)
        assert said
        assert box.index.ended == []
        assert await box.round() == []
        assert not [name for name in await box.buffer.positions() if name.startswith("salvage")]
    assert former.exists()
    assert [item.fate for item in files.found(former)] == ["damaged"], "kept for people"
    async with site.running(salvage=True) as box:
        assert await box.round() == []


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_damaged_and_wherever_it_is_cut_off_each_version_comes_once(
    site: Site, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    lost = await edited(site, times=6)
    path = site.folder / "buffer.db"
    spoil(site)
    data = bytearray(path.read_bytes())
    for _ in range(rng.randrange(3)):
        place = rng.randrange(1, len(data) // 4096) * 4096
        data[place : place + 4096] = bytes(4096)
    path.write_bytes(data)
    seen: list[Version] = []
    for _ in range(20):
        async with site.running(salvage=True) as box:
            monkeypatch.setattr(salvage, "_PAGE", rng.choice([1, 2, 7]))
            if rng.random() < 0.7:  # the disk is full after a while
                used = (await box.buffer.figures()).bytes
                box.buffer._room = Room(used + rng.choice([0, 4096, 8192]), slack_bytes=0)
            with suppress(BufferFullError):
                await box.round()
            seen = versions(await box.buffer.tail(0))
            if not box.index.ended:
                break
    async with site.running(salvage=True) as box:
        await box.round()
        assert box.index.ended == []
        seen = versions(await box.buffer.tail(0))
    assert max(Counter(item[:3] for item in seen).values()) == 1
    current = {item for item in lost if item[2] == max(n for *place, n, _ in lost if place == list(item[:2]))}
    assert current <= set(seen)
    assert len(set(lost) - set(seen)) <= len(lost) // 2


async def test_a_copy_of_another_state_is_never_taken_up(site: Site) -> None:
    """The rows as they stand are read from the source; a version that only the copy holds is nowhere."""
    lost = await edited(site)
    newest = max(version for *_, version, _ in lost)
    assert newest > 2
    async with site.running() as box:
        await box.index.forget_all()
        box.buffer.set_aside()
    async with site.running(salvage=True) as box:
        assert len(box.index.ended) == 1
        first = await box.round()
        assert puts("case", "SL004")[0] in summary(first)
        assert await salvaged(box) == ([], [])
        told = {item[1:3] for item in versions(await box.buffer.tail(0)) if item[0] == "case"}
        assert ("SL001", newest) in told
        assert not told & {("SL001", version) for version in range(newest)}
        assert box.index.ended == []


async def test_what_opens_and_is_not_what_was_chained_is_not_taken_up(site: Site) -> None:
    """P-REST-06: nobody would notice it any more under another number."""
    await edited(site)
    async with site.running() as box:
        active, kept = box.buffer._files.active, await box.buffer.tail(10)
        item = next(one for one in kept if one.table == "case" and one.version == 2)
        forged = record.encode_record(replace(item, digest=b"x" * 16))
        async with active.transaction():
            blob = active.seal(item.seq, await box.buffer.chain_at(item.seq), forged)
            await active.db.execute("UPDATE outbox SET blob=? WHERE seq=?", (blob, item.seq))
    spoil(site)
    async with site.running(salvage=True) as box:
        await box.round()
        told = versions(await box.buffer.tail(0))
        assert (await salvaged(box))[1]
    assert b"x".hex() * 16 not in {digest for *_, digest in told}
    assert (item.table, item.key, 3) in {one[:3] for one in told}, "those behind it are"


async def test_the_log_of_a_file_that_was_set_aside_is_read_too(site: Site) -> None:
    """What SQLite had not folded into the file yet."""
    lost = await edited(site)
    copy = site.folder / "copy"
    async with site.running() as box:
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"=\'在日志里\'')
        last = versions(await box.round())
        assert (site.folder / "buffer.db-wal").stat().st_size > 0
        shutil.copytree(site.folder, copy)
    for name in ("buffer.db", "buffer.db-wal", "index.db", "index.db-wal"):
        shutil.copyfile(copy / name, site.folder / name)
    (site.folder / "index.db-shm").unlink(missing_ok=True)
    (site.folder / "buffer.db-shm").unlink(missing_ok=True)
    wal = site.folder / "buffer.db-wal"
    wal.write_bytes(b"\xff" * 32 + wal.read_bytes()[32:])
    spoil(site)
    async with site.running(salvage=True) as box:
        await box.round()
        assert set(lost) | set(last) <= set(versions(await box.buffer.tail(0)))
