"""The file of the model that finds faces, as the city laid it on the box: read, and held against its hash. The worker runs it;
the doctor only reads it.
"""

import hashlib
from pathlib import Path

from common.core.errors import ConfigError, words

_MOST_BYTES = 16 * 1024 * 1024
"""YuNet has a quarter of a million."""
_LAY = "请把市里提供的 YuNet 模型（ONNX）放到 agent.toml 的 faces.model 所写之处，让 mingcha 用户可读，再重启采集程序"


def read(path: Path, sha256: str) -> bytes:
    """-> what the file holds. Raises ConfigError: there is none, or it is another one."""
    try:
        with path.open("rb") as file:
            found = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"没有模型文件 {path}", hint=_LAY) from None
    except OSError as error:
        raise ConfigError(f"模型文件 {path} 读不了：{words(error)}", hint=_LAY) from None
    if len(found) > _MOST_BYTES:
        raise ConfigError(f"模型文件 {path} 太大，不是 YuNet", hint=_LAY)
    if (actual := hashlib.sha256(found).hexdigest()) != sha256:
        raise ConfigError(
            f"模型文件 {path} 不是配置的那一个：它的 sha256 是 {actual}",
            hint="请向提供者核对这个数，对的填入 agent.toml 的 faces.sha256，不对的换文件，再重启采集程序",
        )
    return found
