"""A wrong configuration says everything that is wrong, at once, in Chinese."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from msgspec import Struct

from agent import config as agent_config
from agent.config import AgentConfig
from central.config import CentralConfig
from common import config
from common.core.errors import ConfigError
from common.mqtt import MqttConfig


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Peer(Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    port: int = 1


class Whole(Struct, frozen=True, forbid_unknown_fields=True):
    site: str
    generation: int
    mqtt: MqttConfig
    pace: float = 1.0
    on: bool = True
    colour: Colour = Colour.RED
    mode: Literal["a", "b"] = "a"
    data_dir: Path = Path("data")
    names: list[str] = []
    peers: list[Peer] = []
    by_name: dict[str, Peer | str] = {}
    spare: Peer | None = None


TEN = """
site = 7
pace = "schnell"
on = "ja"
colour = "green"
mode = "c"
data_dir = 5
sitte = "s01"
names = ["a", 2]

[mqtt]
port = "8883"
hots = "h"

[[peers]]
host = "a"

[[peers]]
host = "b"
port = "x"

[by_name]
one = {host = "h", prot = 1}

[spare]
port = 2
"""
WRONG = [
    "  sitte：未知的键（可用：site、generation、mqtt、pace、on、colour、mode、data_dir、names、peers、by_name、spare）",
    "  site：应为文字，现为文字".replace("现为文字", "现为整数"),
    "  generation：缺少",
    "  mqtt.hots：未知的键（可用：host、port、version、tls、ca、node）",
    "  mqtt.host：缺少",
    "  mqtt.port：应为整数，现为文字",
    "  pace：应为数字，现为文字",
    "  on：应为true 或 false，现为文字",
    "  colour：应为 red、blue 之一，现为 'green'",
    "  mode：应为 a、b 之一，现为 'c'",
    "  data_dir：应为文件路径，现为整数",
    "  names 第2项：应为文字，现为整数",
    "  peers 第2项.port：应为整数，现为文字",
    "  by_name.one.prot：未知的键（可用：host、port）",
    "  spare.host：缺少",
]


def test_every_mistake_of_a_file_is_listed_with_its_key_path_in_chinese(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(TEN, "utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(Whole, file)
    head, *lines = str(caught.value).splitlines()
    assert head == f"配置 {file} 有 {len(WRONG)} 处错误："
    assert lines == WRONG
    assert caught.value.hint == f"请修改 {file} 后重试"


def test_ten_mistakes_are_ten_lines(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(
        """
