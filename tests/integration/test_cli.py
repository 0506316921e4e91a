"""The two commands as a technician and a script meet them: Chinese words, exit codes, JSON and nothing beside it."""

import asyncio
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from central.core import document, message
from central.core.access import Role
from central.core.score import Level
from common.cli import code_of
from common.core.act import Act
from common.core.state import SiteKind
from tests.journey.scene import command

pytestmark = pytest.mark.service

USAGE, UNAVAILABLE, CONFIG = 64, 69, 78
OURS = {
    "root",
    "admin",
    "mingcha",
    "mingcha-agent",
    "json",
    "ctrl",
    "net",
    "hall",
    "toml",
    "xlsx",
    "tar",
    "pdf",
    "mosquitto",
    "aarch",
    "onvif",
    "gz",
    "etc",
    "central",
    "agent",
}


AGENT, HALL = "mingcha-agent", "mingcha"
WORDS = {
    part
    for words in (Role, Act, SiteKind, document.Kind, message.State, Level)
    for item in words
    for part in item.value.split("_")
}
WORDS |= {"csv", "before", "year"}
"""Values that people type."""


def english(text: str, *names: str) -> set[str]:
    """Latin words that are neither an option, a file, a variable, an id nor a name of ours."""
    text = re.sub(r"-{1,2}[\w-]+|/[\w./-]+|MINGCHA_\w+|E-[A-Z]+-\d\d", " ", text)
    words = {word.lower() for word in re.findall(r"[A-Za-z]{2,}", text)}
    return words - OURS - {word for name in names for word in name.split("-")} - WORDS


