"""One mapping file per vendor: checked whole before anything runs, and a row means what it says or is set aside."""

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import mapping
from agent.core import rows, written
from agent.core.digest import row_digest
from agent.core.mapping import ROW_KEY, Field, SourceConfig, Table, TableMapping
from agent.core.position import retype
from agent.core.rows import Item, Stamp
from common.core.errors import ConfigError, RejectedError
from common.core.record import Case, Op, RecordKind, Step, decode_body, decode_record, encode_record
from common.core.state import CaseStatus, StepKind
from common.core.text import sound
from common.core.wire import LONGEST_KEY, LONGEST_TEXT

ZONE = ZoneInfo("Asia/Shanghai")
STAMP = Stamp(at=1, wall=2, mono=3)
KEY = b"d" * 32
SAMPLE = """
version = 1
[source]
type = "sqlite"
path = "spxt.db"
charset = "gb18030"

[table.case]
from = "SP_YWSL"
key = ["YWID"]
cursor = {columns = ["XGSJ", "SLSJ"]}
watch = ["BZ"]
[table.case.columns]
case_no = "SLBH"
item_code = {col = "SXBM", lookup = "items.csv"}
applicant = {col = "SQR", privacy = "name"}
phone = {col = "DH", privacy = "drop"}
accepted_at = "SLSJ"
promised = {col = "CNSX", type = "workdays"}
finished_at = {col = "BJSJ", type = "date", zero = "null"}
status = {col = "ZT", enum = {0 = "accepted", 9 = "done", "" = "received"}}

[table.case.result]
from = "SP_JG"
key = ["YWID", "XH"]
parent = "YWID"
columns = {outcome = "JG"}

[table.step]
from = "SP_BLGC"
key = ["ID"]
parent = "YWID"
columns = {seq = "XH", step_name = "HJMC", kind = {col = "HJLX", enum = {1 = "accept"}, other = "other"}}

[table.step.fee]
from = "SP_SF"
key = ["ID"]
parent = "YWID"
columns = {kind = {const = "fee"}, finished_at = "SFSJ"}
"""


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Table]:
    return load(tmp_path, SAMPLE)


def load(folder: Path, text: str) -> dict[str, Table]:
    (folder / "items.csv").write_text("A01,330101\nB02,330102\n", "utf-8")
    (folder / "mapping.toml").write_text(text, "utf-8")
    return {table.name: table for table in mapping.load(folder / "mapping.toml")[1]}


def item(table: Table, **values: Any) -> Item:
    return rows.read([values.get(name) for name in table.names], table, KEY)


def case(table: Table, **values: Any) -> Case:
    return rows.to_case(item(table, **{"YWID": 7, **values}), table)


def test_every_kind_of_table_is_named_as_its_records_are(tables: dict[str, Table]) -> None:
    assert list(tables) == ["case", "case.result", "step", "step.fee"]
    assert tables["step.fee"].kind is RecordKind.STEP
    assert tables["case.result"].parent == ("YWID",)


def test_only_mapped_and_watched_columns_are_read_and_the_cursor_stays_outside_the_digest(
    tables: dict[str, Table],
) -> None:
    table = tables["case"]
    assert table.names == ("BJSJ", "BZ", "CNSX", "DH", "SLBH", "SLSJ", "SQR", "SXBM", "YWID", "ZT", "XGSJ")
    touched = item(table, YWID=7, XGSJ="2026-06-01")
    assert touched.digest == item(table, YWID=7, XGSJ="2026-06-02").digest
    assert touched.digest != item(table, YWID=7, BZ="改").digest


def test_a_row_becomes_a_case(tables: dict[str, Table]) -> None:
    body = case(
        tables["case"],
        SLBH=b"SL0001",
        SXBM=b"A01",
        SQR="王小明".encode("gb18030"),
        DH=b"13800000000",
        SLSJ=datetime(2026, 6, 1, 8, 30),  # noqa: DTZ001
        CNSX=Decimal("10"),
        BJSJ=b"2026-06-03 16:05:00",
        ZT=9,
        BZ="急".encode("gbk"),
    )
    assert body == Case(
        case_key="7",
        case_no="SL0001",
        item_code="330101",
        applicant="王小明",
        accepted_at="2026-06-01T08:30:00+08:00",
        promised=10,
        promised_unit="workdays",
        finished_at="2026-06-03",
        status=CaseStatus.DONE,
        watched={"BZ": "急"},
    )


