"""A list of the public pages is cut so that each page is light, and none of it is lost."""

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from central.door import paging

LENGTHS = st.lists(st.integers(1, 2 * paging.MOST), max_size=60)


@given(LENGTHS)
def test_every_line_stands_on_one_page_and_none_is_too_long(lengths: list[int]) -> None:
    starts = paging.cut(lengths)
    pages = [lengths[first:last] for first, last in zip(starts, [*starts[1:], None], strict=True)]
    assert list(chain.from_iterable(pages)) == lengths
    for one in pages:
        assert sum(one) <= paging.MOST or len(one) == 1
    for one, following in pairwise(pages):
        assert sum(one) + following[0] > paging.MOST, "no page is shorter than it need be"
