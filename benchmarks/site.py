"""A site to measure with: an office database in SQLite with rows of believable size, and its mapping."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
MAPPING = """\
version = 1
[source]
type = "sqlite"
path = "office.db"
[table.case]
from = "SP_YWSL"
key = ["YWID"]
cursor = { columns = ["XGSJ"], overlap_secs = 60 }
watch = ["BZ"]
[table.case.columns]
case_no = "SLBH"
item_name = "SXMC"
applicant = { col = "SQR", privacy = "name" }
phone = { col = "DH", privacy = "phone" }
org = "BM"
responsible = "BLR"
received_at = "SJSJ"
accepted_at = "SLSJ"
promised = { col = "CNSX", type = "workdays" }
finished_at = "BJSJ"
"""


def create(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            "CREATE TABLE SP_YWSL(YWID INTEGER PRIMARY KEY, SLBH TEXT, SXMC TEXT, SQR TEXT, DH TEXT, BM TEXT,"
            " BLR TEXT, SJSJ TEXT, SLSJ TEXT, CNSX INTEGER, BJSJ TEXT, BZ TEXT, XGSJ TEXT)"
        )
        db.execute("CREATE INDEX XGSJ ON SP_YWSL(XGSJ, YWID)")
        db.commit()


def insert(path: Path, first: int, count: int) -> None:
    """`count` rows from key `first` on, accepted this morning."""
    now = datetime.now(ZONE).replace(tzinfo=None, microsecond=0)
    rows = [_row(number, now) for number in range(first, first + count)]
    with closing(sqlite3.connect(path, timeout=10)) as db:
        db.executemany(f"INSERT INTO SP_YWSL VALUES({','.join('?' * 13)})", rows)
        db.commit()


def _row(number: int, now: datetime) -> tuple[object, ...]:
    accepted = str(now - timedelta(seconds=number % 60))
    return (
        number,
        f"370200{now:%Y%m%d}{number:06}",
        ("食品经营许可（新办）", "个体工商户设立登记", "农村宅基地审批")[number % 3],
        "王李张刘陈杨"[number % 6] + "秀英",
        f"1990000{number % 10_000:04}",
        "云溪镇便民服务中心",
        "孙科长",
        accepted,
        accepted,
        10,
        None,
        "材料齐全，符合法定形式，当场受理",
        str(now),
    )
