"""Three conditions, none inferred from another; what nobody can know is unknown, and never well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import site
from central.core.conditions import UNKNOWN, conditions
from central.core.maintenance import Window
from common.core.instant import HOUR, SECOND
from common.core.state import Health, Link
from tests.core.test_site import BEHIND, NOW, signals

OK, WARN, FAIL, SKIP = Health.OK, Health.WARN, Health.FAIL, Health.SKIP


@pytest.mark.parametrize(
    ("changes", "expected", "said"),
    [
        ({}, (OK, OK, OK), ""),
        ({"heard_wall": NOW - 40 * SECOND}, (WARN, OK, OK), "40 秒前收到"),
        ({"heard_wall": NOW - HOUR}, (FAIL, SKIP, SKIP), "断线 1 小时"),
        ({"heard_wall": None}, (FAIL, SKIP, SKIP), "还没有收到过消息"),
        ({"source_fault": "拒绝连接"}, (OK, OK, FAIL), "拒绝连接"),
        ({"source_fault": "拒绝连接", "capture_ok_age_s": None}, (OK, OK, FAIL), "拒绝连接"),
        ({"capture_ok_age_s": None}, (OK, OK, SKIP), "开机后还没有读过"),
        ({"agent_fault": "磁盘已满"}, (OK, FAIL, OK), "磁盘已满"),
        ({"agent_notice": "主密钥丢失"}, (OK, WARN, OK), "主密钥丢失"),
        ({"refused": True}, (OK, FAIL, OK), "拒绝接收"),
        ({"room_percent": 96.0}, (OK, FAIL, OK), "缓存已用 96%"),
        ({"room_percent": 71.0}, (OK, WARN, OK), "缓存已用 71%"),
        ({"alarms": 2}, (OK, WARN, OK), "2 项告警待核实"),
        ({"bad_rows": 3}, (OK, OK, WARN), "3 行无法对应"),
        (BEHIND, (OK, WARN, OK), "待传 418 条"),
    ],
)
def test_each_condition_stands_for_itself(
    changes: dict[str, object], expected: tuple[Health, ...], said: str
) -> None:
    found = conditions(signals(**changes), NOW, NOW)
    assert [item.title for item in found] == ["线路", "站点机器", "数据源"]
    assert tuple(item.health for item in found) == expected
    assert any(said in item.detail for item in found)
    assert all(item.detail for item in found)


@given(
    st.fixed_dictionaries(
        {
            "heard_wall": st.sampled_from([None, NOW, NOW - 40 * SECOND, NOW - HOUR]),
            "source_fault": st.sampled_from(["", "拒绝连接"]),
            "agent_fault": st.sampled_from(["", "磁盘已满"]),
            "refused": st.booleans(),
            "online": st.booleans(),
            "room_percent": st.sampled_from([0.0, 96.0]),
            "maintenance": st.sampled_from([None, Window(NOW, NOW + HOUR)]),
            "rows": st.sampled_from([0, 418]),
            "left": st.sampled_from([0, 418]),
            "oldest_unsent_age_s": st.sampled_from([0.0, 7_920.0]),
        }
    )
)
def test_no_line_is_live_while_a_condition_has_failed(changes: dict[str, object]) -> None:
    """No false green: what is said in one word never hides what is said in three."""
    known = signals(**changes)
    line, box, source = conditions(known, NOW, NOW)
    link = site.derive(known, NOW, NOW)
    if FAIL in {line.health, box.health, source.health}:
        assert link not in {Link.LIVE, Link.SLOW, Link.CATCHUP}
    assert (line.health is FAIL) == site.is_silent(known, NOW) or known.heard_wall is None
    if line.health is FAIL:
        assert {box.detail, source.detail} == {UNKNOWN}
