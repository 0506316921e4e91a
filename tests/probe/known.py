"""Vendors that the dictionaries may know: the demonstration's four and two more."""

import sqlite3
import tomllib
from pathlib import Path
from typing import Any

from agent.core import mapping
from provisioning.demo.vendors import VENDORS
from provisioning.demo.vendors.base import save
from tests.probe.schema import (
    ACCEPTED,
    ACTOR,
    APPLICANT,
    BEGAN,
    CHANNEL,
    ENDED,
    FINISHED,
    FIXED,
    ID_NO,
    ITEM,
    ITEM_NAME,
    KIND,
    LEGAL,
    NO,
    NUMBER,
    OPINION,
    ORG,
    OUTCOME,
    PHONE,
    PROMISED,
    RECEIVED,
    RESPONSIBLE,
    SEQ,
    STATUS,
    STEP_ID,
    STEP_NAME,
    UPDATED,
    Col,
    K,
    S,
    Schema,
    Tab,
    Truth,
    at,
    coded,
    sheets,
    turned,
)  # fmt: skip

DEMONSTRATION = tuple(VENDORS)
_SITE = {"chinese": 0, "pinyin": 10, "split": 15, "gbk": 1}


def make_demonstration(name: str, path: Path) -> dict[str, Truth]:
    """Write the vendor's database; its own mapping is the truth."""
    vendor = VENDORS[name]
    db = sqlite3.connect(path)
    db.executescript(vendor.DDL)
    for sheet in sheets(_SITE[name]):
        save(db, vendor, sheet, sheet.entries)
    db.commit()
    db.close()
    tables = mapping.flatten(tomllib.loads(vendor.MAPPING))["table"]
    return {role: truth_of(table) for role, table in tables.items()}


def truth_of(table: dict[str, Any]) -> Truth:
    """A table of a mapping as what a right draft says of it."""
    parent = table.get("parent", [])
    columns = {
        field: (item, {}) if isinstance(item, str) else (item["col"], item.get("enum", {}))
        for field, item in table["columns"].items()
    }
    return Truth(
        table["from"],
        tuple(table["key"]),
        (parent,) if isinstance(parent, str) else tuple(parent),
        table.get("cursor", {}).get("columns", [""])[0],
        columns,
    )


