"""Three municipalities' approval software, each of another kind: what their tables are and what a case looks like.

| site | engine | names | a time is stored as |
|---|---|---|---|
| m1 | MariaDB, utf8mb4 | pinyin initials, running numbers as keys | DATETIME, naive local time |
| m2 | PostgreSQL | English, the case split in two tables | TIMESTAMPTZ, an instant |
| m3 | SQLite | Chinese | text with its offset, as the log has it |

`recorded_at` is naive in the log and stays naive in all three. Local time is that of the municipalities; no stated
time of the log lies in the hour that a clock set back repeats, so that naive times lose nothing. What is absent in
the log is NULL. The column of the last change is set by the software at every writing.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from tests.real.logs import Line, LoggedCase

ZONE = ZoneInfo("Europe/Amsterdam")
OPEN_STATUS = "O"
"""Of a case that will end later, for as long as it has not."""


class Write(Struct, frozen=True):
    """One row written: an insert, or an update of the row with these values in `key`."""

    table: str
    key: tuple[str, ...]
    values: dict[str, Any]
    new: bool


class Vendor(Protocol):
    """One vendor's software."""

    DDL: str
    """Statements, each ended by a semicolon."""
    MAPPING: str
    """`mapping.toml` but for its `[source]`."""

    def opened(self, case: LoggedCase, now: datetime) -> list[Write]:
        """The case as it is entered: without an end if it gets one later."""

    def closed(self, case: LoggedCase, now: datetime) -> list[Write]:
        """Its end."""

    def step(self, case: LoggedCase, step: Line, now: datetime, *, recorded: bool, new: bool) -> Write:
        """A step; `recorded`: with the time of its recording, which may come later."""


def local(text: str) -> datetime | None:
    """Text of a time, with or without offset -> naive local time."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(ZONE).replace(tzinfo=None) if moment.tzinfo else moment


def instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _last(case: LoggedCase, *, closed: bool) -> Mapping[str, str]:
    """The case's values, those of its end only if it has ended."""
    if closed or not case.values["finished_at"]:
        return case.values
    return {**case.values, "finished_at": "", "last_phase": "", "status": OPEN_STATUS}


class Pinyin:
    """M1: SP_YWSL 业务受理, SP_BLGC 办理过程."""

    DDL = """
CREATE TABLE SP_YWSL (
    YWID INT PRIMARY KEY, SLBH VARCHAR(20) NOT NULL, SXBM VARCHAR(20), XMLX VARCHAR(200), CXLX VARCHAR(20),
    ZRR VARCHAR(20), SLSJ DATETIME, YBJSJ DATETIME, BJSJ DATETIME, ZT CHAR(1), DQJD VARCHAR(60), QXMC VARCHAR(60),
    SFJE DECIMAL(14, 5), CLQQ TINYINT, FYWH VARCHAR(20), XGSJ DATETIME(6) NOT NULL, KEY IX_YWSL_XGSJ (XGSJ, YWID)
) CHARACTER SET utf8mb4;
CREATE TABLE SP_BLGC (
    ID BIGINT PRIMARY KEY, YWID INT NOT NULL, XH SMALLINT, HJBM VARCHAR(20), HJMC VARCHAR(100), BLR VARCHAR(20),
    JDR VARCHAR(20), BLSJ DATETIME, LRSJ DATETIME, JHSJ DATETIME, XQSJ DATETIME, XGSJ DATETIME(6) NOT NULL,
    KEY IX_BLGC_XGSJ (XGSJ, ID)
) CHARACTER SET utf8mb4;
"""
    MAPPING = """
[table.case]
from = "SP_YWSL"
key = ["YWID"]
cursor = {columns = ["XGSJ"], overlap_secs = 60}
watch = ["XMLX", "CXLX", "DQJD", "QXMC", "SFJE", "CLQQ", "FYWH"]
[table.case.columns]
case_no = "SLBH"
item_code = "SXBM"
responsible = "ZRR"
accepted_at = "SLSJ"
deadline = "YBJSJ"
finished_at = "BJSJ"
status = {col = "ZT", enum = {O = "in_progress", G = "done", T = "withdrawn"}}

[table.step]
from = "SP_BLGC"
key = ["ID"]
parent = "YWID"
cursor = {columns = ["XGSJ"], overlap_secs = 60}
watch = ["HJBM", "JDR", "JHSJ"]
[table.step.columns]
seq = "XH"
step_name = "HJMC"
actor = "BLR"
finished_at = "BLSJ"
recorded_at = "LRSJ"
due_at = "XQSJ"
"""

    def opened(self, case: LoggedCase, now: datetime) -> list[Write]:
        return [self._case(case, now, closed=False)]

    def closed(self, case: LoggedCase, now: datetime) -> list[Write]:
        return [self._case(case, now, closed=True)]

    def _case(self, case: LoggedCase, now: datetime, *, closed: bool) -> Write:
        line = _last(case, closed=closed)
        values = {
            "YWID": case.number,
            "SLBH": line["case_id"],
            "SXBM": line["case_type"],
            "XMLX": line["parts"] or None,
            "CXLX": line["procedure"] or None,
            "ZRR": line["responsible"] or None,
            "SLSJ": local(line["accepted_at"]),
            "YBJSJ": local(line["planned_end_at"]),
            "BJSJ": local(line["finished_at"]),
            "ZT": line["status"],
            "DQJD": line["last_phase"] or None,
            "QXMC": line["term_name"] or None,
            "SFJE": Decimal(line["fee"]) if line["fee"] else None,
            "CLQQ": int(line["request_complete"] == "TRUE"),
            "FYWH": line["parent_case"] or None,
            "XGSJ": now.astimezone(ZONE).replace(tzinfo=None),
        }
        return Write("SP_YWSL", ("YWID",), values, not closed)

    def step(self, case: LoggedCase, step: Line, now: datetime, *, recorded: bool, new: bool) -> Write:
        values = {
            "ID": case.number * 1000 + int(step["seq"]),
            "YWID": case.number,
            "XH": int(step["seq"]),
            "HJBM": step["step_code"],
            "HJMC": step["step_name"],
            "BLR": step["actor"],
            "JDR": step["monitor"],
            "BLSJ": local(step["happened_at"]),
            "LRSJ": local(step["recorded_at"]) if recorded else None,
            "JHSJ": local(step["planned_at"]),
            "XQSJ": local(step["due_at"]),
            "XGSJ": now.astimezone(ZONE).replace(tzinfo=None),
        }
        return Write("SP_BLGC", ("ID",), values, new)


