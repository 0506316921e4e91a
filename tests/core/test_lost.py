"""Characters that were lost before we came are counted, those that are there are not."""

import pytest

from agent.core import lost
from agent.core.mapping import Field, SourceConfig, Table, TableMapping
from agent.core.query import Row


def table(charset: str = "") -> Table:
    columns: dict[str, str | Field] = {
        "applicant": Field(col="SQR", charset=charset),
        "item_name": "SXMC",
        "status": Field(col="ZT", enum={"??": "accepted"}),
        "accepted_at": "SLSJ",
    }
    return Table("case", TableMapping("SP", ["ID"], columns), SourceConfig("mysql"))


def row(applicant: object = "王小明", item: object = "开业") -> Row:
    values = {"ID": 1, "SQR": applicant, "SXMC": item, "ZT": "??", "SLSJ": "????"}
    return tuple(values[name] for name in table().names)


@pytest.mark.parametrize(
    ("applicant", "item", "found"),
    [
        ("王㐂", "开业登记？？", {}),
        ("王?", "是否齐全?", {"SQR": 1}),
        ("王??", "??登记", {"SQR": 1, "SXMC": 1}),
        ("王\ufffd", None, {"SQR": 1}),
        (None, "", {}),
        (7, "a?b?c", {}),
        ("王?".encode(), "登记\ufffd".encode(), {"SQR": 1, "SXMC": 1}),
        ("王㐂".encode("gb18030"), "开业", {"SQR": 1}),
    ],
)
def test_what_was_lost_is_counted_by_column(applicant: object, item: object, found: dict[str, int]) -> None:
    assert lost.count([row(applicant, item), row()], table()) == found


def test_bytes_are_read_in_the_charset_of_their_column() -> None:
    rows = [row("王㐂".encode("gb18030")), row("王??".encode("gb18030")), row(b"\xd0\xd0\xff")]
    assert lost.count(rows, table("gb18030")) == {"SQR": 2}
