"""Scores at the command line: a month, an objection, the final result, the public folder, and the same from the file alone."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from central import judge
from central.core import release
from central.core.item import Item
from central.store import items, tallies
from central.store import tables as t
from central.store.engine import open_store
from central.store.score_tables import objection, publication, score_run
from central.store.tally_tables import tally_day
from central.tally import Booker
from common.core.instant import HOUR
from tests.contract.test_scores import AFTER, _case
from tests.contract.test_store import ZONE, box_row, sent
from tests.journey.scene import command
from tests.keyed import keyed
from tests.sender import passed

pytestmark = pytest.mark.service
USAGE = 64


async def test_from_a_month_to_a_public_folder(tmp_path: Path) -> None:
    (tmp_path / "central.toml").write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    store = await open_store(keyed(tmp_path / "data" / "central.db"))
    async with store.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
        )
        await conn.execute(insert(t.box), [box_row(1)])
        await items.add(conn, [Item("SX1", "食品经营许可", 20, 10)], "w", "test", 0)
        world = await judge.load_world(conn, ZONE)
    drafts = [
        _case(number, "2026-03-02", "2026-03-20" if number == 3 else "2026-03-05") for number in range(12)
    ]
    await sent(store, world, [*drafts, passed(AFTER - HOUR)], now=AFTER)

    async def mingcha(*words: str) -> tuple[int, str, str]:
        return await command("mingcha", *words, "--config", str(tmp_path / "central.toml"))

    code, out, err = await mingcha("score", "run", "2026-03", "--why", "三月评分")
    assert (code, err) == (0, "")
    assert "乡镇\t云溪镇\t12 件\t" in out
    assert "异议期到" in out
    _, out, _ = await mingcha("score", "show", "1", "--unit", "云溪镇")
    assert "承诺超时 1 件：SL03" in out
    snapshot = tmp_path / "march.jsonl"
    assert (await mingcha("score", "export", "1", "--out", str(snapshot)))[0] == 0
    assert snapshot.stat().st_mode & 0o077 == 0
    code, out, err = await mingcha("score", "verify", str(snapshot), "--run", "1")
    assert (code, err) == (0, "")
    assert "✓ 与第 1 次登记的一致" in out
    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(snapshot.read_bytes().replace(b'"promise_late":1,', b"", 1))
    code, _, err = await mingcha("score", "verify", str(changed), "--run", "1")
    assert (code != 0, "与登记的不符" in err) == (True, True)
    code, out, err = await mingcha("score", "object", "1", "s01", "03", "promise_late", "--why", "系统停机")
    assert (code, err) == (0, "")
    code, _, err = await mingcha("score", "grant", "1", "--why", "属实")
    assert (code, "另一人" in err) == (USAGE, True)
    async with store.write() as conn:  # somebody else filed it, and the window has passed
        await conn.execute(update(objection).values(who="unit"))
        until = (await conn.execute(select(score_run.c.object_until))).scalar_one()
        await conn.execute(update(score_run).values(object_until=str(_long_ago(until))))
    assert (await mingcha("score", "grant", "1", "--why", "属实"))[0] == 0
    code, out, err = await mingcha("score", "final", "1", "--why", "期满")
    assert (code, err) == (0, "")
    code, out, err = await mingcha("publication", "draft", "2", "--title", "三月公告", "--why", "按季")
    assert (code, err) == (0, "")
    async with store.write() as conn:
        await conn.execute(update(publication).values(who="author"))
    assert (await mingcha("publication", "release", "1", "--why", "发布"))[0] == 0
    folder = tmp_path / "public"
    assert (await mingcha("publication", "files", "1", "--out", str(folder)))[0] == 0
    code, out, err = await mingcha("score", "verify", str(folder))
    assert (code, err, out) == (0, "", "✓ 与公布的一致：3 个单位\n")
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    packet = tmp_path / "2026-03.zip"
    packet.write_bytes(release.packet(files, "2026-03"))
    for one in (packet, folder / "counts.json", folder / "ranking.csv"):
        assert await mingcha("score", "verify", str(one)) == (code, out, err), one.name
    packet.write_bytes(release.packet(files | {"counts.json": files["counts.json"] + b" "}, "2026-03"))
    code, _, err = await mingcha("score", "verify", str(packet))
    assert (code != 0, "文件被改动或缺少：counts.json" in err) == (True, True)
    code, out, _ = await mingcha("statistics", "table", "2026-03", "--by", "site", "--figure", "decided")
    assert out.splitlines()[:2] == ["站点\t办结（件）", "云溪镇\t12"]
    async with store.write() as conn:
        await tallies.begin(conn, "Asia/Shanghai", "1")
    while await Booker(store, ZONE).turn():
        pass
    counted = (await mingcha("statistics", "table", "2026-03", "--by", "site", "--figure", "decided"))[1]
    assert counted == out, "from the roll-up"
    async with store.write() as conn:
        await conn.execute(update(tally_day).values(number=tally_day.c.number + 1))
    code, out, _ = await mingcha("rebuild")
    assert (code, "待汇总 0 件" in out, "mingcha statistics afresh" in out) == (1, True, True)
    assert "正在重新汇总" in (await mingcha("statistics", "afresh"))[1]
    async with store.read() as conn:
        assert len(await tallies.waiting(conn)) == 12
    await store.close()


def _long_ago(until: str) -> date:
    return date.fromisoformat(until) - timedelta(days=365)