def test_a_row_becomes_a_record_with_its_source_time(tables: dict[str, Table]) -> None:
    table = tables["case"]
    read = item(table, YWID=7, ZT=0, XGSJ=None, SLSJ=b"2026-06-01 08:30:00")
    record = rows.to_record(read, table, 3, STAMP, rows.to_body(read, table))
    assert (record.table, record.key, record.version, record.op) == ("case", "7", 3, Op.PUT)
    assert (record.src_at, record.cap_at, record.cap_wall) == ("2026-06-01T08:30:00+08:00", 1, 2)
    gone = rows.to_deletion(table, "7", "7", 4, record.digest, STAMP)
    assert decode_body(gone) == Case(case_key="7")


def test_a_row_larger_than_a_batch_may_be_is_rejected_before_it_is_buffered(tables: dict[str, Table]) -> None:
    read = item(tables["case"], YWID="K", ZT=0)
    many = {f"BZ{number}": "王" * LONGEST_TEXT for number in range(17)}
    with pytest.raises(RejectedError, match="192 KB"):
        rows.to_record(read, tables["case"], 1, STAMP, Case(case_key="K", watched=many))


def test_a_composite_key_is_a_json_array_and_the_parent_names_the_case(tables: dict[str, Table]) -> None:
    read = item(tables["case.result"], YWID="K7 ", XH=2, JG="准予".encode("gbk"))
    assert read.key == '["K7 ","2"]'
    assert rows.to_case(read, tables["case.result"]) == Case(case_key="K7", outcome="准予")


def test_a_step_has_the_kind_of_its_row_or_of_its_table(tables: dict[str, Table]) -> None:
    def step(name: str, **values: Any) -> Step:
        return rows.to_step(item(tables[name], ID=1, YWID=7, **values), tables[name])

    assert step("step", HJLX=1).kind is StepKind.ACCEPT
    assert step("step", HJLX=77).kind is StepKind.OTHER
    assert step("step.fee").kind is StepKind.FEE


@pytest.mark.parametrize(
    ("values", "words"),
    [({"ZT": 5}, "ZT.*'5'"), ({"SXBM": "C03"}, "SXBM.*'C03'"), ({"CNSX": "十天"}, "CNSX.*'十天'")],
)
def test_a_value_without_a_meaning_rejects_the_row_by_column_and_value(
    tables: dict[str, Table], values: dict[str, Any], words: str
) -> None:
    with pytest.raises(RejectedError, match=words):
        case(tables["case"], **values)


def test_a_type_that_nobody_can_write_down_is_told_with_its_column(tables: dict[str, Table]) -> None:
    """An array of PostgreSQL's in one of ten columns: the reason named the type alone."""
    with pytest.raises(RejectedError, match="字段 BZ 的数据类型不支持：list"):
        case(tables["case"], ZT=0, BZ=["急"])


def test_a_blank_may_have_a_meaning_of_its_own(tables: dict[str, Table]) -> None:
    assert case(tables["case"], ZT=None).status is CaseStatus.RECEIVED


def test_a_null_key_rejects_the_row(tables: dict[str, Table]) -> None:
    with pytest.raises(RejectedError, match="主键为空"):
        item(tables["case.result"], YWID=7)


