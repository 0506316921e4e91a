"""How a box changes to another release and back: signed jobs, reasons to refuse one, and the next move from where it stands.

The marker on the disk is written before each move, so that whoever starts again after a power cut knows how far it came.
The last release that passed its gate stays where it is until another has passed.
"""

from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core import crypto
from common.core.errors import RejectedError
from provisioning.core import release
from provisioning.core.release import Manifest, Signed

_JOB = b"mingcha.upgrade/1\0"
MOST_TRIES = 2
"""A release whose trial was cut off so often (by itself, or by the power) is not tried again."""
MOST_BOOTS = 2
ROOM = 3
"""Times the size of the archive that must be free before it is unpacked."""


class Job(Struct, frozen=True):
    """What the hall wants of one box. `sums` is the manifest's: two builds of one name are two releases."""

    id: str
    site: str
    release: str
    sums: str
    expires_wall: int


def ordered(job: Job, hall_secret: bytes) -> bytes:
    """Signed by the hall's key for commands, which the door does not have."""
    value = msgspec.json.encode(job)
    return msgspec.json.encode(Signed(value, crypto.sign(hall_secret, _JOB + value)))


def order_in(raw: bytes, hall_public: bytes) -> Job:
    """Raises RejectedError for what the hall has not signed."""
    try:
        signed = msgspec.json.decode(raw, type=Signed)
        if crypto.verify(hall_public, _JOB + signed.value, signed.signature):
            return msgspec.json.decode(signed.value, type=Job)
    except msgspec.MsgspecError:
        pass
    raise RejectedError("升级任务不是本市中心签发的", hint="请市中心核实登记服务；本机没有改动")


class Have(Struct, frozen=True):
    """How the box is. `free`: bytes where releases lie."""

    site: str
    arch: str
    version: str
    buffer_format: int
    free: int


def refusal(job: Job, manifest: Manifest, have: Have, now_wall: int) -> str:
    """Why the box does not begin, in Chinese; or empty. `now_wall` is the hall's: the box's own clock may be wrong."""
    rules = (
        (job.site != have.site, f"这个升级任务属于站点 {job.site}"),
        (now_wall >= job.expires_wall, "升级任务已过期"),
        ((job.release, job.sums) != (manifest.release, manifest.sums), "升级任务与发行包不是同一个"),
        (manifest.arch != have.arch, f"发行包是 {manifest.arch} 的，本机是 {have.arch}"),
        (
            release.numbers(manifest.version) < release.numbers(have.version),
            f"发行 {manifest.version} 比本机的 {have.version} 旧；退回请在本机执行  mingcha-agent rollback",
        ),
        (
            abs(manifest.buffer_format - have.buffer_format) > 1,
            f"缓存格式相差不止一代（{have.buffer_format} → {manifest.buffer_format}），请先升级到中间的版本",
        ),
        (
            have.free < ROOM * manifest.size,
            f"磁盘只剩 {have.free >> 20} MB，升级须有 {ROOM * manifest.size >> 20} MB",
        ),
    )
    return next((why for is_so, why in rules if is_so), "")


def admit(job: Job, manifest: Manifest, have: Have, now_wall: int) -> None:
    """Raises RejectedError with the refusal."""
    refused = refusal(job, manifest, have, now_wall)
    if refused:
        raise RejectedError(refused, hint="本机没有改动，继续运行原来的版本")


class Phase(StrEnum):
    """What the box is about."""

    TRY = "try"
    DONE = "done"
    BACK = "back"


class Pending(Struct, frozen=True):
    """The marker: a change that was begun. `previous` runs again where `release` does not pass."""

    job: str
    release: str
    previous: str
    phase: Phase = Phase.TRY
    tries: int = 0
    boots: int = 0
    why: str = ""


class Move(StrEnum):
    """One thing to do; each may be cut off anywhere and done again."""

    FLIP = "flip"
    """`current` points to `release`."""
    TRIAL = "trial"
    """Start it and watch it through the gate."""
    FLIP_BACK = "flip_back"
    RETURN = "return"
    """Start the previous one."""
    CLOSE = "close"
    """Say what became of it, and take the marker away."""


def next_move(pending: Pending, linked: str, *, is_back: bool) -> Move:
    """`linked`: the release that `current` names now; `is_back`: the previous one was started again since."""
    if pending.phase is Phase.DONE:
        return Move.CLOSE
    if pending.phase is Phase.TRY:
        return Move.FLIP if linked != pending.release else Move.TRIAL
    if linked != pending.previous:
        return Move.FLIP_BACK
    return Move.CLOSE if is_back else Move.RETURN


def trying(pending: Pending) -> Pending:
    """To be on the disk before the release is started; after too many, it is over."""
    if pending.tries >= MOST_TRIES:
        return turned_back(pending, f"试运行被打断 {pending.tries} 次")
    return replace(pending, tries=pending.tries + 1)


def judged(pending: Pending, fault: str) -> Pending:
    """After the gate. `fault`: what was wrong, or empty."""
    return turned_back(pending, fault) if fault else replace(pending, phase=Phase.DONE)


def turned_back(pending: Pending, why: str) -> Pending:
    return replace(pending, phase=Phase.BACK, why=why)


def booted(pending: Pending) -> Pending:
    """Before the agent starts at a boot: a release that never comes to its gate takes the box down with it."""
    if pending.phase is not Phase.TRY:
        return pending
    boots = pending.boots + 1
    counted = replace(pending, boots=boots)
    return turned_back(counted, f"开机 {boots} 次仍没有通过") if boots > MOST_BOOTS else counted
