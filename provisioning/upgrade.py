"""`mingcha-agent upgrade`, every five minutes by its timer, as root: what is begun is finished, the hall is told, and asked.

Apart from the agent: one that cannot start could not fetch its own mend. It runs from `trusted`, the last release that
passed its gate, and never from the one on trial. The gate is the agent's own health; hall, source and cameras are not asked.
"""

import hashlib
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from msgspec import Struct

from common.cli import say
from common.clock import Clock
from common.config import read_secret, read_toml
from common.core.errors import ConfigError, RejectedError, UnavailableError
from common.core.rest import BUFFER_FORMAT
from common.core.rollout import Rollout
from provisioning import enrol_client, escrow, halls, pki, releases, units
from provisioning.core import release, upgrade
from provisioning.core.messages import Ask, Offer, Outcome, Report, asked_of
from provisioning.core.release import Manifest
from provisioning.core.upgrade import Have, Move, Pending, Phase
from provisioning.files import PUBLIC, put_link, write_file

GATE_SECS = 8.0
TRIAL_SECS = 60.0
LONGEST_SAID = 8000
"""Characters of a journal in a post-mortem."""


class Life(Struct, frozen=True):
    """`start` changes with every start, `pulse` with every sign of progress that the watchdog got."""

    is_active: bool
    start: str
    pulse: str


class Service(Protocol):
    """The agent as the system runs it."""

    def adopt(self, tree: Path) -> None:
        """From the next start on it is run as the release in `tree` wants it."""

    def restart(self) -> str:
        """Start it anew and wait until it is ready. -> empty, or what was wrong. Raises UnavailableError: nobody knows."""

    def standing(self) -> Life:
        """How it is at this moment. Raises UnavailableError."""

    def said(self) -> str:
        """Its last words."""


class Places(Struct, frozen=True):
    """Folders: releases and links in `root`, marker and post-mortems in `state`, the identity in `pki`; the configuration."""

    root: Path = Path("/opt/mingcha")
    state: Path = Path("/var/lib/mingcha-upgrade")
    pki: Path = Path("/var/lib/mingcha-pki")
    config: Path = Path("/etc/mingcha/agent.toml")

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def trusted(self) -> Path:
        return self.root / "trusted"

    @property
    def marker(self) -> Path:
        return self.state / "pending.json"

    @property
    def outcome(self) -> Path:
        """What the hall has not heard yet."""
        return self.state / "outcome.json"

    @property
    def note(self) -> Path:
        return self.root / "rolled-back"

    def tree(self, name: str) -> Path:
        return self.root / "releases" / name


