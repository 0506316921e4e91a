"""How far a box is in a rollout, in words that hall and box share."""

from enum import StrEnum


class Rollout(StrEnum):
    """How far one box is in a rollout."""

    WAITING = "waiting"
    OFFERED = "offered"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"

    @property
    def word(self) -> str:
        return _ROLLOUT_WORDS[self]

    @property
    def is_bad(self) -> bool:
        return self in {Rollout.ROLLED_BACK, Rollout.REFUSED}


_ROLLOUT_WORDS = {
    Rollout.WAITING: "未轮到",
    Rollout.OFFERED: "升级中",
    Rollout.DONE: "已升级",
    Rollout.ROLLED_BACK: "已自动退回",
    Rollout.REFUSED: "没有升级",
}