_STATE = {
    S.RECEIVED: "S", S.ACCEPTED: "A", S.IN_PROGRESS: "P", S.PAUSED: "H", S.DONE: "D", S.REFUSED_ACCEPTANCE: "R",
    S.WITHDRAWN: "W",
}  # fmt: skip
_KIND = {
    K.RECEIVE: "收件", K.SUPPLEMENT: "补正", K.ACCEPT: "受理", K.REFUSE: "不予受理", K.CHECK: "审查", K.PAUSE: "停表",
    K.RESUME: "恢复", K.DECIDE: "决定", K.DELIVER: "送达", K.OTHER: "其他",
}  # fmt: skip
# Pinyin initials with comments; dates only; letters as codes, explained in the comment.
INITIALS = Schema(
    "initials-commented",
    (
        Tab(
            "XK_BJXX",
            "case",
            (
                Col("BJID", "INTEGER", NUMBER, "", "主键"),
                Col("BJBH", "VARCHAR(30)", NO, "case_no", "办件编号"),
                Col("XKSXBM", "VARCHAR(30)", ITEM, "item_code", "许可事项编码"),
                Col("XKSXMC", "VARCHAR(100)", ITEM_NAME, "item_name", "许可事项名称"),
                Col("XDR", "VARCHAR(100)", APPLICANT, "applicant", "行政相对人名称"),
                Col("XDRZJ", "VARCHAR(20)", ID_NO, "", "证件号码"),
                Col("DH", "VARCHAR(20)", PHONE, "phone", "联系电话"),
                Col("SQLY", "VARCHAR(20)", CHANNEL, "channel", "申请来源"),
                Col("DW", "VARCHAR(50)", ORG, "org", "承办单位"),
                Col("CBR", "VARCHAR(20)", RESPONSIBLE, "responsible", "承办人"),
                Col("JJRQ", "DATE", at(RECEIVED, "%Y-%m-%d"), "received_at", "接件日期"),
                Col("SLRQ", "DATE", at(ACCEPTED, "%Y-%m-%d"), "accepted_at", "受理日期"),
                Col("CNTS", "INTEGER", PROMISED, "promised", "承诺天数（工作日）"),
                Col("FDTS", "INTEGER", LEGAL, "legal", "法定天数"),
                Col("BJRQ", "DATE", at(FINISHED, "%Y-%m-%d"), "finished_at", "办结日期"),
                Col("XKJG", "VARCHAR(30)", OUTCOME, "outcome", "许可结果"),
                Col(
                    "BJZT",
                    "CHAR(1)",
                    coded(_STATE, STATUS),
                    "status",
                    "办件状态：S收件 A受理 P办理中 H中止 D办结 R不予受理 W撤件",
                    turned(_STATE),
                ),
                Col("XGSJ", "DATETIME", at(UPDATED), "", "修改时间"),
            ),
            ("BJID",),
            cursor="XGSJ",
            comment="许可办件信息",
        ),
        Tab(
            "XK_LC",
            "step",
            (
                Col("LCID", "INTEGER", STEP_ID, "", "主键"),
                Col("BJID", "INTEGER", NUMBER, "", "办件主键"),
                Col("XH", "INTEGER", SEQ, "seq", "序号"),
                Col("HJ", "VARCHAR(50)", STEP_NAME, "step_name", "环节名称"),
                Col("LX", "VARCHAR(10)", coded(_KIND, KIND), "kind", "环节类型", turned(_KIND)),
                Col("RY", "VARCHAR(20)", ACTOR, "actor", "办理人员"),
                Col("BM", "VARCHAR(50)", ORG, "org", "办理部门"),
                Col("KS", "DATETIME", at(BEGAN), "started_at", "开始时间"),
                Col("JS", "DATETIME", at(ENDED), "finished_at", "结束时间"),
                Col("YJ", "VARCHAR(200)", OPINION, "opinion", "办理意见"),
                Col("XGSJ", "DATETIME", at(UPDATED), "", "修改时间"),
            ),
            ("LCID",),
            parent=("BJID",),
            cursor="XGSJ",
            comment="办理流程",
        ),
        Tab(
            "XT_YH",
            "",
            tuple(
                Col(n, t, FIXED(None), "", c)
                for n, t, c in (
                    ("YHID", "INTEGER", "主键"),
                    ("YHM", "VARCHAR(20)", "用户名"),
                    ("XM", "VARCHAR(20)", "姓名"),
                    ("BM", "VARCHAR(20)", "部门"),
                )
            ),
            ("YHID",),
            rows=[(n, f"user{n}", "王芳", "受理科") for n in range(1, 80)],
        ),
        Tab(
            "XT_RZ",
            "",
            tuple(
                Col(n, t, FIXED(None), "", c)
                for n, t, c in (
                    ("RZID", "INTEGER", "主键"),
                    ("CZR", "VARCHAR(20)", "操作人"),
                    ("CZSJ", "DATETIME", "操作时间"),
                    ("CZNR", "VARCHAR(200)", "操作内容"),
                )
            ),
            ("RZID",),
            rows=[
                (n, "王芳", f"2026-04-{n % 28 + 1:02} 09:00:{n % 60:02}", "登录系统") for n in range(1, 900)
            ],
        ),
    ),
)
_WORDS = {
    S.RECEIVED: "SUBMITTED", S.ACCEPTED: "ACCEPTED", S.IN_PROGRESS: "PROCESSING", S.PAUSED: "SUSPENDED", S.DONE: "FINISHED",
    S.REFUSED_ACCEPTANCE: "NOT_ACCEPTED", S.WITHDRAWN: "WITHDRAWN",
}  # fmt: skip
# camelCase English, milliseconds, the steps refer to the number and not to the key.
CAMEL = Schema(
    "camel",
    (
        Tab(
            "t_application",
            "case",
            (
                Col("uuid", "VARCHAR(32)", lambda s, e: f"{int(s.life.number):032x}"),
                Col("applyNo", "VARCHAR(32)", NO, "case_no"),
                Col("itemCode", "VARCHAR(32)", ITEM, "item_code"),
                Col("itemName", "VARCHAR(100)", ITEM_NAME, "item_name"),
                Col("applicantName", "VARCHAR(100)", APPLICANT, "applicant"),
                Col("contactPhone", "VARCHAR(20)", PHONE, "phone"),
                Col("deptName", "VARCHAR(50)", ORG, "org"),
                Col(
                    "receiveTime", "BIGINT", lambda s, e: int(s.received_at.timestamp() * 1000), "received_at"
                ),
                Col(
                    "acceptTime",
                    "BIGINT",
                    lambda s, e: int(s.accepted_at.timestamp() * 1000) if s.accepted_at else None,
                    "accepted_at",
                ),
                Col("promiseDays", "INTEGER", PROMISED, "promised"),
                Col(
                    "finishTime",
                    "BIGINT",
                    lambda s, e: int(s.finished_at.timestamp() * 1000) if s.finished_at else None,
                    "finished_at",
                ),
                Col("state", "VARCHAR(20)", coded(_WORDS, STATUS), "status", "", turned(_WORDS)),
                Col("createTime", "BIGINT", lambda s, e: int(s.received_at.timestamp() * 1000)),
                Col("updateTime", "BIGINT", lambda s, e: int(s.updated_at.timestamp() * 1000)),
            ),
            ("uuid",),
            parent=("applyNo",),
            cursor="updateTime",
        ),
        Tab(
            "t_process",
            "step",
            (
                Col("id", "INTEGER", STEP_ID),
                Col("applyNo", "VARCHAR(32)", NO),
                Col("nodeName", "VARCHAR(50)", STEP_NAME, "step_name"),
                Col("handlerName", "VARCHAR(20)", ACTOR, "actor"),
                Col(
                    "startTime",
                    "BIGINT",
                    lambda s, e: int(e.stage.started_at.timestamp() * 1000),
                    "started_at",
                ),
                Col(
                    "endTime",
                    "BIGINT",
                    lambda s, e: int(e.finished_at.timestamp() * 1000) if e.finished_at else None,
                    "finished_at",
                ),
                Col("opinion", "VARCHAR(200)", OPINION, "opinion"),
            ),
            ("id",),
            parent=("applyNo",),
        ),
        Tab(
            "sys_dict",
            "",
            tuple(
                Col(n, t, FIXED(None))
                for n, t in (
                    ("id", "INTEGER"),
                    ("type", "VARCHAR(20)"),
                    ("code", "VARCHAR(20)"),
                    ("name", "VARCHAR(20)"),
                )
            ),
            ("id",),
            rows=[(n, "state", f"C{n}", f"状态{n}") for n in range(1, 40)],
        ),
    ),
)
KNOWN = (INITIALS, CAMEL)
