"""The doctor's frame: what a run says to the hall, what is otherwise, when it is long, and what costs too much time."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from common import health
from common.core.checks import CHECKS
from common.core.record import LONGEST_RESULT
from common.health import Finding, Outcome, Status

TEXT = st.text(max_size=400)


def finding(check_id: str, status: Status, detail: str = "", remedy: str = "", effect: str = "") -> Finding:
    check = CHECKS[check_id]
    bad = status in {Status.WARN, Status.FAIL}
    return Finding(
        id=check_id,
        group=check.group(check_id),
        title=check.title,
        status=status,
        detail=detail,
        effect=(effect or check.effect) if bad else "",
        remedy=(remedy or check.remedy) if bad else "",
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(CHECKS)), st.sampled_from(Status), TEXT, TEXT, TEXT), max_size=60
    )
)
def test_a_run_that_travels_to_the_hall_is_the_same_there(
    drawn: list[tuple[str, Status, str, str, str]],
) -> None:
    run = [finding(*one) for one in drawn]
    for before, after in zip(run, health.whole(health.shortened(run)), strict=True):
        same = ("id", "group", "title", "status", "effect", "remedy")
        assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
        assert len(after.detail) <= health.LONGEST_SHORT


def test_a_run_with_every_check_fits_into_an_answer() -> None:
    run = [finding(name, Status.FAIL, "中" * 500) for name in CHECKS if "HALL" not in name]
    assert len("not_collecting " + "句" * 200 + "\n" + health.shortened(run)) <= LONGEST_RESULT


def test_a_check_of_a_newer_box_keeps_its_id_and_what_is_no_run_is_refused() -> None:
    (item,) = health.whole('[{"id":"E-NEW-01","status":"fail","detail":"新","remedy":"照做"}]')
    assert (item.title, item.group, item.detail, item.remedy) == ("E-NEW-01", "其他", "新", "照做")
    for text in ("", "{}", "[1]", '[{"id":"E-SYS-01","status":"odd"}]'):
        with pytest.raises(ValueError):
            health.whole(text)


def test_only_what_changed_is_a_difference() -> None:
    good = [finding("E-SYS-01", Status.OK, "进程 1"), finding("E-NET-03", Status.OK)]
    now = [finding("E-SYS-01", Status.OK, "进程 2"), finding("E-NET-03", Status.FAIL, "连接被拒绝")]
    assert health.difference(now, good) == ["网络.消息链路：正常 → 故障  连接被拒绝"]
    assert health.difference(good, good) == []
    follows = replace(finding("E-NET-04", Status.SKIP, "因 网络.消息链路"), caused_by="E-NET-03")
    assert health.difference([*now, follows], good) == health.difference(now, good)
    assert health.difference(now, good[:1]) == ["网络.消息链路：那时没有这一项 → 故障  连接被拒绝"]


def test_the_verdict_stands_first_and_once_more_below_a_long_run() -> None:
    short = health.render([finding("E-NET-03", Status.FAIL)], "有 1 个问题").splitlines()
    assert (short[0], "有 1 个问题" in short[-1]) == ("✕ 有 1 个问题", False)
    long = health.render([finding(name, Status.WARN) for name in CHECKS], "有几处要注意").splitlines()
    assert long[0] == long[-1] == "! 有几处要注意"


def test_what_was_skipped_for_one_reason_is_one_line_and_with_v_one_each() -> None:
    why = "因 网络.消息链路"
    run = [
        finding("E-NET-03", Status.FAIL, "连接被拒绝"),
        *(finding(name, Status.SKIP, why) for name in ("E-NET-04", "E-SYNC-01", "E-SYNC-06")),
        finding("E-SRC-02", Status.OK),
    ]
    lines = health.render(run, "有 1 个问题").splitlines()
    assert lines[-2:] == [
        "– 网络.加密连接、同步 2 项  跳过（因 网络.消息链路）",
        "✓ 其余 1 项通过   (-v 展开)",
    ]
    assert health.render(run, "有 1 个问题", verbose=True).count(why) == 3


async def test_checks_that_hang_one_behind_the_other_end_in_time_and_the_late_ones_are_no_fault() -> None:
    async def hangs() -> Outcome:
        await asyncio.sleep(60)
        return health.ok()

    async def slow() -> Outcome:
        await asyncio.sleep(health.CHECK_SECS - 0.3)
        return health.ok()

    began = time.monotonic()
    found = {
        item.id: item for item in await health.run({"E-SRC-01": slow, "E-SRC-02": hangs, "E-NET-01": hangs})
    }
    took = time.monotonic() - began
    assert took < health.RUN_SECS + 2
    assert found["E-NET-01"].status is Status.FAIL
    assert found["E-NET-01"].remedy.startswith("请过一分钟再体检一次"), "it may only be busy"
    assert (found["E-SRC-02"].status, "用完" in found["E-SRC-02"].detail) == (Status.SKIP, True)
