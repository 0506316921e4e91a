"""What a camera can be, in words: the same for box, wire, page and handbook (cameras.md 3.6 to 3.9)."""

from enum import StrEnum
from typing import Annotated

import msgspec

Share = Annotated[int, msgspec.Meta(ge=0, le=1000)]
"""Thousandths of a picture's width or height."""
Rect = tuple[Share, Share, Share, Share]
"""Left, top, right, bottom."""


class View(StrEnum):
    """How a camera stands. All but the first six are faults; of several at once only the first cause is said."""

    OK = "ok"
    OFF = "off"  # nobody works and it is dark: nothing can be said, and nothing is wrong
    LEARNING = "learning"
    JUDGING = "judging"  # pictures come again, and are too few to say anything of them
    UNKNOWN = "unknown"  # nobody looked: the worker or the whole box was down
    REMOVED = "removed"  # from the box's configuration
    UNREACHABLE = "unreachable"
    AUTH = "auth"
    LIMIT = "limit"
    CLOCK = "clock"
    NO_VIDEO = "no_video"
    STALLED = "stalled"
    FROZEN = "frozen"
    BLACK = "black"
    DARK = "dark"
    BRIGHT = "bright"
    BLURRED = "blurred"
    COVERED = "covered"
    MOVED = "moved"

    @property
    def word(self) -> str:
        return _VIEWS[self][0]

    @property
    def remedy(self) -> str:
        """The step that helps; empty where none is needed."""
        return _VIEWS[self][1]

    @property
    def is_fault(self) -> bool:
        return self not in _NO_FAULTS

    @property
    def is_blind(self) -> bool:
        """No picture comes from it, whoever looks."""
        return self in {View.UNREACHABLE, View.AUTH, View.NO_VIDEO, View.STALLED}


_NO_FAULTS = {View.OK, View.OFF, View.LEARNING, View.JUDGING, View.UNKNOWN, View.REMOVED}
_VIEWS = {
    View.OK: ("正常", ""),
    View.OFF: ("关灯", ""),
    View.LEARNING: ("学习中", ""),
    View.JUDGING: ("判断中", ""),
    View.UNKNOWN: ("未知", ""),
    View.REMOVED: ("已撤除", ""),
    View.UNREACHABLE: ("连不上", "请检查摄像机的电源、网线与地址"),
    View.AUTH: ("口令不符", "请在站点机器上重新保存该摄像机的口令"),
    View.LIMIT: ("连接数或口令", "请关掉别处的观看，或调大摄像机的连接数；仍不行再核对口令"),
    View.CLOCK: (
        "时钟不准",
        "请校时：mingcha-agent camera set-time 编号；单位有对时服务器的，在摄像机里填它",
    ),
    View.NO_VIDEO: ("无可用视频", "请在摄像机里把主码流设为 H.264，并检查线路"),
    View.STALLED: ("断流", "会自己重连；一直不恢复请检查电源"),
    View.FROZEN: ("画面静止", "请重启摄像机"),
    View.BLACK: ("黑屏", "请检查镜头盖、灯光与摄像机"),
    View.DARK: ("过暗", "请检查灯光"),
    View.BRIGHT: ("过曝", "请避开直射光，或调整曝光"),
    View.BLURRED: ("模糊", "请擦净镜头，重新对焦"),
    View.COVERED: ("遮挡", "请移开遮挡物"),
    View.MOVED: ("移位", "请把镜头转回原处；确要换视角请重新学习：mingcha-agent camera learn"),
}


class Aspect(StrEnum):
    """The two things that are told of a camera apart from each other: a wrong clock blinds nobody."""

    VIEW = "view"
    CLOCK = "clock"


class Seat(StrEnum):
    """Whether a counter is attended. Whenever the picture is in doubt: `unknown`."""

    ATTENDED = "attended"
    UNATTENDED = "unattended"
    UNKNOWN = "unknown"

    @property
    def word(self) -> str:
        return _SEATS[self]


_SEATS = {Seat.ATTENDED: "在岗", Seat.UNATTENDED: "无人", Seat.UNKNOWN: "无法判断"}


class Mask(StrEnum):
    """What of a still was hidden before it left the box. All but the last count as masked."""

    PEOPLE = "people"  # drawn zones and seats, and whatever differs from the empty view or moves
    CAMERA = "camera"  # what the camera itself blackens, and drawn zones
    ALL = "all"  # everything, in coarse blocks: nobody could say what is a person
    NONE = "none"

    @property
    def word(self) -> str:
        return _MASKS[self]


_MASKS = {
    Mask.PEOPLE: "人员区域已遮挡",
    Mask.CAMERA: "摄像机自带遮挡",
    Mask.ALL: "全部遮挡",
    Mask.NONE: "未遮挡",
}


class Occasion(StrEnum):
    """Why a still or a clip was taken."""

    FAULT = "fault"  # of the camera, when it was told
    SEAT = "seat"  # a counter unattended for as long as is allowed
    ORDER = "order"  # a person at the hall wanted it, with a reason

    @property
    def word(self) -> str:
        return _OCCASIONS[self]


_OCCASIONS = {Occasion.FAULT: "摄像故障", Occasion.SEAT: "座位无人", Occasion.ORDER: "按命令取证"}
