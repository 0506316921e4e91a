"""`mingcha-agent probe` as a technician meets it: from `[source]` to a checked mapping, on a file."""

import hashlib
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent import mapping
from agent.__main__ import cli
from agent.source import base, files
from common.cli import EX_CONFIG, EX_UNAVAILABLE, EX_USAGE, code_of
from common.core import conformity, crypto
from tests.probe.held_out import CHINESE, FRAMEWORK
from tests.probe.known import make_demonstration
from tests.probe.made import make_file
from tests.sender import SIGN_SECRET

SOURCE = '[source]\ntype = "sqlite"\npath = "office.db"\n'
SERVER = """[source]
type = "{}"
host = "10.3.1.5"
database = "spxt"
user = "mc_ro"
password_file = "spxt_ro"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_demonstration("chinese", tmp_path / "office.db")
    (tmp_path / "source.toml").write_text(SOURCE, "utf-8")
    return tmp_path


def probe(*words: object) -> int:
    return code_of(cli, ["probe", *map(str, words)])


def test_from_a_source_to_a_checked_mapping(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe(folder / "source.toml") == 0
    said = capsys.readouterr().out
    assert "✓ 办件登记  case，" in said
    assert "✓ 办理环节  step，" in said
    draft = folder / "mapping.draft.toml"
    assert str(draft) in said
    assert mapping.load(draft)[0].path == str(folder / "office.db"), (
        "the source beside the draft is found again"
    )
    text = draft.read_text("utf-8").replace('# other = "other"', 'other = "other"')
    (folder / "mapping.toml").write_text(text, "utf-8")
    code = probe("--check", folder / "mapping.toml")
    said = capsys.readouterr().out
    assert code == 1, said
    assert "! 办件登记  最新一行：" in said, "the cases are of a spring that is over"
    assert re.search(r"✓ 办件登记  试读：(\d+)/\1 行可以对应", said)
    assert re.search(r"✓ 办理环节  试读：([\d,]+)/\1 行可以对应", said)
    assert said.rstrip().endswith("! 映射可用，有要注意的事")


def test_the_sheet_of_a_database_that_keeps_to_the_contract(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(base, "STATEMENT_SECS", 0.5)  # one runs until it is cut
    assert probe(folder / "source.toml") == 0
    text = (folder / "mapping.draft.toml").read_text("utf-8").replace('# other = "other"', 'other = "other"')
    (folder / "mapping.toml").write_text(text, "utf-8")
    capsys.readouterr()
    none = ("--config", folder / "agent.toml")
    assert probe("--conformance", folder / "mapping.toml", *none) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("核对单 sqlite office.db 明察 ")
    assert base.NOT_PROVEN not in said[0]
    assert {line[0] for line in said[1:-2]} <= {"✓", "–"}
    assert said[-2].startswith("✓ 合乎约定")
    assert said[-1].startswith("! 没有签名：配置文件不存在")
    assert probe("--conformance", folder / "mapping.toml", "--json", *none) == 0
    sheet = json.loads(capsys.readouterr().out)
    assert (sheet["engine"], sheet["proven"], sheet["exit"], sheet["signed"]) == ("sqlite", True, 0, False)
    assert len(sheet["findings"]) == len(said) - 3
    assert probe("--conformance", "--check", folder / "mapping.toml") == EX_USAGE
    assert probe("--check", folder / "mapping.toml", "--to", folder / "sheet.txt") == EX_USAGE


def test_the_sheet_is_signed_by_the_box_and_believed_by_the_hall(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(base, "STATEMENT_SECS", 0.5)
    mapping_file, box, to = folder / "mapping.toml", folder / "agent.toml", folder / "sheet.txt"
    mapping_file.write_text(
        f'version = 1\n{SOURCE}[table.case]\nfrom = "办件登记"\nkey = ["受理编号"]\n', "utf-8"
    )
    box.write_text('site = "s01"\ngeneration = 0\n[mqtt]\nhost = "127.0.0.1"\n', "utf-8")
    (folder / "sign.key").write_bytes(SIGN_SECRET)
    words = ("--conformance", mapping_file, "--config", box)
    assert probe(*words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "! 没有签名：本机还没有登记"
    box.write_text(box.read_text("utf-8").replace("generation = 0", "generation = 3"), "utf-8")
    assert probe(*words, "--to", to) == 0
    text = capsys.readouterr().out
    assert to.read_text("utf-8") == text
    read = conformity.read(text)
    assert read is not None
    assert (read.site, read.generation) == ("s01", 3)
    assert conformity.is_signed_by(crypto.sign_public(SIGN_SECRET), read)
    assert hashlib.sha256(mapping_file.read_bytes()).hexdigest()[:16] in read.lines[0]
    monkeypatch.setattr(base, "STATEMENT_SECS", 1e9)  # nothing is examined once more
    assert probe(*words, "--to", to) == EX_USAGE
    assert "已经存在，没有改动" in capsys.readouterr().err


def test_an_engine_that_is_not_proven_is_called_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for proven in (True, False):
        monkeypatch.setattr("agent.source.sqlite.PROVEN", proven)
        for words in (
            ["--to", folder / f"{proven}.toml", folder / "source.toml"],
            ["--check", folder / "True.toml"],
        ):
            probe(*words)
            assert (f"! sqlite：{base.NOT_PROVEN}" in capsys.readouterr().out) is not proven


def test_a_file_that_is_there_is_not_touched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mapping.draft.toml").write_text("人工修改过", "utf-8")
    assert probe(folder / "source.toml") == EX_USAGE
    assert "已经存在，没有改动" in capsys.readouterr().err
    assert (folder / "mapping.draft.toml").read_text("utf-8") == "人工修改过"
    assert probe(folder / "source.toml", "--to", folder / "none" / "second.toml") == EX_CONFIG
    assert "写不了" in (said := capsys.readouterr().err)
    assert "读取样例" not in said, "before minutes of reading"
    assert probe(folder / "source.toml", "--to", folder / "second.toml") == 0
    assert (folder / "second.toml").exists()


def test_nothing_is_written_to_the_source(folder: Path) -> None:
    before = (folder / "office.db").read_bytes()
    probe(folder / "source.toml")
    probe("--check", folder / "mapping.draft.toml")
    assert (folder / "office.db").read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {"office.db", "source.toml", "mapping.draft.toml"}


def test_json_has_the_facts_and_no_sample(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe("--json", folder / "source.toml") == 0
    said = json.loads(capsys.readouterr().out)
    case = said["tables"][0]
    assert (case["role"], case["from"], case["key"]["columns"]) == ("case", "办件登记", ["受理编号"])
    assert "accepted_at" in case["mapped"]
    assert probe("--json", "--check", folder / "mapping.draft.toml") in {1, 2}
    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    assert {"title", "status", "detail", "table", "remedy"} == set(verdicts[0])


def test_what_is_wrong_with_a_mapping_is_told_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "office.db")) as db:
        db.execute("CREATE TABLE 办件 (编号 TEXT, 受理 TEXT, 办结 TEXT, 状态 TEXT, 申请人 TEXT, 修改 TEXT)")
        rows = [
            (
                f"N{n // 2:05}",
                "2026-03-02 08:00:00",
                "2026-03-01",
                "在办" if n else "怪",
                "王?? 小",
                f"2026-03-02 08:{n % 60:02}",
            )
            for n in range(4000)
        ]
        db.executemany(
            "INSERT INTO 办件 VALUES (?, ?, ?, ?, ?, ?)", [*rows, ("Z", "不详", None, "在办", "李芳", None)]
        )
        db.commit()
    (tmp_path / "mapping.toml").write_text(
        f"""version = 1
{SOURCE}
[table.case]
from = "办件"
key = ["编号"]
cursor = {{columns = ["修改"]}}
columns = {{accepted_at = "受理", finished_at = "办结", applicant = "申请人", status = {{col = "状态", enum = {{在办 = "in_progress"}}}}}}
""".replace("在办 =", '"在办" ='),
        "utf-8",
    )
    assert probe("--check", tmp_path / "mapping.toml") == 2
    said = capsys.readouterr().out
    assert "✕ 办件  主键唯一：" in said
    assert "✕ 办件  字符集：" in said
    assert "✕ 办件  时间：accepted_at 有 1 行不是时间；" in said
    assert "行先后颠倒" in said
    assert "! 办件  查询计划：游标 修改：全表扫描、临时排序" in said
    assert "1 行 字段 状态 的值 '怪' 没有对应的标准值" in said
    assert said.rstrip().endswith("✕ 映射还不能用")


def test_a_column_that_is_gone_is_said_and_the_other_tables_are_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe(folder / "source.toml")
    file = folder / "mapping.draft.toml"
    file.write_text(file.read_text("utf-8").replace('"受理时间"', '"受理时刻"'), "utf-8")
    assert probe("--check", file) == 2
    said = capsys.readouterr().out
    assert "✕ 办件登记  表与字段：" in said
    assert "办件登记.受理时刻" in said
    assert "办理环节  试读：" in said


def test_grants_name_the_tables_of_the_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mapping.toml"
    step = '[table.step]\nfrom = "other.LC"\n'
    file.write_text(SERVER.format("mysql") + f'[table.case]\nfrom = "SP_YWSL"\n{step}', "utf-8")
    assert probe("--grants", "--host", "10.3.1.7", file) == 0
    said = capsys.readouterr().out
    assert "CREATE USER 'mc_ro'@'10.3.1.7' IDENTIFIED BY '<密码>' WITH MAX_USER_CONNECTIONS 2;" in said
    assert "GRANT SELECT ON `spxt`.`SP_YWSL` TO 'mc_ro'@'10.3.1.7';" in said
    assert "GRANT SELECT ON `other`.`LC` TO 'mc_ro'@'10.3.1.7';" in said
    assert "-- REVOKE SELECT ON `spxt`.* FROM 'mc_ro'@'10.3.1.7';" in said, (
        "of an account that has looked around"
    )
    assert "勘察用" not in said
    assert "没有在真实服务器上执行过" not in said


def test_an_account_of_small_letters_is_made_so_that_it_can_log_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Oracle and DM read a name without quotes, as a log-in gives it, in capitals. DM's administrator is at home in another schema."""
    file = tmp_path / "mapping.toml"
    for kind, table in (("oracle", '"SP_YWSL"'), ("dameng", '"spxt"."SP_YWSL"')):
        file.write_text(SERVER.format(kind) + '[table.case]\nfrom = "SP_YWSL"\n', "utf-8")
        assert probe("--grants", file) == 0
        said = capsys.readouterr().out
        assert 'CREATE USER "MC_RO" IDENTIFIED BY' in said
        assert f'GRANT SELECT ON {table} TO "MC_RO";' in said
        assert "user 请写 MC_RO" in said
        assert "没有在真实服务器上执行过" in said
        assert "mc_ro" not in said


