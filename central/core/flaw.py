"""What a verification finds: its kinds, how bad each is, and their words."""

from enum import StrEnum

from msgspec import Struct


class Grade(StrEnum):
    """How bad a finding is, mildest first; the worst one's place is the exit code."""

    PROVEN = "proven"
    OPEN = "open"  # said by the box itself, or not arrived yet: known to be incomplete
    BROKEN = "broken"  # nobody honest did this

    @property
    def rank(self) -> int:
        return list(Grade).index(self)


class What(StrEnum):
    """Kinds of findings."""

    PENDING = "pending"
    DECLARED = "declared"
    DEAD = "dead"
    HIDDEN = "hidden"
    PARKED = "parked"
    UNPROVEN = "unproven"
    SILENT = "silent"
    MISSING = "missing"
    ALTERED = "altered"
    MISPLACED = "misplaced"
    SIGNATURE = "signature"
    COLUMNS = "columns"
    CURSOR = "cursor"
    EPOCH = "epoch"
    HEAD = "head"
    CASE = "case"
    ROOT = "root"
    TRAIL = "trail"
    SPOILT = "spoilt"

    @property
    def grade(self) -> Grade:
        mild = {What.PENDING, What.DECLARED, What.DEAD, What.PARKED, What.UNPROVEN, What.SILENT}
        return Grade.OPEN if self in mild else Grade.BROKEN

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    What.PENDING: "尚未到达",
    What.DECLARED: "站点已声明缺失",
    What.DEAD: "死信",
    What.HIDDEN: "记录没有计入，而没有理由",
    What.PARKED: "已入库，等市中心升级",
    What.UNPROVEN: "没有链可核对",
    What.SILENT: "没有这一代机器的任何记录",
    What.MISSING: "缺失，没有声明",
    What.ALTERED: "内容与签名的链不符",
    What.MISPLACED: "编号与位置不符",
    What.SIGNATURE: "检查点的签名不符",
    What.COLUMNS: "登记的列与原始记录不符",
    What.CURSOR: "入库游标与记录不符",
    What.EPOCH: "缓存的序号不连续或与签名不符，或没有登记",
    What.HEAD: "当前版本与原始记录不符",
    What.CASE: "办件与其行不符",
    What.ROOT: "本库的行与站点的索引不符",
    What.TRAIL: "审计与写下时不符",
    What.SPOILT: "加密保存的内容解不开（数据损坏）",
}


class Finding(Struct, frozen=True, kw_only=True):
    """Numbers `lo..hi`, captured between `from_at` and `to_at` (office time; None: no bound is known)."""

    what: What
    lo: int
    hi: int
    detail: str = ""
    from_at: int | None = None
    to_at: int | None = None
