"""Two versions of a source row side by side, for people: what differs, personal data masked. Pure."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import wording
from common.core.mask import HIDDEN
from common.core.record import Case, Step
from common.core.state import CaseStatus, StepKind

NOTHING = "–"
GONE = "（已删除）"
ABSENT = "（还没有这一行）"
NAMES = {
    "case_no": "编号",
    "item_code": "事项编码",
    "item_name": "事项",
    "applicant": "申请人",
    "phone": "电话",
    "channel": "渠道",
    "org": "承办单位",
    "responsible": "责任人",
    "received_at": "收件时间",
    "accepted_at": "受理时间",
    "promised": "承诺时限（天）",
    "promised_unit": "承诺时限单位",
    "legal": "法定时限（工作日）",
    "deadline": "应办结时间",
    "finished_at": "办结时间",
    "outcome": "结果",
    "status": "状态",
    "seq": "环节序号",
    "step_name": "环节",
    "kind": "环节类别",
    "actor": "经办人",
    "started_at": "开始时间",
    "due_at": "环节时限",
    "recorded_at": "录入时间",
    "opinion": "意见",
}
"""Field of a case or step -> its name for people; the case's key names the row and is no field of it."""
_UNITS = {"workdays": "工作日", "days": "自然日"}


class Difference(Struct, frozen=True):
    """One field of both versions, as a page may show it."""

    name: str
    before: str
    after: str


def differences(
    before: Case | Step | None, after: Case | Step | None, applicant: str | None, zone: ZoneInfo, now_at: int
) -> list[Difference]:
    """What differs between two versions; `before` None: the row was not there, `after` None: it is gone.

    `applicant`: of the case; the name is taken out of free text, as are the names that the versions themselves state.
    """
    names = [applicant, *(getattr(body, "applicant", None) for body in (before, after))]
    shown = _Shown([name for name in names if name], zone, now_at)
    one = before if before is not None else after
    fields = [name for name in NAMES if hasattr(one, name)]
    found = [
        Difference(
            NAMES[name],
            ABSENT if before is None else shown.say(name, getattr(before, name)),
            GONE if after is None else shown.say(name, getattr(after, name)),
        )
        for name in fields
        if getattr(before, name, None) != getattr(after, name, None)
    ]
    return found + shown.others(_raw(before), _raw(after))


def _raw(body: Case | Step | None) -> dict[str, str]:
    """Texts under the source's own column names."""
    return {} if body is None else {**body.watched, **body.invalid}


class _Shown:
    """How the values of one case are shown."""

    def __init__(self, names: list[str], zone: ZoneInfo, now_at: int) -> None:
        self.names = names
        self.zone = zone
        self.now_at = now_at

    def say(self, name: str, value: object) -> str:
        if value is None or value == "":
            return NOTHING
        if isinstance(value, CaseStatus | StepKind):
            return value.word
        text = str(value)
        if name == "phone":
            return HIDDEN
        if name == "applicant":
            return wording.mask(text)
        if name.endswith("_at") or name == "deadline":
            return wording.stated(text, self.zone, self.now_at)
        return _UNITS.get(text, self.free(text)) if name == "promised_unit" else self.free(text)

    def free(self, text: str) -> str:
        for name in self.names:
            text = wording.redact(text, name)
        return wording.redact(text, None)

    def others(self, before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
        return [
            Difference(
                name, self.free(before.get(name, "")) or NOTHING, self.free(after.get(name, "")) or NOTHING
            )
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
