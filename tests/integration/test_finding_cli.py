"""Findings and tolerances on the command line: Chinese for people, JSON for programs, each decision in the audit."""

import getpass
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from central.core.context import Tolerance
from central.store import findings
from central.store import tables as t
from central.store.engine import look, open_store
from common.core.instant import DAY, HOUR, MINUTE
from tests.integration import serving
from tests.integration.test_findings import NAME, PHONE, SITE, fill
from tests.journey.scene import command
from tests.keyed import keyed

pytestmark = pytest.mark.service

USAGE = 64


@pytest.fixture
async def config(tmp_path: Path) -> str:
    (tmp_path / "data").mkdir()
    store = await open_store(keyed(tmp_path / "data" / "central.db"))
    await fill(store, serving.FridayClock())
    await store.close()
    path = tmp_path / "central.toml"
    path.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    return str(path)


async def test_findings_are_listed_and_one_is_explained(config: str) -> None:
    code, out, err = await command("mingcha", "finding", "list", "--site", SITE, "--config", config)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 8
    words = "写明 2026-06-07 14:32 办结，而 2026-06-11 14:31 核对时仍未办结；其间 2026-06-09 14:32 已到期"
    found = next(line.split("\t") for line in out.splitlines() if words in line)
    assert re.fullmatch(r"办件 尾号 \S{4}", found[2]), "which case it is, and no more of its number"
    assert found[3:] == ["T1 倒填办结时间", "待核实", words]
    code, out, _ = await command("mingcha", "finding", "list", "--json", "--config", config)
    found = json.loads(out)
    assert {item["code"] for item in found} == {"t1", "t2", "t3", "t4", "t5", "t6", "t7", "notice"}
    assert NAME not in out
    assert PHONE not in out
    number = str(found[0]["id"])
    explain = ("finding", "explain", number, "--why", "系统升级补录", "--config", config)
    code, out, err = await command("mingcha", *explain)
    assert (code, err) == (0, "")
    assert f"疑点 {number}" in out
    code, _, err = await command("mingcha", *explain)
    assert code == USAGE
    assert "没有待核实的疑点" in err
    assert "处理：" in err
    code, out, _ = await command("mingcha", "finding", "list", "--all", "--json", "--config", config)
    decided = [item for item in json.loads(out) if item["state"] == "explained"]
    assert [(str(item["id"]), item["decided_by"]) for item in decided] == [(number, getpass.getuser())]
    code, out, err = await command("mingcha", "finding", "list", "--site", "s99", "--config", config)
    assert (code, out) == (USAGE, "")


async def test_a_tolerance_judges_anew_what_stands_and_leaves_what_a_person_has_decided(config: str) -> None:
    async def waiting(*more: str) -> dict[str, int]:
        _, out, _ = await command("mingcha", "finding", "list", "--json", *more, "--config", config)
        return {item["code"]: item["id"] for item in json.loads(out)}

    async def forgive(*minutes: str) -> str:
        line = ("tolerance", "set", SITE, *minutes, "--why", "先填纸表", "--config", config)
        code, out, err = await command("mingcha", *line)
        assert (code, err) == (0, "")
        return out

    before = await waiting()
    assert "撤销待核实疑点 0 个，新出现 0 个" in await forgive()
    assert await waiting() == before
    week = str(7 * DAY // MINUTE)
    assert "撤销待核实疑点 1 个，新出现 0 个" in await forgive("--backdate", week)
    assert await waiting() == {code: number for code, number in before.items() if code != "t1"}
    assert "撤销待核实疑点 0 个，新出现 1 个" in await forgive()
    assert await waiting() == before, "the same finding, under its number"
    explain = ("finding", "explain", str(before["t1"]), "--why", "补录", "--config", config)
    await command("mingcha", *explain)
    await forgive("--backdate", week)
    assert before["t1"] in (await waiting("--all")).values()


async def test_a_site_s_tolerance_is_set_with_its_reason(config: str) -> None:
    line = ("tolerance", "set", SITE, "--backdate", "480", "--why", "先填纸表", "--config", config)
    code, _, err = await command("mingcha", *line)
    assert (code, err) == (0, "")
    code, out, _ = await command("mingcha", "tolerance", "list", "--config", config)
    assert out.splitlines() == [
        "默认\tbackdate 60\tchange 1\tsilent 60\tlate 1440",
        f"{SITE}\tbackdate 480\tchange 1\tsilent 60\tlate 1440\t{getpass.getuser()}：先填纸表",
    ]
    async with look(keyed(Path(config).parent / "data" / "central.db")) as conn:
        wanted = Tolerance(backdate=8 * HOUR, change=MINUTE, silent=HOUR, late=DAY)
        assert await findings.tolerance_of(conn, SITE) == wanted
        mine = t.audit_line.c.act.startswith("tolerance.")
        noted = (await conn.execute(select(t.audit_line).where(mine).order_by(t.audit_line.c.id))).all()
    assert [(line.act, line.why) for line in noted] == [
        ("tolerance.set", "先填纸表"),
        ("tolerance.judge", "先填纸表"),
    ]
    assert noted[1].subject == f"{SITE} withdrawn=0 found=0"
    for wrong in ("-1", "x", "99999999"):
        code, _, err = await command(
            "mingcha", "tolerance", "set", SITE, "--backdate", wrong, "--why", "试", "--config", config
        )
        assert code == USAGE
        assert "出错：" in err
