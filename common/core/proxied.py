"""Whose request it is, behind a reverse proxy. Pure."""

from collections.abc import Collection, Sequence
from ipaddress import ip_address


def asker(peer: str, forwarded: Sequence[str], proxies: Collection[str]) -> str:
    """`peer`: who holds the connection; `forwarded`: every header X-Forwarded-For, in order; `proxies`: ours. -> an address.

    Only our own proxy is believed, and of what it passes on only the last address: those before it, and headers before its
    own, are whatever the asker wrote.
    """
    if peer not in proxies:
        return peer
    last = ",".join(forwarded).rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return peer
