"""What the applicant is told of the own case: one sentence, who must answer by when, and what has happened.

The hall says facts (`Told`); sentences are made on the day somebody asks, because "two working days over" is true for a day.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct

from central.core.correction import Event, State
from central.core.dossier import Note
from central.core.wording import WEEKDAYS
from common.core.state import ClockKind


class Standing(StrEnum):
    """Where the case is, for somebody who knows nothing of lights."""

    RECEIVED = "received"
    OPEN = "open"
    NEAR = "near"
    OVER = "over"
    UNKNOWN = "unknown"
    PAUSED = "paused"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Passed(Struct, frozen=True):
    """A step; `day` local, `done` False while it lasts."""

    name: str
    day: date | None
    done: bool
    office: str = ""


class Watched(Struct, frozen=True):
    """What the supervision has done."""

    day: date
    text: str


class Told(Struct, frozen=True, kw_only=True):
    """One case. Days are local days of the legal zone. `site` and `key` are for the hall, and are not shown."""

    site: str
    key: str
    number: str
    item: str
    item_code: str = ""
    place: str
    office: str = ""
    applicant: str = ""  # masked
    standing: Standing
    received: date | None = None
    accepted: date | None = None
    finished: date | None = None
    outcome: str = ""
    limit: ClockKind | None = None
    limit_days: int | None = None
    due: date | None = None
    provisional: bool = False
    pause: str = ""
    whole_until: str = ""  # for people: until when the site's data is whole
    steps: tuple[Passed, ...] = ()
    watched: tuple[Watched, ...] = ()
    owed: str = ""  # who must do what next in the supervision
    owed_by: date | None = None
    rate: str = ""  # the token by which it may be rated, while it may


class Answer(Struct, frozen=True):
    """The sentence. `mood`: whether it wears the legal colours."""

    mood: Standing
    head: str
    text: str


NOTHING = "您不需要做任何事。"


def said_day(value: date, today: date) -> str:
    """`6月10日（周三）`; the bracket stays with its day."""
    year = f"{value.year}年" if value.year != today.year else ""
    return f"{year}{value.month}月{value.day}日（周{WEEKDAYS[value.weekday()]}）"


def answer(one: Told, today: date, workdays: Sequence[date]) -> Answer:
    """`workdays`: the working days that are known, in order."""
    head, text = _TELL[one.standing](one, today, workdays)
    return Answer(one.standing, head, text)


def between(after: date, until: date, workdays: Sequence[date]) -> int | None:
    """Working days after `after` up to and with `until`; None where the calendar does not reach."""
    if not workdays or after < workdays[0] or until > workdays[-1]:
        return None
    return sum(after < one <= until for one in workdays)


def _due(one: Told, today: date) -> str:
    if one.due is None:
        return ""
    guess = "预计" if one.provisional else ""
    return f"{guess}应在 {said_day(one.due, today)} 前办结"


def _limit(one: Told) -> str:
    return one.limit.word if one.limit else "办理时限"


def _received(one: Told, today: date, _days: Sequence[date]) -> tuple[str, str]:
    if one.due is not None:
        return "已收件，还没有受理", f"办理单位应在 {said_day(one.due, today)} 前告诉您是否受理。{NOTHING}"
    return "已收件，还没有受理", f"受理以后，这里会写明应在哪一天前办结。{NOTHING}"


def _open(one: Told, today: date, days: Sequence[date]) -> tuple[str, str]:
    if one.due is None:
        return "正在办理", f"这件事没有登记办理时限。{NOTHING}"
    left = between(today, one.due, days)
    rest = f"，还有 {left} 个工作日" if left else "，就在今天" if one.due == today else ""
    return "正在办理，没有超期", f"{_due(one, today)}{rest}。{NOTHING}"


def _near(one: Told, today: date, days: Sequence[date]) -> tuple[str, str]:
    _, text = _open(one, today, days)
    return f"正在办理，{_limit(one)}快到了", f"监察部门已经提醒办理单位。{text}"


def _over(one: Told, today: date, days: Sequence[date]) -> tuple[str, str]:
    over = between(one.due, one.finished or today, days) if one.due is not None else None
    head = f"已超过{_limit(one)} {over} 个工作日" if over else f"已超过{_limit(one)}"
    if one.owed and one.owed_by is not None:
        owed = f"{one.owed}，最迟 {said_day(one.owed_by, today)}。"
    else:
        owed = f"{one.owed}。" if one.owed else ""
    begun = "监察部门已经督办。" if one.watched else "监察部门已经收到提示，正在处理。"
    return head, f"{begun}{owed}{NOTHING}"


def _unknown(one: Told, today: date, _days: Sequence[date]) -> tuple[str, str]:
    due = f"{_due(one, today)}。" if one.due else ""
    until = f"办理地点的数据只传到 {one.whole_until}，" if one.whole_until else "办理地点的数据还没有传齐，"
    return "正在等办理地点的数据", f"{until}暂时不能判断是否超期。{due}数据传齐后自动更新。"


def _paused(one: Told, _today: date, _days: Sequence[date]) -> tuple[str, str]:
    return (
        "依法暂停计时",
        f"正在进行{one.pause or '特别程序'}，这段时间不算在办理时限内，结束后继续计时。{NOTHING}",
    )


def _done(one: Told, today: date, _days: Sequence[date]) -> tuple[str, str]:
    day = f" {said_day(one.finished, today)} " if one.finished else ""
    outcome = f"结果：{one.outcome}。" if one.outcome else ""
    return "已办结", f"{day.lstrip()}办结。{outcome}" if day else f"已经办结。{outcome}"


def _refused(one: Told, today: date, _days: Sequence[date]) -> tuple[str, str]:
    day = f"{said_day(one.finished, today)} " if one.finished else ""
    return (
        "不予受理",
        f"{day}办理单位决定不予受理。您有权要求说明理由；不服的，可以投诉，或依法申请复议、提起诉讼。",
    )


def _withdrawn(_one: Told, _today: date, _days: Sequence[date]) -> tuple[str, str]:
    return "申请已撤回", "这件申请已经撤回，不再办理。如不是您本人撤回的，请打电话核实。"


_TELL = {
    Standing.RECEIVED: _received,
    Standing.OPEN: _open,
    Standing.NEAR: _near,
    Standing.OVER: _over,
    Standing.UNKNOWN: _unknown,
    Standing.PAUSED: _paused,
    Standing.DONE: _done,
    Standing.REFUSED: _refused,
    Standing.WITHDRAWN: _withdrawn,
}

WATCHED: dict[str, str] = {
    Event.ISSUE: "监察部门发出督办通知",
    Event.RECEIVE: "办理单位签收督办通知",
    Event.EXPLAIN: "办理单位书面说明了原因",
    Event.LAPSE: "到期没有办理，监察部门催办并上报",
    Event.EXCUSE: "监察部门认定：有正当理由",
    Event.REASSIGN: "监察部门认定：不是这个单位的责任",
    Event.UPHOLD: "监察部门认定：没有正当理由，要求整改并追究责任",
    Event.RECTIFY: "办理单位报告整改完成",
    Event.CONFIRM: "监察部门复核：整改通过",
    Event.REOPEN: "监察部门复核：整改没有通过，继续整改",
    Event.APPEAL: "办理单位提出申诉",
    Event.GRANT: "监察部门支持申诉",
    Event.DISMISS: "监察部门驳回申诉",
    Event.CLOSE: "督办结束",
    Event.WITHDRAW: "督办撤销",
    Note.RAISE: "亮红灯",
}
"""What of a dossier the applicant reads; drafts and signatures are the hall's own business."""
OWED: dict[State, str] = {
    State.RAISED: "监察部门须发出督办通知",
    State.DRAFTED: "监察部门须发出督办通知",
    State.REVIEWED: "监察部门须发出督办通知",
    State.ISSUED: "办理单位须签收督办通知",
    State.SERVED: "办理单位须书面说明原因",
    State.EXPLAINED: "监察部门须认定理由是否成立",
    State.OVERDUE: "办理单位逾期没有说明，监察部门须作出认定",
    State.APPEALED: "监察部门须处理办理单位的申诉",
    State.RECTIFYING: "办理单位须完成整改",
    State.VERIFYING: "监察部门须复核整改",
}