async def many(*lines: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Run command lines, two at a time. -> (exit code, stdout, stderr) of each."""
    turn = asyncio.Semaphore(2)

    async def one(line: tuple[str, ...]) -> tuple[int, str, str]:
        async with turn:
            return await command(*line)

    return await asyncio.gather(*(one(line) for line in lines))


@pytest.fixture
def box(tmp_path: Path) -> str:
    """A configuration without keys, mapping or hall."""
    path = tmp_path / "agent.toml"
    path.write_text('site = "s01"\ngeneration = 1\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    return str(path)


@pytest.fixture
def hall(tmp_path: Path) -> str:
    path = tmp_path / "central.toml"
    path.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    return str(path)


# words --------------------------------------------------------------------------------------------------------


Help = tuple[str, tuple[str, ...], int, str]


@pytest.fixture(scope="module")
def helps() -> list[Help]:
    line = [sys.executable, "-m", "tests.integration.helps"]
    answer = subprocess.run(line, check=True, capture_output=True, text=True)
    assert answer.stderr == ""
    return [(program, tuple(path), code, text) for program, path, code, text in json.loads(answer.stdout)]


def names(helps: list[Help]) -> set[str]:
    return {name for _, path, _, _ in helps for name in path}


async def test_every_help_is_chinese_throughout(helps: list[Help]) -> None:
    # What one program hands over to another is answered by a process of that one.
    handed = [(AGENT, "doctor"), (HALL,), (HALL, "site"), (HALL, "site", "add"), (HALL, "central", "init")]
    for line, (code, out, err) in zip(
        handed, await many(*((*line, "--help") for line in handed)), strict=True
    ):
        assert err == ""
        helps = [*helps, (line[0], line[1:], code, out)]
    assert len({(program, path) for program, path, _, _ in helps}) > 80
    known = names(helps)
    foreign = {(program, path): english(text, *known) for program, path, _, text in helps}
    assert {place: words for place, words in foreign.items() if words} == {}
    assert [item for item in helps if item[2] or "用法：" not in item[3]] == []
    cut = [(item[1], line) for item in helps for line in item[3].splitlines() if line.endswith(" ...")]
    assert cut == [], "click cuts what is too long at a blank, and Chinese has none"


def test_the_program_of_the_public_pages_is_chinese_too() -> None:
    """In a process that has imported nothing before it: click takes its words when it is imported."""
    for args, code in ((["--help"], 0), (["run", "--fast"], USAGE)):
        line = [sys.executable, "-m", "central.door", *args]
        answer = subprocess.run(line, capture_output=True, text=True, check=False)
        assert answer.returncode == code
        assert english(answer.stdout + answer.stderr, "door", "run", "config", "fast") == set()


WRONG = [
    (AGENT,),
    (AGENT, "fly"),
    (AGENT, "doctr"),
    (AGENT, "doctor", "--jsn"),
    (AGENT, "doctor", "--json=yes"),
    (AGENT, "run", "--config"),
    (AGENT, "status", "now"),
    (HALL, "central"),
    (HALL, "site", "add", "红桥镇", "--kind", "street", "--mapping", "/nothing.toml"),
    (HALL, "user", "add"),
    (HALL, "user", "add", "--role", "clerk"),
    (HALL, "user", "add", "王敏", "--role", "king"),
    (HALL, "user", "add", "王敏"),
]


async def test_wrong_usage_is_said_in_chinese_and_ends_with_64(helps: list[Help]) -> None:
    for line, (code, out, err) in zip(WRONG, await many(*WRONG), strict=True):
        assert (code, out) == (USAGE, ""), line
        assert english(err, *names(helps), "doctr", "fly", "jsn", "king", "now") == set(), (line, err)
        assert "用法：" in err or "出错：" in err


async def test_a_value_that_is_no_number_no_day_or_out_of_its_range_is_said_in_chinese() -> None:
    found = await many(
        ("mingcha", "central", "init", "--port", "70000"),
        ("mingcha", "release", "rollout", "1.0", "--hours", "soon", "--why", "x"),
        ("mingcha", "audit", "list", "--since", "2026-13-01"),
    )
    for (code, _, err), said in zip(found, ("70000 不在范围", "soon 不是数", "2026-13-01 不是"), strict=True):
        assert (code, said in err) == (64, True), err


async def test_arguments_as_the_audit_writes_them_are_shown_as_options(hall: str) -> None:
    line = (HALL, "command", "send", "s01", "resync", "first=5", "last=9", "--why", "核对", "--config", hall)
    ((code, out, err),) = await many(line)
    assert (code, out, "参数要写成选项：--first 5 --last 9" in err) == (USAGE, "", True)


async def test_a_reason_of_blanks_is_none(box: str, hall: str) -> None:
    """It would stand in the audit for ever."""
    lines = [
        (HALL, "command", "send", "s01", "doctor", "--why", " ", "--config", hall),
        (HALL, "policy", "set", "s01", "--why", "", "--config", hall),
        (HALL, "dead", "drop", "s01/ab/1", "--why", "　", "--config", hall),
        (HALL, "dead", "show", "s01/ab/1", "--full", "--why", " ", "--config", hall),
        (AGENT, "pause", "--why", " ", "--config", box),
    ]
    for code, out, err in await many(*lines):
        assert (code, out, "原因" in err) == (USAGE, "", True), err


async def test_a_box_without_a_buffer_is_told_so(box: str) -> None:
    """Silence would look as if all were well."""
    Path(box).with_name("master.key").write_bytes(bytes(32))
    for word in ("show", "check", "quarantine"):
        _, out, err = await command(AGENT, "buffer", word, "--config", box)
        assert out.startswith("○ 还没有缓存"), (word, out, err)


async def test_an_unknown_group_of_checks_is_wrong_usage_too(box: str, hall: str) -> None:
    lines = [
        (AGENT, "doctor", "--only", "银河", "--config", box),
        (HALL, "doctor", "--only", "X", "--config", hall),
    ]
    for code, out, err in await many(*lines):
        assert (code, out) == (USAGE, "")
        assert "没有这一组或这一项" in err


async def test_an_unknown_site_is_wrong_usage_and_the_known_ones_are_named(hall: str) -> None:
    """`alarm list` of a mistyped site must not look as if all were well."""
    lines = [
        (HALL, "alarm", "list", "--site", "s99", "--config", hall),
        (HALL, "dead", "list", "--site", "s99", "--config", hall),
        (HALL, "command", "list", "--site", "s99", "--config", hall),
        (HALL, "command", "send", "s99", "doctor", "--why", "巡检", "--config", hall),
    ]
    for code, out, err in await many(*lines):
        assert (code, out) == (USAGE, "")
        assert "没有站点 s99\n  处理：站点：" in err


async def test_a_terminal_that_is_not_utf8_gets_plain_marks(box: str, hall: str) -> None:
    for program, config in ((AGENT, box), (HALL, hall)):
        for line, mark in ((["doctor"], "XX"), (["config"], "OK")):
            _, out, err = await command(program, *line, "--config", config, encoding="gbk")
            if program == AGENT and line == ["config"]:
                assert "! 未配置数据源" in err
                continue
            assert re.search(rf"^{mark} ", out, re.MULTILINE), out
            assert not set("✓✕–") & set(out)
            assert "?" not in out


# errors -------------------------------------------------------------------------------------------------------


async def test_a_configuration_that_is_wrong_ends_with_78_and_all_faults(tmp_path: Path) -> None:
    wrong, away = tmp_path / "wrong.toml", str(tmp_path / "nowhere.toml")
    wrong.write_text('colour = "red"\nmapping = "m.toml"\n[mqtt]\nport = "x"\n', "utf-8")
    (tmp_path / "m.toml").write_text('version = 1\n[source]\ntype = "sqlite"\n', "utf-8")
    for program, run in ((AGENT, ["run"]), (HALL, ["central", "run"])):
        lines = [(program, *words, "--config", str(wrong)) for words in (run, ["config"])]
        for code, out, err in await many(*lines):
            assert (code, out) == (CONFIG, "")
            for place in ("colour：未知的键", "mqtt.host：缺少", "mqtt.port：应为整数"):
                assert place in err
            assert "处理：请修改" in err
        if program == AGENT:
            assert "source.path：缺少" in err, "its check hides nothing of the mapping behind its own faults"
        code, out, err = await command(program, *run, "--config", away)
        assert (code, out) == (CONFIG, "")
        assert f"配置文件不存在：{away}" in err


async def test_a_box_without_its_keys_ends_with_78(box: str) -> None:
    code, out, err = await command(AGENT, "run", "--config", box)
    assert (code, out) == (CONFIG, "")
    assert "读不到缓存主密钥" in err
    assert "处理：" in err


def test_a_file_that_may_not_be_touched_is_named_with_what_to_do_instead_of_a_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What a person meets who is not root, or whose disk is full; what nobody foresaw is still raised."""

    async def inside(error: OSError) -> None:
        async with asyncio.TaskGroup():
            raise error

    for number, code, said in (
        (errno.EACCES, 77, "没有权限：/etc/mingcha/central.toml\n  处理：请以 root 执行"),
        (errno.EPERM, 77, "处理：请以 root 执行"),
        (errno.ENOSPC, 74, "磁盘已满：/etc/mingcha/central.toml\n  处理：请腾出空间"),
        (errno.EROFS, 74, "磁盘只读"),
        (errno.EISDIR, 74, "请写文件名"),
    ):
        for is_task in (False, True):
            error = OSError(number, "", "/etc/mingcha/central.toml")

            @click.group()
            def group() -> None: ...

            @group.command()
            def touch(error: OSError = error, is_task: bool = is_task) -> None:
                if is_task:
                    asyncio.run(inside(error))
                raise error

            assert code_of(group, ["touch"]) == code
            assert said in capfd.readouterr().err

    @click.command()
    def unforeseen() -> None:
        raise OSError(errno.EBADF, "")

    with pytest.raises(OSError, match="Errno 9"):
        code_of(click.Group(commands={"x": unforeseen}), ["x"])


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can take its rights from a process and give a file to another"
)
async def test_a_doctor_that_may_not_look_says_so_and_nothing_of_the_machine(box: str, hall: str) -> None:
    """It said that the configuration is wrong and nothing is collected: whoever watches by it would have been called out."""
    for name, path in ((AGENT, box), (HALL, hall)):
        os.chown(path, 65534, 65534)
        Path(path).chmod(0o600)
        program = str(Path(sys.executable).with_name(name))
        line = [
            "setpriv",
            "--bounding-set=-all",
            "--inh-caps=-all",
            program,
            "doctor",
            "--json",
            "--config",
            path,
        ]
        done = await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (77, ""), done
        assert f"没有权限：{path}\n  处理：请以 root 执行" in done.stderr


