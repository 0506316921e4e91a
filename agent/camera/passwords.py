"""The cameras' passwords, each sealed for the machine: opened for the worker alone."""

from pathlib import Path

from agent.config import AgentConfig, CameraConfig
from common import sealed
from common.core.errors import ConfigError


def found(config: AgentConfig) -> dict[str, str | ConfigError]:
    """By camera; asked again at each start of the worker."""
    known: dict[str, str | ConfigError] = {}
    for item in config.camera:
        try:
            known[item.id] = _password(item, config.capture.secrets_dir)
        except ConfigError as error:
            known[item.id] = error
    return known


def _password(item: CameraConfig, folder: Path) -> str:
    if not item.password_file:
        return ""
    return sealed.read(folder / item.password_file, "摄像机口令").decode("utf-8", "replace").rstrip("\r\n")
