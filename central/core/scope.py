"""How far an account reaches: which sites, and which offices' cases there. A role says what one may do, this where.

An account without either restriction reaches everything, unless its role belongs to an office (`access.BOUND`): then
nothing, until somebody has said which. Both restrictions hold at once.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from central.core.access import BOUND, Role


class Scope(Struct, frozen=True):
    """Names that are reached; None: all of them. `orgs` are offices as the sites' databases call them."""

    sites: frozenset[str] | None
    orgs: frozenset[str] | None

    def has_site(self, site: str) -> bool:
        return self.sites is None or site in self.sites


EVERYTHING = Scope(None, None)
NOTHING = Scope(frozenset(), frozenset())


def subtree(roots: Iterable[str], above: Mapping[str, str]) -> frozenset[str]:
    """`roots` and every office below them. `above`: office -> the one above it; a ring in it is walked once."""
    below: dict[str, list[str]] = {}
    for name, upper in above.items():
        below.setdefault(upper, []).append(name)
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += below.get(name, ())
    return frozenset(found)


def reach(role: Role, sites: Iterable[str], roots: Iterable[str], above: Mapping[str, str]) -> Scope:
    """The scope of an account of `role` that was given these sites and these offices with all below them."""
    named, offices = frozenset(sites), subtree(roots, above)
    if role in BOUND and not (named or offices):
        return NOTHING
    return Scope(named or None, offices or None)
