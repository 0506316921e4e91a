"""What a site's box said last, as lines in the words of the doctor's catalogue: the same on web and terminal."""

from msgspec import Struct

from central import __version__
from central.core import wish, wording
from central.core.wish import Standing
from common.core.checks import CHECKS
from common.core.instant import SECOND
from common.core.message import Heartbeat, Policy
from common.health import Status

DISK_WARN, DISK_FAIL = 85, 95  # percent, as on the box's own doctor
ROOM_WARN, ROOM_FAIL = 70, 95
BACKLOG_SECS = 300


class Said(Struct, frozen=True):
    """One line; `effect` and `remedy` only where something is wrong."""

    title: str
    status: Status
    detail: str
    effect: str = ""
    remedy: str = ""


def lines(beat: Heartbeat | None, dead_letters: int, wished: Policy | None = None) -> list[Said]:
    """Empty for a box that has never said anything. `wished`: what the hall wishes of its delivery."""
    if beat is None:
        return []
    return [
        _source(beat),
        _pass(beat),
        _backlog(beat),
        _room(beat),
        _rows(beat),
        _letters(dead_letters),
        _disk(beat),
        _version(beat),
        *([_wish(wished, beat)] if wished else []),
    ]


def _said(check: str, status: Status, detail: str) -> Said:
    known, bad = CHECKS[check], status in {Status.WARN, Status.FAIL}
    return Said(known.title, status, detail, known.effect if bad else "", known.remedy if bad else "")


def _source(beat: Heartbeat) -> Said:
    if beat.source_fault:
        return _said("E-SRC-02", Status.FAIL, beat.source_fault)
    return _said("E-SRC-02", Status.OK, "已连通")


def _pass(beat: Heartbeat) -> Said:
    age = beat.capture_ok_age_s
    if age is None:
        return _said("E-SRC-09", Status.WARN, "开机后还没有采集成功过")
    detail = f"报告时 {wording.ago(int(age * SECOND))}"
    return _said("E-SRC-09", Status.FAIL if beat.source_fault else Status.OK, detail)


def _backlog(beat: Heartbeat) -> Said:
    if not beat.rows:
        return _said("E-SYNC-04", Status.OK, "没有待传的记录")
    age = beat.oldest_unsent_age_s
    old = age < 0 or age >= BACKLOG_SECS
    oldest = "等了多久说不出：机器的时钟被调过" if age < 0 else f"在 {wording.ago(int(age * SECOND))}"
    detail = f"{wording.number(beat.rows)} 条待传，最早的{oldest}"
    return _said("E-SYNC-04", Status.WARN if old else Status.OK, detail)


def _room(beat: Heartbeat) -> Said:
    used = beat.buffer_percent
    status = Status.FAIL if used >= ROOM_FAIL else Status.WARN if used >= ROOM_WARN else Status.OK
    return _said("E-BUF-02", status, f"已用 {used:.0f}%")


def _rows(beat: Heartbeat) -> Said:
    if not beat.quarantined:
        return _said("E-SRC-10", Status.OK, "没有")
    return _said("E-SRC-10", Status.WARN, f"{wording.number(beat.quarantined)} 行")


def _letters(count: int) -> Said:
    return _said("E-HALL-12", Status.WARN if count else Status.OK, f"{count} 条" if count else "没有")


def _disk(beat: Heartbeat) -> Said:
    used = beat.disk_percent
    status = Status.FAIL if used >= DISK_FAIL else Status.WARN if used >= DISK_WARN else Status.OK
    return _said("E-SYS-04", status, f"已用 {used:.0f}%")


def _version(beat: Heartbeat) -> Said:
    same = beat.version == __version__
    detail = f"{beat.version} · {'与中心一致' if same else f'中心是 {__version__}'}"
    return Said("程序版本", Status.OK if same else Status.WARN, detail)


_REMEDIES = {
    Standing.REFUSED: "请按原因修改后重新执行  mingcha policy set",
    Standing.UNDER_WAY: "站点在线而几分钟后仍未送达时，请在站点机器执行  mingcha-agent doctor",
    Standing.PASSED: "等几秒自动重新送达；内容不对时重新执行  mingcha policy set",
}


def _wish(wished: Policy, beat: Heartbeat) -> Said:
    limit = f"{wording.number(wished.bulk_bytes_per_sec)} 字节/秒" if wished.bulk_bytes_per_sec else "不限"
    asked = f"要求第 {wished.version} 版：补传 {limit}，等候 {wished.linger_ms} 毫秒"
    detail, standing = f"{asked}；{wish.words(wished, beat)}", wish.standing(wished, beat)
    if standing is Standing.USED:
        return Said("上传要求", Status.OK, detail)
    effect = beat.policy_fault or "站点还按原来的要求上传"
    return Said("上传要求", Status.WARN, detail, effect, _REMEDIES[standing])
