"""Rights that write, as `SHOW GRANTS` spells them."""

import pytest

from agent.core import grants


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*00'", []),
        ("GRANT SELECT, SHOW VIEW, LOCK TABLES, EXECUTE ON `spxt`.* TO `r`@`%`", []),
        ("GRANT ALL PRIVILEGES ON *.* TO `r`@`%` WITH GRANT OPTION", ["ALL PRIVILEGES"]),
        ("GRANT SELECT, DROP, ALTER ON `spxt`.* TO `r`@`%`", ["ALTER", "DROP"]),
        ("GRANT DELETE ON `sp%`.* TO `r`@`%`", ["DELETE"]),
        ("GRANT DELETE ON `spx_`.* TO `r`@`%`", ["DELETE"]),
        (r"GRANT DELETE ON `spx\_`.* TO `r`@`%`", []),
        ("GRANT DELETE ON `other`.* TO `r`@`%`", []),
        ("GRANT SELECT, INSERT ON `spxt`.`办件` TO `r`@`%`", ["INSERT"]),
        ("GRANT SELECT, INSERT ON `spxt`.`其他` TO `r`@`%`", []),
        ("GRANT SELECT, UPDATE (`a`, `b`) ON `spxt`.`办件` TO `r`@`%`", ["UPDATE"]),
        ("GRANT `role`@`%` TO `r`@`%`", []),
    ],
)
def test_the_rights_that_write_to_a_table_are_found(line: str, found: list[str]) -> None:
    assert grants.writes([line], "spxt", "办件", view=False) == found


def test_through_a_view_that_takes_nothing_only_what_reaches_further_counts() -> None:
    lines = ["GRANT UPDATE ON `spxt`.`v` TO `r`@`%`", "GRANT DELETE ON `spxt`.* TO `r`@`%`"]
    assert grants.writes(lines, "spxt", "v", view=True) == ["DELETE"]
