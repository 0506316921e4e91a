"""The ladder 通知阶梯: which happening tells whom, and when the next rung is reached (supervision.md 3.8).

A table of policy. A graver happening tells everybody whom the milder one tells. A later rung is written down together with
the first and asked again when it is due: whether anything is left to be told.
"""

from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core.access import Role
from central.core.calendar import Calendar
from common.core.errors import UsageError
from common.core.instant import HOUR, from_us, start_of_day

OPENS, CLOSES = 8, 20
"""Hours of a working day in which short messages may wake people."""
MORNING = 9
NOON = 12


class Level(StrEnum):
    """What has happened."""

    YELLOW = "yellow"
    RED = "red"
    ORDER = "order"
    URGING = "urging"
    CIRCULAR = "circular"
    OWN = "own"
    RATING = "rating"
    COMPLAINT = "complaint"  # given to a unit
    COMPLAINED = "complained"  # waits for the officers of complaints
    RISEN = "risen"  # waits one level higher
    SILENT = "silent"
    DIGEST = "digest"
    BRIEFING = "briefing"
    TEST = "test"

    @property
    def word(self) -> str:
        return _LEVEL_WORDS[self]


_LEVEL_WORDS = {
    Level.YELLOW: "黄灯提示",
    Level.RED: "红灯",
    Level.ORDER: "督办文书",
    Level.URGING: "催办",
    Level.CIRCULAR: "通报",
    Level.OWN: "监察办理逾期",
    Level.RATING: "差评",
    Level.COMPLAINT: "投诉交办",
    Level.COMPLAINED: "投诉待办",
    Level.RISEN: "投诉升级",
    Level.SILENT: "站点断线",
    Level.DIGEST: "汇总",
    Level.BRIEFING: "简报",
    Level.TEST: "试发",
}
MILD = frozenset({Level.YELLOW, Level.OWN, Level.SILENT})
"""Reminders, which may be silenced; what is held against somebody is not."""
HELD = frozenset({Level.YELLOW})
"""What is held back while its site is cut off or its calendar is not published."""


class Post(StrEnum):
    """Who is told, by what they are to the case."""

    HANDLER = "handler"
    HEAD = "head"
    SUPERVISOR = "supervisor"
    CHIEF = "chief"
    LEADER = "leader"
    IT = "it"
    OFFICER = "officer"
    CHAT = "chat"

    @property
    def role(self) -> Role | None:
        """The accounts that hold the post; a group has none."""
        return {
            "handler": Role.CLERK,
            "head": Role.HEAD,
            "supervisor": Role.SUPERVISOR,
            "chief": Role.CHIEF,
            "leader": Role.LEADER,
            "it": Role.IT,
            "officer": Role.COMPLAINTS,
        }.get(self.value)


POST_WORDS = {
    Post.HANDLER: "承办人",
    Post.HEAD: "部门负责人",
    Post.SUPERVISOR: "监察员",
    Post.CHIEF: "监察领导",
    Post.LEADER: "领导",
    Post.IT: "运维",
    Post.OFFICER: "投诉受理员",
    Post.CHAT: "群",
}