class Upgrader:
    """`run` is one turn. `gate_secs`: so long a release must live before it is trusted."""

    def __init__(self, places: Places, service: Service, gate_secs: float = GATE_SECS) -> None:
        self._places = places
        self._service = service
        self._gate_secs = gate_secs

    def run(self) -> None:
        """Finish, report, ask, begin. Raises ConfigError, RejectedError, UnavailableError."""
        self.finish()
        offer = self._ask()
        if not offer.job:
            say("✓ 没有要升级的")
            return
        self._begin(offer)
        self.finish()
        self._ask()

    # what was begun ------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Bring a change that was begun to its end, forward or back."""
        is_back = False
        while (pending := self._pending()) is not None:
            move = upgrade.next_move(pending, self._linked(), is_back=is_back)
            if move is Move.TRIAL:
                self._trial(pending)
            elif move is Move.RETURN:
                self._service.adopt(self._places.tree(pending.previous))
                fault = self._service.restart()
                say(f"↩ 已退回 {pending.previous}" + (f"，但它也没有启动：{fault}" if fault else ""))
                is_back = True
            elif move is Move.CLOSE:
                self._close(pending)
            else:
                goal = pending.release if move is Move.FLIP else pending.previous
                put_link(self._places.current, self._places.tree(goal))

    def _trial(self, pending: Pending) -> None:
        begun = upgrade.trying(pending)
        self._mark(begun)
        if begun.phase is not Phase.TRY:
            return
        say(f"… 试运行 {pending.release}（第 {begun.tries} 次）")
        self._service.adopt(self._places.tree(pending.release))
        fault = self._service.restart() or self._watched()
        if fault:
            say(f"✕ 没有通过：{fault}")
            write_file(self._places.state / f"post-mortem-{pending.job}.txt", self._service.said().encode())
        self._mark(upgrade.judged(begun, fault))

    def _watched(self) -> str:
        """-> empty if it lives on as it was started, and its work turns."""
        began = self._service.standing()
        time.sleep(self._gate_secs)
        now = self._service.standing()
        if not now.is_active or now.start != began.start:
            return "启动后又停止或重启了"
        return "启动后没有动静" if now.pulse == began.pulse else ""

    def _close(self, pending: Pending) -> None:
        """The outcome first: whatever is cut off then, the hall hears of it."""
        is_done, notes = pending.phase is Phase.DONE, self._places.state / f"post-mortem-{pending.job}.txt"
        said = notes.read_text("utf-8", "replace")[-LONGEST_SAID:] if notes.exists() and not is_done else ""
        standing = Rollout.DONE if is_done else Rollout.ROLLED_BACK
        self._conclude(Outcome(pending.job, pending.release, standing.value, pending.why, said))
        if is_done:
            put_link(self._places.trusted, self._places.tree(pending.release))
            put_link(self._places.root / "previous", self._places.tree(pending.previous))
            say(f"✓ 已升级到 {pending.release}")
        self._places.marker.unlink()
        keep = {pending.previous, pending.release}
        for path in (self._places.root / "releases").iterdir():
            if path.name not in keep if is_done else path.name == pending.release:
                shutil.rmtree(path)

    def _conclude(self, outcome: Outcome) -> None:
        """For the hall; and where it went wrong, for the box's doctor until another release passes."""
        write_file(self._places.outcome, msgspec.json.encode(outcome))
        if Rollout(outcome.standing).is_bad:
            said = f"{outcome.release} {Rollout(outcome.standing).word}：{outcome.why}\n"
            write_file(self._places.note, said.encode(), PUBLIC)
        else:
            self._places.note.unlink(missing_ok=True)

    # what the hall wants --------------------------------------------------------------------------------------

    def _ask(self) -> Offer:
        """Tell the hall what runs here and what became of the last job, and ask for the next."""
        places = self._places
        leaf, key = pki.read_leaf(places.pki / "node.pem"), pki.read_key(places.pki / "node.pem")
        outcome = places.outcome.read_bytes() if places.outcome.exists() else b""
        report = Report(
            arch=platform.machine(),
            release=self._linked(),
            halls=halls.known(places.pki),
            outcome=msgspec.json.decode(outcome, type=Outcome) if outcome else None,
            escrow=escrow.owed(places.pki, places.config),
            now_wall=Clock().wall(),
        )
        value = msgspec.json.encode(report)
        proof = key.sign(asked_of(value), ECDSA(hashes.SHA256()))
        body = Ask(leaf.public_bytes(serialization.Encoding.PEM).decode(), value, proof)
        offer = halls.asked(places.pki, body)
        if outcome:
            places.outcome.unlink()
        if report.escrow is not None:
            escrow.given(places.pki, report.escrow)
        if offer.newest:
            write_file(places.root / "newest", f"{offer.newest}\n".encode(), PUBLIC)
        if halls.follow(places.pki, places.config, offer):
            fault = self._service.restart()
            say(f"✓ 市中心改用 {self._hall()}" + (f"；服务没有启动：{fault}" if fault else ""))
        return offer

    def _hall(self) -> str:
        return halls.known(self._places.pki)[0]

    def _begin(self, offer: Offer) -> None:
        """Fetch, check and unpack; the marker stands when all of it is there. A refusal is an outcome too."""
        places = self._places
        job = upgrade.order_in(offer.job, read_secret(places.pki / "hall-sign.pub", "市中心的签名公钥"))
        try:
            manifest = release.opened(offer.manifest, read_secret(places.pki / "release.pub", "发行方的公钥"))
            upgrade.admit(job, manifest, self._have(), offer.server_wall)
            self._trust(manifest)
            self._unpack(manifest)
            self._rehearse(manifest)
        except RejectedError as error:
            self._conclude(Outcome(job.id, job.release, Rollout.REFUSED.value, str(error), ""))
            say(f"✕ 没有升级：{error}")
            return
        self._mark(Pending(job.id, manifest.release, self._linked()))

    def _trust(self, manifest: Manifest) -> None:
        """The keys of releases from now on, as one that is trusted says; whether this one passes its trial is another matter."""
        if manifest.keys:
            write_file(self._places.pki / "release.pub", b"".join(manifest.keys), 0o640)

    def _have(self) -> Have:
        version = self._linked().rpartition("-")[0]
        site = str(read_toml(self._places.config).get("site", ""))
        free = shutil.disk_usage(self._places.root).free
        return Have(site, platform.machine(), version, BUFFER_FORMAT, free)

    def _unpack(self, manifest: Manifest) -> None:
        """Raises RejectedError for an archive that is not what was signed, or cannot be unpacked; UnavailableError."""
        places = self._places
        tree, half = places.tree(manifest.release), places.tree(f".{manifest.release}")
        if tree.exists() and _is_whole(tree, manifest):
            return
        archive = places.root / "stage" / manifest.file
        archive.parent.mkdir(exist_ok=True)
        try:
            enrol_client.fetch(
                self._hall(), f"/b/{manifest.file}", places.pki / "ca.pem", archive, manifest.size
            )
            if not releases.is_sound(archive, manifest):
                archive.unlink()  # whole and wrong: of no use for going on
                raise RejectedError("取得的发行包与签名不符", hint="请市中心重新导入发行介质")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(parents=True)
            units.run("tar", "-xzf", str(archive), "-C", str(half), "--no-same-owner")
            if not _is_whole(half, manifest):
                raise RejectedError("解开的发行包与签名不符", hint="请检查本机的磁盘")
            shutil.rmtree(tree, ignore_errors=True)
            half.replace(tree)
        except OSError as error:
            raise RejectedError(f"解不开发行包：{error.strerror}", hint="请检查磁盘空间") from error
        except UnavailableError as error:
            if half.exists():
                raise RejectedError(f"解不开发行包：{error}", hint="请检查磁盘空间") from error
            raise
        finally:
            shutil.rmtree(half, ignore_errors=True)
        shutil.rmtree(places.root / "stage", ignore_errors=True)

    def _rehearse(self, manifest: Manifest) -> None:
        """Whether it can be run here at all, and reads this box's configuration: found out before anything changes."""
        code = [self._checked(tree) for tree in (self._places.tree(manifest.release), self._places.current)]
        if code[0] and code[0] != code[1]:
            raise RejectedError(f"新版在本机运行不了，或读不了本机的配置（{code[0]}）", hint="请向发行方反映")

    def _checked(self, tree: Path) -> int:
        command = [str(tree / "bin/mingcha-agent"), "config", "--config", str(self._places.config)]
        try:
            return subprocess.run(command, capture_output=True, check=False, timeout=TRIAL_SECS).returncode
        except (OSError, subprocess.TimeoutExpired):
            return -1

    # the disk -------------------------------------------------------------------------------------------------

    def _linked(self) -> str:
        return self._places.current.resolve().name

    def _mark(self, pending: Pending) -> None:
        write_file(self._places.marker, msgspec.json.encode(pending))

    def _pending(self) -> Pending | None:
        return read_marker(self._places)


