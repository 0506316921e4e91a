"""Lights and link states with their Chinese words, once: page, terminal, document and API read them here.

Two axes, never mixed (interface.md 3.2): a light is a legal judgement on a case, a link is the state of a line.
"""

from enum import StrEnum


class Light(StrEnum):
    """The legal light of a clock or case, mildest first; the case shows its worst clock."""

    NONE = "none"  # no limit is known
    GREEN = "green"
    PAUSED = "paused"
    YELLOW = "yellow"
    GREY = "grey"
    RED = "red"

    @property
    def word(self) -> str:
        return _LIGHT_WORDS[self]

    @property
    def rank(self) -> int:
        """Position in the order above: `max(lights, key=rank)` is the case's light."""
        return _RANKS[self]


_RANKS = {light: place for place, light in enumerate(Light)}
_LIGHT_WORDS = {
    Light.NONE: "无时限",
    Light.GREEN: "正常",
    Light.PAUSED: "停表",
    Light.YELLOW: "黄灯",
    Light.GREY: "待数据",
    Light.RED: "红灯",
}


class Health(StrEnum):
    """How a check ended, or how one condition of a site is; `skip`: nobody can say now."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"

    @property
    def word(self) -> str:
        return _HEALTH_WORDS[self]


_HEALTH_WORDS = {Health.OK: "正常", Health.WARN: "注意", Health.FAIL: "故障", Health.SKIP: "未知"}


class AlarmKind(StrEnum):
    """What a site's data can do to the hall's trust in it."""

    FORK = "fork"
    FORGED = "forged"
    GAP = "gap"
    LAG = "lag"
    CLOCK = "clock"
    CROWDED = "crowded"
    UNJUDGED = "unjudged"
    UNTAKEN = "untaken"

    @property
    def word(self) -> str:
        return _ALARM_WORDS[self]

    @property
    def heals(self) -> bool:
        """Whether it ends by itself; one that does not stays until a person has accepted it."""
        return self in {AlarmKind.LAG, AlarmKind.CLOCK}


_ALARM_WORDS = {
    AlarmKind.FORK: "编号分叉",
    AlarmKind.FORGED: "批次不实",
    AlarmKind.GAP: "声明缺口",
    AlarmKind.LAG: "对账不符",
    AlarmKind.CLOCK: "时钟不准",
    AlarmKind.CROWDED: "办件过大",
    AlarmKind.UNJUDGED: "办件未判",
    AlarmKind.UNTAKEN: "积压未收",
}


class Outcome(StrEnum):
    """What became of a command; `waiting` only in the hall, before the box has said."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"

    @property
    def word(self) -> str:
        return _OUTCOME_WORDS[self]


_OUTCOME_WORDS = {
    Outcome.WAITING: "等待站点",
    Outcome.DONE: "已完成",
    Outcome.FAILED: "未成功",
    Outcome.REFUSED: "站点拒绝",
    Outcome.EXPIRED: "已过期",
}


class Link(StrEnum):
    """State of a site's line and box, from receipts and heartbeats, never from a socket's state."""

    LIVE = "live"
    SLOW = "slow"
    CATCHUP = "catchup"
    STOPPED = "stopped"
    OFFLINE = "offline"
    MAINTENANCE = "maintenance"
    NEVER = "never"
    RETIRED = "retired"

    @property
    def word(self) -> str:
        return _LINK_WORDS[self]


_LINK_WORDS = {
    Link.LIVE: "实时",
    Link.SLOW: "迟",
    Link.CATCHUP: "补传",
    Link.STOPPED: "停采",
    Link.OFFLINE: "离线",
    Link.MAINTENANCE: "维护",
    Link.NEVER: "未接入",
    Link.RETIRED: "停用",
}


class ClockKind(StrEnum):
    """Which limit a clock watches."""

    PROMISE = "promise"
    STATUTE = "statute"
    STATED = "stated"  # an instant the source itself states
    SUPPLEMENT = "supplement"  # to say what is missing, or to accept
    DELIVERY = "delivery"
    PROCEDURE = "procedure"  # a special procedure, within the time that was announced
    STEP = "step"
    ACCEPTANCE = "acceptance"  # of what is complete
    HEARING = "hearing"  # that was asked for
    EXPLANATION = "explanation"  # that was asked for
    RENEWAL = "renewal"  # of a licence, before it expires

    @property
    def word(self) -> str:
        return _CLOCK_WORDS[self]


_CLOCK_WORDS = {
    ClockKind.PROMISE: "承诺时限",
    ClockKind.STATUTE: "法定时限",
    ClockKind.STATED: "应办结时间",
    ClockKind.SUPPLEMENT: "受理时限",
    ClockKind.DELIVERY: "送达时限",
    ClockKind.PROCEDURE: "特别程序时限",
    ClockKind.STEP: "环节时限",
    ClockKind.ACCEPTANCE: "齐全后受理时限",
    ClockKind.HEARING: "听证时限",
    ClockKind.EXPLANATION: "说明时限",
    ClockKind.RENEWAL: "延续时限",
}


class Procedure(StrEnum):
    """The special procedures whose time is not counted (行政许可法 45); `other`: what the source calls one and is none."""

    HEARING = "hearing"
    BIDDING = "bidding"
    AUCTION = "auction"
    INSPECTION = "inspection"
    TEST = "test"
    QUARANTINE = "quarantine"
    APPRAISAL = "appraisal"
    REVIEW = "review"
    OTHER = "other"

    @property
    def word(self) -> str:
        return _PROCEDURE_WORDS[self]


