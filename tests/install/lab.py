"""A hall and bare boxes under real systemd, in network namespaces of their own: no route leads out (provisioning.md 6.1).

A box is Debian's minimal system from the cache under an overlay, booted by systemd-nspawn. Everything that is made here,
`close` takes away again; processes are stopped by their ids.
"""

import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from provisioning import medium as media

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
KEY = CACHE / "release.key"
ADDRESS = "10.97.0.1"
_PACKAGES = "systemd,systemd-sysv,dbus,iproute2,procps,curl,wget"
_MIRROR = "http://deb.debian.org/debian"
_HIERARCHIES = [
    path for path in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified")) if path.is_dir()
] or [Path("/sys/fs/cgroup")]
BOOT_SECS = 60.0
ROOM_BYTES = 6 << 30
"""Twice what all boxes of a run have written at once."""
LOOK_SECS = 0.25
"""Between looks at what takes its time: each may cost a process."""


def missing() -> str:
    """Why there can be no box here; empty where there can."""
    if os.geteuid() != 0:
        return "boxes under systemd-nspawn need root"
    for program in ("mmdebstrap", "systemd-nspawn", "ip", "nsenter"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    name = f"mc{os.getpid()}t"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        return "no network namespaces here"
    run("ip", "netns", "del", name)
    return ""


def run(*command: str | Path, timeout: float = 300) -> str:
    """-> stdout. Raises RuntimeError with what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def rootfs() -> Path:
    """A bare Debian 12 with curl and wget and no Python; made once, then kept in the cache."""
    place = CACHE / "install" / "rootfs"
    if not place.exists():
        part = place.with_name(f"{place.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        # What debootstrap makes, for 28 s of a processor in place of 46; its mounts are in a namespace of their own.
        run(
            "mmdebstrap",
            "--variant=minbase",
            "--mode=root",
            f"--include={_PACKAGES}",
            "bookworm",
            part,
            _mirror(),
            timeout=1200,
        )
        (part / "etc/machine-id").write_text("")
        run("chroot", part, "systemctl", "set-default", "multi-user.target")
        part.rename(place)
    return place


def warm(medium: Path) -> str:
    """The same system with the medium's release unpacked, as an earlier run of the command leaves it: as overlay layers.

    For tests of what comes after: to fetch and unpack it is half of what a box costs.
    """
    archive = next((medium / "releases").glob("*-x86_64.tar.gz"))
    release = archive.name.removeprefix("mingcha-").removesuffix("-x86_64.tar.gz")
    place = CACHE / "install" / f"warm-{release}"
    if not place.exists():
        for former in place.parent.glob("warm-*"):
            shutil.rmtree(former)
        part = place.with_name(f"warm-{release}.part")
        tree = part / "opt/mingcha/releases" / release
        tree.mkdir(parents=True)
        run("tar", "-xzf", archive, "-C", tree, "--no-same-owner")
        part.chmod(0o755)
        part.rename(place)
    return f"{place}:{rootfs()}"


def medium() -> Path:
    """What halls and boxes are installed from, fetched once for each lock file, built anew where our code has changed."""
    place, lock = CACHE / "medium", hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    stamp = place / f"fetched-{lock[:8]}"
    if not stamp.exists():
        for former in [*place.glob("fetched*"), *place.glob("**/*.whl")]:
            former.unlink()
        media.fetch(place, "x86_64")
        stamp.touch()
    made = media.build(place, "x86_64", KEY)
    for former in (place / "releases").glob("[!.]*"):
        if made.release not in former.name:
            former.unlink()
    return place


def _mirror() -> str:
    """The machine's own."""
    for path in sorted(Path("/etc/apt/sources.list.d").glob("debian.sources")):
        for line in path.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1]
    return _MIRROR


def _fastest() -> Path | None:
    """Where boxes lie: in memory where there is plenty of it, because what they write is thrown away; None: where usual."""
    place = Path("/dev/shm")
    return place if place.is_dir() and shutil.disk_usage(place).free > ROOM_BYTES else None


def _until(is_so: "Iterator[bool]", secs: float, what: str) -> None:
    end = time.monotonic() + secs
    while not next(is_so):
        if time.monotonic() > end:
            raise RuntimeError(f"not within {secs:.0f} s: {what}")
        time.sleep(LOOK_SECS)


