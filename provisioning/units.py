"""systemd's part: unit files, accounts, owners. Written where they differ; what is enabled and running is left alone."""

import grp
import os
import pwd
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from common.core.errors import MingchaError, UnavailableError
from provisioning.files import PUBLIC, write_file
from provisioning.settings import Hall

FOLDER = Path(__file__).parent / "systemd"
PLACE = Path("/etc/systemd/system")
CONFIG = Path("/etc/mingcha/central.toml")
HALL_UNITS = ("mingcha-broker.service", "mingcha-enroll.service", "mingcha-central.service")
DOOR_UNIT = "mingcha-door.service"
"""The public door, where the hall has one beside it."""
DOOR_STATE = Path("/var/lib/mingcha-door")
"""Where it finds what is published."""
_BOX = "box-units.txt"
_CURRENT = Path("/opt/mingcha-hall/current")
_RUNNING = Path("/run/systemd/system")


def run(*command: str, given: bytes = b"") -> str:
    """A tool of the system, without our own libraries in its way, with `given` on its standard input.

    -> what it printed. Raises UnavailableError.
    """
    env = {name: value for name, value in os.environ.items() if name not in {"LD_LIBRARY_PATH", "MC_TOKEN"}}
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=env, input=given)
    except FileNotFoundError as error:
        raise UnavailableError(f"系统里没有 {command[0]}", hint="请使用 Debian 12 或相当的系统") from error
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        words = (done.stderr.decode(errors="replace") or said).strip().splitlines()[-1:]
        raise UnavailableError(
            f"{' '.join(command)} 失败：{' '.join(words)}", hint="请按提示处理后，再执行一次同一条命令"
        )
    return said


class Running(Struct, frozen=True):
    """A unit's main process: which program, since when (seconds UTC); not active: neither."""

    is_active: bool
    program: Path
    since: float

    def is_older(self, trees: Sequence[Path], files: Sequence[Path]) -> bool:
        """It runs from none of `trees`, or was started before one of `files` changed."""
        if not self.is_active or not self.program.exists():
            return False
        at_home = any(tree in self.program.resolve().parents for tree in trees)
        return not at_home or any(path.exists() and path.stat().st_mtime > self.since for path in files)


def running(name: str) -> Running:
    wanted = "ActiveState,ExecMainPID,ExecMainStartTimestamp"
    said = run("systemctl", "show", "--timestamp=us+utc", "-p", wanted, name)
    state = dict(line.partition("=")[::2] for line in said.splitlines())
    started = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", state.get("ExecMainStartTimestamp", ""))
    since = datetime.fromisoformat(started[0]).replace(tzinfo=UTC).timestamp() if started else 0.0
    is_active = state.get("ActiveState") == "active" and started is not None
    return Running(is_active, Path(f"/proc/{state.get('ExecMainPID', '0')}/exe"), since)


class NotStartedError(MingchaError):
    """The unit did not become ready; what it said last is in the message."""


def start(name: str, verb: str = "start") -> None:
    """Start or restart a unit, and wait until it is ready. Raises NotStartedError."""
    with suppress(
        UnavailableError
    ):  # not loaded: systemd remembers no failure of a unit that nothing refers to
        run("systemctl", "reset-failed", name)
    try:
        run("systemctl", verb, name)
    except UnavailableError as error:
        said = run("journalctl", "-u", name, "-n", "8", "-o", "cat", "--no-pager")
        raise NotStartedError(
            f"服务没有启动：{name}\n{said.rstrip()}", hint="请按它最后所说的处理，再执行一次同一条命令"
        ) from error


def of_box(folder: Path = FOLDER) -> tuple[str, ...]:
    """The units that a release runs a site's box with; empty for a folder that is no release's."""
    path = folder / _BOX
    return tuple(path.read_text("ascii").split()) if path.exists() else ()


def wanted_by(name: str, folder: Path = FOLDER) -> str:
    """The target that starts it at boot; empty for one that others start."""
    found = re.search(r"^WantedBy=(\S+)$", (folder / name).read_text("utf-8"), re.MULTILINE)
    return found[1] if found else ""


def is_enabled(name: str, folder: Path = FOLDER) -> bool:
    target = wanted_by(name, folder)
    return not target or (PLACE / f"{target}.wants" / name).is_symlink()


def enable(names: Sequence[str], folder: Path = FOLDER) -> None:
    """From the next boot on; timers from now on. Together: systemd reads all its units anew for each call."""
    wanted = [name for name in names if wanted_by(name, folder)]
    if not wanted:
        return
    run("systemctl", "enable", "-q", *wanted)
    if timers := [name for name in wanted if name.endswith(".timer")]:
        run("systemctl", "start", *timers)


