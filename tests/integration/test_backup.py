"""A hall's backup opens with its password alone, and only whole; restored it is the same hall."""

import asyncio
import io
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from central import config as centrals
from central import public
from central.door import config as doors
from central.door.store import open_as_door
from central.store.engine import open_store
from common.core.errors import ConfigError, RejectedError, UsageError
from provisioning import backup, settings
from tests.integration.test_hall_init import Hall
from tests.services import PASSWORD as PASSWORD_OF_DATABASE
from tests.services import PostgreSql

PASSWORD = "床前明月光疑是地上霜"
LONG = PASSWORD + "!!"


def test_what_is_saved_comes_back_and_nothing_else_opens(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").mkdir()
    old = Hall(tmp_path / "old", capfd)
    assert old.init("--host", "10.1.0.5")[0] == 0
    assert old.site("add", "青云街道", "--kind", "street")[0] == 0
    hall, file = settings.load(old.folder / "central.toml"), tmp_path / "saved"
    with pytest.raises(UsageError, match="12"):
        backup.backup(hall, file, PASSWORD)
    monkeypatch.setattr(backup, "_PIECE", 1024)  # many pieces
    backup.backup(hall, file, LONG)
    whole = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600

    text = (old.folder / "central.toml").read_text().replace(str(old.folder), str(tmp_path / "new"))
    (old.folder / "central.toml").write_text(text)  # data lies elsewhere on the new machine of this test
    backup.backup(settings.Hall(hall.config, hall.data, hall.database_url, hall.enrol), file, LONG)
    new, damaged = tmp_path / "new/central.toml", tmp_path / "damaged"
    step = 1024 + 16
    for wrong in (
        whole[:-1],
        whole[: 10 + 16 + 7 + 3 * step],
        b"x" + whole,
        whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
    ):
        damaged.write_bytes(wrong)
        with pytest.raises(RejectedError):
            backup.restore(damaged, new, LONG)
        assert not new.exists()
    with pytest.raises(RejectedError, match="密码不对"):
        backup.restore(file, new, PASSWORD)

    backup.restore(file, new, LONG)
    found = Hall(new.parent, capfd)
    for name in ("ca/root.pem", "ca/intermediate.pem", "wire.key", "operations.key", "enroll/server.pem"):
        assert (new.parent / name).read_bytes() == (old.folder / name).read_bytes()
        assert (new.parent / name).stat().st_mode & 0o077 == 0
    code, said = found.init()
    assert (code, "一次性密码" in said) == (0, False), said
    assert "青云街道" in found.site("list")[1]
    with pytest.raises(ConfigError, match="已是市中心"):
        backup.restore(file, new, LONG)


def test_a_backup_goes_to_a_folder_that_is_there_and_says_what_refuses(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick that is not mounted must not become a folder of the hall's own disk."""
    hall = Hall(tmp_path, capfd)
    assert hall.init("--host", "10.1.0.5")[0] == 0
    for place, codes, said in (
        (tmp_path / "usb/saved", {64}, "没有目录"),
        (tmp_path, {64}, str(tmp_path)),
        (Path("/sys/saved"), {74, 77}, "/sys/"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(LONG + "\n"))
        code, out = hall.run("central", "backup", str(place))
        assert (code in codes, said in out) == (True, True), (code, out)
    assert not (tmp_path / "usb").exists()


@pytest.mark.service
def test_a_hall_is_restored_onto_postgresql_and_its_door_gets_a_role_there(
    postgresql: PostgreSql, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of the database comes from the environment, because there is a password in it."""
    (tmp_path / "old").mkdir()
    old, file = Hall(tmp_path / "old", capfd), tmp_path / "saved"
    assert old.init("--host", "10.1.0.5")[0] == 0
    assert old.site("add", "青云街道", "--kind", "street")[0] == 0
    backup.backup(settings.load(old.folder / "central.toml"), file, LONG)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{LONG}\n" * 2))

    new = Hall(tmp_path / "new", capfd)
    monkeypatch.setenv(backup.DATABASE, postgresql.url("nowhere"))
    code, said = new.init("--restore", str(file))
    assert (code, f"环境变量 {backup.DATABASE}" in said) == (69, True), said
    assert not (new.folder / "central.toml").exists()
    url = postgresql.url(asyncio.run(postgresql.create_database()))
    monkeypatch.setenv(backup.DATABASE, url)
    code, said = new.init("--restore", str(file), "--public", "spxt.example.gov.cn")
    assert code == 0, said
    assert url in (new.folder / "central.toml").read_text("utf-8")
    assert PASSWORD_OF_DATABASE not in said
    monkeypatch.delenv(backup.DATABASE)
    assert "青云街道" in new.site("list")[1]

    config, door = centrals.load(new.folder / "central.toml"), doors.load(new.folder / "door.toml")
    asyncio.run(reached(config, door))
    # The server is shared, and so is the role: `test_door.py` knows it by this password.
    asyncio.run(postgresql.execute("ALTER ROLE mingcha_door PASSWORD 'door'"))


async def reached(config: centrals.CentralConfig, door: doors.DoorConfig) -> None:
    """Its role opens what the hall has published, and no table of the hall's."""
    hall = await open_store(config.database_url)
    await (await public.open_as_hall(config, hall, bytes(32))).close()
    await hall.close()
    store = await open_as_door(door.database_url)
    async with store.read() as conn:
        assert await conn.scalar(text("SELECT current_user")) == config.public.role
        assert await conn.scalar(text("SELECT has_table_privilege('public.box', 'SELECT')")) is False
    await store.close()