def test_an_impossible_date_is_none_and_keeps_its_text(tables: dict[str, Table]) -> None:
    body = case(tables["case"], SLSJ="2024-02-30 10:00:00", BJSJ="0000-00-00 00:00:00")
    assert body.accepted_at is None
    assert body.finished_at is None
    assert body.invalid == {"accepted_at": "2024-02-30 10:00:00"}
    assert case(tables["case"], SLSJ="0000-00-00").invalid == {"accepted_at": "0000-00-00"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01", "2026-06-01"),
        ("2026/6/1", "2026-06-01"),
        ("2026年6月1日", "2026-06-01"),
        ("20260601", "2026-06-01"),
        ("2026-06-01 08:30", "2026-06-01T08:30:00+08:00"),
        ("2026-06-01 08:30:05.120", "2026-06-01T08:30:05.120000+08:00"),
        ("20260601083005", "2026-06-01T08:30:05+08:00"),
        ("2026-06-01T00:30:05Z", "2026-06-01T08:30:05+08:00"),
        ("2026-06-01T08:30:05+0900", "2026-06-01T07:30:05+08:00"),
        ("2026年6月1日 8时30分", "2026-06-01T08:30:00+08:00"),
        ("2026-06-01 08:30:05+09", "2026-06-01T07:30:05+08:00"),
        ("2026-06-30 24:00:00", "2026-07-01T00:00:00+08:00"),
        ("2026-06-30 24:00:01", None),
        ("9999-12-31 24:00", None),
        ("2026-06-01-08", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("01.06.2026", None),
        ("昨天", None),
        ("2026-06-31", None),
        ("2026-06-01 25:00", None),
    ],
)
def test_times_as_offices_write_them(text: str, expected: str | None) -> None:
    assert written.parse_time(text, Field(col="X"), ZONE) == expected


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))  # noqa: DTZ001
def test_a_time_means_the_same_as_text_and_as_value(moment: datetime) -> None:
    expected = moment.replace(tzinfo=ZONE).isoformat()
    assert written.parse_time(str(moment), Field(col="X"), ZONE) == expected
    aware = moment.replace(tzinfo=ZONE).astimezone(UTC)
    assert written.parse_time(str(aware), Field(col="X"), ZONE) == expected


@given(st.text(max_size=30))
def test_no_text_is_taken_for_a_time_that_cannot_be_read_back(text: str) -> None:
    result = written.parse_time(text, Field(col="X"), ZONE)
    assert result is None or datetime.fromisoformat(result)


