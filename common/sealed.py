"""Secrets that systemd keeps sealed for this machine: handed to the service as credentials, opened for root by hand.

`NAME` is looked for as a credential of the unit (systemd.exec(5)), as a plain file, and as `NAME.cred` beside it
(systemd-creds(1)), which root alone can open.
"""

import os
import subprocess
from pathlib import Path

from common.config import read_secret
from common.core.errors import ConfigError, words


def place(path: Path) -> Path:
    """The credential that systemd passes under this name, else the file at `path`."""
    passed = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / path.name
    return passed if passed.exists() else path


def cred(path: Path) -> Path:
    """Where it lies sealed."""
    return path.with_name(f"{path.name}.cred")


def is_sealed(path: Path) -> bool:
    """No process but the unit's, or root's, comes by it."""
    return not _is_there(place(path)) and _is_there(cred(path))


def _is_there(path: Path) -> bool:
    """False too where we may not look: then we may not read either."""
    try:
        return path.exists()
    except PermissionError:
        return False


def read(path: Path, what: str) -> bytes:
    """`what` names in Chinese what it is for. Raises ConfigError."""
    if not is_sealed(path):
        return read_secret(place(path), what)
    env = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    command = ["systemd-creds", "decrypt", f"--name={path.name}", str(cred(path)), "-"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=env, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise ConfigError(f"打不开{what}：{words(error)}", hint="请检查本机的 systemd-creds") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ConfigError(
            f"打不开{what} {cred(path)}：{' '.join(said)}",
            hint="请以 root 执行；换过主板、重装过系统的，请市中心取出托管的主密钥（mingcha site escrow），或重新登记本站点",
        )
    return done.stdout