def write_units(names: tuple[str, ...], folder: Path = FOLDER) -> bool:
    """-> True if any of them changed; systemd has read them by then."""
    changed = [write_file(PLACE / name, (folder / name).read_bytes(), PUBLIC) for name in names]
    if any(changed):
        run("systemctl", "daemon-reload")
    return any(changed)


def keep_user(conf: str) -> bool:
    """Accounts of `conf` (sysusers.d(5)). -> True if one was made."""
    changed = write_file(Path("/usr/lib/sysusers.d") / conf, (FOLDER / conf).read_bytes(), PUBLIC)
    name = conf.removesuffix(".conf")
    try:
        pwd.getpwnam(name)
    except KeyError:
        run("systemd-sysusers", conf)
        return True
    return changed


def own(path: Path, user: str, group: str, mode: int) -> bool:
    """-> True if owner, group or mode were others. `path` is there."""
    uid, gid, found = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid, path.stat()
    if (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (uid, gid, mode):
        return False
    os.chown(path, uid, gid)
    path.chmod(mode)
    return True


def install_hall(hall: Hall) -> list[str]:
    """-> what to say. Only for the hall of this machine, under systemd and as root."""
    if hall.config != CONFIG or not _RUNNING.is_dir() or os.geteuid() != 0:
        return [
            "! 没有安装系统服务（须以 root 执行、由 systemd 管理、配置在 /etc/mingcha）；请自行启动各程序"
        ]
    changed = keep_user("mingcha-broker.conf")
    changed |= keep_user("mingcha-central.conf")
    units: tuple[str, ...] = HALL_UNITS
    if hall.door_config.exists():
        # First the account: the hall becomes one of its group, from its next start on.
        has_door = keep_user("mingcha-door.conf")
        units, changed = (*units, DOOR_UNIT), changed | has_door | _own_door(hall)
    changed |= _own_hall(hall)
    has_new_units = write_units(units)
    changed |= has_new_units
    for name in units:
        run("systemctl", "enable", "-q", name)
        found = running(name)
        if (
            not found.is_active
            or has_new_units
            or found.is_older([_CURRENT.resolve()], _read_at_start(hall, name))
        ):
            start(name, "restart")
            changed = True
    names = "、".join(name.removesuffix(".service") for name in units)
    return [f"{'＋' if changed else '✓'} 系统服务：{names}"]


def _read_at_start(hall: Hall, name: str) -> list[Path]:
    """The configuration and keys that a unit reads once."""
    return {
        "mingcha-broker.service": [hall.broker / "mosquitto.conf", hall.broker / "server.pem"],
        "mingcha-enroll.service": [
            hall.folder / "enroll.toml",
            hall.door,
            hall.folder / "ca" / "intermediate.pem",
        ],
        DOOR_UNIT: [hall.door_config],
        "mingcha-central.service": [
            hall.config,
            *(hall.folder / name for name in ("wire.key", "operations.key", "data.key")),
        ],
    }[name]


def _own_door(hall: Hall) -> bool:
    """Before the hall starts: what it publishes lies there. Set-group-id: what either makes in it belongs to both."""
    account, folder = DOOR_UNIT.removesuffix(".service"), DOOR_STATE
    folder.mkdir(parents=True, exist_ok=True)
    changed = own(folder, account, account, 0o2770)
    return own(hall.door_config, "root", account, 0o640) or changed


def _own_hall(hall: Hall) -> bool:
    """The hall's programs read what they need; the CA's keys only root does, who hands one to the enrolment service."""
    central, changed = "mingcha-central", False
    for place in (hall.data, hall.bundles, hall.folder / "digest", hall.folder / "mappings"):
        place.mkdir(parents=True, exist_ok=True)
        changed |= own(place, central, central, 0o700)
    for path in [
        *hall.data.rglob("*"),
        *(hall.folder / "digest").iterdir(),
        *(hall.folder / "mappings").iterdir(),
    ]:
        if path.is_file():
            changed |= own(path, central, central, 0o600)
    for name in (
        "central.toml",
        "enroll.toml",
        "wire.key",
        "operations.key",
        "data.key",
        "node.pem",
        "escrow.pub",
    ):
        changed |= own(hall.folder / name, "root", central, 0o640)
    live = hall.folder / "live"
    changed |= own(live, "root", central, 0o750)
    changed |= own(live / "server.pem", "root", central, 0o640)
    changed |= own(hall.broker, central, "mingcha-broker", 0o2770)
    for path in hall.broker.iterdir():
        mode = 0o640 if path.name == "server.pem" else 0o644
        if path.name != "acl.read":
            changed |= own(path, central, "mingcha-broker", mode)
    return changed
