"""The probe over real servers: comments, keys and estimates come from their catalogues, charsets from their columns."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent import app, conformance, mapping, probe_check
from agent.core.mapping import SourceConfig, Table, TableMapping
from agent.core.probe import grants
from agent.source import base, mysql, postgresql
from agent.source.base import Source
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.state import Health
from tests.probe.held_out import FRAMEWORK
from tests.probe.known import INITIALS
from tests.probe.made import draft_text, tables_of
from tests.probe.schema import Schema, truth
from tests.probe.score import scored
from tests.probe.servers import on_mariadb, on_postgresql
from tests.server import HOST
from tests.services import PASSWORD, MariaDb, PostgreSql

pytestmark = pytest.mark.service


@pytest.mark.parametrize("schema", [INITIALS, FRAMEWORK], ids=lambda schema: schema.name)
async def test_on_mariadb_as_on_a_file(schema: Schema, mariadb: MariaDb, tmp_path: Path) -> None:
    config = await on_mariadb(mariadb, schema, tmp_path)
    score = scored(schema.name, truth(schema), tables_of(await draft_text(config, tmp_path)))
    assert score.wrong == []
    assert score.right == score.total, score.open


@pytest.mark.parametrize("schema", [INITIALS, FRAMEWORK], ids=lambda schema: schema.name)
async def test_on_postgresql_as_on_a_file(schema: Schema, postgresql: PostgreSql, tmp_path: Path) -> None:
    config = await on_postgresql(postgresql, schema, tmp_path)
    text = await draft_text(config, tmp_path)
    score = scored(schema.name, truth(schema), tables_of(text))
    assert score.wrong == []
    assert score.right == score.total, score.open
    if schema is INITIALS:  # its tables are little more than a page, and have every index
        (tmp_path / "mapping.toml").write_text(text, "utf-8")
        config, tables = mapping.load(tmp_path / "mapping.toml")
        source = app.adapter(config, tmp_path)
        found = await probe_check.check(source, config, tables, Clock(), lambda _: None)
        await source.close()
        assert [
            one for one in found if one.title.startswith("查询计划") and one.status is not Health.OK
        ] == []


async def test_gbk_in_latin1_columns_is_told_per_column(mariadb: MariaDb, tmp_path: Path) -> None:
    config = await on_mariadb(mariadb, INITIALS, tmp_path, charset="latin1")
    text = await draft_text(config, tmp_path)
    columns = tables_of(text)["case"]["columns"]
    assert columns["applicant"] == {"col": "XDR", "charset": "gb18030", "privacy": "name"}
    assert columns["org"] == {"col": "DW", "charset": "gb18030"}
    assert columns["accepted_at"] == "SLRQ"
    assert tables_of(text)["step"]["columns"]["kind"]["enum"]["受理"] == "accept"
    assert scored("latin1", truth(INITIALS), tables_of(text)).wrong == []


async def test_gbk_columns_need_no_charset(mariadb: MariaDb, tmp_path: Path) -> None:
    """The server converts them."""
    config = await on_mariadb(mariadb, INITIALS, tmp_path, charset="gbk")
    text = await draft_text(config, tmp_path)
    assert "charset" not in text
    assert scored("gbk", truth(INITIALS), tables_of(text)).wrong == []


def granted(kind: str, config: SourceConfig) -> list[str]:
    """What the administrator runs: all of it to look around with, then what the second printing says."""
    wide, narrow = (
        grants.statements(kind, config.database, "mc_ro_a", HOST, tables).replace("<密码>", PASSWORD)
        for tables in ([], ["XK_BJXX"])
    )
    revoke = narrow[narrow.index("-- REVOKE") :].removeprefix("-- ")
    lines = [line for line in f"{wide}\n{revoke}".splitlines() if not line.startswith("--")]
    return [line.rstrip(";") for line in lines]


async def test_the_granted_account_reads_and_may_not_write_on_mariadb(
    mariadb: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = await on_mariadb(mariadb, INITIALS, tmp_path)
    for line in granted("mariadb", config):
        await mariadb.execute(line)
    source = mysql.MysqlSource(replace(config, user="mc_ro_a"), PASSWORD)
    assert [table.name for table in await source.catalogue()] == ["XK_BJXX"]
    assert await source.write_allowed("XK_BJXX", "BJID") == ""
    await examined(source, mysql.MysqlSource(replace(config, user="mc_ro_a"), PASSWORD), config, monkeypatch)


async def examined(
    agent: Source, source: Source, config: SourceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a technician, while the agent reads: the account has two connections."""
    monkeypatch.setattr(base, "STATEMENT_SECS", 0.5)
    table = Table("case", TableMapping("XK_BJXX", ["BJID"], {"case_no": "BJBH"}), config)
    await agent.open()
    sheet = await conformance.examine(source, [table])
    assert [item for item in sheet if item.ok is False] == []
    verdicts = await probe_check.check(source, config, [table], Clock(), lambda _: None)
    assert [item for item in verdicts if item.status is Health.FAIL or item.title == "表与字段"] == []
    await source.close()
    await agent.close()


