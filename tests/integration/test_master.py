"""The master key: where it comes from, how it changes, and what happens at every place where that may be cut off."""

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent import files, master
from agent import label as labels
from agent.buffer import Buffer
from agent.epoch import Sealing
from agent.keeper import Keeper
from agent.room import Room
from common.clock import Clock
from common.core import crypto
from common.core.errors import ConfigError
from tests.integration.test_buffer_segments import SIGN_KEY, SMALL, closed, everything, make
from tests.integration.test_remote import box_config, write_keys

OLD, NEW = b"o" * 32, b"n" * 32


async def opened(folder: Path, *keys: bytes, alg: str = crypto.AT_REST) -> Buffer:
    return await sealed_by(Sealing(list(keys), alg), folder)


async def sealed_by(seal: Sealing, folder: Path) -> Buffer:
    buffer = await Buffer.open(
        folder / "buffer.db",
        seal=seal,
        site="s01",
        sign_key=SIGN_KEY,
        clock=Clock(),
        room=Room(segment_bytes=SMALL),
    )
    buffer.indexed = 1 << 40
    return buffer


async def filled(folder: Path) -> dict[int, str]:
    """Two segments that drain and a written one, under the old key. -> what is in them."""
    buffer = await opened(folder, OLD)
    for first in range(1, 1400, 100):
        await buffer.append([make(n) for n in range(first, first + 100)])
    found = await everything(buffer)
    await buffer.close()
    assert len(closed(folder)) >= 2
    return found


async def test_after_a_change_the_new_key_alone_opens_everything(tmp_path: Path) -> None:
    before = await filled(tmp_path)
    buffer = await opened(tmp_path, NEW, OLD)
    await buffer.rewrap()
    assert await everything(buffer) == before
    await buffer.rewrap()
    await buffer.close()
    assert all(OLD not in file.read_bytes() for file in tmp_path.iterdir())
    buffer = await opened(tmp_path, NEW)
    assert await everything(buffer) == before
    await buffer.close()
    assert not [item for item in files.found(tmp_path / "buffer.db") if item.fate]


