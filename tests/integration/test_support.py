"""The support archive holds what helps, and nothing of what a site must keep to itself."""

import asyncio
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import support
from tests.journey.scene import command

NAME, IDENTITY, PHONE, PASSWORD, TOKEN = (
    "王小明",
    "110101199003074512",
    "13912345678",
    "Bao-Mi-2026",
    "mc1.s01.7QvRk3mZp0aYt5eLx8dWnA",
)
SECRETS = (NAME, IDENTITY, PHONE, PASSWORD, TOKEN)
JOURNAL = [
    json.dumps({"event": "agent.started", "level": "info", "version": "0.1.0", "site": "s01"}),
    json.dumps({"event": "source.unavailable", "level": "warning", "reason": f"Duplicate entry '{NAME}' at row {IDENTITY}"}),
    json.dumps({"event": "row.refused", "level": "warning", "reason": f"申请人：{NAME}，联系人 {NAME}", "table": "case"}),
    json.dumps({"event": "hall.unavailable", "level": "warning", "reason": f"token {TOKEN} password=“{PASSWORD}”"}),
    f"Traceback of {NAME}",
    '  File "/opt/mingcha/agent/app.py", line 3, in run',
    f"ValueError: {NAME} {PHONE} {PASSWORD}",
]  # fmt: skip
AGENT = f'site = "s01"\ngeneration = 1\n# 联系 {NAME} {PHONE}\n[mqtt]\nhost = "10.1.0.5"\nport = 8883\n'
MAPPING = f"""version = 1
[source]
type = "mariadb"
host = "10.2.0.9"
database = "spxt"
user = "{PASSWORD}"
password_file = "password"
[table.case]
from = "办件"  # 样例 {NAME} {IDENTITY}
key = ["编号"]
"""


async def collected(folder: Path) -> tuple[str, dict[str, str]]:
    """-> what the command printed, and the files of the archive."""
    (folder / "agent.toml").write_text(AGENT, "utf-8")
    (folder / "mapping.toml").write_text(MAPPING, "utf-8")
    (folder / "password").write_text(PASSWORD)
    (folder / "master.key").write_bytes(b"K" * 32)
    journal = folder / "bin" / "journalctl"
    journal.parent.mkdir()
    (folder / "journal").write_text("\n".join(JOURNAL), "utf-8")
    journal.write_text(f"#!/bin/sh\nexec cat {folder}/journal\n")
    journal.chmod(0o755)
    path, out = f"{journal.parent}:{os.environ['PATH']}", folder / "support.tar.gz"
    args = ("support", "-o", str(out), "--config", str(folder / "agent.toml"))
    code, said, err = await command("mingcha-agent", *args, PATH=path, MC_TOKEN=TOKEN)
    assert code == 0, err
    code, _, err = await command("mingcha-agent", *args, PATH=path)
    assert code == 64, "what is there is not written over"
    assert "处理" in err
    assert out.stat().st_mode & 0o777 == 0o600
    return said, await asyncio.to_thread(files, out)


def files(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        found = {item.name.rpartition("/")[2]: archive.extractfile(item) for item in archive.getmembers()}
        return {name: file.read().decode() for name, file in found.items() if file is not None}


async def test_planted_secrets_and_names_are_in_no_file_and_what_helps_is(tmp_path: Path) -> None:
    said, found = await collected(tmp_path)
    for name, text in found.items():
        assert name in said, "the content is listed"
        assert [secret for secret in (*SECRETS, "K" * 8) if secret in text] == [], name
    assert json.loads(found["doctor.json"])["checks"]
    assert json.loads(found["agent.json"])["mqtt"]["host"] == "10.1.0.5"
    mapped = json.loads(found["mapping.json"])
    assert (mapped["table"]["case"]["from"], mapped["source"]["user"]) == ("办件", support.HIDDEN)
    log = found["log.txt"].splitlines()
    assert [json.loads(line)["event"] for line in log[:4]] == [
        "agent.started", "source.unavailable", "row.refused", "hall.unavailable",
    ]  # fmt: skip
    assert log[4:] == ['  File "/opt/mingcha/agent/app.py", line 3, in run', "ValueError"]
    assert "python 3." in found["versions.txt"]


async def test_a_configuration_that_cannot_be_read_is_said_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text("site = ")
    out = tmp_path / "support.tar.gz"
    code, _, err = await command(
        "mingcha-agent", "support", "-o", str(out), "--config", str(tmp_path / "agent.toml")
    )
    assert (code, err) == (0, "")
    found = await asyncio.to_thread(files, out)
    assert "不是有效的 TOML" in found["agent.json"]


@given(st.text(max_size=40), st.sampled_from(SECRETS), st.sampled_from("'\"`"))
def test_whatever_stands_around_it_a_quoted_value_is_gone(around: str, secret: str, mark: str) -> None:
    line = json.dumps({"event": "source.unavailable", "reason": f"{mark}{secret}{mark} {around}"})
    assert secret not in support.masked_log(line)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", '{"event": 7}'])
def test_a_line_that_is_no_record_of_ours_says_nothing_or_is_kept_whole(text: str) -> None:
    assert support.masked_log(text) in {"", text}