generation = "2"
data_dir = 1
colour = "red"
[mqtt]
port = "x"
tls = 1
[identity]
sign_key = 1
sing_key = "x"
[capture]
poll_secs = "5"
""",
        "utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        config.load(AgentConfig, tmp_path / "agent.toml")
    lines = str(caught.value).splitlines()[1:]
    found = [line.split("：")[0].strip() for line in lines]
    assert found == [
        "colour", "site", "generation", "mqtt.host", "mqtt.port", "mqtt.tls", "data_dir", "identity.sing_key",
        "identity.sign_key", "capture.poll_secs",
    ]  # fmt: skip


def test_a_right_file_is_taken_and_its_paths_stand_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(
        'site = "s01"\ngeneration = 1\ndata_dir = "d"\n[mqtt]\nhost = "h"\nca = "pki/ca.pem"\nnode = "/etc/node.pem"\n',
        "utf-8",
    )
    read = config.anchor(config.load(AgentConfig, file), tmp_path)
    assert read.mqtt.ca == tmp_path / "pki/ca.pem"
    assert read.mqtt.node == Path("/etc/node.pem")
    assert read.data_dir == tmp_path / "d"
    assert read.identity.sign_key == tmp_path / "sign.key"
    assert read.capture.poll_secs == 2.0


def test_defaults_of_the_hall_need_only_a_broker(tmp_path: Path) -> None:
    (tmp_path / "central.toml").write_text('[mqtt]\nhost = "127.0.0.1"\n', "utf-8")
    assert config.load(CentralConfig, tmp_path / "central.toml").mqtt.port == 8883


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "配置文件不存在"),
        (b"site = ", "不是有效的 TOML：文件末尾，值写得不对"),
        (b'site = "s01"\nport = \n', "第 2 行第 8 列，值写得不对；文字须加英文引号"),
        (b'site = "s01\n', "第 1 行第 12 列，引号内有不能直接写的字符"),
        (b"[web\n", "第 1 行第 5 列，缺少右方括号"),
        (b"site\n", "第 1 行第 5 列，键的后面缺少等号"),
        ("站点 = 1\n".encode(), "第 1 行第 1 列，这里应是"),
        (b'site = "a"\nsite = "b"\n', "第 2 行第 11 列，同一个键写了两次"),
        ("site = '王'".encode("gbk"), "不是 UTF-8 编码"),
    ],
    ids=["missing", "end", "value", "string", "bracket", "equals", "key", "twice", "gbk"],
)
def test_a_file_that_cannot_be_read_is_said_in_chinese(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "agent.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        config.load(AgentConfig, file)
    assert str(file) in caught.value.hint


def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\x01\x02")
    assert config.read_secret(tmp_path / "key", "签名私钥") == b"\x01\x02"
    with pytest.raises(ConfigError, match="读不到签名私钥"):
        config.read_secret(tmp_path / "other", "签名私钥")


@pytest.mark.parametrize("value", ["text", 5, [1]])
def test_a_value_where_a_group_belongs_is_one_mistake(value: object) -> None:
    assert config.faults(Whole, {"site": "a", "generation": 1, "mqtt": value})[0].startswith(
        "mqtt：应为一组键值"
    )


def test_figures_that_no_program_could_work_with_are_all_said_at_once(tmp_path: Path) -> None:
    """As written by a tired hand: a negative pause once made the box read without end, and grow until it died."""
    path = tmp_path / "agent.toml"
    path.write_text(
        'site = "s/0 1"\ngeneration = -1\nlog_level = "loud"\n'
        "[capture]\npoll_secs = -3\npage_rows = 0\nrows_per_sec = 0\n"
        '[mqtt]\nhost = ""\nport = 99999\nversion = 7\n[buffer]\nmax_mb = 0\n',
        "utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        agent_config.load(path)
    said = str(caught.value)
    for line in (
        "site：只能用字母",
        "generation：太小，至少 0",
        "log_level：应为 debug、info、warning、error 之一，现为 'loud'",
        "capture.poll_secs：太小，至少 0.05",
        "capture.page_rows：太小",
        "capture.rows_per_sec：太小",
        "mqtt.host：不能为空",
        "mqtt.port：太大，至多 65535",
        "mqtt.version：太大",
        "buffer.max_mb：太小",
    ):
        assert line in said, (line, said)
    assert "有 10 处" in said


RIGHT = 'site = "s01"\ngeneration = 1\n[mqtt]\nhost = "h"\n'


@pytest.mark.parametrize("kind", [AgentConfig, CentralConfig])
def test_the_mark_that_windows_puts_first_is_no_mistake(tmp_path: Path, kind: type[Struct]) -> None:
    file = tmp_path / "a.toml"
    text = RIGHT if kind is AgentConfig else RIGHT.partition("1\n")[2]
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    config.load(kind, file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = " + "[" * 2000 + "]" * 2000, "括号或组套得太深"),
        ("x = " + "{a=" * 2000 + "1" + "}" * 2000, "括号或组套得太深"),
        (f"[{'.'.join('a' * 5000)}]", "括号或组套得太深"),
        ("x = " + "9" * 5000, "里有一个数太大"),
        ("x = 0x" + "f" * 5000, "里有一个数太大"),
        ("x = [{y = 9223372036854775808}]", "里有一个数太大"),
    ],
)
def test_what_no_reader_can_hold_is_a_mistake_in_the_file_and_not_the_end(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "a.toml"
    file.write_text(f"{text}\n{RIGHT}" if not text.startswith("[") else f"{RIGHT}{text}\n", "utf-8")
    for kind in (AgentConfig, CentralConfig):
        with pytest.raises(ConfigError, match=said) as caught:
            config.load(kind, file)
        assert caught.value.hint == f"请修改 {file} 后重试"


HOSTS = [
    "h",
    "hall.example",
    "mq-1.gov.cn.",
    "消息.政务.cn",
    "10.1.2.3",
    "::1",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
    "a_b",
]
NO_HOSTS = [
    " h", "h ", "h h", "h:8883", "10.1.2.3:8883", "[::1]", "mqtts://h", "h/x", "h\n", "h\0x", "h\x1b", "-h", "a..b", ".",
    "h\u202e", "甲 乙", "x" * 256, "h@x",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert config.convert(MqttConfig, {"host": host}, source="x").host == host


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_no_host_can_be_called_is_said_before_anything_connects(host: str) -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.host：应为主机名或地址，不带端口、空格与斜杠"):
        config.convert(AgentConfig, {"site": "s", "generation": 1, "mqtt": {"host": host}}, source="x")


@pytest.mark.parametrize("path", ["a\0", "a\n", "\x1b[2J", "a\tb", "\u202eb"])
def test_a_path_with_a_control_character_is_a_mistake(path: str) -> None:
    data = {"site": "s", "generation": 1, "data_dir": path, "mqtt": {"host": "h", "ca": path}}
    with pytest.raises(ConfigError) as caught:
        config.convert(AgentConfig, data, source="x")
    assert str(caught.value).splitlines()[1:] == [
        "  mqtt.ca：不合要求（路径里有控制字符）",
        "  data_dir：不合要求（路径里有控制字符）",
    ]


def test_a_site_ends_where_its_line_does() -> None:
    with pytest.raises(ConfigError, match="site：只能用字母"):
        config.convert(AgentConfig, {"site": "s01\n", "generation": 1, "mqtt": {"host": "h"}}, source="x")