_PROCEDURE_WORDS = {
    Procedure.HEARING: "听证",
    Procedure.BIDDING: "招标",
    Procedure.AUCTION: "拍卖",
    Procedure.INSPECTION: "检验",
    Procedure.TEST: "检测",
    Procedure.QUARANTINE: "检疫",
    Procedure.APPRAISAL: "鉴定",
    Procedure.REVIEW: "专家评审",
    Procedure.OTHER: "其他事由",
}


class DoctorVerdict(StrEnum):
    """How a whole doctor run ended, mildest first; its place is the exit code (provisioning.md 3.10)."""

    OK = "ok"
    ATTENTION = "attention"
    DEGRADED = "degraded"
    NOT_COLLECTING = "not_collecting"
    NO_IDENTITY = "no_identity"

    @property
    def exit_code(self) -> int:
        return list(DoctorVerdict).index(self)

    @property
    def word(self) -> str:
        return {
            "ok": "正常",
            "attention": "注意",
            "degraded": "部分故障",
            "not_collecting": "停止采集",
            "no_identity": "没有身份",
        }[self.value]


class LetterState(StrEnum):
    """What became of a record nobody could read."""

    OPEN = "open"
    REINJECTED = "reinjected"
    DROPPED = "dropped"

    @property
    def word(self) -> str:
        return {"open": "未处理", "reinjected": "已修复计入", "dropped": "已放弃"}[self.value]


class Observed(StrEnum):
    """What a box says it saw of its source that is no row; an unknown word is kept and shown."""

    SOURCE_RESTORED = "source_restored"
    BULK_EDIT = "bulk_edit"
    CLOCK_JUMP = "clock_jump"
    NUMBER_MISSING = "number_missing"
    COLUMN_NEW = "column_new"

    @property
    def word(self) -> str:
        return _OBSERVED_WORDS[self]


_OBSERVED_WORDS = {
    Observed.SOURCE_RESTORED: "数据源重建",
    Observed.BULK_EDIT: "批量修改",
    Observed.CLOCK_JUMP: "数据源时钟跳变",
    Observed.NUMBER_MISSING: "编号缺号",
    Observed.COLUMN_NEW: "业务库新增字段",
}


class FindingCode(StrEnum):
    """What the hall finds in the versions and observations of a site (capture.md 3.9)."""

    T1 = "t1"
    T2 = "t2"
    T3 = "t3"
    T4 = "t4"
    T5 = "t5"
    T6 = "t6"
    T7 = "t7"
    NOTICE = (
        "notice"  # accuses nobody: a number missing, a new column, an observation this version does not know
    )

    @property
    def word(self) -> str:
        return _FINDING_WORDS[self]


_FINDING_WORDS = {
    FindingCode.T1: "倒填办结时间",
    FindingCode.T2: "已报时间被改",
    FindingCode.T3: "亮灯后延长时限",
    FindingCode.T4: "记录被删除",
    FindingCode.T5: "不留痕修改",
    FindingCode.T6: "状态回退或换人",
    FindingCode.T7: "批量或整库变动",
    FindingCode.NOTICE: "提示",
}


class FindingState(StrEnum):
    """What became of a finding; `withdrawn`: versions that came later show that it was none.

    `unproven`: a silent edit (T5) of a table whose modification time nobody has seen move yet.
    """

    OPEN = "open"
    UNPROVEN = "unproven"
    EXPLAINED = "explained"
    WITHDRAWN = "withdrawn"

    @property
    def word(self) -> str:
        return {"open": "待核实", "unproven": "待佐证", "explained": "已核实", "withdrawn": "已自动撤回"}[
            self.value
        ]


class SiteKind(StrEnum):
    """The three kinds of service site a city has."""

    TOWNSHIP = "township"
    STREET = "street"
    BRANCH = "branch"

    @property
    def word(self) -> str:
        return {"township": "乡镇便民服务中心", "street": "街道便民服务中心", "branch": "分厅"}[self.value]


class CaseStatus(StrEnum):
    """Where a case stands, as the source says; unknown words of a source stay unmapped and are reported."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    DONE = "done"
    REFUSED_ACCEPTANCE = "refused_acceptance"
    WITHDRAWN = "withdrawn"

    @property
    def word(self) -> str:
        return {
            "received": "已收件",
            "accepted": "已受理",
            "in_progress": "办理中",
            "paused": "停表中",
            "done": "已办结",
            "refused_acceptance": "不予受理",
            "withdrawn": "已撤回",
        }[self.value]


class StepKind(StrEnum):
    """What a step means to the law (capture.md 3.7); everything else is OTHER."""

    RECEIVE = "receive"
    SUPPLEMENT = "supplement"
    ACCEPT = "accept"
    REFUSE = "refuse"
    FORWARD = "forward"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    HEAR = "hear"
    CHECK = "check"
    DECIDE = "decide"
    DELIVER = "deliver"
    FEE = "fee"
    DOCUMENT = "document"
    RENEW = "renew"
    CONSULT = "consult"
    TICKET = "ticket"
    OTHER = "other"

    @property
    def word(self) -> str:
        return _STEP_WORDS[self]


_STEP_WORDS = {
    StepKind.RECEIVE: "收件",
    StepKind.SUPPLEMENT: "补正",
    StepKind.ACCEPT: "受理",
    StepKind.REFUSE: "不予受理",
    StepKind.FORWARD: "转办",
    StepKind.PAUSE: "停表",
    StepKind.RESUME: "恢复",
    StepKind.EXTEND: "延期",
    StepKind.HEAR: "听证",
    StepKind.CHECK: "审查",
    StepKind.DECIDE: "决定",
    StepKind.DELIVER: "送达",
    StepKind.FEE: "收费",
    StepKind.DOCUMENT: "文书",
    StepKind.RENEW: "延续",
    StepKind.CONSULT: "咨询",
    StepKind.TICKET: "叫号",
    StepKind.OTHER: "其他",
}
