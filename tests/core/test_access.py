"""The roles table: everybody is somewhere in it, and less is the default."""

import pytest

from central.core.access import GRANTS, Permission, Role, allows, who_may


def test_every_role_has_a_word_and_a_row_of_the_table() -> None:
    assert set(GRANTS) == set(Role)
    assert len({role.word for role in Role}) == len(Role)


def test_every_permission_has_a_word_and_somebody_who_holds_it() -> None:
    for permission in Permission:
        assert permission.word
        assert who_may(permission)


@pytest.mark.parametrize("permission", list(Permission))
def test_nobody_logged_in_sees_only_what_is_public(permission: Permission) -> None:
    assert allows(None, permission) is (permission is Permission.PUBLIC)


@pytest.mark.parametrize(
    ("role", "permission", "expected"),
    [
        (Role.SUPERVISOR, Permission.VIEW_CASE, True),
        (Role.LEADER, Permission.VIEW_CASE, True),
        (Role.CENTRE, Permission.VIEW_SITE, True),
        (Role.CENTRE, Permission.VIEW_CASE, False),
        (Role.CLERK, Permission.VIEW_WALL, True),
        (Role.CLERK, Permission.VIEW_CASE, True),
        (Role.HEAD, Permission.VIEW_FINDING, False),
        (Role.IT, Permission.VIEW_FINDING, False),
        (Role.REVIEWER, Permission.VIEW_CASE, False),
        (Role.AUDITOR, Permission.VIEW_SITE, False),
        (Role.LEADER, Permission.VIEW_CORRECTION, True),
        (Role.LEADER, Permission.WORK_CORRECTION, False),
        (Role.HEAD, Permission.ANSWER_CORRECTION, True),
        (Role.HEAD, Permission.VIEW_CORRECTION, False),
        (Role.CHIEF, Permission.ANSWER_CORRECTION, False),
        (Role.CENTRE, Permission.VIEW_CORRECTION, False),
    ],
)
def test_a_role_may_what_the_table_of_the_design_gives_it(
    role: Role, permission: Permission, expected: bool
) -> None:
    assert allows(role, permission) is expected