async def test_a_database_that_is_away_ends_a_command_with_69(tmp_path: Path) -> None:
    path = tmp_path / "central.toml"
    path.write_text('database = "postgresql://a:geheim@127.0.0.1:9/x"\n[mqtt]\nhost = "h"\n', "utf-8")
    (code, out, err), checked = await many(
        (HALL, "user", "list", "--config", str(path)), (HALL, "config", "--config", str(path))
    )
    assert (code, out) == (UNAVAILABLE, "")
    assert "连不上数据库" in err
    assert checked[0] == 0
    assert "127.0.0.1:9/x" in checked[1]
    assert "geheim" not in err + checked[1]


# what each command does ---------------------------------------------------------------------------------------


async def test_users_are_added_listed_reset_and_disabled(hall: str) -> None:
    async def user(*words: str) -> tuple[int, str, str]:
        return await command(HALL, "user", *words, "--config", hall)

    code, out, _ = await user("add", "王敏", "--role", "supervisor")
    assert code == 0
    first = re.search(r"用户 王敏（监察员）已建立。一次性密码：(\w{4}-\w{4}-\w{4})", out)
    assert first
    code, out, err = await user("add", "王敏", "--role", "clerk")
    assert (code, out) == (USAGE, "")
    assert "用户 王敏 已存在" in err
    assert "mingcha user reset 王敏" in err
    code, out, _ = await user("reset", "王敏")
    second = re.search(r"用户 王敏 的一次性密码：(\w{4}-\w{4}-\w{4})", out)
    assert second
    assert second[1] != first[1]
    assert (await user("disable", "王敏"))[:2] == (0, "用户 王敏 已停用\n")
    assert (await user("reset", "王敏"))[0] == 0
    assert "停用" in (await user("list"))[1], "a new password lets nobody in again"
    assert (await user("enable", "王敏"))[:2] == (0, "用户 王敏 已恢复\n")
    assert "停用" not in (await user("list"))[1]
    assert (await user("disable", "王敏"))[0] == 0
    for name in ("", "  ", "zhao ", "a b<c>", "x" * 41):
        code, out, err = await user("add", name, "--role", "it")
        assert (code, out) == (USAGE, ""), name
        assert "不能用" in err
    assert (await user("disable", "李四"))[0] == USAGE
    assert (await user("list"))[1] == "王敏\t监察员\t停用\n"
    code, out, err = await user("list", "--json")
    assert (code, err) == (0, "")
    first_of = {"name": "王敏", "role": "supervisor", "disabled": True, "must_change": True}
    assert json.loads(out) == [first_of | {"pending": False, "factor": False, "sites": [], "orgs": []}]


