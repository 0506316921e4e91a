"""How far an account reaches: the tree of offices, and that nothing is given which nobody gave."""

from hypothesis import given
from hypothesis import strategies as st

from central.core.access import BOUND, Role
from central.core.scope import EVERYTHING, NOTHING, Scope, reach, subtree

NAMES = st.sampled_from([f"局{number}" for number in range(8)])
TREES = st.dictionaries(NAMES, st.one_of(NAMES, st.just("")))


def _reaches(name: str, roots: set[str], above: dict[str, str]) -> bool:
    """Independent of the core: go up from the office until a root, the top or an office seen before."""
    seen: set[str] = set()
    while name and name not in seen:
        if name in roots:
            return True
        seen.add(name)
        name = above.get(name, "")
    return False


@given(TREES, st.sets(NAMES, max_size=3))
def test_an_office_is_reached_if_and_only_if_the_way_up_from_it_meets_a_root(
    above: dict[str, str], roots: set[str]
) -> None:
    found = subtree(roots, above)
    for name in {*above, *roots}:
        assert (name in found) is _reaches(name, roots, above)


@given(st.sampled_from(list(Role)), st.sets(NAMES), st.sets(NAMES), TREES)
def test_what_is_named_bounds_and_what_is_not_named_is_nothing_for_an_office_and_all_for_the_hall(
    role: Role, sites: set[str], roots: set[str], above: dict[str, str]
) -> None:
    found = reach(role, sites, roots, above)
    if not sites and not roots:
        assert found == (NOTHING if role in BOUND else EVERYTHING)
        return
    assert found.sites == (frozenset(sites) or None)
    assert found.orgs is None if not roots else frozenset(roots) <= (found.orgs or frozenset())


def test_nothing_reaches_no_site_and_everything_reaches_each() -> None:
    assert not NOTHING.has_site("s01")
    assert EVERYTHING.has_site("s01")
    assert Scope(frozenset({"s01"}), None).has_site("s01")
    assert not Scope(frozenset({"s01"}), None).has_site("s02")
