"""Writes `docs/操作手册.md`: the parts a person writes, and the tables that the code already knows.

`python -m tests.docs.handbook` rewrites it; `test_handbook.py` fails when it is out of date, or when a command,
a setting, an event or a check has no words in it.
"""

import typing
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from agent.__main__ import cli as agent_cli
from agent.config import AgentConfig
from agent.core.mapping import Cursor, Field, Mapping, SourceConfig, TableMapping
from central.__main__ import cli as central_cli
from central.config import CentralConfig
from central.core.access import GRANTS, Permission, Role
from central.door.__main__ import cli as door_cli
from central.door.config import DoorConfig
from common.core.checks import CHECKS
from common.core.events import EVENTS
from common.core.record import Case, Step
from common.core.state import Light, Link
from provisioning.__main__ import box as box_cli
from provisioning.__main__ import hall as hall_cli
from provisioning.settings import EnrolConfig
from tests.docs import engines
from tests.docs.settings import FIELDS, SETTINGS

PATH = Path(__file__).parents[2] / "docs" / "操作手册.md"
HEAD = Path(__file__).parent / "handbook_head.md"
_LEVELS = {"debug": "细节", "info": "正常", "warning": "自行恢复", "error": "需要处理"}


def render() -> str:
    """The whole handbook."""
    return "\n".join([HEAD.read_text("utf-8").rstrip(), *_tables()]) + "\n"


def _tables() -> Iterator[str]:
    yield "\n## 支持的数据源\n"
    yield from _table(
        ("数据源", "source.type", "安装", "真实服务器", "服务器按页核对", "怎样验证的"), engines.handbook()
    )
    yield "\n## 命令\n"
    yield from _table(("命令", "用途"), commands())
    for title, kind in (
        ("agent.toml（站点）", AgentConfig),
        ("central.toml（市中心）", CentralConfig),
        ("enroll.toml（市中心）", EnrolConfig),
        ("door.toml（公众网页）", DoorConfig),
    ):
        yield f"\n## 配置：{title}\n"
        yield from _table(("键", "默认", "含义"), settings(kind))
    yield "\n## 配置：mapping.toml（站点的数据源）\n"
    yield from _table(("键", "默认", "含义"), mapping_settings())
    yield "\n标准字段（`columns` 左边的名字）：\n"
    yield from _table(("字段", "表", "含义"), canonical())
    yield "\n## 体检项目\n"
    yield from _table(("编号", "项目", "影响", "处理"), [_check(check_id) for check_id in CHECKS])
    yield "\n## 日志事件\n"
    yield from _table(("事件", "级别", "含义", "处理"), [_event(name) for name in EVENTS])
    yield "\n## 灯与链路\n"
    yield from _table(("灯", "含义"), [(light.word, _LIGHTS[light]) for light in Light])
    yield ""
    yield from _table(("链路", "含义"), [(link.word, _LINKS[link]) for link in Link])
    yield "\n## 角色与权限\n"
    yield from _table(("角色", *(item.word for item in Permission)), [_role(role) for role in Role])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def commands() -> list[tuple[str, ...]]:
    """Every command of the programs with its help text; those that another program carries out, as that has them."""
    every = [_command(path, command) for path, command in each_command()]
    return [row for row in every if not row[0].endswith(" ARGS`")]


def each_command() -> Iterator[tuple[str, click.Command]]:
    """With the words that call it; without those that a unit or a script starts."""
    programs = {
        "mingcha-agent": (agent_cli, box_cli),
        "mingcha": (central_cli, hall_cli),
        "mingcha-door": (door_cli,),
    }
    for name, parts in programs.items():
        for part in parts:
            yield from _below(name, part)


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from _below(f"{path} {name}", child)
    elif not command.hidden:
        yield path, command