@given(st.datetimes(datetime(1973, 3, 4), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_unix_seconds_and_milliseconds_are_the_instant_they_count(moment: datetime) -> None:
    table = mapping_of('{col = "SLSJ", type = "unix"}')
    whole = moment.replace(microsecond=0)
    for value in (int(whole.timestamp()), int(whole.timestamp()) * 1000):
        case = rows.to_case(Item("1", b"", (value, 1), ("SLSJ", "YWID")), table)
        assert case.accepted_at is not None
        assert datetime.fromisoformat(case.accepted_at) == whole
        assert not case.invalid


@given(st.datetimes(), st.sampled_from(["datetime", "date"]))
def test_a_time_says_what_its_text_says(moment: datetime, kind: str) -> None:
    table = mapping_of(f'{{col = "SLSJ", type = "{kind}"}}')
    said = [
        rows.to_case(Item("1", b"", (value, 1), ("SLSJ", "YWID")), table)
        for value in (moment, moment.replace(fold=1), str(moment))
    ]
    assert len({one.accepted_at for one in said}) == 1
    assert said[0].accepted_at is not None


@pytest.mark.parametrize("text", ["2026-06-12", "昨天", "1e9", "999999999999999999"])
def test_what_is_no_unix_time_is_none_and_keeps_its_text(text: str) -> None:
    case = rows.to_case(
        Item("1", b"", (text, 1), ("SLSJ", "YWID")), mapping_of('{col = "SLSJ", type = "unix"}')
    )
    assert case.accepted_at is None
    assert case.invalid == {"accepted_at": text}


def mapping_of(accepted_at: str) -> Table:
    text = f'from = "T"\nkey = ["YWID"]\ncolumns = {{accepted_at = {accepted_at}}}'
    made = msgspec.toml.decode(text, type=TableMapping)
    return Table("case", made, SourceConfig("sqlite", path="a.db"))


def test_a_date_stays_a_date_and_a_date_column_drops_the_time(tables: dict[str, Table]) -> None:
    body = case(tables["case"], SLSJ=date(2026, 6, 1), BJSJ=datetime(2026, 6, 3, 16, 5))  # noqa: DTZ001
    assert (body.accepted_at, body.finished_at) == ("2026-06-01", "2026-06-03")


def test_a_new_meaning_reads_rows_anew_and_a_comment_does_not(tmp_path: Path) -> None:
    before = load(tmp_path, SAMPLE)["case"].fingerprint
    assert load(tmp_path, SAMPLE + "\n# 备注\n")["case"].fingerprint == before
    assert load(tmp_path, SAMPLE.replace('9 = "done"', '9 = "withdrawn"'))["case"].fingerprint != before


def test_every_fault_of_a_mapping_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    faulty = """
version = 1
[source]
type = "mysql"
host = "10.3.1.5"
charset = "gkb"
timezone = "Asia/Beijing"
[table.step]
from = "SP;BLGC"
key = []
cursor = {columns = ["GXSJ"]}
columns = {seq = "XH", kind = {col = "HJLX", enum = {1 = "acept"}}, titel = "T", started_at = {col = "GXSJ", charset = "gbk"}}
[table.case.result]
from = "SP_JG"
key = ["ID", "XH", "ID"]
columns = {outcome = {col = "JG", const = "x"}, status = "ZT", case_no = {col = "XH", charset = "gb18030"}}
"""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, faulty)
    text = str(caught.value)
    for part in [
        "source.database：缺少",
        "source.password_file：缺少",
        "source.charset：未知的字符集 'gkb'",
        "source.timezone：未知的时区 'Asia/Beijing'",
        "table.case：缺少",
        "table.step.from：不能用作表名",
        "table.step.cursor：没有 key 的表整表读取",
        "table.step.parent：缺少",
        "table.step.columns.kind：'acept' 不在可用值内",
        "table.step.columns.titel：未知的字段",
        "table.case.result.parent：缺少",
        "table.case.result.key：ID 重复",
        "table.case.result.columns.outcome：应有 col 或 const 之一",
        "table.case.result.columns.status：缺少 enum",
        "table.case.result.columns.case_no.charset：XH 又是 key，由业务库按它自己的字符集比较和排序",
        "table.step.columns.started_at.charset：GXSJ 又是 cursor",
    ]:
        assert part in text


@pytest.mark.parametrize("kind", ["folder", "access"])
def test_a_file_needs_no_key_but_then_the_column_of_the_case(tmp_path: Path, kind: str) -> None:
    text = f"""
version = 1
[source]
type = "{kind}"
path = "导出"
[table.case]
from = "台账"
columns = {{case_no = "受理编号"}}
"""
    with pytest.raises(ConfigError, match=r"table\.case\.parent：缺少"):
        load(tmp_path, text)
    with pytest.raises(ConfigError, match=r"source\.path：缺少"):
        load(tmp_path, text.replace("path", "#"))
    made = load(tmp_path, text.replace('from = "台账"', 'from = "台账"\nparent = "受理编号"'))["case"]
    assert (made.key, made.parent) == ((ROW_KEY,), ("受理编号",))
    assert ROW_KEY in made.names
    assert load(tmp_path, text.replace('from = "台账"', 'from = "台账"\nkey = ["受理编号"]'))[
        "case"
    ].parent == ("受理编号",)


def test_unknown_keys_are_errors_with_their_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"table\.case\.kei：未知的键"):
        load(tmp_path, SAMPLE.replace('key = ["YWID"]\ncursor', 'key = ["YWID"]\nkei = 1\ncursor'))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"items.csv"', '"a\\u0000"', r"columns\.item_code\.lookup：路径里有控制字符"),
        ('"spxt.db"', '"a\\u0000"', r"source\.path：路径里有控制字符"),
    ],
)
def test_a_file_that_cannot_be_called_so_is_a_mistake(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, SAMPLE.replace(old, new))


def test_a_missing_lookup_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"table\.case\.columns\.item_code\.lookup：对照表 none\.csv 读不到"
    ):
        load(tmp_path, SAMPLE.replace("items.csv", "none.csv"))


def test_what_stands_in_a_lookup_file_is_looked_at_with_the_mapping(tmp_path: Path) -> None:
    """Before, an unknown word set every row aside that had it, and of two faulty files the first alone was named."""
    (tmp_path / "status.csv").write_text("1,accepted\n9,办结\n1,done\n", "utf-8")
    (tmp_path / "gbk.csv").write_bytes("1,受理".encode("gbk"))
    (tmp_path / "days.csv").write_text("A01,20 个工作日\nB02,五天\n", "utf-8")
    text = SAMPLE.replace('"SLBH"', '"SL;BH"').replace(
        'enum = {0 = "accepted", 9 = "done", "" = "received"}', 'lookup = "status.csv"'
    )
    text = text.replace('{col = "CNSX", type = "workdays"}', '{col = "SXBM", lookup = "days.csv"}')
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text.replace('"SQR", privacy', '"SQR", lookup = "gbk.csv", privacy'))
    for part in [
        "有 5 处错误",
        "columns.case_no.col：不能用作",
        "columns.status.lookup：对照表 status.csv 第 3 行：1 另有一行写作别的标准值",
        "columns.status.lookup：对照表 status.csv '办结' 不在可用值内",
        "columns.promised.lookup：对照表 days.csv '五天' 不是整数",
        "columns.applicant.lookup：对照表 gbk.csv 应为 UTF-8",
    ]:
        assert part in str(caught.value)


