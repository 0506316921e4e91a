"""Cameras that fell silent together -> what they have in common: a switch or a cable, and not each of them (cameras.md 3.3). Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network

from msgspec import Struct

from common.core.instant import SECOND

TOGETHER_US = 10 * SECOND
FEWEST = 3
_PREFIX = 24
"""Bits of an address that cameras behind one switch usually share."""


class Silent(Struct, frozen=True):
    """A camera that is not reached. `host`: as it is configured, a number or a name; `since_at`: office time."""

    name: str
    host: str
    since_at: int


def together(silent: Iterable[Silent]) -> list[tuple[str, list[str]]]:
    """-> (network, names) of each that fell silent as a whole: `FEWEST` at least, each within `TOGETHER_US` of the one before."""
    by_network: dict[str, list[Silent]] = {}
    for item in silent:
        try:
            network = IPv4Network((IPv4Address(item.host), _PREFIX), strict=False)
        except ValueError:  # a name: nobody knows where it lies
            continue
        by_network.setdefault(str(network), []).append(item)
    return [
        (network, [item.name for item in run])
        for network, items in sorted(by_network.items())
        for run in _runs(sorted(items, key=lambda item: item.since_at))
        if len(run) >= FEWEST
    ]


def _runs(items: Sequence[Silent]) -> list[list[Silent]]:
    runs: list[list[Silent]] = []
    for item in items:
        if runs and item.since_at - runs[-1][-1].since_at <= TOGETHER_US:
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs
