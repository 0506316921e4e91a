"""The console's menu: all that a role may open and nothing else, its own group first, never more than six groups."""

import pytest

from central.core.access import PEOPLE, Role, allows
from central.core.menu import ALONE, GROUPS, menu

ENTRIES = [*ALONE, *(entry for group in GROUPS for entry in group.entries)]


@pytest.mark.parametrize("role", PEOPLE)
def test_a_role_sees_exactly_what_it_may_open(role: Role) -> None:
    seen = [entry.href for entry in menu(role, "/hall").entries()]
    assert sorted(seen) == sorted(entry.href for entry in ENTRIES if allows(role, entry.needs))
    assert len(menu(role, "/hall").groups) <= 6


@pytest.mark.parametrize("role", PEOPLE)
def test_the_roles_own_group_stands_first_and_open_and_the_others_keep_their_places(role: Role) -> None:
    first, *rest = menu(role, "/hall").groups
    assert first.is_open
    assert not any(group.is_open for group in rest)
    places = [[group.name for group in GROUPS].index(group.name) for group in rest]
    assert places == sorted(places)


def test_addresses_words_and_keys_are_each_there_once() -> None:
    for values in (
        [entry.href for entry in ENTRIES],
        [entry.name for entry in ENTRIES],
        [group.name for group in GROUPS],
        [entry.key for entry in ENTRIES if entry.key],
    ):
        assert len(set(values)) == len(values)
    assert "m" not in {entry.key for entry in ENTRIES}, "`g m` goes to the menu itself"


@pytest.mark.parametrize(
    ("role", "path", "current", "opened"),
    [
        (Role.SUPERVISOR, "/hall", "/hall", {"预警纠错"}),
        (Role.SUPERVISOR, "/hall/cases/s01/1", "/hall/cases", {"预警纠错", "实时监察"}),
        (Role.SUPERVISOR, "/hall/casesx", "", {"预警纠错"}),
        (Role.SUPERVISOR, "/hall/inbox", "/hall/inbox", {"预警纠错"}),
        (Role.IT, "/hall/admin/sites", "/hall/admin/sites", {"系统管理"}),
        (Role.HEAD, "/unit/7", "/unit", {"本单位"}),
        (Role.HEAD, "/unit/ratings/7", "/unit/ratings", {"本单位"}),
        (Role.AUDITOR, "/hall/cases", "", {"系统管理"}),
    ],
)
def test_the_page_one_is_on_is_marked_and_its_group_unfolded(
    role: Role, path: str, current: str, opened: set[str]
) -> None:
    shown = menu(role, path)
    assert shown.current == current
    assert {group.name for group in shown.groups if group.is_open} == opened
