"""What the public sees of releases: the newest of a period stands, what was taken back is told; and links between files."""

import posixpath
from datetime import date, timedelta
from urllib.parse import quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from central.core import published
from central.core.bulletin import Bulletin
from central.core.published import Head
from central.door import links

DAY = date(2026, 7, 1)
HEADS = st.lists(
    st.builds(
        lambda period, back: (period, back), st.sampled_from(["2026-05", "2026-06", "2026-Q2"]), st.booleans()
    ),
    max_size=8,
).map(
    lambda rows: [
        Head(
            number=number,
            period=period,
            word=period,
            title="公告",
            day=DAY + timedelta(days=number),
            withdrawn=DAY + timedelta(days=number + 3) if back else None,
        )
        for number, (period, back) in enumerate(rows, 1)
    ]
)


@given(HEADS)
def test_of_each_period_the_last_that_was_not_taken_back_stands(heads: list[Head]) -> None:
    found = published.newest(reversed(heads))
    assert [one.period for one in found] == sorted(
        {one.period for one in heads if not one.withdrawn}, reverse=True
    )
    for one in found:
        assert one.number == max(
            other.number for other in heads if other.period == one.period and not other.withdrawn
        )


@given(HEADS)
def test_everything_made_public_and_taken_back_is_told_newest_first(heads: list[Head]) -> None:
    bulletins = [
        Bulletin(number=one.number, title=one.title, day=one.day, wall=0, digest="", withdrawn=one.withdrawn)
        for one in heads
    ]
    told = published.notices(heads, bulletins)
    assert len(told) == 2 * (len(heads) + sum(1 for one in heads if one.withdrawn))
    assert {one.path for one in told if one.about == published.BULLETIN} - {""} == {
        f"/p/notices/{one.number}" for one in bulletins if not one.withdrawn
    }
    assert [one.day for one in told] == sorted((one.day for one in told), reverse=True)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda name: name not in {".", ".."}
)


@given(NAMES, NAMES)
def test_a_link_between_two_files_leads_from_the_one_to_the_other(one: str, other: str) -> None:
    here, there = f"/p/laws/{quote(one, safe='')}", f"/p/guides/{quote(other, safe='')}"
    for start in (here, "/p/", "/p/laws"):
        at = links.file_of(start)
        found = posixpath.normpath(posixpath.join(posixpath.dirname(at), unquote(links.link(start, there))))
        assert found == links.file_of(there)
        assert found.startswith("guides/")
        assert found.count("/") == 1
