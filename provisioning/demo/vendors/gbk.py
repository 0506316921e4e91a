"""An old township system that stores GBK (GB18030) text, compact times with zeros for "not yet", steps by the minute."""

from datetime import datetime
from typing import Any

from common.core.state import CaseStatus, StepKind
from provisioning.demo.sheet import Entry, Sheet
from provisioning.demo.vendors.base import Row

DDL = """
CREATE TABLE IF NOT EXISTS CASEMAIN (
    CASENO CHAR(20) PRIMARY KEY, ITEMNO CHAR(10), ITEMNAME CHAR(60), APPLICANT CHAR(60), TEL CHAR(20),
    SOURCE CHAR(10), UNIT CHAR(40), CHIEF CHAR(20), RECVTIME CHAR(14), ACPTTIME CHAR(14), LIMITDAY CHAR(4),
    DONETIME CHAR(14), RESULT CHAR(20), STATE CHAR(10), MODTIME CHAR(14)
);
CREATE INDEX IF NOT EXISTS CASEMAIN_MOD ON CASEMAIN (MODTIME, CASENO);
CREATE TABLE IF NOT EXISTS CASEFLOW (
    FLOWNO CHAR(24) PRIMARY KEY, CASENO CHAR(20), NODENO INTEGER, NODENAME CHAR(40), NODETYPE CHAR(10),
    OPERATOR CHAR(20), DEPT CHAR(40), BEGINTIME CHAR(16), ENDTIME CHAR(16), IDEA CHAR(200), MODTIME CHAR(14)
);
CREATE INDEX IF NOT EXISTS CASEFLOW_MOD ON CASEFLOW (MODTIME, FLOWNO);
"""

MAPPING = """
version = 1

[source]
type = "sqlite"
path = "office.db"
charset = "gb18030"

[table.case]
from = "CASEMAIN"
key = ["CASENO"]
cursor = {columns = ["MODTIME"]}
[table.case.columns]
case_no = "CASENO"
item_code = "ITEMNO"
item_name = "ITEMNAME"
applicant = {col = "APPLICANT", privacy = "name"}
phone = {col = "TEL", privacy = "phone"}
channel = "SOURCE"
org = "UNIT"
responsible = "CHIEF"
received_at = "RECVTIME"
accepted_at = {col = "ACPTTIME", zero = "null"}
promised = {col = "LIMITDAY", type = "workdays"}
finished_at = {col = "DONETIME", zero = "null"}
outcome = "RESULT"
[table.case.columns.status]
col = "STATE"
[table.case.columns.status.enum]
"收件" = "received"
"受理" = "accepted"
"在办" = "in_progress"
"中止" = "paused"
"办结" = "done"
"不受理" = "refused_acceptance"
"撤件" = "withdrawn"

[table.step]
from = "CASEFLOW"
key = ["FLOWNO"]
parent = "CASENO"
cursor = {columns = ["MODTIME"]}
[table.step.columns]
seq = "NODENO"
step_name = "NODENAME"
actor = "OPERATOR"
org = "DEPT"
started_at = "BEGINTIME"
finished_at = "ENDTIME"
opinion = "IDEA"
[table.step.columns.kind]
col = "NODETYPE"
other = "other"
[table.step.columns.kind.enum]
"收" = "receive"
"补" = "supplement"
"受" = "accept"
"拒" = "refuse"
"审" = "check"
"停" = "pause"
"复" = "resume"
"批" = "decide"
"送" = "deliver"
"""

_STATES = {
    CaseStatus.RECEIVED: "收件",
    CaseStatus.ACCEPTED: "受理",
    CaseStatus.IN_PROGRESS: "在办",
    CaseStatus.PAUSED: "中止",
    CaseStatus.DONE: "办结",
    CaseStatus.REFUSED_ACCEPTANCE: "不受理",
    CaseStatus.WITHDRAWN: "撤件",
}
_KINDS = {
    StepKind.RECEIVE: "收",
    StepKind.SUPPLEMENT: "补",
    StepKind.ACCEPT: "受",
    StepKind.REFUSE: "拒",
    StepKind.CHECK: "审",
    StepKind.PAUSE: "停",
    StepKind.RESUME: "复",
    StepKind.DECIDE: "批",
    StepKind.DELIVER: "送",
    StepKind.OTHER: "撤",
}
_NOT_YET = "0" * 14


def case_rows(sheet: Sheet) -> list[Row]:
    life = sheet.life
    row = {
        "CASENO": life.number,
        "ITEMNO": life.item.code,
        "ITEMNAME": life.item.name,
        "APPLICANT": life.applicant,
        "TEL": life.phone,
        "SOURCE": life.channel,
        "UNIT": life.org,
        "CHIEF": life.responsible,
        "RECVTIME": _compact(sheet.received_at),
        "ACPTTIME": _compact(sheet.accepted_at),
        "LIMITDAY": str(life.item.promised_days),
        "DONETIME": _compact(sheet.finished_at),
        "RESULT": sheet.outcome or "",
        "STATE": _STATES[sheet.status],
        "MODTIME": _compact(sheet.updated_at),
    }
    return [("CASEMAIN", _encoded(row))]


def step_row(sheet: Sheet, entry: Entry) -> Row:
    stage = entry.stage
    row = {
        "FLOWNO": f"{sheet.life.number}-{entry.seq:02}",
        "CASENO": sheet.life.number,
        "NODENO": entry.seq,
        "NODENAME": stage.name,
        "NODETYPE": _KINDS[stage.kind],
        "OPERATOR": stage.actor,
        "DEPT": stage.org,
        "BEGINTIME": _typed(stage.started_at),
        "ENDTIME": _typed(entry.finished_at) if entry.finished_at else "",
        "IDEA": stage.opinion if entry.finished_at else "",
        "MODTIME": _compact(entry.updated_at),
    }
    return "CASEFLOW", _encoded(row)


def _encoded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.encode("gb18030") if isinstance(value, str) else value for name, value in row.items()}


def _compact(at: datetime | None) -> str:
    return f"{at:%Y%m%d%H%M%S}" if at else _NOT_YET


def _typed(at: datetime) -> str:
    """As a clerk's screen shows it: 2026/6/12 14:32."""
    return f"{at.year}/{at.month}/{at.day} {at:%H:%M}"
