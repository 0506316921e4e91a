"""A source whose password is not there: the agent works without it, says what is missing, and begins once it is given."""

import asyncio
import sys
from pathlib import Path

from agent.status import Status
from common import process
from common.clock import Clock
from provisioning import pki
from provisioning.core.identity import Box
from tests.supervisor import Supervisor

MAPPING = """
version = 1
[source]
type = "postgresql"
host = "127.0.0.1"
port = 9
database = "spxt"
user = "mc_ro"
password_file = "spxt_ro"
[table.case]
from = "a"
key = ["b"]
columns = {case_no = "b"}
"""
ROOT = Path(__file__).parents[2]


async def fault(folder: Path, *words: str) -> str:
    """What the agent says of its source, once it holds all of `words`."""
    for _ in range(300):
        found = process.read(folder / "data/status.json", Status, Clock().wall())
        if found is not None and all(word in found.source_fault for word in words):
            return found.source_fault
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def test_a_password_is_waited_for(tmp_path: Path) -> None:
    pki.prepare_hall(tmp_path / "hall", ["127.0.0.1"], Clock().wall())
    pki.prepare_box(tmp_path, tmp_path / "hall", Box("s01", 1), Clock().wall())
    (tmp_path / "mapping.toml").write_text(MAPPING, "utf-8")
    config = tmp_path / "agent.toml"
    config.write_text('site = "s01"\ngeneration = 1\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    command = [sys.executable, "-m", "agent", "run", "--config", str(config)]
    with Supervisor(tmp_path, command, {"PYTHONPATH": str(ROOT)}) as service:
        assert service.restart() == "", service.said()
        said = await fault(tmp_path, "读不到数据源密码")
        assert "mingcha-agent secret spxt_ro" in service.said()
        place = Path(said.partition("：")[2].partition("（")[0])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("secret\n", "utf-8")
        assert "密码" not in await fault(tmp_path, "连")
        assert service.standing().is_active
        assert service.starts == 1