def test_grants_without_a_mapping_are_for_looking_around(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "source.toml"
    file.write_text(SERVER.format("postgresql"), "utf-8")
    assert probe("--grants", file) == 0
    said = capsys.readouterr().out
    assert "勘察用" in said
    assert 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "mc_ro";' in said


def test_grants_of_a_file_are_permissions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe("--grants", folder / "source.toml") == 0
    assert f"setfacl -R -m u:mingcha:rX '{folder}/office.db'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change", ['user = "a\'; DROP TABLE x; --"', 'database = "a`b"', '[table.case]\nfrom = "a`; DROP"']
)
def test_no_name_breaks_out_of_a_grant(
    change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "source.toml"
    name = change.partition(" ")[0]
    kept = [line for line in SERVER.format("mysql").splitlines() if not line.startswith(name)]
    file.write_text("\n".join([*kept, change]), "utf-8")
    assert probe("--grants", file) == EX_CONFIG
    assert "DROP" not in capsys.readouterr().out


def test_faults_of_the_file_and_a_source_that_is_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "source.toml"
    file.write_text('[source]\ntype = "mysql"\nhots = "a"\n', "utf-8")
    assert probe(file) == EX_CONFIG
    assert "source.hots：未知的键" in capsys.readouterr().err
    file.write_text('[source]\ntype = "mysql"\n', "utf-8")
    assert probe(file) == EX_CONFIG
    assert "source.host：缺少" in capsys.readouterr().err
    assert probe(tmp_path / "nothing.toml") == EX_CONFIG
    file.write_text(SOURCE, "utf-8")
    for words in ([file], ["--conformance", _mapped(file)]):
        assert probe(*words) == EX_UNAVAILABLE
        out, err = capsys.readouterr()
        assert "文件不存在" in err
        assert ("的 path" in err, "端口" in err) == (True, False), "a file has no port to be opened"
        assert out == "", "no sheet of what could not be asked"
    assert probe("--grants", "--check", file) == EX_USAGE
    assert not (tmp_path / "mapping.draft.toml").exists()


def _mapped(file: Path) -> Path:
    made = file.with_name("mapping.toml")
    table = '[table.case]\nfrom = "办件"\nkey = ["编号"]\ncolumns = {case_no = "编号"}\n'
    made.write_text(f"version = 1\n{file.read_text('utf-8')}{table}", "utf-8")
    return made


def test_a_password_is_found_where_the_secret_command_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the file first; the box's own place is in its configuration."""
    file = tmp_path / "source.toml"
    file.write_text(SERVER.format("mysql").replace("10.3.1.5", "127.0.0.1") + "port = 1\n", "utf-8")
    agent = tmp_path / "agent.toml"
    monkeypatch.setenv("MINGCHA_AGENT_CONFIG", str(agent))
    assert probe(file) == EX_CONFIG
    assert "mingcha-agent secret spxt_ro" in capsys.readouterr().err
    agent.write_text(
        'site = "s1"\ngeneration = 1\nmqtt = {host = "hall"}\ncapture = {secrets_dir = "creds"}\n', "utf-8"
    )
    assert probe(file) == EX_CONFIG
    assert f"{tmp_path}/creds/spxt_ro" in capsys.readouterr().err
    (tmp_path / "creds").mkdir()
    (tmp_path / "creds" / "spxt_ro").write_text("x\n", "utf-8")
    assert probe(file) == EX_UNAVAILABLE
    (tmp_path / "spxt_ro").write_text("x\n", "utf-8")
    agent.write_text("", "utf-8")
    assert probe(file) == EX_UNAVAILABLE, "what lies beside it needs no configuration"
    assert "连不上数据源" in capsys.readouterr().err


def test_a_schema_without_cases_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(tmp_path / "office.db")) as db:
        db.execute("CREATE TABLE sys_user (id INTEGER PRIMARY KEY, login TEXT)")
        db.execute("INSERT INTO sys_user VALUES (1, 'a')")
        db.commit()
    (tmp_path / "source.toml").write_text(SOURCE, "utf-8")
    assert probe(tmp_path / "source.toml") == 1
    assert "没有找到像办件主表的表" in capsys.readouterr().out