def _members(place: Path) -> list[int]:
    """None where the group has gone."""
    try:
        return [int(pid) for pid in place.read_text().split()]
    except OSError:
        return []


class Lab:
    """One hall at `ADDRESS`, a machine like the others; `box` makes boxes beside it."""

    def __init__(self, medium: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mingcha-lab-", dir=_fastest()))
        self.folder.chmod(0o711)
        self.medium = medium
        self.net = f"mc{os.getpid()}"
        self.hall: Box
        self._boxes: list[Box] = []
        self._made = 0

    def __enter__(self) -> Self:
        run("ip", "netns", "add", self.net)
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "add", "br0", "type", "bridge")
        self.inside("ip", "link", "set", "br0", "up")
        self.hall = Box(self, "hall", 1, rootfs(), binds=(self.medium,))
        return self

    def __exit__(self, *_error: object) -> None:
        self.clear()
        self.hall.remove()
        run("ip", "netns", "del", self.net)
        shutil.rmtree(self.folder)

    def clear(self) -> None:
        """Take all boxes away; the hall stays."""
        while self._boxes:
            self._boxes.pop().remove()

    def inside(self, *command: str | Path) -> str:
        """Run in the namespace that joins them all."""
        return run("ip", "netns", "exec", self.net, *command)

    @property
    def config(self) -> Path:
        return self.hall.root / "etc/mingcha"

    @property
    def database(self) -> Path:
        return self.hall.root / "var/lib/mingcha-central/central.db"

    def install(self, *args: str) -> str:
        """The hall's one command, as the handbook has it. -> what it said."""
        return self.hall.must(f"sh {self.medium}/install.sh {shlex.join(args)}")

    def mingcha(self, *args: str) -> str:
        """`mingcha` in the hall. -> stdout and stderr."""
        return self.hall.must(shlex.join(["mingcha", *args]))

    def speaking(self, *args: str) -> "subprocess.Popen[str]":
        """`mingcha` in the hall while it is at work."""
        return subprocess.Popen(
            self.hall.entering("mingcha", *args), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )

    def box(self, name: str, system: Path | str) -> "Box":
        """`system`: a folder, or layers of them as overlayfs has it, the topmost first."""
        self._made += 1
        made = Box(self, name, self._made % 200 + 10, system)
        self._boxes.append(made)
        return made


