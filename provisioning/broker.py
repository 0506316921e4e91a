"""Mosquitto's configuration on disk: written by rename where it differs, then read again by SIGHUP.

SIGHUP re-reads the ACL and disturbs nobody; another listener or certificate needs a restart.
"""

import hashlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from provisioning.core import broker_text
from provisioning.core.identity import INGEST, Box
from provisioning.files import PUBLIC, write_file


def write_conf(folder: Path, *, port: int = 8883, bind: str = "") -> bool:
    """`mosquitto.conf` in the folder where `pki.prepare_hall` left ca.pem and server.pem. -> True if it changed."""
    text = broker_text.conf(str(folder.absolute()), port, bind)
    return write_file(folder / "mosquitto.conf", text.encode(), PUBLIC)


def write_acl(folder: Path, boxes: Sequence[Box], workers: Sequence[str] = (INGEST,)) -> bool:
    """Every box ever registered and not forgotten, in its present state. -> True if it changed: then `reload`."""
    return write_file(folder / "acl", broker_text.acl(boxes, workers).encode(), PUBLIC)


def acl_hash(folder: Path) -> str:
    """Of the ACL as it is on the disk."""
    return hashlib.sha256((folder / "acl").read_bytes()).hexdigest()


def reload(pid: int) -> None:
    """Let the running broker read its ACL again."""
    os.kill(pid, signal.SIGHUP)
