"""What is known of a site's line -> its link state and the words for it; no light is decided here.

Theory: the state comes from what the hall received (heartbeats every 15 s, batches, births and wills), never from a
socket. One state is shown, the one that explains most: a box that is off cannot also be catching up.
"""

from math import inf
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import wording
from central.core.maintenance import Window
from common.core.instant import MINUTE, SECOND
from common.core.ranges import Range, missing
from common.core.state import Link

SLOW_AFTER = 30 * SECOND
OFFLINE_AFTER = 45 * SECOND  # three heartbeats are missing
WILL_DEBOUNCE = 20 * SECOND  # a box that reconnects at once was never away
CATCHUP_AGE_SECS = 20.0
CATCHUP_ROWS = 5  # fewer waiting rows are a backlog only when they are old
STUCK_AGE_SECS = 60.0
ROOM_WARN, ROOM_FAIL = 70, 95  # percent, as on the box
REFUSED = "市中心拒绝接收：机器已被接替、停用或吊销"


class Signals(Struct, frozen=True, kw_only=True):
    """What the tables say about one site's line; None: never heard."""

    retired_wall: int | None = None
    maintenance: Window | None = None  # in force when the tables were read
    online: bool = False
    since_wall: int = 0
    heard_wall: int | None = None
    record_wall: int | None = None
    rows: int = 0  # waiting on the box, by its last heartbeat
    oldest_unsent_age_s: float = 0.0
    capture_ok_age_s: float | None = None
    source_fault: str = ""
    agent_fault: str = ""
    agent_notice: str = ""
    refused: bool = False
    bad_rows: int = 0
    room_percent: float = 0.0
    alarms: int = 0  # that nobody has accepted
    left: int = 0  # announced by the box, not yet held by the hall
    behind_wall: int | None = None  # since when the hall itself has watched that something is left


