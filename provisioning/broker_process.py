"""Mosquitto beside a watcher: what enrolment writes into the ACL the broker reads at once, and nobody needs rights over it.

The watcher says in `acl.read` which ACL was read, so that a box is answered only when its first connection is welcome.
"""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import structlog

from common import log as logs
from common import process
from common.core.errors import ConfigError, UnavailableError
from common.sdnotify import notify
from provisioning import broker
from provisioning.files import PUBLIC, write_file

LOOK_SECS = 0.2
SETTLE_SECS = 0.1
"""Mosquitto reads its ACL within milliseconds of the signal."""
log = structlog.get_logger()


def run(folder: Path) -> None:
    """Serve until told to stop. Raises ConfigError without Mosquitto, UnavailableError where it ends by itself."""
    own = Path(sys.executable).parents[3] / "bin"  # of the release that runs us
    program = shutil.which("mosquitto", path=f"{own}:{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise ConfigError("没有安装 Mosquitto", hint="请安装：apt-get install mosquitto")
    logs.configure(level="info", role="broker")
    process.run(_main(program, folder))


async def _main(program: str, folder: Path) -> None:
    said = folder / "acl.read"
    said.unlink(missing_ok=True)
    read = broker.acl_hash(folder)
    child = await asyncio.create_subprocess_exec(program, "-c", str(folder / "mosquitto.conf"))
    try:
        write_file(said, read.encode(), PUBLIC)
        notify("READY=1")
        while child.returncode is None:
            now = broker.acl_hash(folder)
            if now != read:
                broker.reload(child.pid)
                await asyncio.sleep(SETTLE_SECS)
                read = now
                write_file(said, read.encode(), PUBLIC)
                log.info("acl.read", hash=read[:8])
            notify("WATCHDOG=1")
            await asyncio.sleep(LOOK_SECS)
        raise UnavailableError(
            f"消息服务自行停止（{child.returncode}）", hint="请看日志：journalctl -u mingcha-broker"
        )
    finally:
        said.unlink(missing_ok=True)
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            await child.wait()