class Rung(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rung: whom it tells, and when: half working days after the happening, or on the due day's morning."""

    posts: tuple[Post, ...]
    halves: int = 0
    on_due_day: bool = False
    alone: bool = False  # never part of a digest


_P = Post
Ladder = dict[Level, tuple[Rung, ...]]
LADDER: Ladder = {
    Level.YELLOW: (
        Rung(posts=(_P.HANDLER,)),
        Rung(posts=(_P.HEAD,), halves=1),
        Rung(posts=(_P.HANDLER, _P.HEAD), on_due_day=True, alone=True),
    ),
    Level.RED: (
        Rung(posts=(_P.HANDLER, _P.HEAD, _P.SUPERVISOR, _P.CHAT)),
        Rung(posts=(_P.CHIEF,), halves=2),
        Rung(posts=(_P.LEADER,), halves=6),
    ),
    Level.ORDER: (Rung(posts=(_P.HANDLER, _P.HEAD), alone=True),),
    Level.URGING: (Rung(posts=(_P.HANDLER, _P.HEAD, _P.SUPERVISOR, _P.CHAT), alone=True),),
    Level.CIRCULAR: (
        Rung(posts=(_P.HANDLER, _P.HEAD, _P.SUPERVISOR, _P.CHIEF, _P.LEADER, _P.CHAT), alone=True),
    ),
    Level.OWN: (Rung(posts=(_P.SUPERVISOR, _P.CHIEF)),),
    Level.RATING: (Rung(posts=(_P.HANDLER, _P.HEAD)),),
    Level.COMPLAINT: (Rung(posts=(_P.HANDLER, _P.HEAD)),),
    Level.COMPLAINED: (Rung(posts=(_P.OFFICER,)),),
    Level.RISEN: (Rung(posts=(_P.SUPERVISOR, _P.CHIEF)),),
    Level.SILENT: (Rung(posts=(_P.IT, _P.HEAD, _P.CHAT)),),
}


"""What the hall comes with; what is in force may be another (`central.store.ladders`)."""

FIXED = frozenset({Level.DIGEST, Level.BRIEFING, Level.TEST})
"""They have no rungs: no happenings, or told to those alone who asked to be told."""
GRAVER = ((Level.YELLOW, Level.RED), (Level.URGING, Level.CIRCULAR))
MOST_RUNGS, MOST_HALVES = 6, 40


def check(wanted: Ladder) -> None:
    """Raises UsageError where somebody would not be told who has to be, or a rung would never be reached."""
    for level in Level:
        rungs = wanted.get(level, ())
        fault = "" if level in FIXED else _fault(rungs)
        if fault or (level in FIXED and rungs):
            raise UsageError(
                f"{level.word}：{fault or '不设阶梯'}", hint="样式见  mingcha ladder show --json"
            )
    for mild, grave in GRAVER:
        lacking = _posts(wanted[mild]) - _posts(wanted[grave])
        if lacking:
            names = "、".join(sorted(POST_WORDS[post] for post in lacking))
            raise UsageError(
                f"{grave.word}没有告诉{names}，而{mild.word}告诉他",
                hint="更重的事须告诉轻一级所告诉的每一个人",
            )


def _fault(rungs: tuple[Rung, ...]) -> str:
    if not 1 <= len(rungs) <= MOST_RUNGS:
        return f"须有 1 至 {MOST_RUNGS} 级"
    if rungs[0].halves or rungs[0].on_due_day:
        return "第一级须立即告知"
    for rung in rungs:
        if not rung.posts or len(set(rung.posts)) < len(rung.posts):
            return "每一级须写明告诉谁，不重复"
        if not 0 <= rung.halves <= MOST_HALVES or (rung.halves and rung.on_due_day):
            return f"间隔须为 0 至 {MOST_HALVES} 个半天，或在到期当日"
    timed = [rung.halves for rung in rungs if not rung.on_due_day]
    return "" if timed == sorted(timed) else "各级须由先到后排列"


def _posts(rungs: tuple[Rung, ...]) -> set[Post]:
    return {post for rung in rungs for post in rung.posts}


def said(rungs: tuple[Rung, ...]) -> str:
    """Rungs in words."""
    return "；".join(_said(rung) for rung in rungs) or "不告知"


def _said(rung: Rung) -> str:
    days = f"{rung.halves // 2 or ''}{'.5' if rung.halves % 2 and rung.halves > 1 else ''}"
    after = "半个工作日后" if rung.halves == 1 else f"{days} 个工作日后"
    when = f"到期当日 {MORNING} 时" if rung.on_due_day else after if rung.halves else "立即"
    alone = "（不并入汇总）" if rung.alone else ""
    return f"{when}：{'、'.join(POST_WORDS[post] for post in rung.posts)}{alone}"


def difference(before: Ladder, after: Ladder) -> list[tuple[str, str, str]]:
    """Happening, as it was, as it is to be."""
    return [
        (level.word, said(before.get(level, ())), said(after.get(level, ())))
        for level in Level
        if before.get(level, ()) != after.get(level, ())
    ]


def reached_at(rung: Rung, now_at: int, due: date | None, calendar: Calendar, zone: ZoneInfo) -> int | None:
    """Office time at which `rung` is reached by what happened at `now_at`; None: never.

    Half a working day is a forenoon or an afternoon: from the forenoon it is the noon of the same day, from the afternoon
    the morning of the next working day; what happens on a day off happens on the morning of the next working day.
    """
    if rung.on_due_day:
        if due is None:
            return None
        at = start_of_day(due, zone) + MORNING * HOUR
        return at if at > now_at else None
    if not rung.halves:
        return now_at
    local = from_us(now_at, zone)
    day = calendar.roll_forward(local.date())
    half = int(local.hour >= NOON) if day == local.date() else 0
    whole, half = divmod(half + rung.halves, 2)
    day = calendar.nth(day, whole) if whole else day
    return start_of_day(day, zone) + (NOON if half else OPENS) * HOUR


def may_wake_at(at: int, calendar: Calendar, zone: ZoneInfo) -> int:
    """`at` itself inside the hours of a working day, else the instant at which the next ones begin."""
    local = from_us(at, zone)
    day = local.date()
    if calendar.is_workday(day):
        if OPENS <= local.hour < CLOSES:
            return at
        if local.hour < OPENS:
            return start_of_day(day, zone) + OPENS * HOUR
    return start_of_day(calendar.roll_forward(day + timedelta(days=1)), zone) + OPENS * HOUR
