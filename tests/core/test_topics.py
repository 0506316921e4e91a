"""The topic grammar: written and read in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core import topics
from common.core.batch import Lane
from tests.core.test_protocol import TEXT

SITES = st.text(st.characters(exclude_characters="/+#\0", codec="utf-8"), min_size=1).filter(
    lambda site: site != "central"
)


def test_the_topics_are_those_of_the_protocol() -> None:
    """P-TOPIC-01"""
    made = [
        topics.state("{site}"),
        topics.heartbeat("{site}"),
        topics.hello("{site}"),
        *(topics.lane("{site}", lane) for lane in Lane),
        topics.media("{site}"),
        topics.welcome("{site}"),
        topics.ack("{site}"),
        topics.filed("{site}"),
        topics.command("{site}"),
        topics.policy("{site}"),
        topics.watch("{site}"),
        topics.CENTRAL_STATE,
    ]
    rows = TEXT.split("| topic | direction |")[1].split("\n\n")[0].splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == made


@given(SITES)
def test_every_topic_of_a_site_is_read_back(site: str) -> None:
    """P-TOPIC-01"""
    assert topics.parse(topics.state(site)) == (site, "state")
    assert topics.parse(topics.heartbeat(site)) == (site, "hb")
    assert topics.parse(topics.hello(site)) == (site, "up/hello")
    for lane in Lane:
        assert topics.parse(topics.lane(site, lane)) == (site, f"up/{lane.value}")


@pytest.mark.parametrize(
    "topic", ["", "mc", "mc/v1", "mc/v1/s01", "mc/v2/s01/state", "xx/v1/s01/state", "$SYS/broker/uptime", "mc/v1/central/state"]
)  # fmt: skip
def test_what_is_not_a_sites_topic_is_passed_over(topic: str) -> None:
    """P-TOPIC-02"""
    assert topics.parse(topic) is None


@given(st.text())
def test_any_topic_is_a_sites_or_none(topic: str) -> None:
    """P-TOPIC-02"""
    parsed = topics.parse(topic)
    assert parsed is None or topic == f"{topics.ROOT}/{parsed[0]}/{parsed[1]}"


def test_a_box_listens_to_its_own_topics_and_the_halls_state() -> None:
    """P-TOPIC-03"""
    own = [f"mc/v1/s01/dn/{name}" for name in ("welcome", "ack", "media", "cmd", "cfg", "watch")]
    assert topics.downstream("s01") == [*own, "mc/v1/central/state"]


def test_workers_share_batches_and_hellos_but_never_retained_states() -> None:
    """P-TOPIC-04"""
    plain = ["mc/v1/+/up/+", "mc/v1/+/state", "mc/v1/+/hb"]
    assert topics.upstream(None) == plain
    assert topics.upstream("ingest") == ["$share/ingest/mc/v1/+/up/+", *plain[1:]]
