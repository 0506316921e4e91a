"""`mingcha-agent support`: one archive for whoever helps from afar, with nothing in it that must not leave the site.

Only what is listed here goes in: the doctor's findings as the hall may see them, both configurations without comments and
accounts, the log with what it quotes masked, versions. No key, no password, no record, no row of the office.
"""

import asyncio
import importlib.metadata
import io
import json
import os
import platform
import re
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

from agent import __version__, doctor
from agent import config as configs
from common.clock import Clock
from common.config import read_toml
from common.core import mask
from common.core.errors import ConfigError, UsageError, words
from common.core.text import sound

LOG_LINES = 2000
HIDDEN = "〔已遮挡〕"
_SECRET = re.compile(r"pass|secret|token|pwd|user|account", re.IGNORECASE)
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|“[^”\n]*”|‘[^’\n]*’|「[^」\n]*」|`[^`\n]*`")
_NAMED = re.compile(
    r"(申请人|联系人|姓名|承办人|法人|经办人|当事人|name)([:：=为是\s]*)[\u3400-\u9fff·]{2,5}"
)
_TOKEN = re.compile(r"mc1\.[\w-]+\.[\w-]+|[A-Za-z0-9+_-]{24,}={0,2}")
_PLACE = re.compile(r'\s*File "[^"]+", line \d+, in \S+')
_RAISED = re.compile(r"[\w.]*(?:Error|Exception|Interrupt|Exit|Group)\b")
_OURS = {"event", "level", "timestamp", "role", "site", "version", "code", "act", "epoch"}
"""Fields of a log line whose words are ours alone."""


def collect(path: Path, output: Path) -> list[tuple[str, int]]:
    """Write the archive of the box whose configuration is `path`. -> name and size of each file in it.

    Raises UsageError where `output` is there already or cannot be written.
    """
    parts = {
        "doctor.json": _findings(path),
        "agent.json": _configuration(path),
        "mapping.json": _mapping(path),
        "log.txt": masked_log(_journal()),
        "versions.txt": _versions(),
    }
    try:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _pack(file, parts)
    except OSError as error:
        raise UsageError(
            f"写不了 {output}：{words(error)}", hint="换一个名字或目录：mingcha-agent support -o 文件"
        ) from error
    return [(name, len(text.encode())) for name, text in parts.items()]


def _pack(file: Any, parts: dict[str, str]) -> None:
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in parts.items():
            info = tarfile.TarInfo(f"mingcha-support/{name}")
            info.size, info.mtime, info.mode = len(text.encode()), int(time.time()), 0o600
            archive.addfile(info, io.BytesIO(text.encode()))


def _findings(path: Path) -> str:
    """As the hall may see them."""
    try:
        config = configs.load(path)
    except ConfigError:
        findings, verdict, _ = asyncio.run(doctor.examine(path))
    else:
        findings, verdict, _ = asyncio.run(doctor.examine_config(config, Clock(), for_hall=True))
    said = json.loads(doctor.as_json(path, findings, verdict))
    return json.dumps(_masked_value(said, quotes=False), ensure_ascii=False, indent=1)


def _configuration(path: Path) -> str:
    return _masked_toml(path)


def _mapping(path: Path) -> str:
    try:
        return _masked_toml(configs.load(path).mapping)
    except ConfigError as error:
        return masked_text(str(error))


def _masked_toml(path: Path) -> str:
    """Without comments, which hold samples, and accounts; a file that cannot be read says why."""
    try:
        found = _without_secrets(read_toml(path))
    except ConfigError as error:
        return masked_text(str(error))
    return json.dumps(found, ensure_ascii=False, indent=1, default=str)


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item, name) for item in value]
    if isinstance(value, str) and _SECRET.search(name) and not name.endswith(("_file", "_dir")):
        return HIDDEN
    return mask.numbers(value) if isinstance(value, str) else value


def masked_log(text: str) -> str:
    """Our own words of each line, and of what it quotes only the shape; of an error that nobody foresaw its kind and place."""
    return "\n".join(filter(None, map(_masked_line, text.splitlines()[-LOG_LINES:])))


def _masked_line(line: str) -> str:
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        kind = _PLACE.match(line) or _RAISED.match(line.strip())
        return kind[0] if kind else ""
    kept = {key: value if key in _OURS else _masked_value(value) for key, value in fields.items()}
    return json.dumps(kept, ensure_ascii=False)


def _masked_value(value: Any, *, quotes: bool = True) -> Any:
    if isinstance(value, str):
        return masked_text(value, quotes=quotes)
    if isinstance(value, dict):
        return {key: _masked_value(item, quotes=quotes) for key, item in value.items()}
    return [_masked_value(item, quotes=quotes) for item in value] if isinstance(value, list) else value


def masked_text(text: str, *, quotes: bool = True) -> str:
    """Without numbers that may be somebody's, tokens, names behind their label and, with `quotes`, whatever is quoted."""
    text = _NAMED.sub(lambda found: found[1] + found[2] + HIDDEN, sound(text))
    if quotes:
        text = _QUOTED.sub(lambda found: found[0][0] + HIDDEN + found[0][-1], text)
    return mask.numbers(_TOKEN.sub(HIDDEN, text))


def _journal() -> str:
    """Empty where there is none, or we may not read it."""
    command = ["journalctl", "-u", "mingcha-agent", "-n", str(LOG_LINES), "-o", "cat", "--no-pager", "-q"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


def _versions() -> str:
    packages = sorted(f"{item.name} {item.version}" for item in importlib.metadata.distributions())
    system = [
        f"mingcha {__version__}",
        f"python {platform.python_version()}",
        f"kernel {platform.release()} {platform.machine()}",
        f"system {platform.freedesktop_os_release().get('PRETTY_NAME', '')}",
    ]
    return "\n".join([*system, "", *packages]) + "\n"
