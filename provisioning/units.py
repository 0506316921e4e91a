"""systemd's part: unit files, accounts, owners. Written where they differ; what is enabled and running is left alone."""

import grp
import os
import pwd
import subprocess
from pathlib import Path

from common.core.errors import UnavailableError
from provisioning.files import PUBLIC, write_file
from provisioning.settings import Hall

FOLDER = Path(__file__).parent / "systemd"
PLACE = Path("/etc/systemd/system")
CONFIG = Path("/etc/mingcha/central.toml")
HALL_UNITS = ("mingcha-broker.service", "mingcha-enroll.service", "mingcha-central.service")
_PROGRAM = Path("/opt/mingcha/current/bin/mingcha")
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


def write_units(names: tuple[str, ...]) -> bool:
    """-> True if any of them changed; systemd has read them by then."""
    changed = [write_file(PLACE / name, (FOLDER / name).read_bytes(), PUBLIC) for name in names]
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
    changed |= _own_hall(hall)
    changed |= write_units(HALL_UNITS)
    for name in HALL_UNITS:
        run("systemctl", "enable", "--now", "-q", name)
    return [
        f"{'＋' if changed else '✓'} 系统服务：{'、'.join(name.removesuffix('.service') for name in HALL_UNITS)}"
    ]


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
    for name in ("central.toml", "enroll.toml", "wire.key", "operations.key", "node.pem"):
        changed |= own(hall.folder / name, "root", central, 0o640)
    changed |= own(hall.broker, central, "mingcha-broker", 0o2770)
    for path in hall.broker.iterdir():
        mode = 0o640 if path.name == "server.pem" else 0o644
        if path.name != "acl.read":
            changed |= own(path, central, "mingcha-broker", mode)
    return changed