def read_marker(places: Places) -> Pending | None:
    """None where nothing was begun. A marker is written whole; one that cannot be read was damaged, and says nothing."""
    try:
        return msgspec.json.decode(places.marker.read_bytes(), type=Pending)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        places.marker.replace(places.marker.with_suffix(".damaged"))
        return None


def at_boot(places: Places) -> None:
    """Before the agent starts: a release on trial has so many boots and no more."""
    pending = read_marker(places)
    if pending is None:
        return
    now = upgrade.booted(pending)
    write_file(places.marker, msgspec.json.encode(now))
    if now.phase is Phase.BACK:
        put_link(places.current, places.tree(now.previous))


def go_back(places: Places, service: Service) -> None:
    """`mingcha-agent rollback`: to the release before, which is kept; as a person says. Raises ConfigError without one."""
    current = places.current.resolve()
    others = [path for path in current.parent.iterdir() if path.name[:1] != "." and path != current]
    if not others:
        raise ConfigError("本机没有上一个版本", hint="请市中心推送：mingcha release rollout 版本")
    newest = max(others, key=lambda path: path.stat().st_mtime)
    put_link(places.current, newest)
    put_link(places.trusted, newest)
    put_link(places.root / "previous", current)
    service.adopt(newest)
    fault = service.restart()
    say(f"✓ 已退回 {newest.name}" + (f"；它没有启动：{fault}" if fault else ""))


def _is_whole(tree: Path, manifest: Manifest) -> bool:
    """Every file of the tree is the one that was signed."""
    sums = tree / "SHA256SUMS"
    if not sums.exists() or hashlib.sha256(sums.read_bytes()).hexdigest() != manifest.sums:
        return False
    done = subprocess.run(["sha256sum", "--status", "-c", "SHA256SUMS"], cwd=tree, check=False)
    return done.returncode == 0