def _command(path: str, command: click.Command) -> tuple[str, ...]:
    arguments = [item.human_readable_name for item in command.params if isinstance(item, click.Argument)]
    options = [
        f"`{item.opts[0]}` {item.help}"
        for item in command.params
        if isinstance(item, click.Option) and item.opts[0] != "--config"
    ]
    return f"`{' '.join([path, *arguments])}`", " ".join([command.help or "", *options])


def settings(kind: type[Struct], path: str = "") -> list[tuple[str, ...]]:
    """(key path, default, meaning) of a configuration Struct. Raises KeyError for a setting without words."""
    rows: list[tuple[str, ...]] = []
    hints = typing.get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        inner = hints[field.name]
        item = typing.get_args(inner)[0] if typing.get_origin(inner) is list else inner
        if isinstance(item, type) and issubclass(item, Struct):
            rows += settings(item, f"{path}{field.encode_name}.")
        else:
            rows.append(_setting(f"{path}{field.encode_name}", field))
    return rows


def _setting(key: str, field: msgspec.structs.FieldInfo) -> tuple[str, ...]:
    default = "必填" if field.required else f"`{_shown(field.default)}`"
    return (f"`{key}`", default, SETTINGS[key])


def _shown(value: object) -> str:
    if value is msgspec.NODEFAULT:
        return "无"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value) or "空"


def mapping_settings() -> list[tuple[str, ...]]:
    """The keys of `mapping.toml`; a table and a field stand for all."""
    parts: list[tuple[str, type[Struct]]] = [
        ("", Mapping),
        ("source.", SourceConfig),
        ("table.<名>.", TableMapping),
        ("table.<名>.cursor.", Cursor),
        ("table.<名>.columns.<字段>.", Field),
    ]
    nested = {"source", "table", "table.<名>.cursor", "table.<名>.columns"}
    return [
        _setting(f"{path}{field.encode_name}", field)
        for path, kind in parts
        for field in msgspec.structs.fields(kind)
        if f"{path}{field.encode_name}" not in nested
    ]


def canonical() -> list[tuple[str, ...]]:
    """Canonical fields of case and step."""
    hidden = {"case_key", "promised_unit", "watched", "invalid"}
    names = {"case": Case.__struct_fields__, "step": Step.__struct_fields__}
    tables: dict[str, list[str]] = {}
    for table, fields in names.items():
        for name in fields:
            if name not in hidden:
                tables.setdefault(name, []).append(table)
    return [(f"`{name}`", "、".join(where), FIELDS[name]) for name, where in tables.items()]


def _check(check_id: str) -> tuple[str, ...]:
    check = CHECKS[check_id]
    return (check_id, f"{check.group(check_id)}.{check.title}", check.effect, check.remedy)


def _event(name: str) -> tuple[str, ...]:
    event = EVENTS[name]
    return (f"`{name}`", _LEVELS[event.level], event.meaning, event.action or "–")


def _role(role: Role) -> tuple[str, ...]:
    return (f"{role.word} `{role.value}`", *("✓" if item in GRANTS[role] else "" for item in Permission))


_LIGHTS = {
    Light.NONE: "没有可计的时限，或业务系统没有记录",
    Light.GREEN: "在时限内",
    Light.PAUSED: "依法停表，期间不计入时限",
    Light.YELLOW: "临近时限（时限的十分之一，至少 1 个工作日）",
    Light.GREY: "时限已过，但站点数据还没有齐到该时刻，不判红灯",
    Light.RED: "超过时限，且站点数据已齐。亮起后不会自行熄灭",
}
_LINKS = {
    Link.LIVE: "30 秒内有消息",
    Link.SLOW: "30 至 60 秒没有消息",
    Link.CATCHUP: "在线，正在补传积压",
    Link.STOPPED: "在线，但读不到业务库",
    Link.OFFLINE: "60 秒没有消息，或消息服务通知断线",
    Link.MAINTENANCE: "计划内维护",
    Link.NEVER: "从未上线",
    Link.RETIRED: "站点已停用",
}


def main() -> None:
    """Rewrite the file."""
    PATH.write_text(render(), "utf-8")


if __name__ == "__main__":
    main()
