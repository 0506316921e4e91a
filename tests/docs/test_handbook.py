"""The operator's handbook says what the program says: it is generated, complete, and up to date."""

import re

from agent.config import AgentConfig
from central.config import CentralConfig
from central.door.config import DoorConfig
from common.cli import reason
from common.core.checks import CHECKS
from provisioning.settings import EnrolConfig
from tests.docs import handbook
from tests.docs.settings import FIELDS, SETTINGS


def test_the_handbook_is_what_the_code_says_now() -> None:
    """Rewrite it with `python -m tests.docs.handbook`."""
    assert handbook.PATH.read_text("utf-8") == handbook.render()


def test_no_words_are_kept_for_a_setting_that_is_gone() -> None:
    rows = [
        *handbook.settings(AgentConfig),
        *handbook.settings(CentralConfig),
        *handbook.settings(EnrolConfig),
        *handbook.settings(DoorConfig),
        *handbook.mapping_settings(),
    ]
    assert {row[0].strip("`") for row in rows} == set(SETTINGS)
    assert {row[0].strip("`") for row in handbook.canonical()} == set(FIELDS)


def test_every_command_a_check_names_exists() -> None:
    known = {row[0].strip("`").split(" NAME")[0] for row in handbook.commands()}
    for check in CHECKS.values():
        for program in ("mingcha-agent ", "mingcha "):
            at = check.remedy.find(program)
            if at >= 0:
                named = check.remedy[at:].split("  ")[0].split("；")[0].strip()
                assert any(named.startswith(command) for command in known), named


def test_no_command_takes_blanks_for_a_reason() -> None:
    """It would stand in the audit for ever."""
    asked = {
        path: option.callback
        for path, command in handbook.each_command()
        for option in command.params
        if option.name == "why" and option.required
    }
    assert len(asked) > 30
    assert {path for path, callback in asked.items() if callback is not reason} == set()


def test_the_readme_names_every_command() -> None:
    readme = (handbook.PATH.parents[1] / "README.md").read_text("utf-8")
    words = {path.split()[1] for path, _ in handbook.each_command()}
    assert {word for word in words if not re.search(rf"`{word}[` ]", readme)} == set()
