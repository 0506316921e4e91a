"""TOML + secret files -> frozen msgspec Struct. Unknown keys are errors; all errors at once, with key paths.

msgspec alone stops at the first fault, so the tree is walked field by field and each value converted by itself.
"""

import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from common.core.errors import ConfigError

Config = TypeVar("Config", bound=msgspec.Struct)


def load(kind: type[Config], path: Path) -> Config:
    """Read `path` into `kind`. Raises ConfigError that lists every fault with its key path, in Chinese."""
    return convert(kind, read_toml(path), source=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Parse `path`. Raises ConfigError when it is missing, unreadable or no TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"配置文件不存在：{path}", hint=f"请建立 {path}，样例见操作手册") from error
    except OSError as error:
        raise ConfigError(
            f"无法读取配置文件：{path}（{error.strerror}）", hint=f"请检查 {path} 的属主与权限"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"配置文件 {path} 不是有效的 TOML：{error}", hint=f"请修改 {path} 后重试"
        ) from error


def convert(kind: type[Config], data: dict[str, Any], *, source: str) -> Config:
    """Convert already parsed data; `source` names it in the message. Raises ConfigError with all faults."""
    found = faults(kind, data)
    if not found:
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError as error:
            found = [str(error)]
    lines = "\n".join(f"  {line}" for line in found)
    raise ConfigError(f"配置 {source} 有 {len(found)} 处错误：\n{lines}", hint=f"请修改 {source} 后重试")


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
    args = typing.get_args(hint)
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        return [line for key, item in value.items() for line in _value_faults(args[1], item, f"{path}.{key}")]
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        return [f"{path}：{_chinese(str(error))}"]
    return []


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The single Struct of `hint`, looking through `X | None`; a union of several Structs is left to msgspec."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    structs = [item for item in options if isinstance(item, type) and issubclass(item, msgspec.Struct)]
    others = [item for item in options if item is not type(None) and item not in structs]
    return structs[0] if len(structs) == 1 and not others else None


_NAMES = {
    "int": "整数",
    "str": "文字",
    "bool": "true 或 false",
    "float": "数字",
    "array": "列表",
    "object": "一组键值",
}


def _chinese(detail: str) -> str:
    """msgspec's `Expected X, got Y` as a Chinese sentence; the rest of its message stays as detail."""
    if not detail.startswith("Expected `"):
        return detail
    parts = detail.split("`")
    want = "或".join(_NAMES.get(item.strip(), item.strip()) for item in parts[1].split("|"))
    got = _NAMES.get(parts[3], parts[3]) if len(parts) > 3 else ""
    return f"应为{want}" + (f"，现为{got}" if got else f"（{detail}）")


def read_secret(path: Path, what: str) -> bytes:
    """Bytes of a secret file. Raises ConfigError that names what it is for."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"读不到{what}：{path}（{error.strerror}）", hint=f"请检查 {path} 是否存在、权限是否正确"
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
    return msgspec.structs.replace(value, **changes)
