"""A township system whose tables and columns have Chinese names; states are words, the promise is a phrase."""

from datetime import datetime

from common.core.state import CaseStatus, StepKind
from provisioning.demo.sheet import Entry, Sheet
from provisioning.demo.vendors.base import Row

DDL = """
CREATE TABLE IF NOT EXISTS 办件登记 (
    受理编号 TEXT PRIMARY KEY, 事项编码 TEXT, 事项名称 TEXT, 申请人 TEXT, 联系电话 TEXT, 申报渠道 TEXT,
    承办单位 TEXT, 责任人 TEXT, 收件时间 TEXT, 受理时间 TEXT, 承诺时限 TEXT, 办结时间 TEXT, 办理结果 TEXT,
    当前状态 TEXT, 更新时间 TEXT
);
CREATE INDEX IF NOT EXISTS 办件登记_更新时间 ON 办件登记 (更新时间, 受理编号);
CREATE TABLE IF NOT EXISTS 办理环节 (
    受理编号 TEXT, 环节序号 INTEGER, 环节名称 TEXT, 环节类型 TEXT, 经办人 TEXT, 经办部门 TEXT, 开始时间 TEXT,
    结束时间 TEXT, 办理意见 TEXT, 更新时间 TEXT, PRIMARY KEY (受理编号, 环节序号)
);
CREATE INDEX IF NOT EXISTS 办理环节_更新时间 ON 办理环节 (更新时间, 受理编号, 环节序号);
"""

MAPPING = """
version = 1

[source]
type = "sqlite"
path = "office.db"

[table.case]
from = "办件登记"
key = ["受理编号"]
cursor = {columns = ["更新时间"]}
[table.case.columns]
case_no = "受理编号"
item_code = "事项编码"
item_name = "事项名称"
applicant = {col = "申请人", privacy = "name"}
phone = {col = "联系电话", privacy = "phone"}
channel = "申报渠道"
org = "承办单位"
responsible = "责任人"
received_at = "收件时间"
accepted_at = "受理时间"
promised = {col = "承诺时限", type = "workdays"}
finished_at = "办结时间"
outcome = "办理结果"
[table.case.columns.status]
col = "当前状态"
[table.case.columns.status.enum]
"已收件" = "received"
"已受理" = "accepted"
"审查中" = "in_progress"
"特别程序" = "paused"
"已办结" = "done"
"不予受理" = "refused_acceptance"
"已撤件" = "withdrawn"

[table.step]
from = "办理环节"
key = ["受理编号", "环节序号"]
parent = "受理编号"
cursor = {columns = ["更新时间"]}
[table.step.columns]
seq = "环节序号"
step_name = "环节名称"
actor = "经办人"
org = "经办部门"
started_at = "开始时间"
finished_at = "结束时间"
opinion = "办理意见"
[table.step.columns.kind]
col = "环节类型"
other = "other"
[table.step.columns.kind.enum]
"收件" = "receive"
"补正" = "supplement"
"受理" = "accept"
"不予受理" = "refuse"
"审查" = "check"
"停表" = "pause"
"恢复" = "resume"
"决定" = "decide"
"送达" = "deliver"
"""

_STATES = {
    CaseStatus.RECEIVED: "已收件",
    CaseStatus.ACCEPTED: "已受理",
    CaseStatus.IN_PROGRESS: "审查中",
    CaseStatus.PAUSED: "特别程序",
    CaseStatus.DONE: "已办结",
    CaseStatus.REFUSED_ACCEPTANCE: "不予受理",
    CaseStatus.WITHDRAWN: "已撤件",
}
_KINDS = {
    StepKind.RECEIVE: "收件",
    StepKind.SUPPLEMENT: "补正",
    StepKind.ACCEPT: "受理",
    StepKind.REFUSE: "不予受理",
    StepKind.CHECK: "审查",
    StepKind.PAUSE: "停表",
    StepKind.RESUME: "恢复",
    StepKind.DECIDE: "决定",
    StepKind.DELIVER: "送达",
    StepKind.OTHER: "撤件",
}


def case_rows(sheet: Sheet) -> list[Row]:
    life = sheet.life
    row = {
        "受理编号": life.number,
        "事项编码": life.item.code,
        "事项名称": life.item.name,
        "申请人": life.applicant,
        "联系电话": life.phone,
        "申报渠道": life.channel,
        "承办单位": life.org,
        "责任人": life.responsible,
        "收件时间": _time(sheet.received_at),
        "受理时间": _time(sheet.accepted_at),
        "承诺时限": f"{life.item.promised_days}个工作日",
        "办结时间": _time(sheet.finished_at),
        "办理结果": sheet.outcome,
        "当前状态": _STATES[sheet.status],
        "更新时间": _time(sheet.updated_at),
    }
    return [("办件登记", row)]


def step_row(sheet: Sheet, entry: Entry) -> Row:
    stage = entry.stage
    row = {
        "受理编号": sheet.life.number,
        "环节序号": entry.seq,
        "环节名称": stage.name,
        "环节类型": _KINDS[stage.kind],
        "经办人": stage.actor,
        "经办部门": stage.org,
        "开始时间": _time(stage.started_at),
        "结束时间": _time(entry.finished_at),
        "办理意见": stage.opinion if entry.finished_at else None,
        "更新时间": _time(entry.updated_at),
    }
    return "办理环节", row


def _time(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else None