class Split:
    """M2: application, application_result and process_step."""

    DDL = """
CREATE TABLE application (
    id BIGINT PRIMARY KEY, item_code TEXT, parts TEXT, procedure_type TEXT, owner TEXT,
    accepted_at TIMESTAMPTZ, planned_end_at TIMESTAMPTZ, fee DOUBLE PRECISION, request_complete BOOLEAN,
    parent_application BIGINT, modified_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX application_modified ON application (modified_at, id);
CREATE TABLE application_result (
    application_id BIGINT PRIMARY KEY, state TEXT, finished_at TIMESTAMPTZ, last_phase TEXT, running_term TEXT,
    modified_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX result_modified ON application_result (modified_at, application_id);
CREATE TABLE process_step (
    application_id BIGINT, step_no INTEGER, code TEXT, title TEXT, operator TEXT, supervisor TEXT,
    happened_at TIMESTAMPTZ, recorded_at TIMESTAMP, planned_at TIMESTAMPTZ, due_at TIMESTAMPTZ,
    modified_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (application_id, step_no)
);
CREATE INDEX step_modified ON process_step (modified_at, application_id, step_no);
"""
    MAPPING = """
[table.case]
from = "application"
key = ["id"]
cursor = {columns = ["modified_at"], overlap_secs = 60}
watch = ["parts", "procedure_type", "fee", "request_complete", "parent_application"]
[table.case.columns]
case_no = "id"
item_code = "item_code"
responsible = "owner"
accepted_at = "accepted_at"
deadline = "planned_end_at"

[table.case.result]
from = "application_result"
key = ["application_id"]
parent = "application_id"
cursor = {columns = ["modified_at"], overlap_secs = 60}
watch = ["last_phase", "running_term"]
[table.case.result.columns]
finished_at = "finished_at"
status = {col = "state", enum = {O = "in_progress", G = "done", T = "withdrawn"}}

[table.step]
from = "process_step"
key = ["application_id", "step_no"]
parent = "application_id"
cursor = {columns = ["modified_at"], overlap_secs = 60}
watch = ["code", "supervisor", "planned_at"]
[table.step.columns]
seq = "step_no"
step_name = "title"
actor = "operator"
finished_at = "happened_at"
recorded_at = "recorded_at"
due_at = "due_at"
"""

    def opened(self, case: LoggedCase, now: datetime) -> list[Write]:
        line = case.values
        values = {
            "id": int(line["case_id"]),
            "item_code": line["case_type"],
            "parts": line["parts"] or None,
            "procedure_type": line["procedure"] or None,
            "owner": line["responsible"] or None,
            "accepted_at": instant(line["accepted_at"]),
            "planned_end_at": instant(line["planned_end_at"]),
            "fee": float(line["fee"]) if line["fee"] else None,
            "request_complete": line["request_complete"] == "TRUE",
            "parent_application": int(line["parent_case"]) if line["parent_case"] else None,
            "modified_at": now,
        }
        return [Write("application", ("id",), values, new=True), self._result(case, now, closed=False)]

    def closed(self, case: LoggedCase, now: datetime) -> list[Write]:
        return [self._result(case, now, closed=True)]

    def _result(self, case: LoggedCase, now: datetime, *, closed: bool) -> Write:
        line = _last(case, closed=closed)
        values = {
            "application_id": int(line["case_id"]),
            "state": line["status"],
            "finished_at": instant(line["finished_at"]),
            "last_phase": line["last_phase"] or None,
            "running_term": line["term_name"] or None,
            "modified_at": now,
        }
        return Write("application_result", ("application_id",), values, not closed)

    def step(self, case: LoggedCase, step: Line, now: datetime, *, recorded: bool, new: bool) -> Write:
        values = {
            "application_id": int(case.case_id),
            "step_no": int(step["seq"]),
            "code": step["step_code"],
            "title": step["step_name"],
            "operator": step["actor"],
            "supervisor": step["monitor"],
            "happened_at": instant(step["happened_at"]),
            "recorded_at": local(step["recorded_at"]) if recorded else None,
            "planned_at": instant(step["planned_at"]),
            "due_at": instant(step["due_at"]),
            "modified_at": now,
        }
        return Write("process_step", ("application_id", "step_no"), values, new)


