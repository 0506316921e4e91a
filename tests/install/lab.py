"""A hall and bare boxes under real systemd, in network namespaces of their own: no route leads out (provisioning.md 6.1).

A box is Debian's minimal system from the cache under an overlay, booted by systemd-nspawn. Everything that is made here,
`close` takes away again; processes are stopped by their ids.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from provisioning import bundle
from provisioning import medium as media

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
ADDRESS = "10.97.0.1"
_PACKAGES = "systemd,systemd-sysv,dbus,iproute2,procps"
_MIRROR = "http://deb.debian.org/debian"
_HIERARCHIES = [
    path for path in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified")) if path.is_dir()
] or [Path("/sys/fs/cgroup")]
BOOT_SECS = 60.0


def missing() -> str:
    """Why there can be no box here; empty where there can."""
    if os.geteuid() != 0:
        return "boxes under systemd-nspawn need root"
    for program in ("debootstrap", "systemd-nspawn", "ip", "nsenter"):
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


def rootfs(downloader: str) -> Path:
    """A bare Debian 12 with `downloader` (curl or wget) and no Python; made once, then kept in the cache."""
    place = CACHE / "install" / f"rootfs-{downloader}"
    if not place.exists():
        part = place.with_name(f"{place.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        part.chmod(0o755)
        include = f"--include={_PACKAGES},{downloader}"
        run("debootstrap", "--variant=minbase", include, "bookworm", part, _mirror(), timeout=1200)
        (part / "etc/machine-id").write_text("")
        run("chroot", part, "systemctl", "set-default", "multi-user.target")
        part.rename(place)
    return place


def medium() -> Path:
    """What bundles are made of, and the bundle itself: fetched and built once, then kept in the cache."""
    place = CACHE / "medium"
    if not (place / "fetched").exists():
        media.fetch(place, "x86_64")
        (place / "fetched").touch()
    bundle.keep(place, CACHE / "install" / "bundles", "x86_64")
    return place


def _mirror() -> str:
    """The machine's own."""
    for path in sorted(Path("/etc/apt/sources.list.d").glob("debian.sources")):
        for line in path.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1]
    return _MIRROR


def _until(is_so: "Iterator[bool]", secs: float, what: str) -> None:
    end = time.monotonic() + secs
    while not next(is_so):
        if time.monotonic() > end:
            raise RuntimeError(f"not within {secs:.0f} s: {what}")
        time.sleep(0.05)


def _members(place: Path) -> list[int]:
    """None where the group has gone."""
    try:
        return [int(pid) for pid in place.read_text().split()]
    except OSError:
        return []


class Lab:
    """One hall at `ADDRESS`; `box` makes boxes beside it."""

    def __init__(self, medium: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mingcha-lab-"))
        self.folder.chmod(0o711)
        self.medium = medium
        self.home = self.folder / "hall"
        self.config = self.home / "central.toml"
        self.net = f"mc{os.getpid()}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._boxes: list[Box] = []
        self._made = 0

    def __enter__(self) -> Self:
        run("ip", "netns", "add", self.net)
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "add", "br0", "type", "bridge")
        self.inside("ip", "link", "set", "br0", "up")
        self.inside("ip", "addr", "add", f"{ADDRESS}/24", "dev", "br0")
        return self

    def __exit__(self, *_error: object) -> None:
        self.clear()
        for name in list(self._processes):
            self.stop(name)
        run("ip", "netns", "del", self.net)
        shutil.rmtree(self.folder)

    def clear(self) -> None:
        """Take all boxes away."""
        while self._boxes:
            self._boxes.pop().remove()

    def inside(self, *command: str | Path) -> str:
        """Run in the hall's namespace."""
        return run("ip", "netns", "exec", self.net, *command)

    def mingcha(self, *args: str | Path) -> str:
        """`mingcha` in the hall. -> stdout."""
        return self.inside(sys.executable, "-m", "central", *args, "--config", self.config)

    def speaking(self, *args: str) -> "subprocess.Popen[str]":
        """`mingcha` in the hall while it is at work."""
        command = ["ip", "netns", "exec", self.net, sys.executable, "-m", "central", *args]
        return subprocess.Popen(
            [*command, "--config", str(self.config)],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def init(self, *args: str | Path) -> str:
        said = self.mingcha("central", "init", "--data", self.home / "data", "--medium", self.medium, *args)
        shutil.chown(self.home / "broker", "mosquitto")
        for path in (self.home / "broker").iterdir():
            shutil.chown(path, "mosquitto")
        self.home.chmod(0o711)
        return said

    def start(self) -> None:
        """Broker, door and hall."""
        self._spawn("broker", "provisioning", "hall", "broker")
        self._spawn("enroll", "provisioning", "hall", "enroll", "--bind", ADDRESS)
        self._spawn("central", "central", "central", "run")
        _until(self._all_answer(), 60, "the hall's ports")

    def _all_answer(self) -> Iterator[bool]:
        while True:
            for name, process in self._processes.items():
                assert process.poll() is None, self.log(name)
            said = self.inside("ss", "-ltnH")
            yield all(f":{port} " in said for port in (8443, 8883, 8080))

    def _spawn(self, name: str, *module: str) -> None:
        command = [
            "ip",
            "netns",
            "exec",
            self.net,
            sys.executable,
            "-m",
            *module,
            "--config",
            str(self.config),
        ]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def stop(self, name: str) -> None:
        process = self._processes.pop(name)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-4000:]

    def box(self, name: str, system: Path) -> "Box":
        self._made += 1
        made = Box(self, name, self._made % 200 + 10, system)
        self._boxes.append(made)
        return made


class Box:
    """A bare machine `name` with the address 10.97.0.`number`; off until `on`."""

    def __init__(self, lab: Lab, name: str, number: int, system: Path) -> None:
        self.name = name
        self.folder = lab.folder / f"{name}-{number}"
        self.net = f"{lab.net}b{number}"
        self._lab = lab
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
            code, said = self.sh("systemctl is-system-running")
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

    def until(self, is_so: Callable[[], bool], secs: float = 60) -> None:
        """Wait for what takes its time. Raises RuntimeError with the agent's last words."""
        end = time.monotonic() + secs
        while not is_so():
            if time.monotonic() > end:
                raise RuntimeError(self.sh("systemctl status -l --no-pager mingcha-agent")[1])
            time.sleep(0.2)

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


@contextmanager
def running() -> Iterator[Lab]:
    """A hall at work, without sites."""
    with Lab(medium()) as made:
        shutil.copytree(CACHE / "install" / "bundles", made.home / "data" / "bundles")
        made.init("--host", ADDRESS)
        made.start()
        yield made
