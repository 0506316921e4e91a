"""What a saved view keeps of an address, and what never."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core.saved_view import LONGEST_NAME, Listing, address, is_name, kept


@pytest.mark.parametrize(
    ("listing", "query", "expected"),
    [
        (Listing.CASES, "light=red&site=s01&after=1~s~k", "site=s01&light=red"),
        (Listing.CASES, "site=&light=&rule=&state=open&no=&item=", ""),
        (Listing.CASES, "state=all&person=" + "0" * 32, "state=all"),
        (Listing.CASES, "item=%E4%BD%8E%E4%BF%9D&no=%00", "item=%E4%BD%8E%E4%BF%9D"),
        (Listing.QUEUE, "kind=red&light=red&site=s01", "site=s01&kind=red"),
        (Listing.QUEUE, "%FF=%FF", ""),
        (
            Listing.STATISTICS,
            "by=site&period=2026-Q2&f=red&by=&f=filed&f=red&csrf=x",
            "period=2026-Q2&by=site&f=red&f=filed",
        ),
        (Listing.STATISTICS, "by=a&by=b&by=c&by=d&versus=&versus=year", "by=a&by=b&by=c&versus=year"),
    ],
)
def test_only_what_restricts_is_kept_and_never_a_person(listing: Listing, query: str, expected: str) -> None:
    assert kept(listing, query) == expected


@given(
    st.sampled_from(Listing),
    st.dictionaries(
        st.sampled_from(["site", "light", "kind", "item", "person", "by", "f", "period"]), st.text()
    ),
)
def test_what_is_kept_is_kept_as_it_is_again(listing: Listing, fields: dict[str, str]) -> None:
    query = kept(listing, urlencode(fields, errors="replace"))
    assert kept(listing, query) == query
    assert "person" not in dict(parse_qsl(query))
    assert address(listing, query).startswith(listing.path)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("我的红灯", True),
        ("", False),
        ("一" * LONGEST_NAME, True),
        ("一" * (LONGEST_NAME + 1), False),
        ("红\n灯", False),
    ],
)
def test_a_name_is_one_short_line(name: str, good: bool) -> None:
    assert is_name(name) is good