async def test_a_change_passes_by_a_segment_of_which_nothing_is_left(tmp_path: Path) -> None:
    await filled(tmp_path)
    empty = closed(tmp_path)[0]
    empty.write_bytes(b"")
    buffer = await opened(tmp_path, NEW, OLD)
    await buffer.rewrap()
    await buffer.close()
    assert all(OLD not in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_file_that_cannot_be_wrapped_anew_is_named_once_and_holds_no_other_up(tmp_path: Path) -> None:
    await filled(tmp_path)
    write_keys(tmp_path)
    config = box_config(tmp_path)
    config.identity.master_key.write_bytes(NEW)
    master.former(config.identity.master_key).write_bytes(OLD)
    stuck, *others = closed(tmp_path)
    obstacle = labels.beside(stuck).with_suffix(".part")
    obstacle.mkdir()
    keeper = Keeper(config)
    buffer = await opened(tmp_path, *keeper.seal.keks)
    with capture_logs() as logs:
        for _ in range(3):
            await keeper.look(buffer)
    assert [item["event"] for item in logs] == ["key.unfinished"]
    assert list(keeper.unfinished) == [stuck.name]
    assert stuck.name in logs[0]["reason"]
    for path in (*others, tmp_path / "buffer.db"):
        labels.unlock(labels.copies(path, ())[0], [NEW])
    assert keeper.wrapped_by == ""
    obstacle.rmdir()
    await keeper.look(buffer)
    await buffer.close()
    assert (keeper.unfinished, keeper.wrapped_by) == ({}, crypto.key_id(NEW))
    assert not master.former(config.identity.master_key).exists()


def test_a_change_between_two_readings_leaves_no_start_without_the_key_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would set a sound buffer aside."""
    path, read = tmp_path / "master.key", master._read
    path.write_bytes(OLD)

    def changed_first(file: Path) -> bytes:
        monkeypatch.setattr("agent.master._read", read)
        master.change(path, "")
        return read(file)

    monkeypatch.setattr("agent.master._read", changed_first)
    found = master.load(path, tmp_path / "buffer.db")
    assert found.keys == [path.read_bytes(), OLD]


@pytest.mark.parametrize("done", range(4))
async def test_a_change_that_is_cut_off_is_finished_by_the_next_start(tmp_path: Path, done: int) -> None:
    """`done` of the segments are wrapped anew, and of one more only the copy in the file."""
    before = await filled(tmp_path)
    paths = [*closed(tmp_path), tmp_path / "buffer.db"]
    for path in paths[:done]:
        labels.rewrap(path, NEW, [OLD])
    if done < len(paths):
        beside = labels.beside(paths[done]).read_bytes()
        labels.rewrap(paths[done], NEW, [OLD])
        labels.beside(paths[done]).write_bytes(beside)
    buffer = await opened(tmp_path, NEW, OLD)
    await buffer.rewrap()
    await buffer.close()
    buffer = await opened(tmp_path, NEW)
    assert await everything(buffer) == before
    await buffer.close()


async def test_a_changed_profile_begins_with_the_next_segment_and_all_can_be_read(tmp_path: Path) -> None:
    before = await filled(tmp_path)
    for alg in ("SM4GCM", "C20P1305"):
        buffer = await opened(tmp_path, OLD, alg=alg)
        await buffer.append([make(5000)])
        before[buffer.newest] = make(5000).key
        assert buffer._files.active.label.alg == alg
        assert await everything(buffer) == before
        await buffer.close()


def test_the_key_that_systemd_passes_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, buffer, passed = tmp_path / "master.key", tmp_path / "data" / "buffer.db", tmp_path / "credentials"
    buffer.parent.mkdir()
    passed.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(passed))
    path.write_bytes(OLD)
    assert master.load(path, buffer).keys == [OLD]
    (passed / "master.key").write_bytes(NEW)
    (passed / "master.key.old").write_bytes(OLD)
    assert master.load(path, buffer).keys == [NEW, OLD]
    with pytest.raises(ConfigError, match="systemd 凭据") as caught:
        master.change(path, "")
    assert "systemd-creds" in caught.value.hint


def test_where_there_never_was_a_key_nothing_is_made_up(tmp_path: Path) -> None:
    path, buffer = tmp_path / "master.key", tmp_path / "buffer.db"
    with pytest.raises(ConfigError, match="读不到缓存主密钥"):
        master.load_or_begin(tmp_path / "other" / "master.key", buffer)
    assert list(tmp_path.iterdir()) == []
    buffer.write_bytes(b"something")
    path = tmp_path / "keys" / "master.key"
    found = master.load_or_begin(path, buffer)
    assert found.stands_in
    assert master.load_or_begin(path, buffer) == found
    path.parent.mkdir()
    path.write_bytes(OLD)
    assert master.load(path, buffer).keys == [OLD, *found.keys]
    master.finish(path, buffer, OLD)
    assert master.load(path, buffer).keys == [OLD]


async def test_a_change_that_begins_while_the_last_one_is_looked_after_loses_no_key(tmp_path: Path) -> None:
    """The keeper looks once more after each change; what it then finishes is not the one that has begun meanwhile."""
    write_keys(tmp_path)
    path = box_config(tmp_path).identity.master_key
    keeper = Keeper(box_config(tmp_path))
    buffer = await sealed_by(keeper.seal, tmp_path)
    await keeper.look(buffer)
    master.change(path, keeper.wrapped_by)
    await keeper.look(buffer)
    async with buffer._lock:  # a write that takes its time
        looking = asyncio.create_task(keeper.look(buffer))
        await asyncio.sleep(0)
        master.change(path, keeper.wrapped_by)
    await looking
    await buffer.append([make(1)])
    epoch = buffer.epoch
    await buffer.close()
    again = await looked(tmp_path)
    assert (again[0], len(again[1])) == (epoch, 11), "it is the same buffer, and opens"


def test_a_change_keeps_owner_and_rights_and_the_old_key_until_it_is_done(tmp_path: Path) -> None:
    path, buffer = tmp_path / "master.key", tmp_path / "data.db"
    path.write_bytes(OLD)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12346)
    master.change(path, "")
    found = master.load(path, buffer)
    assert found.keys[1:] == [OLD]
    for file in (path, master.former(path)):
        said = file.stat()
        assert (said.st_uid, said.st_gid) == (
            (12345, 12346) if os.geteuid() == 0 else (said.st_uid, said.st_gid)
        )
        assert said.st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="上一次更换还没有完成"):
        master.change(path, crypto.key_id(OLD))
    master.change(path, found.id)
    assert master.load(path, buffer).keys[1:] == [found.keys[0]]


async def looked(folder: Path, *, twice: bool = True) -> tuple[bytes, dict[int, str], bool]:
    """A start of the box, some looks at its key, ten more records, and its end. -> (epoch, what is in the buffer, stand-in?)."""
    keeper = Keeper(box_config(folder))
    buffer = await opened(folder, *keeper.seal.keks)
    for _ in range(2 if twice else 0):
        await keeper.look(buffer)
    await buffer.append([make(buffer.newest + n) for n in range(1, 11)])
    found = await everything(buffer), buffer.epoch
    await buffer.close()
    return found[1], found[0], keeper.master.stands_in


async def test_a_stand_in_opens_the_buffer_at_every_start_until_all_is_wrapped_by_the_true_key(
    tmp_path: Path,
) -> None:
    """What the hall does not have yet, and the source no longer, lies in a buffer that nothing else opens."""
    write_keys(tmp_path)
    true = box_config(tmp_path).identity.master_key
    away, stand_in = tmp_path / "away.key", master.stand_in(tmp_path / "buffer.db")
    first, before, _ = await looked(tmp_path)
    true.rename(away)
    lost, written, stands_in = await looked(tmp_path)
    assert stands_in
    assert (lost != first, len(written)) == (True, 10), "what the lost key had sealed is set aside"
    for number in (20, 30):
        epoch, written, stands_in = await looked(tmp_path)
        assert (epoch, len(written), stands_in, stand_in.exists()) == (lost, number, True, True)
    away.rename(true)
    epoch, written, stands_in = await looked(tmp_path, twice=False)
    assert (epoch, len(written), stands_in) == (lost, 40, False), (
        "the true key is back, nothing is wrapped yet"
    )
    assert stand_in.exists()
    epoch, written, _ = await looked(tmp_path)
    assert (epoch, len(written), stand_in.exists()) == (lost, 50, False)
    epoch, written, _ = await looked(tmp_path)
    assert (epoch, len(written)) == (lost, 60)
    assert len(before) == 10
