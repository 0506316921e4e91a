"""A hall's backup opens with its password alone, and only whole; restored it is the same hall."""

from pathlib import Path

import pytest

from common.core.errors import ConfigError, RejectedError, UsageError
from provisioning import backup, settings
from tests.integration.test_hall_init import Hall

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
