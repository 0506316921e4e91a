"""Scores over both databases: from judged facts to a published folder that a clean Python recomputes."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import insert, update

from central import judge, publishing, rebuild, scoring
from central.core import period, release, score
from central.core.item import Item
from central.core.item_draft import DraftState
from central.core.objection import ObjectionState
from central.core.release import ReleaseState
from central.core.scheme import MINGCHA_100
from central.core.scope import EVERYTHING, Scope
from central.core.score import Level
from central.data import recompute
from central.judge import World
from central.scoring import Sender, Taken
from central.store import audit, items, publications, schemes, scores
from central.store import tables as t
from central.store.engine import Store, open_store
from central.store.score_tables import score_scheme
from common.core.errors import RejectedError, UsageError
from common.core.instant import DAY, HOUR
from common.core.state import CaseStatus
from tests.contract.test_store import ZONE, at, box_row, sent, store, world
from tests.keyed import keyed
from tests.sender import case, passed

__all__ = ["store", "world"]

MARCH = period.parse("2026-03")
AFTER = at("2026-04-03T09:00")
LAST = date(2026, 4, 13)
"""Five working days after 2026-04-03; 04-06 is a holiday."""


def _case(number: int, accepted: str, finished: str, **more: Any) -> Any:
    told = {"org": "市场监管所", "responsible": "王明", "outcome": "准予许可", "received_at": accepted}
    facts = {"item_code": "SX1", "item_name": "食品经营许可", "status": CaseStatus.DONE, **told, **more}
    return case(f"{number:02}", accepted_at=accepted, finished_at=finished, **facts)


async def filled(store: Store, world: World, *, until: int = AFTER) -> None:
    """Twelve cases of March: number 3 over its promise of 10 days, number 4 decided in April."""
    ends = {3: "2026-03-20", 4: "2026-04-01"}
    drafts = [_case(number, "2026-03-02", ends.get(number, "2026-03-05")) for number in range(12)]
    await sent(store, world, [*drafts, passed(until - HOUR)], now=until)


def whole(made: Taken) -> Counter[str]:
    return sum((Counter(one.counts) for one in made.tallies[Level.SITE].values()), Counter())


async def run(store: Store, *, now: int = AFTER) -> tuple[int, Taken]:
    async with store.read() as conn:
        await audit.freeze(conn)
        made = await scoring.provisional(conn, MARCH, MINGCHA_100, ZONE, now)
    async with store.write() as conn:
        number, until = await scoring.keep_provisional(conn, made, Sender("a", "月评", now, now), ZONE)
    assert until == LAST
    return number, made


async def test_a_month_is_scored_and_every_line_names_its_cases(store: Store, world: World) -> None:
    await filled(store, world)
    number, made = await run(store)
    async with store.read() as conn:
        (site,) = await scores.units(conn, EVERYTHING, number, Level.SITE)
        (person,) = await scores.units(conn, EVERYTHING, number, Level.PERSON)
        bound = await scores.units(conn, Scope(None, frozenset({"市场监管所"})), number, Level.DEPARTMENT)
        none = await scores.units(conn, Scope(frozenset({"s02"}), None), number, Level.SITE)
    assert [one.name for one in (site, person, *bound)] == ["云溪镇", "云溪镇 王明", "云溪镇 市场监管所"]
    assert none == []
    assert (site.counts["filed"], site.counts["decided"], site.counts["promise_of"]) == (12, 11, 12)
    late = next(line for line in site.lines if line.id == "promise")
    assert [key for _, key, _ in late.faults["promise_late"]] == ["03", "04"]
    assert site.rank == 1
    body = list(scores.unpacked(made.packed))
    assert scoring.verify(body, made.digest, made.scores()) == []
    assert scoring.retake(body).packed == made.packed
    with pytest.raises(RejectedError, match="与登记的不符"):
        scoring.verify([*body[:-1], body[-1].replace(b'"decided":1', b'"decided":2')], made.digest, [])


async def test_data_that_is_not_whole_is_named_and_not_punished(store: Store, world: World) -> None:
    await filled(store, world, until=at("2026-03-25T12:00"))
    _, made = await run(store)
    (site,) = score.scores(made.frame, made.tallies, Level.SITE)
    assert (site.rank, site.why) == (0, "数据不全（云溪镇），暂不排名")
    assert made.frame.sites[0].until == "2026-03-25 11:00"


async def test_a_month_that_goes_on_is_not_scored(store: Store, world: World) -> None:
    async with store.read() as conn:
        with pytest.raises(UsageError, match="还没有结束"):
            await scoring.provisional(conn, MARCH, MINGCHA_100, ZONE, at("2026-03-31T23:59"))


async def test_from_an_objection_to_the_public_folder(store: Store, world: World, tmp_path: Path) -> None:
    await filled(store, world)
    number, before = await run(store)
    fault = scores.Fault(number, "s01", "03", "promise_late")
    boss = Sender("b", "期满定稿", at("2026-04-14T09:00"), 2)
    async with store.write() as conn:
        with pytest.raises(UsageError, match="异议期到"):
            await scoring.finish(conn, number, Sender("b", "y", AFTER + DAY, 2), ZONE)
        for case, measure in (("nobody", "promise_late"), ("03", "statute_late")):
            other = scores.Fault(number, "s01", case, measure)
            with pytest.raises(UsageError, match=f"没有因 s01/{case} 的“{measure}”扣分"):
                await scores.object_to(conn, other, LAST, "unit", "没有的事", 3)
        mine = await scores.object_to(conn, fault, LAST, "unit", "系统故障期间无法办结", 3)
        with pytest.raises(UsageError, match="已有人"):
            await scores.object_to(conn, fault, LAST, "unit", "再提", 3)
        with pytest.raises(UsageError, match="已于 2026-04-13 结束"):
            await scores.object_to(conn, fault, date(2026, 4, 14), "unit", "晚了", 3)
        with pytest.raises(UsageError, match="待认定"):
            await scoring.finish(conn, number, boss, ZONE)
        moved = await scoring.preview(conn, mine)
        assert {old.level for old, _ in moved} == set(Level)
        assert all((old.total or 0) < (new.total or 0) for old, new in moved)
        with pytest.raises(UsageError, match="另一人"):
            await scores.decide(conn, mine, ObjectionState.GRANTED, "unit", "成立", 4)
        for home in ("s01", "市场监管所"):
            with pytest.raises(UsageError, match="本单位"):
                await scores.decide(conn, mine, ObjectionState.GRANTED, "b", "成立", 4, frozenset({home}))
        await scores.decide(conn, mine, ObjectionState.GRANTED, "b", "情况属实", 4)
        with pytest.raises(UsageError, match="已经认定"):
            await scores.decide(conn, mine, ObjectionState.REFUSED, "b", "情况属实", 4)
        with pytest.raises(UsageError, match="初步结果"):
            await publishing.draft(conn, number, "三月评分", boss, merges=False)
        final = await scoring.finish(conn, number, boss, ZONE)
        with pytest.raises(UsageError, match="已有正式结果"):
            await scoring.finish(conn, number, boss, ZONE)
        row = await scores.run(conn, final)
        made = scoring.retake(scores.unpacked(await scores.snapshot(conn, row.digest)))
        assert made.frame.follows == before.digest
        assert made.scores()[0].total == moved[0][1].total
        released = await publishing.draft(conn, final, "三月评分", boss, merges=False)
        with pytest.raises(UsageError, match="另一人"):
            await publications.decide(conn, released, ReleaseState.RELEASED, "b", "同意", 5)
        await publications.decide(conn, released, ReleaseState.RELEASED, "c", "同意", 5)
        files = await publications.files(conn, released)
        await publications.withdraw(conn, released, "c", "数据更正", 6)
        assert (await publications.one(conn, released)).withdrawn_why == "数据更正"
    _recomputed(files, tmp_path)


def _recomputed(files: dict[str, bytes], folder: Path) -> None:
    """By a clean Python without our packages; a changed figure and a changed file are told."""
    for name, body in files.items():
        (folder / name).write_bytes(body)
    assert "王明" not in b"".join(files.values()).decode()

    def told() -> tuple[int, str]:
        words = [sys.executable, "-I", "-S", str(folder / "recompute.py")]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
        return done.returncode, done.stdout

    code, out = told()
    assert (code, out.splitlines()[-1]) == (0, "✓ 与公布的一致")
    counts = json.loads(files["counts.json"])
    counts["units"][0]["counts"]["promise_late"] += 1
    changed = files | {"counts.json": json.dumps(counts).encode()}
    (folder / "counts.json").write_bytes(changed["counts.json"])
    code, out = told()
    assert (code, "counts.json" in out) == (1, True)
    with pytest.raises(RejectedError, match=r"counts\.json"):
        release.check_sums(changed)
    _, wrong = recompute.differences(folder)
    assert wrong
    assert "算得" in wrong[0]


async def test_small_cells_and_names_are_refused_with_the_reason(store: Store, world: World) -> None:
    async with store.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s02", "name": "石桥镇", "kind": "township", "position": 1}]
        )
    await filled(store, world)
    async with store.write() as conn:
        for key, site in (("09", "王明工作室"), ("10", "13912345678")):
            await conn.execute(update(t.case).where(t.case.c.case_key == key).values(org=site))
    number, _ = await run(store)
    boss = Sender("b", "y", at("2026-04-14T09:00"), 2)
    async with store.write() as conn:
        final = await scoring.finish(conn, number, boss, ZONE)
        with pytest.raises(RejectedError) as refused:
            await publishing.draft(conn, final, "三月", boss, merges=False)
    said = str(refused.value)
    assert "“云溪镇 王明工作室”含有人名" in said
    assert "“云溪镇 13912345678”含有电话或证件号码" in said
    assert "云溪镇 王明工作室（部门）的“办件”只有 1 件，少于 5 件" in said
    assert "合并公布" in refused.value.hint
    assert "只公布站点" in refused.value.hint
    async with store.write() as conn:
        with pytest.raises(RejectedError, match=r"与各部门相差 2 件|合并公布的小单位"):
            await publishing.draft(conn, final, "三月", boss, merges=True)


async def test_counts_are_those_of_a_naive_recount(store: Store, world: World) -> None:
    await filled(store, world)
    _, made = await run(store)
    naive: Counter[str] = Counter()
    async with store.read() as conn:
        for row in await conn.execute(t.case.select()):
            naive["filed"] += at("2026-03-01T00:00") <= row.accepted_at < at("2026-04-01T00:00")
            naive["decided"] += at("2026-03-01T00:00") <= row.finished_at < at("2026-04-01T00:00")
    found = whole(made)
    assert {name: found[name] for name in naive} == naive


async def test_a_scheme_is_changed_by_two_persons_and_tried_before(store: Store, world: World) -> None:
    await filled(store, world)
    number, taken = await run(store)
    rows = [
        replace(row, weight=row.weight - 6) if row.id == "data" else row for row in MINGCHA_100.indicators
    ]
    rows = [replace(row, weight=row.weight + 6) if row.id == "promise" else row for row in rows]
    wanted = replace(MINGCHA_100, indicators=rows, since="2026-04")
    april, may = date(2026, 4, 3), date(2026, 5, 2)
    async with store.write() as conn:
        with pytest.raises(UsageError, match="没有要改的"):
            await schemes.add(conn, replace(MINGCHA_100, since="2026-04"), "a", "无改动", 1, april)
        with pytest.raises(UsageError, match="权重之和"):
            await schemes.add(conn, replace(wanted, indicators=rows[1:]), "a", "漏了一项", 1, april)
        for since in ("", "2026-03"):
            with pytest.raises(UsageError, match="早于 2026-04"):
                await schemes.add(conn, replace(wanted, since=since), "a", "倒签", 1, april)
        moved = await scoring.tried(conn, number, wanted)
        assert {new.level for _, new in moved} == set(Level)
        assert all((new.total or 0) < (old.total or 0) for old, new in moved), "its promise part is its worst"
        (trial,) = await scoring.tried_sites(conn, number, wanted)
        site = next((old, new) for old, new in moved if new.level is Level.SITE)
        assert (trial.old, trial.new.total, trial.new.rank, trial.moves) == (
            site[0],
            site[1].total,
            site[1].rank,
            True,
        )
        assert {name for name, _, _ in trial.lines} == {"承诺时限合规", "数据真实完整及时"}
        first = await schemes.add(conn, wanted, "a", "加重时限", 1, april)
        with pytest.raises(UsageError, match="待审定"):
            await schemes.add(conn, wanted, "a", "再起草", 1, april)
        with pytest.raises(UsageError, match="另一人"):
            await schemes.decide(conn, first, DraftState.APPROVED, "a", "自己同意", 2, april)
    async with store.read() as conn:
        assert (await scores.scheme(conn)).version == 1
    with pytest.raises(UsageError, match="早于 2026-05"):
        async with store.write() as conn:
            await schemes.decide(conn, first, DraftState.APPROVED, "b", "月份已过", 2, may)
    async with store.write() as conn:
        made = await schemes.decide(conn, first, DraftState.APPROVED, "b", "同意启用", 2, april)
        assert made.version == 2
        with pytest.raises(UsageError, match="没有这份待审定"):
            await schemes.decide(conn, first, DraftState.APPROVED, "b", "再来一次", 2, april)
        assert (await scores.scheme(conn)).version == 2
        assert (await scores.scheme(conn, 1)) == MINGCHA_100
        assert (await scores.scheme_on(conn, date(2026, 3, 1))).version == 1
        assert (await scores.scheme_on(conn, date(2026, 4, 1))).version == 2
        with pytest.raises(UsageError, match="没有第 3 版"):
            await scores.scheme(conn, 3)
        back = replace(MINGCHA_100, since="2026-05")
        second = await schemes.add(conn, back, "b", "恢复原方案", 3, april)
        made = await schemes.decide(conn, second, DraftState.REFUSED, "a", "不同意", 3, april)
        assert made.version == 2
        third = await schemes.add(conn, back, "b", "恢复原方案", 3, april)
        content = msgspec.json.encode(replace(wanted, version=3)).decode()
        values = {"version": 3, "content": content, "who": "c", "why": "x", "made_wall": 4}
        await conn.execute(insert(score_scheme).values(**values))
    with pytest.raises(UsageError, match="又有了新的版本"):
        async with store.write() as conn:
            await schemes.decide(conn, third, DraftState.APPROVED, "a", "旧稿", 5, april)
    assert taken.frame.scheme.version == 1, "what has been scored keeps its scheme"


_ELSEWHERE = """
import sys, msgspec
from central import scoring
taken = scoring.retake(sys.stdin.buffer)
sys.stdout.buffer.write(taken.digest.encode() + msgspec.json.encode(taken.scores(), order="deterministic"))
"""


async def test_a_snapshot_is_the_same_on_another_machine_and_after_a_rebuild(
    store: Store, world: World, tmp_path: Path
) -> None:
    """Another process, time zone, language and order of hashes, and no database; one changed byte is another hash."""
    await filled(store, world)
    _, made = await run(store)
    async with store.read() as conn:
        await audit.freeze(conn)
        report = await rebuild.examine(conn, world, AFTER)
        again = await scoring.provisional(conn, MARCH, MINGCHA_100, ZONE, AFTER)
    assert (report.cases, report.differs) == (12, [])
    assert (again.digest, again.packed, again.scores()) == (made.digest, made.packed, made.scores())
    body = b"".join(scores.unpacked(made.packed))

    def elsewhere(said: bytes) -> bytes:
        there = {
            "TZ": "America/New_York",
            "LC_ALL": "C",
            "PYTHONHASHSEED": "7",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        done = subprocess.run(
            [sys.executable, "-c", _ELSEWHERE],
            input=said,
            capture_output=True,
            check=True,
            env=there,
            cwd=tmp_path,
        )
        return done.stdout

    assert elsewhere(body) == made.digest.encode() + msgspec.json.encode(made.scores(), order="deterministic")
    changed = body.replace(b'"promise_late":1', b'"promise_late":2', 1)
    assert changed != body
    assert not elsewhere(changed).startswith(made.digest.encode())
    with pytest.raises(RejectedError, match="与登记的不符"):
        scoring.verify(changed.splitlines(keepends=True), made.digest, made.scores())


async def test_facts_in_another_order_give_the_same_bytes(store: Store, world: World, tmp_path: Path) -> None:
    drafts = [
        _case(number, "2026-03-02", "2026-03-20" if number % 3 else "2026-03-05") for number in range(9)
    ]
    ended = passed(AFTER - HOUR)
    other = await open_store(keyed(tmp_path / "other.db"))
    async with other.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
        )
        await conn.execute(insert(t.box), [box_row(1)])
        await items.add(conn, [Item("SX1", "食品经营许可", 20, 10)], "w", "test", 0)
        again = await judge.load_world(conn, ZONE)
    await sent(store, world, [*drafts, ended], now=AFTER)
    late = [drafts[place] for place in (8, 2, 5, 0, 7, 1, 3, 6, 4)]
    await sent(other, again, [*late, ended], now=AFTER)
    one, two = (await run(store))[1], (await run(other))[1]
    await other.close()
    assert whole(one)["promise_late"] == 6
    assert (one.digest, one.packed) == (two.digest, two.packed)
