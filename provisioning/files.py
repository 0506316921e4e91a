"""A file is written whole or not at all: part file, fsync, rename, fsync of the folder."""

import os
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_file(path: Path, data: bytes, mode: int = PRIVATE) -> bool:
    """Replace `path`, in a folder that is made if need be; kept across a power cut once this returns.

    -> False, and nothing is touched, if the file holds `data` already. What root writes belongs to whom its folder does.
    """
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123
        os.fchmod(file.fileno(), mode)
        belong(file.fileno(), path.parent)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def belong(file: int, folder: Path) -> None:
    """What root writes into another account's folder is that account's: it must read it, and replace it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(file, owner.st_uid, owner.st_gid)


def put_link(path: Path, target: Path) -> None:
    """`path` points to `target`, in one step: whoever looks meanwhile finds the old or the new."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
