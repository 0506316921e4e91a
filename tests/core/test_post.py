"""Three yellow lights in a row at one post, against a count by regular expression that knows none of our code."""

import random
import re
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.core.post import Done, Posts

FIRST = date(2026, 6, 1)
_decided = st.tuples(
    st.sampled_from(["工商", "国土"]), st.sampled_from(["王明", "李红"]), st.integers(0, 60), st.booleans()
)


def _done(number: int, days: int, *, is_yellow: bool) -> Done:
    return Done(days * 1_000 + number, f"{number:03}", FIRST + timedelta(days=days), f"受{number}", is_yellow)


@given(st.lists(_decided, max_size=60), st.randoms())
def test_rows_equal_a_count_by_letters(
    found: list[tuple[str, str, int, bool]], chance: random.Random
) -> None:
    """Each post's months as a text of y and g: non-overlapping `yyy` are the rows."""
    every = [
        (org, person, _done(number, days, is_yellow=yellow))
        for number, (org, person, days, yellow) in enumerate(found)
    ]
    expected = []
    for org in ("国土", "工商"):
        for person in ("李红", "王明"):
            for month in (6, 7):
                mine = [one for o, p, one in every if (o, p, one.day.month) == (org, person, month)]
                mine.sort(key=lambda one: one.at)
                text = "".join("y" if one.is_yellow else "g" for one in mine)
                expected += [
                    (org, person, tuple(one.no for one in mine[at.start() : at.end()]))
                    for at in re.finditer("yyy", text)
                ]
    for order in (every, chance.sample(every, len(every))):
        posts = Posts()
        for org, person, one in order:
            posts.add(org, person, one)
        rows = [(row.org, row.person, tuple(one.no for one in row.cases)) for row in posts.rows()]
        assert sorted(rows) == sorted(expected), "in whatever order they came"


def test_nobody_named_is_no_post_and_a_row_is_dated_by_its_last() -> None:
    posts = Posts()
    for number in range(3):
        posts.add("工商", "", _done(number, number, is_yellow=True))
        posts.add("工商", "王明", _done(number, number, is_yellow=True))
    (row,) = posts.rows()
    assert (row.person, row.day) == ("王明", FIRST + timedelta(days=2))
