"""A site to measure with: an office database in SQLite with rows of believable size, and its mapping."""

import random
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
EVERY = timedelta(seconds=7)
"""Between two rows of an office that has worked for a while: a capture that looks back a minute finds a few."""
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


def shipped(config: Path) -> None:
    """Let the box read as gently as it ships: one that walks its source all the time takes a core from what is measured."""
    head, _, rest = config.read_text("utf-8").partition("[capture]\n")
    config.write_text(f"{head}[capture]\npoll_secs = 0.5\n{rest[rest.index('[mqtt]') :]}", "utf-8")


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
    """`count` rows from key `first` on, one every few seconds until now."""
    now = datetime.now(ZONE).replace(tzinfo=None, microsecond=0)
    last = first + count - 1
    rows = [_row(number, now - (last - number) * EVERY) for number in range(first, last + 1)]
    with closing(sqlite3.connect(path, timeout=10)) as db:
        db.executemany(f"INSERT INTO SP_YWSL VALUES({','.join('?' * 13)})", rows)
        db.commit()


def _row(number: int, now: datetime) -> tuple[object, ...]:
    """Always the same of a number but for the day; as varied as an office's rows, for that is what a line has to carry."""
    chance = random.Random(number)
    accepted = str(now - timedelta(seconds=chance.randrange(3 * 3600)))
    return (
        number,
        f"370200{now:%Y%m%d}{number:06}",
        chance.choice(_ITEMS),
        chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=chance.choice((1, 2, 2)))),
        f"1{chance.choice('3578')}{chance.randrange(10**9):09}",
        "云溪镇便民服务中心",
        chance.choice(_SURNAMES) + "科长",
        accepted,
        accepted,
        10,
        None,
        chance.choice(("材料齐全，符合法定形式，当场受理", "材料齐全", "网上预审后受理", "")),
        str(now),
    )


_ITEMS = [
    f"{what}{how}"
    for what in (
        "食品经营许可",
        "公共场所卫生许可",
        "人力资源服务许可",
        "林木采伐许可",
        "道路运输经营许可",
        "农村宅基地审批",
    )
    for how in ("（新办）", "（变更）", "（延续）", "（注销）", "（补证）")
]
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰玉萍红国建华文志海云峰雪梅春燕宇浩然子轩梓涵欣怡嘉俊"
