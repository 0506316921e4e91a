"""Accounts, offices and screens at the command line, in one process: starting one for each command costs seconds."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from central.__main__ import cli
from common.core.errors import UsageError


class Hall:
    """The hall's command line over a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "central.toml"
        self._config.write_text('[mqtt]\nhost = "127.0.0.1"\n')

    def run(self, *words: str) -> str:
        """What it prints. Raises what a command refuses with."""
        result: Result = CliRunner().invoke(cli, [*words, "--config", str(self._config)])
        if result.exception is not None:
            raise result.exception
        return result.output


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def test_an_account_is_bound_to_an_office_and_a_misspelt_one_is_refused(hall: Hall) -> None:
    assert hall.run("org", "list") == "✓ 没有登记机构\n"
    hall.run("org", "add", "民政局")
    hall.run("org", "add", "救助科", "--under", "民政局")
    assert hall.run("org", "list") == "民政局\n  救助科\n"
    assert "看不到办件" in hall.run("user", "add", "李梅", "--role", "head")
    with pytest.raises(UsageError, match=r"没有机构 民政$"):
        hall.run("user", "reach", "李梅", "--org", "民政")
    assert hall.run("user", "reach", "李梅", "--org", "民政局") == "用户 李梅：部门负责人，只及机构 民政局\n"
    assert hall.run("user", "list") == "李梅\t部门负责人\t须改密码\t民政局\n"
    assert hall.run("user", "home", "李梅", "民政局") == "用户 李梅：民政局\n"
    with pytest.raises(UsageError, match="没有机构或站点 民政"):
        hall.run("user", "home", "李梅", "民政")
    assert hall.run("user", "home", "李梅") == "用户 李梅：不属于被监察单位\n"
    with pytest.raises(UsageError, match="没有用户 王五"):
        hall.run("user", "reach", "王五")


def test_what_an_administrator_does_on_the_pages_the_command_line_does_too_and_writes_down(
    hall: Hall,
) -> None:
    hall.run("user", "add", "李梅", "--role", "chief")
    assert hall.run("user", "forget", "李梅") == "用户 李梅 的动态口令已取消\n"
    assert hall.run("user", "logout", "李梅") == "用户 李梅 的登录已全部结束\n"
    with pytest.raises(UsageError, match="没有待授权的变更"):
        hall.run("user", "approve", "李梅")
    assert re.findall(r"\t(\S+)\t李梅\t", hall.run("audit", "list")) == [
        "结束登录",
        "取消动态口令",
        "新建用户",
    ]


def test_a_screen_has_an_address_and_a_person_none(hall: Hall) -> None:
    first, second = hall.run("user", "wall", "一号屏"), hall.run("user", "wall", "一号屏")
    addresses = [re.search(r"/wall/wall-[\w-]{43}\n", text) for text in (first, second)]
    assert all(addresses)
    assert first != second
    hall.run("user", "add", "李梅", "--role", "chief")
    with pytest.raises(UsageError, match="是用户的名字"):
        hall.run("user", "wall", "李梅")