class Box:
    """A bare machine `name` with the address 10.97.0.`number`; off until `on`."""

    def __init__(
        self, lab: Lab, name: str, number: int, system: Path | str, binds: Sequence[Path] = ()
    ) -> None:
        """`binds`: folders of ours that it may read, under the same names."""
        self.name = name
        self.folder = lab.folder / f"{name}-{number}"
        self.net = f"{lab.net}b{number}"
        self._binds = [f"--bind-ro={path}" for path in binds]
        self._leader = 0
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._cgroups = [place / f"{self.net}" for place in _HIERARCHIES]
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        self._layers = f"lowerdir={system},upperdir={self.folder}/upper,workdir={self.folder}/work"
        run("ip", "netns", "add", self.net)
        run(
            "ip",
            "link",
            "add",
            f"v{number}",
            "netns",
            lab.net,
            "type",
            "veth",
            "peer",
            "name",
            "e0",
            "netns",
            self.net,
        )
        lab.inside("ip", "link", "set", f"v{number}", "master", "br0", "up")
        run("ip", "-n", self.net, "addr", "add", f"10.97.0.{number}/24", "dev", "e0")
        run("ip", "-n", self.net, "link", "set", "e0", "up")
        run("ip", "-n", self.net, "link", "set", "lo", "up")

    @property
    def root(self) -> Path:
        """Its file system, while it is on."""
        return self.folder / "root"

    def on(self) -> None:
        """Boot, and wait until systemd says that all is well."""
        run("mount", "-t", "overlay", "overlay", "-o", self._layers, self.root)
        command = ["systemd-nspawn", "-q", "-D", str(self.root), "--register=no", "--keep-unit", "--boot"]
        options = [
            f"--network-namespace-path=/run/netns/{self.net}",
            f"--machine={self.net}",
            "--console=read-only",
            *self._binds,
        ]
        for group in self._cgroups:
            group.mkdir(exist_ok=True)
        # A group of its own: else all boxes share one, and stop each other.
        join = " && ".join(f"echo $$ > {group}/cgroup.procs" for group in self._cgroups) + ' && exec "$@"'
        with (self.folder / "console.log").open("ab") as log:
            self._nspawn = subprocess.Popen(
                ["sh", "-c", join, "sh", *command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        _until(self._booted(), BOOT_SECS, f"{self.name} is up")

    def _booted(self) -> Iterator[bool]:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        while True:
            assert self._nspawn.poll() is None, (self.folder / "console.log").read_text(errors="replace")[
                -2000:
            ]
            found = children.read_text().split()
            if not found or Path(f"/proc/{found[0]}/comm").read_text().strip() != "systemd":
                yield False
                continue
            self._leader = int(found[0])
            # It waits itself; before it can be asked it says so, and is asked again.
            code, said = self.sh("systemctl is-system-running --wait")
            assert said.strip() != "degraded", self.sh("systemctl --failed --no-legend")
            yield code == 0

    def entering(self, *command: str) -> list[str]:
        """The command line that runs `command` in the box as root, with a log-in's environment."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        clean = ["env", "-i", path, "LANG=C.UTF-8", "HOME=/root"]
        return ["nsenter", "-t", str(self._leader), "-a", *clean, *command]

    def sh(self, script: str, *, timeout: float = 180) -> tuple[int, str]:
        """Run in the box as root. -> (exit code, stdout and stderr)."""
        done = subprocess.run(
            self.entering("sh", "-c", script),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stdout

    def must(self, script: str, *, timeout: float = 180) -> str:
        code, said = self.sh(script, timeout=timeout)
        assert code == 0, f"{script}: {code}\n{said}"
        return said

    def until(self, is_so: Callable[[], bool], secs: float = 120) -> None:
        """Wait for what takes its time. Raises RuntimeError with the agent's last words."""
        end = time.monotonic() + secs
        while not is_so():
            if time.monotonic() > end:
                raise RuntimeError(self.sh("systemctl status -l --no-pager mingcha-agent")[1])
            time.sleep(LOOK_SECS)

    def status(self) -> dict[str, Any]:
        """What the running agent says of itself, read as it lies there: no process is started. Empty where it is not running."""
        try:
            return dict(json.loads((self.root / "var/lib/mingcha/status.json").read_bytes()))
        except (OSError, ValueError):
            return {}

    def off(self) -> None:
        """Power down as a person would; what is on its disk stays."""
        if self._nspawn is None:
            return
        self.sh("systemctl poweroff")
        self._gone()

    def kill_unit(self, unit: str) -> None:
        """SIGKILL to every process of a unit, at once: from outside, because a command in the box would take its time."""
        places = [
            group / "payload/system.slice" / f"{unit}.service" / "cgroup.procs" for group in self._cgroups
        ]
        while found := [pid for place in places for pid in _members(place)]:
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        self.cut()
        run("ip", "netns", "del", self.net)
        shutil.rmtree(self.folder)

    def unplug(self) -> None:
        """Its cable is out."""
        run("ip", "-n", self.net, "link", "set", "e0", "down")

    def plug(self) -> None:
        run("ip", "-n", self.net, "link", "set", "e0", "up")

    def cut(self) -> None:
        """The processes lose their power; what is on the disk stays."""
        if self._nspawn is None:
            return
        os.kill(self._leader, signal.SIGKILL)
        self._gone()

    def _gone(self) -> None:
        assert self._nspawn is not None
        self._nspawn.wait(60)
        self._nspawn = None
        run("umount", self.root)
        for group in self._cgroups:
            for path in sorted(group.rglob("*"), reverse=True):
                if path.is_dir():
                    path.rmdir()
            group.rmdir()


def side_by_side(*works: Callable[[], None]) -> None:
    """Each in a thread of its own: most of its life a box waits. Raises the first error once all have ended."""
    with ThreadPoolExecutor() as pool:
        found = [pool.submit(work) for work in works]
    for one in found:
        one.result()


@contextmanager
def running() -> Iterator[Lab]:
    """A hall at work, without sites."""
    with ThreadPoolExecutor() as pool:
        system = pool.submit(rootfs)
        place = medium()
        system.result()
    with Lab(place) as made:
        made.hall.on()
        made.install("--host", ADDRESS)
        yield made
