"""The agent as systemd runs it (`upgrade.Service`)."""

from pathlib import Path

from common.core.errors import UnavailableError
from provisioning import units
from provisioning.upgrade import Life

UNIT = "mingcha-agent.service"
_FOLDER = Path("python/usr/lib/python3/dist-packages/provisioning/systemd")


class Systemd:
    """Needs root. A system that is going down says nothing about a release: then UnavailableError."""

    def adopt(self, tree: Path) -> None:
        """Units that the release adds are enabled; those that only another release on this box has, go."""
        folder = tree / _FOLDER
        names = units.of_box(folder)
        if not names:
            return
        units.write_units(names, folder)
        units.enable([name for name in names if not units.is_enabled(name, folder)], folder)
        others = {
            name for other in tree.parent.iterdir() if other != tree for name in units.of_box(other / _FOLDER)
        }
        gone = [name for name in sorted(others - set(names)) if (units.PLACE / name).exists()]
        for name in gone:
            units.run("systemctl", "disable", "--now", "-q", name)
            (units.PLACE / name).unlink()
        if gone:
            units.run("systemctl", "daemon-reload")

    def restart(self) -> str:
        try:
            units.start(UNIT, "restart")
        except units.NotStartedError as error:
            _must_be_up()
            return str(error).partition("\n")[0]
        return ""

    def standing(self) -> Life:
        wanted = "ActiveState,NRestarts,MainPID,WatchdogTimestampMonotonic"
        said = units.run("systemctl", "show", "-p", wanted, UNIT)
        found = dict(line.partition("=")[::2] for line in said.splitlines())
        if found["ActiveState"] != "active":
            _must_be_up()
        start = f"{found['MainPID']} {found['NRestarts']}"
        return Life(found["ActiveState"] == "active", start, found["WatchdogTimestampMonotonic"])

    def said(self) -> str:
        try:
            return units.run("journalctl", "-u", UNIT, "-n", "60", "-o", "cat", "--no-pager")
        except UnavailableError as error:
            return str(error)


def _must_be_up() -> None:
    """Raises UnavailableError where systemd stops, or is gone: what it ended did not fail."""
    if units.run("systemctl", "show", "-p", "SystemState").strip() == "SystemState=stopping":
        raise UnavailableError("系统正在关机", hint="开机后自动接着做")
