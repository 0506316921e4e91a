"""Whose request it is: nobody says it of himself."""

import pytest

from common.core.proxied import asker

OURS = ("127.0.0.1",)


@pytest.mark.parametrize(
    ("peer", "forwarded", "said"),
    [
        ("10.1.0.9", (), "10.1.0.9"),
        ("10.1.0.9", ("10.9.9.9",), "10.1.0.9"),  # nobody's proxy
        ("127.0.0.1", (), "127.0.0.1"),
        ("127.0.0.1", ("10.1.0.9",), "10.1.0.9"),
        ("127.0.0.1", ("10.9.9.9, 10.1.0.9",), "10.1.0.9"),  # appended to what the asker wrote
        ("127.0.0.1", ("10.9.9.9", "10.1.0.9"), "10.1.0.9"),  # a header of its own, after the asker's
        ("127.0.0.1", ("2001:DB8::0:1",), "2001:db8::1"),
        ("127.0.0.1", ("unknown",), "127.0.0.1"),
        ("127.0.0.1", ("10.1.0.9\udcff",), "127.0.0.1"),
        ("127.0.0.1", ("",), "127.0.0.1"),
    ],
)
def test_the_address_is_what_our_own_proxy_saw(peer: str, forwarded: tuple[str, ...], said: str) -> None:
    assert asker(peer, forwarded, OURS) == said
