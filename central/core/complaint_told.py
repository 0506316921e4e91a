"""What a complainant reads of the complaint: where it stands, and what has happened; no name of anybody in the hall. Pure."""

from datetime import date

from msgspec import Struct

from central.core.complaint import EXTEND_DAYS, TOP, Event, State


class Happened(Struct, frozen=True):
    """A line that the complainant reads."""

    day: date
    text: str


class Account(Struct, frozen=True, kw_only=True):
    """What is published of a complaint, for whoever has its number and code."""

    number: str
    topic: str
    unit: str
    state: State
    level: int
    due: date | None
    reply: str = ""
    earlier: tuple[Happened, ...] = ()  # replies that solved nothing, the oldest first
    refused: str = ""
    happened: tuple[Happened, ...] = ()
    is_late: bool = False
    call_by: date | None = None  # somebody rings up until then

    @property
    def may_rise(self) -> bool:
        return self.level < TOP


TOLD = {
    Event.RECEIVE: "收到您的投诉",
    Event.ACCEPT: "已经受理",
    Event.REFUSE: "不予受理",
    Event.ASSIGN: "已交有关单位办理（不告诉对方您是谁）",
    Event.EXTEND: f"办理期限延长 {EXTEND_DAYS} 个工作日",
    Event.URGE: "您催办了一次",
    Event.SUPERVISE: "监察人员督办，要求抓紧办理",
    Event.ANSWER: "有关单位已报告办理结果，正在审核",
    Event.REPLY: "已答复",
    Event.SOLVED: "您认为已解决，办结",
    Event.UNSOLVED: "您认为没解决，交上一级重新办理",
    Event.LAPSE: "超过期限没有办完，已记录在案",
    Event.SETTLE: "您没有评价，到期办结",
    Event.HEARD_SOLVED: "电话回访：您说已解决，办结",
    Event.HEARD_UNSOLVED: "电话回访：您说没解决，交上一级重新办理",
    Event.UNREACHED: "给您打回访电话，没有打通",
    Event.CALL_LAPSE: "没有按时给您打回访电话，已记录在案",
}
TOLD_LAST = "电话回访：您说没解决；已办到最高一级，可以依法信访、申请复议或提起诉讼"


def headline(one: Account) -> str:
    """Where it stands, in a few words."""
    return {
        State.RECEIVED: "已收到，正在决定是否受理",
        State.REPLIED: "已答复，请您评价",
        State.CLOSED: "已办结",
        State.REFUSED: "不予受理",
    }.get(one.state, "已受理，正在办理")