def test_a_key_of_the_wrong_type_is_not_blamed_for_more(tmp_path: Path) -> None:
    """Without its key a case table would lack its parent, and its cursor would be of no use."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, SAMPLE.replace('key = ["YWID"]', 'key = "YWID"', 1))
    assert "有 1 处错误" in str(caught.value)
    assert "table.case.key：应为列表" in str(caught.value)


def test_a_number_or_a_time_that_the_mapping_itself_says_is_one(tmp_path: Path) -> None:
    """As text it made records that the hall cannot read; a constant that is no time ended the agent with the first row."""
    (tmp_path / "days.csv").write_text("A01,20 个工作日\nB02,5\n", "utf-8")
    text = SAMPLE.replace('{col = "CNSX", type = "workdays"}', '{col = "SXBM", lookup = "days.csv"}')
    text = text.replace('accepted_at = "SLSJ"', 'accepted_at = {const = "2026/6/1"}\nlegal = {const = "30"}')
    table = load(tmp_path, text)["case"]
    read = item(table, YWID=7, SXBM="A01", ZT=0)
    made = rows.to_record(read, table, 1, STAMP, rows.to_body(read, table))
    body = decode_body(made)
    assert isinstance(body, Case)
    assert (body.promised, body.promised_unit, body.legal, body.accepted_at) == (
        20,
        "workdays",
        30,
        "2026-06-01",
    )
    wrong = text.replace("2026/6/1", "去年").replace('"30"', '"一月"')
    with pytest.raises(ConfigError, match=r"(?s)accepted_at：'去年' 不是时间.*legal：'一月' 不是整数"):
        load(tmp_path, wrong)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1", "version = 2", "version：太大"),
        ('type = "sqlite"', 'type = "sqlite"\nport = 99999', r"source\.port：太大"),
        ('type = "sqlite"', 'type = "sqlite"\nhost = "a\\n"', r"source\.host：里有控制字符"),
        ('parent = "YWID"\ncolumns = {seq', 'parent = ["YWID", "XH"]\ncolumns = {seq', r"step\.parent：2 个字段，与 case 的 1 个（YWID）对不上"),
        ('["XGSJ", "SLSJ"]', "[]", r"case\.cursor\.columns：不能为空"),
        ('["XGSJ", "SLSJ"]', '["SLSJ", "SLSJ"]', r"case\.cursor：SLSJ 重复"),
        ('{const = "fee"}', '{const = "fee", enum = {1 = "fee"}}', r"fee\.columns\.kind：const 每行相同，不能与 enum 同用"),
        ('lookup = "items.csv"', 'lookup = "items.csv", enum = {1 = "2"}', r"item_code：enum 与 lookup 只能写一个"),
        ('{col = "DH", privacy', '{col = "DH", other = "无", privacy', r"phone\.other：只与 enum 或 lookup 同用"),
        ('"DH", privacy', '"YWID", privacy', r"case\.key：YWID 的内容不出本机.*不能作主键"),
        ('"DH", privacy', '"XGSJ", privacy', r"case\.cursor：XGSJ 的内容不出本机.*不能作修改时间"),
    ],
)  # fmt: skip
def test_what_a_mapping_would_pass_over_or_never_carry_out_is_a_mistake(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert SAMPLE.count(old) == 1
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, SAMPLE.replace(old, new))


def test_a_group_whose_first_key_is_wrong_is_looked_through_all_the_same(tmp_path: Path) -> None:
    text = SAMPLE.replace('"SP_YWSL"', "5").replace("SLBH", "SL;BH").replace('9 = "done"', '9 = "fini"')
    text = text.replace('"sqlite"', '"paradox"\ntimezone = "Asia/Beijing"').replace('from = "SP_JG"\n', "")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    for part in ("source.type：", "source.timezone：", "case.from：应为文字", "case_no.col：", "'fini'"):
        assert part in str(caught.value)


def test_a_text_keeps_no_character_that_no_database_can_hold(tables: dict[str, Table]) -> None:
    found = case(tables["case"], YWID=7, SLBH="A\0B", SQR=b"\x00" + "王".encode("gb18030"), ZT="0")
    assert (found.case_no, found.applicant) == ("A\ufffdB", "\ufffd王")
    assert rows.text_of("\ud83d") == "\ufffd"


ODD = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("\0\x1b\x9b\r\n\u202e\x7f\x0b王")),
    min_size=1,
    max_size=15,  # two of them, escaped, are no longer than a key may be
)


@given(ODD, ODD)
def test_whatever_an_office_wrote_its_row_is_no_dead_letter(
    tmp_path_factory: pytest.TempPathFactory, text: str, key: str
) -> None:
    """P-WIRE-03: odd characters are replaced before the record is made; the digest is of the raw values."""
    table = load(tmp_path_factory.mktemp("odd"), SAMPLE)["case"]
    read = item(table, YWID=key, SLBH=text, BZ=text, SLSJ=text, ZT="0")
    made = rows.to_record(read, table, 1, STAMP, rows.to_body(read, table))
    assert decode_record(encode_record(made)) == made
    body = decode_body(made)
    assert isinstance(body, Case)
    assert body.watched == {"BZ": sound(text)}
    raw = [
        {"YWID": key, "SLBH": text, "BZ": text, "SLSJ": text, "ZT": "0"}.get(name) for name in table.content
    ]
    assert made.digest == row_digest(KEY, table.fingerprint, raw)


@given(ODD, ODD)
def test_two_keys_stay_two_and_each_is_found_again(first: str, second: str) -> None:
    assert (rows.key_text([first]) == rows.key_text([second])) == (first == second)
    assert retype(rows.key_text([first]), [""]) == (first,)
    assert retype(rows.key_text([first, second]), ["", ""]) == (first, second)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("2.50"), "2.5"),
        (Decimal("2.5"), "2.5"),
        (Decimal("100.00"), "100"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.10"), "-0.1"),
        (Decimal("1234567890123456789012345678.90"), "1234567890123456789012345678.9"),
        (2.50, "2.5"),
    ],
)
def test_a_number_is_one_key_however_many_zeros_it_is_written_with(value: Decimal | float, text: str) -> None:
    assert rows.key_text([value]) == text
    assert retype(text, [value]) == (value,)


@given(st.text(min_size=1, max_size=900))
def test_a_key_that_fits_no_index_is_set_aside(key: str) -> None:
    """P-LIMIT-06"""
    with suppress(RejectedError):
        assert len(rows.key_text([key])) <= LONGEST_KEY
    with pytest.raises(RejectedError):
        rows.key_text(["王" * (LONGEST_KEY + 1)])


@pytest.mark.parametrize("parent", ["A7\r\n", "A7\x0b", " A7\r", "A7"])
def test_a_line_end_behind_a_key_does_not_part_a_step_from_its_case(
    tables: dict[str, Table], parent: str
) -> None:
    assert rows.case_key(item(tables["step"], ID=1, YWID=parent), tables["step"]) == "A7"


def test_a_text_that_a_vendor_left_without_end_is_cut(tables: dict[str, Table]) -> None:
    """P-WIRE-06"""
    found = case(tables["case"], YWID=7, SQR="王" * 5_000, BZ="注" * 5_000, ZT="0")
    assert (found.applicant, found.watched["BZ"]) == ("王" * 4_000, "注" * 4_000)


def test_a_canonical_word_of_the_mapping_may_not_obey_either(tmp_path: Path) -> None:
    odd = SAMPLE.replace('kind = {const = "fee"}', 'kind = {const = "fee"}, actor = {const = "收\\u001b费"}')
    table = load(tmp_path, odd)["step.fee"]
    assert rows.to_step(item(table, ID=1, YWID=7), table).actor == "收\ufffd费"
    with pytest.raises(ConfigError, match="表名应为"):
        load(tmp_path, SAMPLE.replace("[table.step.fee]", '[table.step."fee\\u001b"]'))


PRIVATE = """
[table.step.talk]
from = "SP_DH"
key = ["ID"]
parent = "YWID"
columns = {actor = {col = "DH", privacy = "drop"}, seq = "DH", step_name = {col = "SM", enum = {1 = "a"}}, kind = {col = "JBR", enum = {1 = "accept"}}, org = {col = "JBR", privacy = "name"}}
"""
PERSON = "330102199001011234"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"DH": "电话13812345678"}, "字段 DH 的值（个人信息，不显示）不是整数"),
        ({"JBR": "王小明"}, "字段 JBR 的值（个人信息，不显示）没有对应的标准值"),
        ({"SM": PERSON}, "字段 SM 的值 '330***************' 没有对应的标准值"),
        ({"SM": "李四的电话是13812345678"}, "字段 SM 的值 '李**' 没有对应的标准值"),
        ({"SM": "待补正"}, "字段 SM 的值 '待补正' 没有对应的标准值"),
    ],
)
def test_why_a_row_is_set_aside_names_the_column_and_nobody(
    tmp_path: Path, values: dict[str, str], said: str
) -> None:
    table = load(tmp_path, SAMPLE + PRIVATE)["step.talk"]
    with pytest.raises(RejectedError) as caught:
        rows.to_body(item(table, **({"ID": 1, "YWID": 7, "DH": "1"} | values)), table)
    assert str(caught.value) == said


def test_what_may_not_leave_the_box_cannot_be_kept_as_evidence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"table\.case\.watch：DH 的内容不出本机"):
        load(tmp_path, SAMPLE.replace('watch = ["BZ"]', 'watch = ["BZ", "DH"]'))


def test_a_number_beyond_any_limit_rejects_the_row(tables: dict[str, Table]) -> None:
    with pytest.raises(RejectedError, match="CNSX"):
        case(tables["case"], YWID=7, CNSX="99999999999999999999", ZT="0")


def test_of_a_scan_the_length_is_read_counts_in_the_digest_and_is_kept(tmp_path: Path) -> None:
    plain = load(tmp_path, SAMPLE)["case"]
    table = load(tmp_path, SAMPLE.replace('watch = ["BZ"]', 'watch = ["BZ"]\nlob = ["ZP", "FJ"]'))["case"]
    assert [column.name for column in table.select.columns if column.length] == ["FJ", "ZP"]
    assert table.fingerprint != plain.fingerprint
    row = {"YWID": 7, "ZT": "0", "ZP": 120_345}
    assert case(table, **row).watched == {"ZP": "长度 120345"}
    assert item(table, **row).digest != item(table, **row | {"ZP": 120_346}).digest
    assert item(table, **row).digest == item(table, **row).digest


@pytest.mark.parametrize(
    ("column", "place"),
    [
        ("YWID", "key"),
        ("BZ", "watch"),
        ("XGSJ", "cursor"),
        ("SLBH", r"columns\.case_no"),
        ("DH", r"columns\.phone"),
    ],
)
def test_a_column_of_which_the_length_is_read_serves_nothing_else(
    tmp_path: Path, column: str, place: str
) -> None:
    text = SAMPLE.replace('watch = ["BZ"]', f'watch = ["BZ"]\nlob = ["{column}"]')
    with pytest.raises(ConfigError, match=rf"table\.case\.lob：{column} 只取长度，不能又用于 {place}"):
        load(tmp_path, text)
    with pytest.raises(ConfigError, match=r"table\.case\.lob：不能用作表名或字段名"):
        load(tmp_path, SAMPLE.replace('watch = ["BZ"]', 'lob = ["a;b"]'))


@pytest.mark.parametrize(
    ("value", "said"), [('"always"', "应为 auto、整数 之一，现为 'always'"), ("-3", "太小，至少 0")]
)
def test_an_overlap_is_a_number_of_seconds_or_follows_what_is_seen(
    tmp_path: Path, value: str, said: str
) -> None:
    cursor = 'cursor = {columns = ["XGSJ", "SLSJ"]'
    with pytest.raises(ConfigError, match=rf"table\.case\.cursor\.overlap_secs：{said}"):
        load(tmp_path, SAMPLE.replace(cursor, f"{cursor}, overlap_secs = {value}"))
