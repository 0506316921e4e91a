"""What the hall may tell a box to do (PROTOCOL.md, commands)."""

from enum import StrEnum


class Act(StrEnum):
    """What the hall may tell a box to do, once."""

    DOCTOR = "doctor"
    RESYNC = "resync"
    ROTATE = "rotate"
    PAUSE = "pause"
    RESUME = "resume"
    REINJECT = "reinject"
    SUSPEND = "suspend"
    COLLECT = "collect"
    STILL = "still"

    @property
    def word(self) -> str:
        return _ACT_WORDS[self]


_ACT_WORDS = {
    Act.DOCTOR: "体检",
    Act.RESYNC: "重送一段编号",
    Act.ROTATE: "换缓存段与数据密钥",
    Act.PAUSE: "暂停补传",
    Act.RESUME: "恢复补传",
    Act.REINJECT: "重读隔离的行",
    Act.SUSPEND: "暂停采集",
    Act.COLLECT: "恢复采集",
    Act.STILL: "取图或短片",
}
