"""`mingcha light` and `mingcha rules` in one process, on a hall in which an office has mended what it was told."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert

from central import config as configs
from central import judge, rule
from central.__main__ import cli
from central.store import engine, pages
from central.store import tables as t
from central.store.engine import open_store
from common.cli import code_of
from common.core.instant import HOUR, MINUTE
from tests import halls
from tests.contract.test_rulings import MENDED, SHORT
from tests.contract.test_store import NOW, ZONE, box_row, sent, taken
from tests.keyed import keyed
from tests.sender import case, passed

USAGE = 64


async def _fill(folder: Path) -> None:
    (folder / "data").mkdir()
    await halls.sqlite(folder / "data" / "central.db")
    store = await open_store(keyed(folder / "data" / "central.db"))
    async with store.write() as conn:
        await conn.execute(insert(t.site).values(id="s01", name="云溪镇", kind="township", position=0))
        await conn.execute(insert(t.box).values(**box_row(1)))
        world = await judge.load_world(conn, ZONE)
    refused = [case("1", **SHORT), case("2", **SHORT), passed(NOW + MINUTE)]
    sender = await sent(store, world, refused, now=NOW + HOUR)
    sender.number(case("1", version=2, **MENDED), case("2", version=2, **MENDED))
    await taken(store, world, sender.payload(sender.newest - 1), now=NOW + HOUR)
    await store.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    asyncio.run(_fill(tmp_path))
    path = tmp_path / "central.toml"
    path.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    return path


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def told(*words: str) -> tuple[int, str]:
        code = code_of(cli, [*words, "--config", str(config)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return told


def test_a_person_takes_a_rule_back_or_keeps_it_once(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("light", "list")
    assert code == 0
    assert "s01/1/L38-1/0\tSL1\t规则 L38-1\t待认定\t不予许可没有说明理由\t现在：符合：" in said
    for place, words in (
        ("x", "看不懂“x”"),
        ("", "看不懂“”"),
        ("s01/1/L38-1/x", "看不懂"),
        ("s01/9/L38-1/0", "没有待认定"),
    ):
        code, said = run("light", "withdraw", place, "--why", "核对过原件")
        assert (code, words in said) == (USAGE, True), said
    assert run("light", "withdraw", "s01/1/L38-1/0", "--why", " ")[0] == USAGE
    assert "已撤销" in run("light", "withdraw", "s01/1/L38-1/0", "--why", "核对过原件")[1]
    code, said = run("light", "keep", "s01/1/L38-1/0", "--why", "改主意了")
    assert (code, "或已经认定" in said) == (USAGE, True)
    assert "维持" in run("light", "keep", "s01/2/L38-1/0", "--why", "事后补写")[1]
    assert run("light", "list") == (0, "✓ 没有待认定的\n")
    assert run("light", "list", "--all")[1].count("规则 L38-1") == 2
    for wrong in (
        "reason=1",
        "receipt_days=0",
        "check_days=1001",
        "check_days=-1",
        "check_days=５",
        "check_days=" + "9" * 5_000,
    ):
        code, said = run("rules", "try", "--set", wrong)
        assert (code, "看不懂" in said, len(said) < 600) == (USAGE, True, True), said
    assert run("rules", "set", "--set", "reason=1", "--why", "收紧口径")[0] == USAGE
    assert run("rules", "set", "--set", "reason_length=12", "--why", "")[0] == USAGE
    code, said = run("rules", "set", "--set", "reason_length=10", "--why", "收紧口径")
    assert (code, "与现行的相同" in said) == (USAGE, True)
    code, said = run("rules", "set", "--set", "reason_length=12", "--why", "收紧口径")
    assert (code, "第 2 版" in said) == (0, True), said
    newest, first, examined = run("rules", "history")[1].splitlines()
    assert examined == "现行规则未经法律审核"
    assert newest.startswith("第 2 版\t")
    assert "收紧口径" in newest
    assert "reason_length=12" in newest
    assert "reason_length=10" in first
    code, said = run("rules", "try", "--set", "reason_length=30")
    assert (code, "2 个结论会变" in said) == (0, True), said


def test_two_persons_record_that_a_lawyer_has_examined_exactly_the_rules_in_force(
    config: Path, run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = config.parent / "rules.txt"
    code, said = run("rules", "text", "--out", str(out))
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert (code, said) == (0, f"指纹\t{digest}\n")
    assert "材料齐全的，几个工作日内受理\t5" in run("rules", "text")[1]
    given = (
        "--examiner",
        "云州明理律师事务所 周正",
        "--number",
        "云明法意〔2026〕7号",
        "--day",
        "2026-03-02",
    )
    code, said = run("rules", "sign", "--digest", "0" * 64, *given)
    assert (code, "审核的不是现行规则" in said) == (USAGE, True)
    assert "意见第 1 份待确认" in run("rules", "sign", "--digest", digest, *given)[1]
    code, said = run("rules", "confirm", "1")
    assert (code, "登记的人不能自己确认" in said) == (USAGE, True)
    assert run("rules", "history")[1].endswith("现行规则未经法律审核\n")
    monkeypatch.setattr("getpass.getuser", lambda: "zhou")
    assert "✓ 意见第 1 份已确认" in run("rules", "confirm", "1")[1]
    assert run("rules", "confirm", "1")[0] == USAGE
    told = run("rules", "history")[1].splitlines()
    assert told[-1] == "现行规则已经法律审核"
    assert told[-2].endswith("zhou 确认\t现行规则")
    # Another figure is another text, of which nobody has said anything yet.
    assert run("rules", "set", "--set", "accept_days=4", "--why", "收紧口径")[0] == 0
    told = run("rules", "history")[1].splitlines()
    assert (told[-2].split("\t")[-1], told[-1]) == ("不是现行规则", "现行规则未经法律审核")


def test_what_only_reads_says_its_say_while_a_hall_writes(
    config: Path, run: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PRAGMAS", ("PRAGMA busy_timeout=50",))
    sheet = str(tmp_path / "items.xlsx")
    other = sqlite3.connect(config.parent / "data" / "central.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for words in (
        ("calendar", "show"), ("calendar", "changes", "1"), ("item", "list"), ("item", "export", sheet), ("light", "list"),
        ("rules", "history"), ("rules", "text"),
    ):  # fmt: skip
        assert run(*words)[0] == 0, words
    assert run("rules", "set", "--set", "accept_days=4", "--why", "收紧口径")[0] != 0
    other.close()


def test_who_only_reads_waits_for_no_writer_and_sees_one_picture(config: Path) -> None:
    settings = configs.load(config)
    other = sqlite3.connect(config.parent / "data" / "central.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # as a hall does that has much to do

    async def twice(conn: object, _world: object) -> list[tuple[int, int]]:
        found = [await pages.totals(conn)]  # type: ignore[arg-type]
        other.execute('DELETE FROM "case"')
        other.execute("COMMIT")
        return [*found, await pages.totals(conn)]  # type: ignore[arg-type]

    first, second = rule._read(settings, twice)
    other.close()
    assert first == second
    assert first[1] == 2
