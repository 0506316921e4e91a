"""A tax office's system in English: application, result and step log in tables of their own; no promise is stored."""

from datetime import datetime

from provisioning.demo.sheet import Entry, Sheet
from provisioning.demo.vendors.base import Row

DDL = """
CREATE TABLE IF NOT EXISTS application (
    id INTEGER PRIMARY KEY, reg_no TEXT, item_code TEXT, item_name TEXT, taxpayer TEXT, mobile TEXT, channel TEXT,
    department TEXT, owner TEXT, received_at TEXT, accepted_at TEXT, modified_at TEXT
);
CREATE INDEX IF NOT EXISTS application_modified ON application (modified_at, id);
CREATE TABLE IF NOT EXISTS application_result (
    application_id INTEGER PRIMARY KEY REFERENCES application (id), state TEXT, outcome TEXT, finished_at TEXT,
    modified_at TEXT
);
CREATE INDEX IF NOT EXISTS result_modified ON application_result (modified_at, application_id);
CREATE TABLE IF NOT EXISTS step_log (
    application_id INTEGER REFERENCES application (id), step_no INTEGER, title TEXT, step_type TEXT, operator TEXT,
    unit TEXT, begin_time TEXT, end_time TEXT, remark TEXT, modified_at TEXT, PRIMARY KEY (application_id, step_no)
);
CREATE INDEX IF NOT EXISTS step_modified ON step_log (modified_at, application_id, step_no);
"""

MAPPING = """
version = 1

[source]
type = "sqlite"
path = "office.db"

[table.case]
from = "application"
key = ["id"]
cursor = {columns = ["modified_at"]}
[table.case.columns]
case_no = "reg_no"
item_code = "item_code"
item_name = "item_name"
applicant = {col = "taxpayer", privacy = "name"}
phone = {col = "mobile", privacy = "phone"}
channel = "channel"
org = "department"
responsible = "owner"
received_at = "received_at"
accepted_at = "accepted_at"

[table.case.result]
from = "application_result"
key = ["application_id"]
parent = "application_id"
cursor = {columns = ["modified_at"]}
[table.case.result.columns]
finished_at = "finished_at"
outcome = "outcome"
[table.case.result.columns.status]
col = "state"
[table.case.result.columns.status.enum]
RECEIVED = "received"
ACCEPTED = "accepted"
IN_PROGRESS = "in_progress"
PAUSED = "paused"
DONE = "done"
REFUSED_ACCEPTANCE = "refused_acceptance"
WITHDRAWN = "withdrawn"

[table.step]
from = "step_log"
key = ["application_id", "step_no"]
parent = "application_id"
cursor = {columns = ["modified_at"]}
[table.step.columns]
seq = "step_no"
step_name = "title"
actor = "operator"
org = "unit"
started_at = "begin_time"
finished_at = "end_time"
opinion = "remark"
[table.step.columns.kind]
col = "step_type"
other = "other"
[table.step.columns.kind.enum]
RECEIVE = "receive"
SUPPLEMENT = "supplement"
ACCEPT = "accept"
REFUSE = "refuse"
CHECK = "check"
PAUSE = "pause"
RESUME = "resume"
DECIDE = "decide"
DELIVER = "deliver"
"""


def case_rows(sheet: Sheet) -> list[Row]:
    life = sheet.life
    application = {
        "id": _id(sheet),
        "reg_no": life.number,
        "item_code": life.item.code,
        "item_name": life.item.name,
        "taxpayer": life.applicant,
        "mobile": life.phone,
        "channel": life.channel,
        "department": life.org,
        "owner": life.responsible,
        "received_at": _time(sheet.received_at),
        "accepted_at": _time(sheet.accepted_at),
        "modified_at": _time(sheet.updated_at),
    }
    result = {
        "application_id": _id(sheet),
        "state": sheet.status.name,
        "outcome": sheet.outcome,
        "finished_at": _time(sheet.finished_at),
        "modified_at": _time(sheet.updated_at),
    }
    return [("application", application), ("application_result", result)]


def step_row(sheet: Sheet, entry: Entry) -> Row:
    stage = entry.stage
    row = {
        "application_id": _id(sheet),
        "step_no": entry.seq,
        "title": stage.name,
        "step_type": stage.kind.name,
        "operator": stage.actor,
        "unit": stage.org,
        "begin_time": _time(stage.started_at),
        "end_time": _time(entry.finished_at),
        "remark": stage.opinion if entry.finished_at else None,
        "modified_at": _time(entry.updated_at),
    }
    return "step_log", row


def _id(sheet: Sheet) -> int:
    return int(sheet.life.number[4:])


def _time(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%S}" if at else None
