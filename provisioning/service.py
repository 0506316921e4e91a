"""The agent as systemd runs it (`upgrade.Service`)."""

from pathlib import Path

from common.core.errors import UnavailableError
from provisioning import units
from provisioning.files import PUBLIC, write_file
from provisioning.upgrade import Life

UNITS = (
    "mingcha-agent.service",
    "mingcha-renew.service",
    "mingcha-renew.timer",
    "mingcha-upgrade.service",
    "mingcha-upgrade.timer",
    "mingcha-boot-check.service",
)
"""Of a site's box; the first is the agent's."""
_FOLDER = Path("python/usr/lib/python3/dist-packages/provisioning/systemd")


class Systemd:
    """Needs root. A system that is going down says nothing about a release: then UnavailableError."""

    def adopt(self, tree: Path) -> None:
        texts = {name: tree / _FOLDER / name for name in UNITS}
        changed = [
            write_file(units.PLACE / name, path.read_bytes(), PUBLIC)
            for name, path in texts.items()
            if path.exists()
        ]
        if any(changed):
            units.run("systemctl", "daemon-reload")

    def restart(self) -> str:
        try:
            units.start(UNITS[0], "restart")
        except units.NotStartedError as error:
            _must_be_up()
            return str(error).partition("\n")[0]
        return ""

    def standing(self) -> Life:
        wanted = "ActiveState,NRestarts,MainPID,WatchdogTimestampMonotonic"
        said = units.run("systemctl", "show", "-p", wanted, UNITS[0])
        found = dict(line.partition("=")[::2] for line in said.splitlines())
        if found["ActiveState"] != "active":
            _must_be_up()
        start = f"{found['MainPID']} {found['NRestarts']}"
        return Life(found["ActiveState"] == "active", start, found["WatchdogTimestampMonotonic"])

    def said(self) -> str:
        try:
            return units.run("journalctl", "-u", UNITS[0], "-n", "60", "-o", "cat", "--no-pager")
        except UnavailableError as error:
            return str(error)


def _must_be_up() -> None:
    """Raises UnavailableError where systemd stops, or is gone: what it ended did not fail."""
    if units.run("systemctl", "show", "-p", "SystemState").strip() == "SystemState=stopping":
        raise UnavailableError("系统正在关机", hint="开机后自动接着做")
