"""`doctor --fix` mends what is safe, asks before each step, and leaves the rest; `status --watch` keeps to its screen."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import termios
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import report
from agent.core.quota import Level
from agent.core.sync import Phase
from agent.status import Status
from agent.switch import Off, Switch
from common.clock import Clock
from common.core.instant import HOUR, to_us
from tests.journey.scene import command, scene
from tests.journey.together import together

ZONE = ZoneInfo("Asia/Shanghai")


def on_terminal(*args: str, answers: str = "", screens: int = 0) -> str:
    """What `mingcha-agent` shows on a terminal of 80 x 24 whose user types `answers`, or leaves after `screens`."""
    ours, its = os.openpty()
    termios.tcsetwinsize(its, (report.HEIGHT, report.WIDTH))
    env = os.environ | {"PYTHONIOENCODING": "utf-8", "TERM": "vt100"}
    program = Path(sys.executable).with_name("mingcha-agent")
    with subprocess.Popen(
        [program, *args],
        stdin=its,
        stdout=its,
        stderr=its,
        env=env,
        preexec_fn=_as_on_a_terminal,  # noqa: PLW1509  it takes no lock
    ) as process:
        os.close(its)
        os.write(ours, answers.encode())
        said = b""
        while True:
            try:
                said += os.read(ours, 65_536)
            except OSError:  # it has ended
                break
            if screens and said.count(CLEAR.encode()) > screens:
                process.send_signal(signal.SIGINT)
    os.close(ours)
    return said.decode("utf-8", "replace")


def _as_on_a_terminal() -> None:
    """Ctrl-C ends it: what a script starts in the background ignores that, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


CLEAR = "\x1b[2J"


@pytest.mark.service
@together
async def test_each_step_is_asked_for_done_or_left_and_told() -> None:
    async with scene() as place:
        await place.settled()
        config, node = ("--config", str(place.agent.config)), place.agent.folder / "node.pem"
        switch = Switch(place.agent.folder / "data")
        node.chmod(0o644)
        switch.turn_off(Off(Clock().wall(), "王工", "厂商升级"))
        before = node.read_bytes()
        code, said, _ = await command("mingcha-agent", "doctor", "--fix", *config)
        assert code == 130, "nobody is there to be asked"
        assert ("影响：上传照常" in said, "不能上传" in said) == (True, False), (
            "it is a warning, and has not the fault's effect"
        )
        assert (node.stat().st_mode & 0o777, switch.off(Clock().wall()) is not None) == (0o644, True)
        said = await asyncio.to_thread(on_terminal, "doctor", "--fix", *config, answers="y\nn\n")
        assert f"{node} 的权限现为 640" in said
        assert "跳过：恢复采集" in said
        assert said.count("1 处要注意") == 1, "it looks again"
        assert (node.stat().st_mode & 0o777, switch.off(Clock().wall()) is not None) == (0o640, True)
        code, said, _ = await command("mingcha-agent", "doctor", "--fix", "--yes", *config)
        assert "✓ 采集已恢复" in said
        assert switch.off(Clock().wall()) is None
        code, said, _ = await command("mingcha-agent", "doctor", "--fix", "--yes", *config)
        assert (code, "没有能自动处理的问题" in said) == (0, True)
        assert node.read_bytes() == before
        said = await asyncio.to_thread(on_terminal, "status", "--watch", *config, screens=2)
        drawn = said.split(CLEAR)[1]
        assert "● 实时" in drawn
        assert all(columns(line) <= 80 for line in plain(drawn))
        assert len(plain(drawn)) <= 24


def plain(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()


def columns(text: str) -> int:
    return report._columns(text)


@pytest.mark.parametrize("args", [("--yes",), ("--fix", "--json")])
async def test_what_cannot_go_together_is_said(args: tuple[str, ...], tmp_path: Path) -> None:
    code, _, err = await command("mingcha-agent", "doctor", *args, "--config", str(tmp_path / "agent.toml"))
    assert code == 64
    assert "--fix" in err


NOW = to_us(datetime(2026, 6, 12, 14, tzinfo=ZONE))
CALM = Status(
    pid=1, version="0.1.0", at_wall=NOW, started_wall=NOW - HOUR, epoch="", newest=9, rows=0, bytes=0, room=1 << 30,
    level=Level.OK, key="", stands_in=False, unfinished={}, oldest_wall=0, quarantined=0, phase=Phase.STEADY, link_since_wall=NOW,
    link_fault="", refused="", ack_wall=NOW, stalled_secs=0, offset_us=None, source_fault="", buffer_fault="", hung="",
    table_faults={}, lost={}, new_columns={}, overlaps={}, without_index=[], source_since_wall=0, pass_wall=NOW, rounds=3, paused="",
    busy_share=0.0,
)  # fmt: skip


@given(
    st.text(max_size=300),
    st.dictionaries(st.text(max_size=5), st.text(max_size=300), max_size=40),
    st.sampled_from(Phase),
    st.integers(0, 1 << 40),
    st.none() | st.integers(-HOUR, HOUR),
)
def test_a_screen_is_never_wider_or_higher_than_the_terminal(
    fault: str, tables: dict[str, str], phase: Phase, rows: int, offset: int | None
) -> None:
    values = {
        "source_fault": fault,
        "table_faults": tables,
        "phase": phase,
        "rows": rows,
        "offset_us": offset,
    }
    status = msgspec.structs.replace(CALM, **values, bytes=rows, oldest_wall=1)
    for said in (status, None):
        lines = report.screen(said, fault or "禾丰乡便民服务中心", NOW, ZONE).splitlines()
        assert len(lines) < report.HEIGHT
        assert all(columns(line) <= report.WIDTH for line in lines)


def test_a_screen_has_its_figures_below_each_other_and_the_time_at_its_edge() -> None:
    first, _, *lines = report.screen(CALM, "禾丰乡\n便民服务中心", NOW, ZONE).splitlines()
    assert first.startswith("明察 站点采集  禾丰乡 便民服务中心  ")
    assert (columns(first), first.endswith("2026-06-12 14:00:00")) == (report.WIDTH, True)
    assert [line[:6] for line in lines[:7]] == [
        f"{word}    " for word in ("链路", "回执", "积压", "缓存", "采集", "时钟", "程序")
    ]