@pytest.mark.parametrize("schema", [CHINESE, FRAMEWORK], ids=lambda schema: schema.name)
def test_a_large_table_is_linked_by_asking_the_source(
    schema: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a small sample the newest cases and the newest steps are not the same cases."""
    monkeypatch.setattr("agent.probe.SAMPLE_ROWS", 60)
    make_file(schema, tmp_path / "office.db")  # type: ignore[arg-type]
    (tmp_path / "source.toml").write_text(SOURCE, "utf-8")
    assert probe("--json", tmp_path / "source.toml") == 0
    tables = json.loads(capsys.readouterr().out)["tables"]
    assert [table["role"] for table in tables] == ["case", "step"]


def test_a_view_of_a_table_that_is_gone_is_passed_over_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(folder / "office.db")) as db:
        db.execute("CREATE VIEW 旧视图 AS SELECT 没有 FROM 没有的表")
        db.execute('CREATE TABLE "甲\n乙" (编号)')
    assert probe(folder / "source.toml") == 0
    out, err = capsys.readouterr()
    assert "✓ 办件登记  case，" in out
    assert "! 旧视图 未读：看不到它的字段，视图所引用的表或字段可能已不在" in err
    assert "! 甲 乙 未读：" in err


def test_from_a_folder_of_exports_to_a_checked_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file has a key of its own: that is the technician's to say, or nobody's."""
    monkeypatch.setattr(files, "SETTLE_SECS", 0.0)
    (tmp_path / "exports").mkdir()
    cases = [
        f"SL{n:04},王小明,2026-06-{1 + n % 28:02} 09:05:00,{'办结' if n % 3 else '在办'}" for n in range(120)
    ]
    steps = [f"SL{n // 2:04},受理,赵受理,2026-06-{1 + n % 28:02} 09:05:00" for n in range(240)]
    for name, head, rows in (
        ("办件", "受理编号,申请人,受理时间,办件状态", cases),
        ("办理过程", "受理编号,环节名称,办理人,开始时间", steps),
    ):
        (tmp_path / "exports" / f"{name}.csv").write_bytes("\n".join([head, *rows]).encode("gb18030"))
    (tmp_path / "source.toml").write_text('[source]\ntype = "folder"\npath = "exports"\n', "utf-8")
    assert probe(tmp_path / "source.toml") == 0
    said = capsys.readouterr().out
    assert "✓ 办件  case，120 行，主键 受理编号" in said
    assert "! 办理过程  step，240 行，主键 未定（有唯一的字段请写上，没有可以不写）" in said
    text = (tmp_path / "mapping.draft.toml").read_text("utf-8")
    assert text.count("导出文件可以不写 key") == 1, "of the table of which none is known"
    (tmp_path / "mapping.toml").write_text(text, "utf-8")
    assert probe("--check", tmp_path / "mapping.toml") == 1
    said = capsys.readouterr().out
    assert "✓ 办件  试读：120/120 行可以对应" in said
    assert "✓ 办理过程  试读：240/240 行可以对应" in said
    assert "✓ 办理过程  整行比对：没有 key：以整行内容区分，240 行" in said
    assert "办理过程  主键唯一" not in said
    assert "✓ 办理过程  指向办件：240/240 行找得到办件" in said
    assert probe(tmp_path / "source.toml", "--json", "--to", tmp_path / "second.toml") == 0
    told = json.loads(capsys.readouterr().out)
    assert [table["from"] for table in told["tables"]] == ["办件", "办理过程"], "and no line of a log"


@pytest.fixture
def keyless(tmp_path: Path) -> Path:
    """A vendor's cases, and steps that nothing tells apart; a view that nobody reads names cases by another number."""
    with closing(sqlite3.connect(tmp_path / "office.db")) as db, db:
        db.execute(
            "CREATE TABLE 办件信息(流水号 INTEGER PRIMARY KEY, 受理编号 TEXT, 申请人 TEXT, 受理时间 TEXT, 办结时间 TEXT, 状态 TEXT)"
        )
        db.execute("CREATE TABLE 过程(办件流水号 INTEGER, 环节名称 TEXT, 办理人 TEXT, 开始时间 TEXT)")
        db.execute(
            "CREATE VIEW 办结视图 AS SELECT 受理编号, 办结时间 FROM 办件信息 WHERE 办结时间 IS NOT NULL"
        )
        for n in range(1, 121):
            at = f"2026-06-{1 + n % 28:02} 09:{n % 60:02}:00"
            db.execute(
                "INSERT INTO 办件信息 VALUES(?,?,?,?,?,?)",
                (n, f"SL2026{n:04}", "王小明", at, at, "办结" if n % 3 else "未知甲"),
            )
            for name in ("受理", "决定"):
                db.execute("INSERT INTO 过程 VALUES(?,?,?,?)", (n, name, "赵敏", at))
    (tmp_path / "source.toml").write_text(SOURCE, "utf-8")
    return tmp_path


def test_a_table_without_a_key_is_drafted_checked_and_on_the_sheet(
    keyless: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe(keyless / "source.toml") == 0
    said = capsys.readouterr().out
    assert "! 过程  step，240 行，主键 未定（有唯一的字段请写上，没有可以不写）" in said
    assert "    存疑 1：parent（指向办件的字段）" in said
    text = (keyless / "mapping.draft.toml").read_text("utf-8")
    assert '\ncase_no = "受理编号"' in text, "what people say, not the running number"
    case, step = text.split("[table.step]")
    assert "parent =" not in case, "the view that is not taken does not say by what steps name a case"
    assert "# 可以不写 key：那样整表读取、以整行内容区分" in step
    assert '# parent = "办件流水号"  # 存疑' in step
    file = keyless / "mapping.toml"
    file.write_text(
        f"{case}[table.step]{step}".replace('# parent = "办件流水号"', 'parent = "办件流水号"'), "utf-8"
    )
    assert probe("--check", file) == 2
    said = capsys.readouterr().out
    assert "✕ 办件信息  试读：80/120 行可以对应：40 行 字段 状态 的值 '未知甲' 没有对应的标准值" in said
    assert "# 可用的标准值：received 已收件、accepted 已受理、" in text
    assert "✓ 过程  整表比对：没有 key：整表读取、逐行比对，240 行（至多 50,000）" in said
    assert "✓ 过程  指向办件：240/240 行找得到办件" in said
    assert "过程  主键唯一" not in said
    assert probe("--conformance", file) == 0
    said = capsys.readouterr().out
    assert "✓ 过程 字段：4 个字段都在" in said
    assert "✓ 过程 翻页：" in said
    assert "– 过程 按修改时间翻页：没有映射修改时间" in said
    assert "_row" not in said, "a name of our own"


def test_steps_that_find_no_case_are_told_before_anything_is_captured(
    keyless: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row maps, and none would ever be seen in the hall."""
    probe(keyless / "source.toml")
    text = (keyless / "mapping.draft.toml").read_text("utf-8")
    text = text.replace('# parent = "办件流水号"', 'parent = "办件流水号"')
    text = text.replace('key = ["流水号"]', 'key = ["流水号"]\nparent = "受理编号"', 1)
    (keyless / "mapping.toml").write_text(text, "utf-8")
    capsys.readouterr()
    assert probe("--check", keyless / "mapping.toml") == 2
    said = capsys.readouterr().out
    assert "✕ 过程  指向办件：0/240 行找得到办件" in said
    assert "请核对 parent" in said
