"""A complaint while it is being written: four short steps and a look at the whole. Each form carries it to the next, sealed."""

from datetime import date
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from central.core import complaint
from central.core.asked import Attached, Complaint

MOST_FILES = 3
LASTS_HOURS = 24


class Part(IntEnum):
    """The steps, in their order."""

    WHAT = 1
    TEXT = 2
    WHO = 3
    FILES = 4
    CHECK = 5

    @property
    def word(self) -> str:
        return {1: "投诉谁、什么事", 2: "写清楚经过", 3: "怎么联系您", 4: "照片和材料", 5: "看一遍再提交"}[
            self.value
        ]


class Draft(Struct, frozen=True, kw_only=True):
    """What has been written so far. `id`: random, and the id of what will be handed in; `day`: on which it was begun."""

    id: str
    until_wall: int
    day: date
    topic: str = ""
    unit: str = ""
    case_no: str = ""
    text: str = ""
    named: str = ""  # yes | no
    name: str = ""
    phone: str = ""
    publish: str = ""  # yes: it may be published
    files: tuple[Attached, ...] = ()


FIELDS: dict[Part, dict[str, int]] = {
    Part.WHAT: {"topic": 20, "unit": 80, "case_no": 60},
    Part.TEXT: {"text": complaint.LONGEST + 1},
    Part.WHO: {"named": 3, "name": 30, "phone": 20, "publish": 3},
}
"""What each step asks for, and how long it may be."""


def filled(draft: Draft, part: Part, form: dict[str, str]) -> Draft:
    """`draft` with what this step's form says."""
    return replace(draft, **{name: form.get(name, "")[:most] for name, most in FIELDS.get(part, {}).items()})


def faults(draft: Draft, part: Part) -> dict[str, str]:
    """Field -> what is wrong with it, in the order of the page."""
    found: dict[str, str] = {}
    if part is Part.WHAT:
        if draft.topic not in complaint.TOPICS:
            found["topic"] = "请选择是哪一类事"
        if len(draft.unit) < 2:
            found["unit"] = "请写投诉哪个单位或窗口"
    if part is Part.TEXT:
        fault = complaint.text_fault(draft.text, complaint.SHORTEST, complaint.LONGEST)
        found |= {"text": fault} if fault else {}
    if part is Part.WHO:
        digits = "".join(char for char in draft.phone if char.isdigit())
        if draft.named not in {"yes", "no"}:
            found["named"] = "请选择留不留联系方式"
        if draft.named == "yes" and len(draft.name) < 2:
            found["name"] = "请写您的姓名"
        if draft.named == "yes" and not 7 <= len(digits) <= 13:
            found["phone"] = "请写能打通的电话，7 至 13 位数字"
    return found


def unfinished(draft: Draft) -> Part | None:
    """The first step that is not done."""
    return next((part for part in FIELDS if faults(draft, part)), None)


def handed_in(draft: Draft, number: str, code: str) -> Complaint:
    """An anonymous one takes nothing along that was typed before the choice was made."""
    is_named = draft.named == "yes"
    return Complaint(
        number=number,
        code=code,
        topic=draft.topic,
        unit=draft.unit,
        case_no=draft.case_no,
        text=draft.text,
        name=draft.name if is_named else "",
        phone=draft.phone if is_named else "",
        may_publish=draft.publish == "yes",
        files=draft.files,
    )
