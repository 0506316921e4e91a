"""A system named in pinyin initials (YWSL 业务受理, BLGC 办理过程), with numbers for every state, kind and result."""

from datetime import datetime

from common.core.state import CaseStatus, StepKind
from provisioning.demo.life import DENIED, GRANTED, REFUSED, WITHDRAWN
from provisioning.demo.sheet import Entry, Sheet
from provisioning.demo.vendors.base import Row

DDL = """
CREATE TABLE IF NOT EXISTS SP_YWSL (
    YWID INTEGER PRIMARY KEY, SLBH VARCHAR(20), SXBM VARCHAR(20), SXMC VARCHAR(100), SQR VARCHAR(100),
    LXDH VARCHAR(20), SQQD VARCHAR(20), CBDW VARCHAR(50), ZRR VARCHAR(20), SJSJ DATETIME, SLSJ DATETIME,
    CNSX NUMBER(3), BJSJ DATETIME, BLJG NUMBER(1), ZT NUMBER(1), XGSJ DATETIME
);
CREATE INDEX IF NOT EXISTS IX_YWSL_XGSJ ON SP_YWSL (XGSJ, YWID);
CREATE TABLE IF NOT EXISTS SP_BLGC (
    ID INTEGER PRIMARY KEY, YWID INTEGER, XH NUMBER(2), HJMC VARCHAR(50), HJLX NUMBER(2), BLR VARCHAR(20),
    BLBM VARCHAR(50), KSSJ DATETIME, JSSJ DATETIME, BLYJ VARCHAR(200), XGSJ DATETIME
);
CREATE INDEX IF NOT EXISTS IX_BLGC_XGSJ ON SP_BLGC (XGSJ, ID);
"""

MAPPING = """
version = 1

[source]
type = "sqlite"
path = "office.db"

[table.case]
from = "SP_YWSL"
key = ["YWID"]
cursor = {columns = ["XGSJ"]}
[table.case.columns]
case_no = "SLBH"
item_code = "SXBM"
item_name = "SXMC"
applicant = {col = "SQR", privacy = "name"}
phone = {col = "LXDH", privacy = "phone"}
channel = "SQQD"
org = "CBDW"
responsible = "ZRR"
received_at = "SJSJ"
accepted_at = "SLSJ"
promised = {col = "CNSX", type = "workdays"}
finished_at = "BJSJ"
outcome = {col = "BLJG", enum = {1 = "准予许可", 2 = "不予许可", 3 = "不予受理", 4 = "申请人撤回"}}
[table.case.columns.status]
col = "ZT"
[table.case.columns.status.enum]
0 = "received"
1 = "accepted"
2 = "in_progress"
3 = "paused"
7 = "refused_acceptance"
8 = "withdrawn"
9 = "done"

[table.step]
from = "SP_BLGC"
key = ["ID"]
parent = "YWID"
cursor = {columns = ["XGSJ"]}
[table.step.columns]
seq = "XH"
step_name = "HJMC"
actor = "BLR"
org = "BLBM"
started_at = "KSSJ"
finished_at = "JSSJ"
opinion = "BLYJ"
[table.step.columns.kind]
col = "HJLX"
[table.step.columns.kind.enum]
10 = "receive"
11 = "supplement"
20 = "accept"
21 = "refuse"
30 = "check"
31 = "pause"
32 = "resume"
40 = "decide"
50 = "deliver"
99 = "other"
"""

_STATES = {
    CaseStatus.RECEIVED: 0,
    CaseStatus.ACCEPTED: 1,
    CaseStatus.IN_PROGRESS: 2,
    CaseStatus.PAUSED: 3,
    CaseStatus.REFUSED_ACCEPTANCE: 7,
    CaseStatus.WITHDRAWN: 8,
    CaseStatus.DONE: 9,
}
_KINDS = {
    StepKind.RECEIVE: 10,
    StepKind.SUPPLEMENT: 11,
    StepKind.ACCEPT: 20,
    StepKind.REFUSE: 21,
    StepKind.CHECK: 30,
    StepKind.PAUSE: 31,
    StepKind.RESUME: 32,
    StepKind.DECIDE: 40,
    StepKind.DELIVER: 50,
    StepKind.OTHER: 99,
}
_OUTCOMES = {GRANTED: 1, DENIED: 2, REFUSED: 3, WITHDRAWN: 4}


def case_rows(sheet: Sheet) -> list[Row]:
    life = sheet.life
    row = {
        "YWID": _id(sheet),
        "SLBH": life.number,
        "SXBM": life.item.code,
        "SXMC": life.item.name,
        "SQR": life.applicant,
        "LXDH": life.phone,
        "SQQD": life.channel,
        "CBDW": life.org,
        "ZRR": life.responsible,
        "SJSJ": _time(sheet.received_at),
        "SLSJ": _time(sheet.accepted_at),
        "CNSX": life.item.promised_days,
        "BJSJ": _time(sheet.finished_at),
        "BLJG": _OUTCOMES[sheet.outcome] if sheet.outcome else None,
        "ZT": _STATES[sheet.status],
        "XGSJ": _time(sheet.updated_at),
    }
    return [("SP_YWSL", row)]


def step_row(sheet: Sheet, entry: Entry) -> Row:
    stage = entry.stage
    row = {
        "ID": _id(sheet) * 100 + entry.seq,
        "YWID": _id(sheet),
        "XH": entry.seq,
        "HJMC": stage.name,
        "HJLX": _KINDS[stage.kind],
        "BLR": stage.actor,
        "BLBM": stage.org,
        "KSSJ": _time(stage.started_at),
        "JSSJ": _time(entry.finished_at),
        "BLYJ": stage.opinion if entry.finished_at else None,
        "XGSJ": _time(entry.updated_at),
    }
    return "SP_BLGC", row


def _id(sheet: Sheet) -> int:
    return int(sheet.life.number[4:])


def _time(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else None
