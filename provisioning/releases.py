"""Releases on a hall's disk: imported whole with their signature checked, one of them for boxes that are installed anew."""

import hashlib
import os
import shutil
from pathlib import Path

from common.core import crypto
from common.core.errors import ConfigError, RejectedError, UsageError
from provisioning.core import release
from provisioning.core.release import Manifest
from provisioning.files import PUBLIC, belong, write_file
from provisioning.settings import Hall

SUFFIX = ".release"
KEY = "release.pub"
"""The public keys by which releases are known: on the medium, in the hall, on every box."""
_PIECE = 1 << 20


def key(hall: Hall) -> bytes:
    """Raises ConfigError where no release was ever imported."""
    return _keys(hall.folder / KEY)


def _keys(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"没有发行方的公钥 {path}", hint="请先导入发行介质：mingcha release import 目录"
        ) from error
    if not found or len(found) % crypto.KEY_BYTES:
        raise ConfigError(f"发行方的公钥 {path} 已损坏", hint="请从备份或发行介质恢复该文件")
    return found


def take(hall: Hall, medium: Path) -> list[Manifest]:
    """Import every release on the medium; what is here already stays. The first medium's keys are kept as soon as one of them has
    proven a whole release, until a release that one of them has signed names others.

    -> what the medium has, oldest first. Raises ConfigError, RejectedError for a damaged or foreign release.
    """
    is_first = (medium / KEY).exists() and not (hall.folder / KEY).exists()
    found = []
    for path in sorted((medium / "releases").glob(f"*{SUFFIX}")):
        manifest = release.opened(path.read_bytes(), _keys(medium / KEY) if is_first else key(hall))
        archive, place = path.with_name(manifest.file), hall.bundles / manifest.file
        if not is_sound(place, manifest):
            if not is_sound(archive, manifest):
                raise RejectedError(f"发行包不完整或被改动：{archive}", hint="请重新取得发行介质")
            hall.bundles.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.part")
            shutil.copyfile(archive, part)
            with part.open("rb+") as file:
                os.fchmod(file.fileno(), PUBLIC)
                belong(file.fileno(), hall.bundles)
                os.fsync(file.fileno())
            part.replace(place)
        if is_first:
            write_file(hall.folder / KEY, (medium / KEY).read_bytes(), PUBLIC)
            is_first = False
        write_file(hall.bundles / f"{manifest.release}-{manifest.arch}{SUFFIX}", path.read_bytes(), PUBLIC)
        found.append(manifest)
    newest = max(held(hall), key=lambda manifest: manifest.made_wall, default=None)
    if newest is not None and newest.keys:
        _trust(hall, newest)
    return sorted(found, key=_age)


def _trust(hall: Hall, newest: Manifest) -> None:
    """Its keys from now on. What none of them has signed goes first: a hall hands out nothing that it could not check."""
    keys = b"".join(newest.keys)
    for path in hall.bundles.glob(f"*{SUFFIX}"):
        try:
            release.opened(path.read_bytes(), keys)
        except RejectedError:
            path.unlink()
    if write_file(hall.folder / KEY, keys, PUBLIC) and installed_anew(hall, newest.arch) is None:
        install_anew(hall, newest)


def is_sound(archive: Path, manifest: Manifest) -> bool:
    """Whether it is all there, byte by byte."""
    if not archive.exists() or archive.stat().st_size != manifest.size:
        return False
    found = hashlib.sha256()
    with archive.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest() == manifest.sha256


def held(hall: Hall) -> list[Manifest]:
    """All that were imported, oldest first. Raises ConfigError, RejectedError."""
    paths = sorted(hall.bundles.glob(f"*{SUFFIX}"))
    return sorted((release.opened(path.read_bytes(), key(hall)) for path in paths), key=_age)


def raw(hall: Hall, manifest: Manifest) -> bytes:
    """As it was signed."""
    return (hall.bundles / f"{manifest.release}-{manifest.arch}{SUFFIX}").read_bytes()


def find(hall: Hall, name: str) -> list[Manifest]:
    """The release of this name for each architecture. Raises UsageError that names those there are."""
    every = held(hall)
    found = [manifest for manifest in every if name in {manifest.release, manifest.version}]
    if not found:
        known = "、".join(dict.fromkeys(manifest.release for manifest in every))
        raise UsageError(
            f"没有发行 {name}", hint=f"已导入：{known}" if known else "请先导入：mingcha release import 目录"
        )
    return [
        max((m for m in found if m.arch == arch), key=_age) for arch in dict.fromkeys(m.arch for m in found)
    ]


def installed_anew(hall: Hall, arch: str) -> Manifest | None:
    """What a box gets that is installed today; None where there is nothing for it."""
    path = hall.bundles / f"{arch}.current"
    if not path.exists():
        return None
    name = path.read_text("ascii")
    return next((m for m in held(hall) if (m.release, m.arch) == (name, arch)), None)


def has_any(hall: Hall) -> bool:
    """Whether a box of any architecture can be installed today."""
    return any(installed_anew(hall, path.stem) for path in hall.bundles.glob("*.current"))


def install_anew(hall: Hall, manifest: Manifest) -> bool:
    """From now on boxes are installed with this. -> True if that is a change."""
    return write_file(hall.bundles / f"{manifest.arch}.current", manifest.release.encode(), PUBLIC)


def _age(manifest: Manifest) -> tuple[tuple[int, ...], int]:
    return release.numbers(manifest.version), manifest.made_wall