class Chinese:
    """M3: 许可案件 and 办理步骤, times and yes-or-no as words."""

    DDL = """
CREATE TABLE 许可案件 (
    案件编号 TEXT PRIMARY KEY, 事项编码 TEXT, 项目类别 TEXT, 程序 TEXT, 责任人 TEXT, 受理时间 TEXT, 应办结时间 TEXT,
    办结时间 TEXT, 状态 TEXT, 当前阶段 TEXT, 期限名称 TEXT, 收费 TEXT, 材料齐全 TEXT, 母案编号 TEXT, 更新时间 TEXT
);
CREATE INDEX 许可案件_更新时间 ON 许可案件 (更新时间, 案件编号);
CREATE TABLE 办理步骤 (
    案件编号 TEXT, 序号 INTEGER, 步骤编码 TEXT, 步骤名称 TEXT, 经办人 TEXT, 监督人 TEXT, 办理时间 TEXT, 录入时间 TEXT,
    计划时间 TEXT, 限办时间 TEXT, 更新时间 TEXT, PRIMARY KEY (案件编号, 序号)
);
CREATE INDEX 办理步骤_更新时间 ON 办理步骤 (更新时间, 案件编号, 序号);
"""
    MAPPING = """
[table.case]
from = "许可案件"
key = ["案件编号"]
cursor = {columns = ["更新时间"], overlap_secs = 60}
watch = ["项目类别", "程序", "当前阶段", "期限名称", "收费", "材料齐全", "母案编号"]
[table.case.columns]
case_no = "案件编号"
item_code = "事项编码"
responsible = "责任人"
accepted_at = "受理时间"
deadline = "应办结时间"
finished_at = "办结时间"
status = {col = "状态", enum = {O = "in_progress", G = "done", T = "withdrawn"}}

[table.step]
from = "办理步骤"
key = ["案件编号", "序号"]
parent = "案件编号"
cursor = {columns = ["更新时间"], overlap_secs = 60}
watch = ["步骤编码", "监督人", "计划时间"]
[table.step.columns]
seq = "序号"
step_name = "步骤名称"
actor = "经办人"
finished_at = "办理时间"
recorded_at = "录入时间"
due_at = "限办时间"
"""

    def opened(self, case: LoggedCase, now: datetime) -> list[Write]:
        return [self._case(case, now, closed=False)]

    def closed(self, case: LoggedCase, now: datetime) -> list[Write]:
        return [self._case(case, now, closed=True)]

    def _case(self, case: LoggedCase, now: datetime, *, closed: bool) -> Write:
        line = _last(case, closed=closed)
        values = {
            "案件编号": line["case_id"],
            "事项编码": line["case_type"],
            "项目类别": line["parts"] or None,
            "程序": line["procedure"] or None,
            "责任人": line["responsible"] or None,
            "受理时间": line["accepted_at"],
            "应办结时间": line["planned_end_at"] or None,
            "办结时间": line["finished_at"] or None,
            "状态": line["status"],
            "当前阶段": line["last_phase"] or None,
            "期限名称": line["term_name"] or None,
            "收费": line["fee"] or None,
            "材料齐全": "是" if line["request_complete"] == "TRUE" else "否",
            "母案编号": line["parent_case"] or None,
            "更新时间": f"{now.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        }
        return Write("许可案件", ("案件编号",), values, not closed)

    def step(self, case: LoggedCase, step: Line, now: datetime, *, recorded: bool, new: bool) -> Write:
        values = {
            "案件编号": case.case_id,
            "序号": int(step["seq"]),
            "步骤编码": step["step_code"],
            "步骤名称": step["step_name"],
            "经办人": step["actor"],
            "监督人": step["monitor"],
            "办理时间": step["happened_at"],
            "录入时间": step["recorded_at"] if recorded else None,
            "计划时间": step["planned_at"] or None,
            "限办时间": step["due_at"] or None,
            "更新时间": f"{now.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        }
        return Write("办理步骤", ("案件编号", "序号"), values, new)


VENDORS: dict[str, Vendor] = {"m1": Pinyin(), "m2": Split(), "m3": Chinese()}
