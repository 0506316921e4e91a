"""TOML + secret files -> frozen msgspec Struct. Unknown keys are errors; all errors at once, with key paths.

msgspec alone stops at the first fault, so the tree is walked field by field and each value converted by itself.
"""

import re
import tomllib
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

import msgspec

from common.core.errors import ConfigError, words
from common.core.text import is_file_name, one_line

Config = TypeVar("Config", bound=msgspec.Struct)


def load(kind: type[Config], path: Path) -> Config:
    """Read `path` into `kind`. Raises ConfigError that lists every fault with its key path, in Chinese."""
    return convert(kind, read_toml(path), source=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Parse `path`, with or without the mark that Windows' editor puts first. Raises ConfigError when it is missing,
    unreadable or no TOML.
    """
    try:
        return _parsed(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"配置文件不存在：{path}", hint=f"请建立 {path}，样例见操作手册") from error
    except OSError as error:
        raise ConfigError(
            f"无法读取配置文件：{path}（{words(error)}）", hint=f"请检查 {path} 的属主与权限"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"配置文件 {path} 不是 UTF-8 编码", hint=f"请把 {path} 另存为 UTF-8 后重试"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"配置文件 {path} 不是有效的 TOML：{_where_and_why(str(error))}", hint=f"请修改 {path} 后重试"
        ) from error
    except (ValueError, RecursionError) as error:
        what = "括号或组套得太深" if isinstance(error, RecursionError) else _TOO_WIDE
        raise ConfigError(f"配置文件 {path} {what}", hint=f"请修改 {path} 后重试") from error


_TOO_WIDE = "里有一个数太大（TOML 的整数至多 64 位）"


def _parsed(text: str) -> dict[str, Any]:
    """Raises ValueError, of int() for more than 4,300 digits too, and RecursionError."""
    data = tomllib.loads(text)
    if _is_too_wide(data):
        raise ValueError(_TOO_WIDE)
    return data


def _is_too_wide(value: object) -> bool:
    """An integer beyond TOML's own bounds, however deep: no figure of ours is, and Python does not even print it."""
    if isinstance(value, dict):
        return any(map(_is_too_wide, value.values()))
    if isinstance(value, list):
        return any(map(_is_too_wide, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


_TOML = {
    "Expected '=' after a key": "键的后面缺少等号",
    "Expected newline or end of document": "一行的后面还有多余的内容",
    "Expected ']": "缺少右方括号",
    "Invalid initial character for a key part": "键名只能用字母、数字、下划线和减号，其他文字请加引号",
    "Invalid statement": "这里应是“键 = 值”或“[组]”",
    "Invalid value": "值写得不对；文字须加英文引号",
    "Unterminated string": "文字没有右引号",
    "Illegal character": "引号内有不能直接写的字符；一行之内结束的文字须有右引号",
    "Found invalid character": "有不允许的字符",
    "Unescaped '\\' in a string": "引号内的反斜杠须写两个，或改用单引号",
    "Unclosed": "括号没有合上",
    "Duplicate": "同一个键写了两次",
    "Cannot overwrite a value": "同一个键写了两次",
    "Cannot declare": "同一个组写了两次",
    "Invalid date": "日期或时间不存在",
}
_PLACE = re.compile(
    r"^(?P<said>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.S
)


def _where_and_why(detail: str) -> str:
    """tomllib's sentence as `第 3 行第 5 列，键的后面缺少等号`."""
    found = _PLACE.match(detail)
    if found is None:
        return detail
    said = next((ours for theirs, ours in _TOML.items() if found["said"].startswith(theirs)), found["said"])
    return f"第 {found['line']} 行第 {found['column']} 列，{said}" if found["line"] else f"文件末尾，{said}"


def convert(kind: type[Config], data: dict[str, Any], *, source: str) -> Config:
    """Convert already parsed data; `source` names it in the message. Raises ConfigError with all faults."""
    found = faults(kind, data)
    if not found:
        try:
            return msgspec.convert(data, kind, dec_hook=_file_path)
        except msgspec.ValidationError as error:
            found = [_chinese(str(error))]
    raise broken(found, source)


def broken(found: list[str], source: str) -> ConfigError:
    """All faults of `source` as one error."""
    lines = "\n".join(f"  {line}" for line in found)
    return ConfigError(f"配置 {source} 有 {len(found)} 处错误：\n{lines}", hint=f"请修改 {source} 后重试")


SITE_ID = r"^(?!central\Z)[A-Za-z0-9_-]{1,32}\Z"
HOST = r"^(?!.*\.\.)(?=.{1,255}\Z)(?:\w(?:[\w.-]*\w)?\.?|(?=.*:.*:)[0-9A-Fa-f:.]+(?:%\w+)?)\Z"
"""A name or an address, no port: `hall.example`, `10.1.2.3`, `fe80::1%eth0`."""
_PATTERNS = {
    SITE_ID: "只能用字母、数字、下划线和减号，至多 32 个，不能是 central",
    HOST: "应为主机名或地址，不带端口、空格与斜杠",
}
LogLevel = Literal["debug", "info", "warning", "error"]


def faults(kind: type[msgspec.Struct], data: object, path: str = "") -> list[str]:
    """Every fault of `data` against `kind`, as `key.path：reason` lines."""
    if not isinstance(data, dict):
        return [f"{path or '(根)'}：应为一组键值"]
    found: list[str] = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    tag = kind.__struct_config__.tag_field
    for key in data:
        if key not in fields and key != tag:
            found.append(f"{path}{key}：未知的键（可用：{'、'.join(fields)}）")
    hints = typing.get_type_hints(kind, include_extras=True)
    for name, field in fields.items():
        if name not in data:
            if field.required:
                found.append(f"{path}{name}：缺少")
            continue
        found += _value_faults(hints[field.name], data[name], f"{path}{name}")
    return found


def _value_faults(hint: Any, value: object, path: str) -> list[str]:
    struct = _struct_in(hint)
    if struct is not None and isinstance(value, dict):
        return faults(struct, value, f"{path}.")
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is dict and isinstance(value, dict):
        return [line for key, item in value.items() for line in _value_faults(args[1], item, f"{path}.{key}")]
    if origin is list and isinstance(value, list):
        items = enumerate(value, 1)
        return [line for place, item in items for line in _value_faults(args[0], item, f"{path} 第{place}项")]
    try:
        msgspec.convert(value, hint, dec_hook=_file_path)
    except msgspec.ValidationError as error:
        words = _words_of(hint)
        if words and isinstance(value, str if origin is Union else str | int):
            return [f"{path}：应为 {'、'.join(words)} 之一，现为 {one_line(repr(value), 60)}"]
        return [f"{path}：{_chinese(str(error))}"]
    return []


def sound(kind: type[msgspec.Struct], data: dict[str, Any]) -> dict[str, Any]:
    """The part of `data` in which `faults` finds nothing: it can be checked for faults of another kind.

    A group that lacks a key goes whole; only `kind` itself may lack some.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    names = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    return _kept({key: _sound_value(hints[names[key]], value) for key, value in data.items() if key in names})


def _sound_value(hint: Any, value: Any) -> Any:
    struct = _struct_in(hint)
    if struct is not None and isinstance(value, dict):
        part = sound(struct, value)
        return _FAULTY if faults(struct, part) else part
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        item = typing.get_args(hint)[1]
        return _kept({key: _sound_value(item, entry) for key, entry in value.items()})
    return _FAULTY if _value_faults(hint, value, "") else value


def _kept(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not _FAULTY}


_FAULTY = object()


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The single Struct that a group of keys can mean here; a union of several Structs is left to msgspec."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    structs = [item for item in options if isinstance(item, type) and issubclass(item, msgspec.Struct)]
    return structs[0] if len(structs) == 1 else None


def _words_of(hint: Any) -> list[str]:
    """The words that are allowed where only certain words are; beside them a number, where one may stand too."""
    if typing.get_origin(hint) is Union:
        words = [word for option in typing.get_args(hint) for word in _words_of(option)]
        return [*words, "整数"] if words else []
    if typing.get_origin(hint) is typing.Literal:
        return [str(word) for word in typing.get_args(hint) if word]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [str(item.value) for item in hint]
    return []


def _file_path(kind: type, value: object) -> object:
    """TOML has no paths: a text where a Path is wanted. Raises ValueError for one that no file can have."""
    if kind is not Path or not isinstance(value, str):
        return value
    if not is_file_name(value):
        raise ValueError("路径里有控制字符")
    return Path(value)


_NAMES = {
    "int": "整数",
    "str": "文字",
    "bool": "true 或 false",
    "float": "数字",
    "array": "列表",
    "object": "一组键值",
    "Path": "文件路径",
}


_BOUNDS = {
    " of length >= ": "不能为空，长度至少 ",
    " >= ": "太小，至少 ",
    " <= ": "太大，至多 ",
}


def _after(text: str, word: str) -> str:
    return text.removeprefix(word) if text.startswith(word) else ""


def _chinese(detail: str) -> str:
    """msgspec's `Expected X, got Y` as a Chinese sentence; whatever else it says stays as detail."""
    if not detail.startswith("Expected `"):
        return f"不合要求（{detail}）"
    parts = detail.split("`")
    pattern = _after(parts[2], " matching regex ")
    if pattern:
        return next((said for known, said in _PATTERNS.items() if repr(known) == pattern), "写法不对")
    bound = next((said + rest for word, said in _BOUNDS.items() if (rest := _after(parts[2], word))), "")
    if bound:
        return bound
    want = "或".join(_NAMES.get(item.strip(), item.strip()) for item in parts[1].split("|"))
    if len(parts) != 5 or parts[2] != ", got ":
        return f"应为{want}（{detail}）"
    return f"应为{want}，现为{_NAMES.get(parts[3], parts[3])}"


def read_secret(path: Path, what: str) -> bytes:
    """Bytes of a secret file. Raises ConfigError that names what it is for."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"读不到{what}：{path}（{words(error)}）", hint=f"请检查 {path} 是否存在、权限是否正确"
        ) from error


def anchor(value: Config, folder: Path) -> Config:
    """Make every relative Path inside `value` relative to `folder`."""
    changes: dict[str, Any] = {}
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        if isinstance(item, Path) and not item.is_absolute():
            changes[field.name] = folder / item
        elif isinstance(item, msgspec.Struct):
            changes[field.name] = anchor(item, folder)
        elif isinstance(item, list) and item and isinstance(item[0], msgspec.Struct):
            changes[field.name] = [anchor(one, folder) for one in item]
    return msgspec.structs.replace(value, **changes)