async def test_the_granted_account_reads_and_may_not_write_on_postgresql(
    postgresql: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = await on_postgresql(postgresql, INITIALS, tmp_path)
    for line in granted("postgresql", config):
        await postgresql.execute(line, database=config.database)
    source = postgresql_source(config)
    assert [table.name for table in await source.catalogue()] == ["XK_BJXX"]
    assert await source.write_allowed("XK_BJXX", "BJID") == ""
    second, third = postgresql_source(config), postgresql_source(config)
    await source.open()  # the refusal has closed it
    await second.open()
    with pytest.raises(UnavailableError):
        await third.open()
    waiting = asyncio.create_task(third.open())
    await asyncio.sleep(0.2)
    await second.close()  # the server notices in a moment
    await waiting
    await third.close()
    await examined(source, third, config, monkeypatch)


def postgresql_source(config: SourceConfig) -> postgresql.PostgresqlSource:
    return postgresql.PostgresqlSource(replace(config, user="mc_ro_a"), PASSWORD)


@pytest.mark.parametrize(("grant", "status"), [("SELECT", Health.OK), ("SELECT, UPDATE", Health.WARN)])
async def test_a_mapping_is_checked_on_a_server(
    grant: str, status: Health, mariadb: MariaDb, tmp_path: Path
) -> None:
    config = await on_mariadb(mariadb, INITIALS, tmp_path)
    config = replace(config, user=await mariadb.create_user(config.database, grant))
    (tmp_path / "mapping.toml").write_text(await draft_text(config, tmp_path), "utf-8")
    config, tables = mapping.load(tmp_path / "mapping.toml")
    source = mysql.MysqlSource(config, PASSWORD)
    try:
        found = await probe_check.check(source, config, tables, Clock(), lambda _: None)
    finally:
        await source.close()
    by_title = {(one.table, one.title): one for one in found}
    assert by_title["", "时钟"].status is Health.OK
    assert by_title["XK_BJXX", "只读权限"].status is status
    plans = [one for one in found if one.title.startswith("查询计划")]
    assert len(plans) == 6
    assert all(one.status is Health.OK for one in plans), plans
    assert by_title["XK_BJXX", "试读"].status is Health.OK
    assert by_title["XK_LC", "试读"].status is Health.OK
    assert by_title["XK_LC", "最新一行"].status is Health.WARN


async def test_a_view_whose_plan_is_not_told_is_checked_all_the_same(
    mariadb: MariaDb, tmp_path: Path
) -> None:
    config = await on_mariadb(mariadb, INITIALS, tmp_path)
    config = replace(config, user=await mariadb.create_user(config.database))
    await mariadb.execute("CREATE VIEW V_BJ AS SELECT * FROM XK_BJXX", database=config.database)
    text = (await draft_text(config, tmp_path)).replace('from = "XK_BJXX"', 'from = "V_BJ"')
    (tmp_path / "mapping.toml").write_text(text, "utf-8")
    config, tables = mapping.load(tmp_path / "mapping.toml")
    source = mysql.MysqlSource(config, PASSWORD)
    try:
        found = await probe_check.check(source, config, tables, Clock(), lambda _: None)
    finally:
        await source.close()
    of_view = {one.title: one.status for one in found if one.table == "V_BJ"}
    assert of_view["试读"] is Health.OK
    assert of_view["查询计划：全表核对"] is Health.SKIP