class Backlog(Struct, frozen=True):
    """One catch-up from its beginning, as the hall watched it."""

    began_wall: int
    done: int
    left: int

    @property
    def percent(self) -> int:
        return self.done * 100 // max(self.done + self.left, 1)

    def minutes(self, now_wall: int) -> int | None:
        """Minutes to go at the speed so far, rounded up; None while nothing has been drained yet."""
        elapsed = now_wall - self.began_wall
        if self.done == 0 or elapsed < 5 * SECOND:
            return None
        return -(-self.left * elapsed // (self.done * MINUTE))

    def per_second(self, now_wall: int) -> float:
        return self.done * SECOND / max(now_wall - self.began_wall, SECOND)


class LinkWords(Struct, frozen=True):
    """A link state as a person reads it."""

    link: Link
    word: str
    note: str = ""  # why, since when, how much longer; empty for a healthy line
    percent: str = ""


def rows_left(held: list[Range], newest: int) -> int:
    """How many of the numbers 1..newest the hall does not hold."""
    return sum(last - first + 1 for first, last in missing(held, 1, newest))


def derive(signals: Signals, now_wall: int, now_at: int) -> Link:
    """The one link state of a site: the first rule that holds."""
    silence = now_wall - (signals.heard_wall or 0)
    rules = (
        (signals.retired_wall is not None, Link.RETIRED),
        (signals.heard_wall is None, Link.NEVER),
        (signals.maintenance is not None and signals.maintenance.has(now_at), Link.MAINTENANCE),
        (is_silent(signals, now_wall), Link.OFFLINE),
        (_halted(signals), Link.STOPPED),
        (_behind(signals, now_wall), Link.CATCHUP),
        (silence > SLOW_AFTER, Link.SLOW),
    )
    return next((link for holds, link in rules if holds), Link.LIVE)


def is_silent(signals: Signals, now_wall: int) -> bool:
    """Nothing is heard of it any more, whatever its word is."""
    return now_wall - (signals.heard_wall or 0) > OFFLINE_AFTER or _announced_gone(signals, now_wall)


def _halted(signals: Signals) -> bool:
    """It speaks, and nothing more comes of it, or into it."""
    faults = signals.source_fault, signals.agent_fault
    return any(faults) or signals.refused or signals.room_percent >= ROOM_FAIL


def _announced_gone(signals: Signals, now_wall: int) -> bool:
    return not signals.online and now_wall - signals.since_wall > WILL_DEBOUNCE


def waited_secs(signals: Signals, now_wall: int) -> float:
    """How long what the hall lacks has waited: the longer of what the box says and what the hall has watched itself.

    A box whose clock was set may say too little; an age below zero is none, and never a young one.
    """
    if signals.left == 0:
        return 0.0
    said = signals.oldest_unsent_age_s
    watched = 0.0 if signals.behind_wall is None else (now_wall - signals.behind_wall) / SECOND
    return max(inf if said < 0 else said, watched)


def _behind(signals: Signals, now_wall: int) -> bool:
    waited = waited_secs(signals, now_wall)
    return waited > STUCK_AGE_SECS or (waited > CATCHUP_AGE_SECS and signals.left > CATCHUP_ROWS)


def follow(backlog: Backlog | None, link: Link, left: int, now_wall: int) -> Backlog | None:
    """Keep account of a catch-up from one look to the next; None when there is none."""
    if link is not Link.CATCHUP:
        return None
    if backlog is None:
        return Backlog(now_wall, 0, left)
    return Backlog(backlog.began_wall, backlog.done + max(backlog.left - left, 0), left)


def gone_since_wall(signals: Signals) -> int:
    """When the line was lost: the announced end, or else the last thing heard."""
    return (signals.heard_wall or 0) if signals.online else signals.since_wall


def describe(
    link: Link, signals: Signals, backlog: Backlog | None, now_wall: int, zone: ZoneInfo
) -> LinkWords:
    """The words of interface.md 3.2 for `link`."""
    if link is Link.CATCHUP:
        return _catching_up(signals, backlog, now_wall)
    age = signals.capture_ok_age_s
    notes = {
        Link.OFFLINE: f"断线 {wording.span(now_wall - gone_since_wall(signals))}",
        Link.STOPPED: _stopped(signals, age),
        Link.MAINTENANCE: f"计划维护至 {signals.maintenance.end(zone)}" if signals.maintenance else "",
        Link.NEVER: "等待站点首次上线",
        Link.RETIRED: "站点已停用",
    }
    return LinkWords(link, link.word, notes.get(link, ""))


def _stopped(signals: Signals, age: float | None) -> str:
    span = wording.span(int(age * SECOND)) if age is not None else "开机后一直"
    if signals.refused:
        return "市中心拒绝接收"
    return f"{span}读不到源库" if signals.source_fault else f"{span}没有采集"


def _catching_up(signals: Signals, backlog: Backlog | None, now_wall: int) -> LinkWords:
    left = f"余 {wording.number(signals.left)} 条"
    if backlog is None or backlog.done == 0:
        return LinkWords(Link.CATCHUP, "补传中", left)
    minutes = backlog.minutes(now_wall)
    tail = f" · 约 {minutes} 分钟" if minutes is not None else ""
    return LinkWords(Link.CATCHUP, "补传中", left + tail, f"{backlog.percent}%")


def explain(words: LinkWords, fault: str, until: str, dead: int = 0, parked: int = 0) -> str:
    """The state in sentences for the head of the site's page. `until`: the data is whole up to it, as text.

    `dead` records could not be read, `parked` ones wait for an upgrade: while there is one, nothing further is whole.
    """
    whole = f"数据齐到 {until}" if until else "还没有一轮完整的数据"
    sentences = {
        Link.LIVE: f"办件实时到达，{whole}。",
        Link.SLOW: f"消息来得比平时慢，{whole}。",
        Link.CATCHUP: f"线路已恢复，正在补传积压，{whole}。新办件照常实时到达，已补齐的部分照常判定。",
        Link.STOPPED: f"站点机器在线，但停下了：{fault}。数据留在业务库里，恢复后自动补采。",
        Link.OFFLINE: f"{words.note}，{whole}。新办件存在站点本地的加密缓存，恢复后自动补传，不会丢失。",
        Link.MAINTENANCE: f"{words.note}，{whole}。维护期间不算断线。",
        Link.NEVER: "还没有收到本站点的任何数据。站点机器安装好之后会自动出现。",
        Link.RETIRED: "站点已停用，以下是停用前的最后状态。",
    }
    held = f"有 {dead:,} 条死信没有计入，处理之前数据不算齐，到期的办件只显示待数据。" if dead else ""
    waits = f"有 {parked:,} 条记录等市中心升级后计入，此前到期的办件只显示待数据。" if parked else ""
    return sentences[words.link] + held + waits
