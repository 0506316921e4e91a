"""Where the demonstration's folder is made."""

import os
import tempfile
from pathlib import Path

import pytest

from provisioning.demo.launch import place


@pytest.mark.skipif(os.geteuid() != 0, reason="只有 root 启动的消息服务会换账号")
def test_a_folder_that_is_closed_to_others_is_none_for_a_broker_of_its_own_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(
        prefix="mingcha-", dir="/var/tmp"
    ) as name:  # of mode 0700, as pam_tmpdir's
        monkeypatch.setattr(tempfile, "tempdir", name)
        assert place() == Path("/var/tmp")
        Path(name).chmod(0o755)
        assert place() == Path(name)
