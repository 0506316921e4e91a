"""The link state from what was heard: one state, the one that explains most; and a catch-up's account."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import site
from central.core.maintenance import Window
from central.core.site import Backlog, Signals
from common.core.instant import HOUR, MINUTE, SECOND
from common.core.ranges import Range
from common.core.state import Link

ZONE = ZoneInfo("Asia/Shanghai")
NOW = 1_781_246_000 * SECOND
HEALTHY = {"online": True, "since_wall": NOW - HOUR, "heard_wall": NOW - 3 * SECOND, "capture_ok_age_s": 2.0}
BEHIND = {"rows": 418, "left": 418, "oldest_unsent_age_s": 7_920.0}


def signals(**changes: object) -> Signals:
    return Signals(**{**HEALTHY, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "link"),
    [
        ({}, Link.LIVE),
        ({"heard_wall": NOW - 30 * SECOND}, Link.LIVE),
        ({"heard_wall": NOW - 31 * SECOND}, Link.SLOW),
        ({"heard_wall": NOW - 45 * SECOND}, Link.SLOW),
        ({"heard_wall": NOW - 46 * SECOND}, Link.OFFLINE),
        ({"online": False, "since_wall": NOW - 5 * SECOND}, Link.LIVE),  # it reconnects at once
        ({"online": False, "since_wall": NOW - 21 * SECOND}, Link.OFFLINE),
        (BEHIND, Link.CATCHUP),
        (BEHIND | {"heard_wall": NOW - 45 * SECOND}, Link.CATCHUP),
        (BEHIND | {"heard_wall": NOW - 2 * HOUR}, Link.OFFLINE),
        (BEHIND | {"oldest_unsent_age_s": 3.0}, Link.LIVE),  # rows on their way
        ({"rows": 3, "left": 3, "oldest_unsent_age_s": 30.0}, Link.LIVE),
        ({"rows": 3, "left": 3, "oldest_unsent_age_s": 90.0}, Link.CATCHUP),
        # the hall counts by itself: whatever the box says
        (BEHIND | {"oldest_unsent_age_s": 0.0}, Link.LIVE),
        (BEHIND | {"oldest_unsent_age_s": 0.0, "behind_wall": NOW - 20 * SECOND}, Link.LIVE),
        (BEHIND | {"oldest_unsent_age_s": 0.0, "behind_wall": NOW - 21 * SECOND}, Link.CATCHUP),
        (BEHIND | {"oldest_unsent_age_s": -3_500.0}, Link.CATCHUP),
        ({"rows": 0, "left": 3, "behind_wall": NOW - 60 * SECOND}, Link.LIVE),
        ({"rows": 0, "left": 3, "behind_wall": NOW - 61 * SECOND}, Link.CATCHUP),
        ({"left": 0, "oldest_unsent_age_s": -1.0, "behind_wall": NOW - HOUR}, Link.LIVE),
        ({"source_fault": "拒绝连接"}, Link.STOPPED),
        (BEHIND | {"source_fault": "拒绝连接"}, Link.STOPPED),
        ({"agent_fault": "采集停住了"}, Link.STOPPED),
        ({"refused": True}, Link.STOPPED),
        (BEHIND | {"refused": True}, Link.STOPPED),
        ({"room_percent": 95.0}, Link.STOPPED),
        ({"agent_notice": "缓存主密钥丢失"}, Link.LIVE),
        ({"source_fault": "拒绝连接", "heard_wall": NOW - HOUR}, Link.OFFLINE),
        ({"maintenance": Window(NOW, NOW + MINUTE), "heard_wall": NOW - HOUR}, Link.MAINTENANCE),
        ({"maintenance": Window(NOW - HOUR, NOW), "heard_wall": NOW - HOUR}, Link.OFFLINE),
        ({"heard_wall": None, "maintenance": Window(NOW, NOW + MINUTE)}, Link.NEVER),
        ({"retired_wall": NOW - HOUR}, Link.RETIRED),
        ({"retired_wall": NOW - HOUR, "heard_wall": None}, Link.RETIRED),
    ],
)
def test_the_first_rule_that_holds_gives_the_state(changes: dict[str, object], link: Link) -> None:
    assert site.derive(signals(**changes), NOW, NOW) is link


@pytest.mark.parametrize("link", list(Link))
def test_every_state_has_its_words_and_its_sentence(link: Link) -> None:
    words = site.describe(link, signals(**BEHIND, maintenance=Window(NOW - MINUTE, NOW)), None, NOW, ZONE)
    assert words.link is link
    assert words.word
    assert bool(words.note) is (link not in {Link.LIVE, Link.SLOW})
    sentence = site.explain(words, "拒绝连接", "12:18")
    assert sentence.endswith("。")
    assert "红灯" not in sentence  # a line is not a light
    assert "None" not in sentence


def test_a_site_without_one_whole_pass_says_so() -> None:
    words = site.describe(Link.LIVE, signals(), None, NOW, ZONE)
    assert site.explain(words, "", "") == "办件实时到达，还没有一轮完整的数据。"
    assert "有 2 条死信没有计入" in site.explain(words, "", "", dead=2)
    assert "有 3 条记录等市中心升级后计入" in site.explain(words, "", "", parked=3)


@given(
    said=st.floats(-1e6, 1e6),
    watched=st.integers(0, 10**6),
    left=st.integers(1, 10**6),
    rows=st.integers(0, 9),
)
def test_no_word_of_a_box_makes_what_is_missing_fresh(
    said: float, watched: int, left: int, rows: int
) -> None:
    now = signals(rows=rows, left=left, oldest_unsent_age_s=said, behind_wall=NOW - watched * SECOND)
    if said < 0 or watched > site.STUCK_AGE_SECS:
        assert site.derive(now, NOW, NOW) is Link.CATCHUP
    assert site.waited_secs(now, NOW) >= max(said, watched)


def test_an_offline_site_says_since_when() -> None:
    lost = signals(heard_wall=NOW - 134 * MINUTE)
    assert site.describe(Link.OFFLINE, lost, None, NOW, ZONE).note == "断线 2 小时 14 分"
    told = signals(online=False, since_wall=NOW - 5 * MINUTE)
    assert site.describe(Link.OFFLINE, told, None, NOW, ZONE).note == "断线 5 分"


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30))
def test_a_catch_up_accounts_for_every_row_it_saw_drain(lefts: list[int]) -> None:
    backlog: Backlog | None = None
    for number, left in enumerate(lefts):
        backlog = site.follow(backlog, Link.CATCHUP, left, NOW + number * SECOND)
    assert backlog is not None
    drained = sum(max(a - b, 0) for a, b in pairwise(lefts))
    assert (backlog.done, backlog.left) == (drained, lefts[-1])
    assert 0 <= backlog.percent <= 100
    assert site.follow(backlog, Link.LIVE, 0, NOW) is None


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(5, 7_200))
def test_the_estimate_is_the_rest_at_the_speed_so_far(done: int, left: int, secs: int) -> None:
    backlog = Backlog(NOW, done, left)
    minutes = backlog.minutes(NOW + secs * SECOND)
    assert minutes is not None
    exact = left * secs / done / 60
    assert exact <= minutes < exact + 1.0001


def test_nothing_is_estimated_before_anything_has_drained() -> None:
    assert Backlog(NOW, 0, 418).minutes(NOW + HOUR) is None
    words = site.describe(Link.CATCHUP, signals(**BEHIND), Backlog(NOW, 0, 418), NOW + HOUR, ZONE)
    assert (words.note, words.percent) == ("余 418 条", "")
    words = site.describe(Link.CATCHUP, signals(**BEHIND), Backlog(NOW, 674, 418), NOW + 400 * SECOND, ZONE)
    assert (words.note, words.percent) == ("余 418 条 · 约 5 分钟", "61%")


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5)), max_size=8), st.integers(0, 80))
def test_rows_left_are_the_numbers_not_held(parts: list[tuple[int, int]], newest: int) -> None:
    held, last = [], 0
    for gap, length in parts:
        held.append(Range(last + gap, last + gap + length, b"", b""))
        last += gap + length
    numbers = {n for item in held for n in range(item.lo, item.hi + 1)}
    assert site.rows_left(held, newest) == sum(n not in numbers for n in range(1, newest + 1))
