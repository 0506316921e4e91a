"""The wall's state: two axes that never mix, nothing personal, and deltas that give the same as a fresh look."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import hall, news, site, wording
from central.core.dossier import Stage
from central.core.hall import Facts, Lit, SiteFacts, Slow
from central.core.maintenance import Window
from central.core.news import Change
from central.core.site import Backlog, Signals
from common.core.instant import DAY, HOUR, MINUTE, SECOND, end_of_day, start_of_day
from common.core.state import ClockKind, Light, Link

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 6, 12)
NOW = start_of_day(TODAY, ZONE) + 14 * HOUR + 32 * MINUTE
WALL = NOW + 5 * DAY  # office time and wall time are two things
CALENDAR = {TODAY + timedelta(days=n): (TODAY + timedelta(days=n)).weekday() < 5 for n in range(-60, 60)}

LINES: dict[Link, Signals] = {
    Link.LIVE: Signals(online=True, heard_wall=WALL - SECOND),
    Link.SLOW: Signals(online=True, heard_wall=WALL - 45 * SECOND),
    Link.CATCHUP: Signals(online=True, heard_wall=WALL, rows=418, left=418, oldest_unsent_age_s=900.0),
    Link.STOPPED: Signals(online=True, heard_wall=WALL, source_fault="拒绝连接", capture_ok_age_s=700.0),
    Link.OFFLINE: Signals(online=True, heard_wall=WALL - HOUR),
    Link.MAINTENANCE: Signals(online=True, heard_wall=WALL, maintenance=Window(NOW, NOW + HOUR)),
    Link.NEVER: Signals(),
    Link.RETIRED: Signals(retired_wall=WALL - DAY, heard_wall=WALL - DAY),
}


def one_site(name: str = "云溪镇", link: Link = Link.LIVE, **changes: object) -> SiteFacts:
    known = SiteFacts(id=name, name=name, signals=LINES[link], complete_until=NOW, first_at=NOW - DAY)
    return replace(known, **changes)


def facts(*sites: SiteFacts, **changes: object) -> Facts:
    empty = Facts(
        now_at=NOW,
        now_wall=WALL,
        zone=ZONE,
        sites=list(sites),
        lit=[],
        red_today=0,
        late_today=0,
        changes=[],
        happenings=[],
        slow=Slow(workday=CALENDAR),
    )
    return replace(empty, **changes)


def lit(light: Light, due_at: int, **changes: object) -> Lit:
    known = Lit(
        site="s01",
        site_name="云溪镇",
        case_no="37022026061201007",
        item_name="临时救助申请",
        light=light,
        due_at=due_at,
        clock=ClockKind.PROMISE,
        late=False,
    )
    return replace(known, **changes)


@pytest.mark.parametrize("light", list(Light))
@pytest.mark.parametrize("link", list(Link))
def test_light_and_link_stand_beside_each_other_in_every_pair(link: Link, light: Light) -> None:
    tile = hall.compose(facts(one_site(link=link, lights={light: 3})))["s"]["云溪镇"]
    assert tile["link"] == link
    assert tile["worst"] == light
    shown = {name: tile[name] for name in ("red", "yellow", "grey")}
    assert shown == {name: "3" if name == light else "" for name in shown}
    plain = hall.compose(facts(one_site(link=link)))["s"]["云溪镇"]
    assert {name for name in tile if tile[name] != plain[name]} <= {"worst", "open", "right", light.value}


def test_a_silent_site_turns_no_light_red() -> None:
    for link in (Link.OFFLINE, Link.STOPPED, Link.CATCHUP, Link.NEVER):
        state = hall.compose(facts(one_site(link=link, lights={Light.GREEN: 9})))
        assert state["k"]["red"]["n"] == "0"
        assert state["s"]["云溪镇"]["worst"] == Light.GREEN


def test_every_total_that_may_be_too_low_says_so() -> None:
    state = hall.compose(facts(*(one_site(str(n), link) for n, link in enumerate(Link))))
    assert state["k"]["partial"]["text"] == (
        "7 个站点中 2 个齐全，1 个补传中，1 个停采，1 个离线，1 个维护，1 个未接入：合计可能偏低"
    )
    assert state["k"]["accepted"]["sub"] == "2/7 站齐全"
    whole = hall.compose(facts(one_site()))
    assert whole["k"]["partial"]["text"] == ""
    assert whole["n"]["all"]["empty"] == "1 个站点全部实时，没有断线、停采或补传。"


def test_the_queue_is_red_first_then_by_time_left() -> None:
    due = end_of_day(TODAY, ZONE)
    rows = [lit(Light.YELLOW, due), lit(Light.RED, due - 3 * DAY), lit(Light.YELLOW, due - HOUR)]
    rows.append(lit(Light.RED, due - 5 * DAY, late=True))
    queue = hall.compose(facts(one_site(lights={Light.RED: 2, Light.YELLOW: 2}), lit=rows))["q"]
    assert [queue[str(place)]["light"] for place in range(5)] == ["red", "red", "yellow", "yellow", ""]
    assert [queue[str(place)]["main"] for place in range(4)] == [
        "超期 5 个工作日",
        "超期 3 个工作日",
        "剩 8 小时 28 分",
        "剩 9 小时 28 分",
    ]
    assert queue["0"]["note"] == "补传判定 · 承诺时限 6月7日"
    assert queue["all"]["empty"] == ""


def test_a_yellow_light_past_its_limit_accuses_nobody_before_it_is_judged() -> None:
    """At midnight, for the seconds until the clocks are looked at: whether it is red or waits for data is not known yet."""
    passed = end_of_day(TODAY, ZONE) - DAY
    state = hall.compose(
        facts(
            one_site(lights={Light.YELLOW: 1, Light.RED: 1}),
            lit=[lit(Light.YELLOW, passed), lit(Light.RED, passed)],
        )
    )
    assert [state["q"][place]["main"] for place in "01"] == ["超期 1 个工作日", "已到期，待判定"]
    assert state["k"]["yellow"]["sub"] == "最早已到期，待判定"


def test_a_broken_rule_is_counted_beside_the_clocks_and_told_with_its_id() -> None:
    found = one_site(
        lights={Light.RED: 2, Light.GREEN: 4}, ruled={Light.RED: 1, Light.YELLOW: 3, Light.GREY: 1}
    )
    told = Change(NOW, "云溪镇", "食品经营许可", "1007", Light.RED, late=False, rule="L58")
    state = hall.compose(facts(found, one_site("b", ruled={Light.YELLOW: 1}), changes=[told]))
    assert state["k"]["red"] | {"sub": ""} == {"n": "2", "unit": "件，另有规则灯 1 件", "sub": ""}
    assert (state["k"]["yellow"]["n"], state["k"]["yellow"]["unit"]) == ("0", "件，另有规则灯 4 件")
    tile = state["s"]["云溪镇"]
    assert (tile["ruled"], tile["ruled_worst"], tile["red"], tile["worst"]) == ("4", "red", "2", "red")
    assert (tile["ruled_red"], tile["ruled_yellow"]) == ("1", "3")
    assert state["e"]["0"]["text"] == "食品经营许可 尾号 1007 规则 L58 亮红灯"
    plain = hall.compose(facts(one_site()))
    assert (plain["k"]["red"]["unit"], plain["s"]["云溪镇"]["ruled"]) == ("件", "")


def test_nothing_to_do_is_said_with_the_time_it_was_checked() -> None:
    queue = hall.compose(facts(one_site()))["q"]
    assert queue["all"]["empty"] == "没有待处置的红黄灯。14:32 核对。"


def test_more_than_the_wall_shows_is_counted() -> None:
    rows = [lit(Light.YELLOW, NOW + n * HOUR) for n in range(9)]
    queue = hall.compose(facts(one_site(lights={Light.YELLOW: 9}), lit=rows))["q"]
    assert queue["all"]["more"] == "共 9 件，显示最急 7 件"
    assert len(queue) == hall.QUEUE_ROWS + 1


def test_no_more_than_four_characters_of_a_case_number_reach_the_wall() -> None:
    change = Change(NOW, "云溪镇", "临时救助申请", "37022026061201007", Light.RED, late=True)
    state = hall.compose(facts(one_site(), lit=[lit(Light.RED, NOW - DAY)], changes=[change]))
    text = str(state)
    assert "尾号 1007" in text
    assert "201007" not in text
    assert state["e"]["0"]["text"] == "临时救助申请 尾号 1007 转为红灯（补传判定）"


sites = st.lists(
    st.builds(
        lambda name, link, counts, accepted: one_site(
            name, link, lights=dict(zip(Light, counts, strict=True)), accepted=accepted
        ),
        st.sampled_from("甲乙丙丁"),
        st.sampled_from(Link),
        st.tuples(*[st.integers(0, 3)] * len(Light)),
        st.integers(0, 2000),
    ),
    min_size=4,
    max_size=4,
    unique_by=lambda item: item.id,
).map(lambda found: sorted(found, key=lambda item: item.id))


@given(sites, sites, st.integers(0, 12), st.integers(0, 12))
def test_a_delta_on_top_of_the_state_before_is_the_state_after(
    first: list[SiteFacts], then: list[SiteFacts], queued: int, later: int
) -> None:
    before = hall.compose(facts(*first, lit=[lit(Light.RED, NOW - n * DAY) for n in range(queued)]))
    rows = [lit(Light.YELLOW, NOW + n * HOUR) for n in range(later)]
    after = hall.compose(facts(*then, lit=rows, now_at=NOW + 7 * MINUTE))
    delta = hall.changed(before, after)
    merged = {
        section: {row: fields | delta.get(section, {}).get(row, {}) for row, fields in rows.items()}
        for section, rows in before.items()
    }
    assert merged == after
    assert hall.changed(after, after) == {}


@given(sites)
def test_whatever_the_facts_the_page_has_the_same_fields(found: list[SiteFacts]) -> None:
    state = hall.compose(facts(*found))
    plain = hall.compose(facts(*(one_site(item.id) for item in found)))
    shape = {section: {row: set(fields) for row, fields in rows.items()} for section, rows in state.items()}
    assert shape == {
        section: {row: set(fields) for row, fields in rows.items()} for section, rows in plain.items()
    }
    assert all(
        isinstance(text, str) for rows in state.values() for row in rows.values() for text in row.values()
    )


def test_a_changed_line_and_new_cases_become_sentences() -> None:
    before = hall.compose(facts(one_site(link=Link.OFFLINE, accepted=1_200)))
    behind = hall.compose(facts(one_site(link=Link.CATCHUP, accepted=1_200)))
    after = hall.compose(facts(one_site(accepted=1_207)))
    told = [text for _, _, text in news.happenings(before["s"], behind["s"], NOW)]
    assert told == ["补传中：余 418 条"]
    told = [text for _, _, text in news.happenings(behind["s"], after["s"], NOW)]
    assert told == ["补传完成，数据已齐", "新受理 7 件，今日共 1,207 件"]


def test_a_line_that_is_merely_slow_is_no_news() -> None:
    live, slow = (hall.compose(facts(one_site(link=link))) for link in (Link.LIVE, Link.SLOW))
    assert news.happenings(live["s"], slow["s"], NOW) == []


def test_a_catch_up_shows_its_account() -> None:
    backlog = Backlog(WALL - 400 * SECOND, 674, 418)
    tile = hall.compose(facts(one_site(link=Link.CATCHUP, backlog=backlog)))["s"]["云溪镇"]
    names = ("done", "total", "left_rows", "percent", "rate", "minutes", "backlog")
    assert [tile[name] for name in names] == ["674", "1,092", "418", "61%", "1.7", "约 5 分钟", "418"]


def test_the_demonstration_says_how_fast_its_time_runs() -> None:
    assert hall.compose(facts(one_site()))["h"]["demo"]["text"] == ""
    assert hall.compose(facts(one_site(), pace=60.0))["h"]["demo"]["text"] == "演示时间 · 60 倍速"


def test_the_lines_of_this_file_are_what_they_are_called() -> None:
    assert {link: site.derive(line, WALL, NOW) for link, line in LINES.items()} == {
        link: link for link in Link
    }


def test_a_red_row_says_where_its_correction_stands_and_until_when() -> None:
    due = start_of_day(TODAY, ZONE) - DAY
    plain = lit(Light.RED, due)
    worked = replace(plain, step=Stage.JUDGE, step_due=TODAY + timedelta(days=4), late=True, undelivered=2)
    rows = hall.compose(facts(one_site(), lit=[plain, worked]))["q"]
    assert (rows["0"]["step"], rows["0"]["note"]) == ("", f"承诺时限 {wording.due(due, ZONE)}")
    told = [rows["1"][name] for name in ("step", "stage", "note")]
    assert told == ["judge", "认定", "剩 2 个工作日"]
    assert rows["1"]["where"] == "1007 · 云溪镇 · 未送达 2"
    assert rows["1"]["late"] == "补传判定"
    assert set(rows["0"]) == set(rows["6"]), "rows and fields are the same whatever happens"