async def test_config_says_what_it_has_read(box: str, hall: str) -> None:
    code, out, err = await command(AGENT, "config", "--config", box)
    assert (code, out) == (CONFIG, "")
    assert "未配置数据源" in err
    (Path(box).parent / "mapping.toml").write_text(
        'version = 1\n[source]\ntype = "sqlite"\npath = "a.db"\n[table.case]\nfrom = "t"\nkey = ["id"]\n',
        "utf-8",
    )
    code, out, err = await command(AGENT, "config", "--config", box)
    assert (code, err) == (0, "")
    assert "站点 s01 第 1 代，市中心 127.0.0.1:9" in out
    assert "sqlite，1 张表（case）" in out
    assert (await command(HALL, "config", "--config", hall))[0] == 0


async def test_status_of_a_box_that_does_not_run_is_3(box: str) -> None:
    text, as_json = await many(
        (AGENT, "status", "--config", box), (AGENT, "status", "--json", "--config", box)
    )
    assert text == (3, "⊘ 采集程序没有在运行    处理：systemctl start mingcha-agent\n", "")
    assert as_json == (3, "null\n", "")


async def test_a_doctor_answers_without_any_service_and_in_json_says_nothing_else(
    box: str, hall: str
) -> None:
    for program, config, code, site in ((AGENT, box, 4, "s01"), (HALL, hall, 3, "central")):
        as_json, text = await many(
            (program, "doctor", "--json", "--config", config), (program, "doctor", "-v", "--config", config)
        )
        assert (as_json[0], as_json[2], text[0], text[2]) == (code, "", code, "")
        said = json.loads(as_json[1])
        assert (said["schema"], said["site"]) == ("mingcha.doctor/1", site)
        keys = {"id", "group", "title", "status", "since", "detail", "effect", "remedy", "caused_by", "ms"}
        assert {frozenset(item) for item in said["checks"]} == {frozenset(keys)}
        assert text[1].startswith("✕ 有 ")
        for item in said["checks"]:
            assert item["title"] in text[1]
            if item["status"] in {"warn", "fail"}:
                assert f"处理：{item['remedy']}" in text[1]
        assert not (Path(config).parent / "data").exists(), "it only looks"


async def test_the_version_is_said() -> None:
    agent, hall = await many((AGENT, "--version"), (HALL, "--version"))
    assert agent == hall
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", agent[1])
