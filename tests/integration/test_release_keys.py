"""The release key is lost or stolen: the next release is signed with the spare one, and names the keys from then on."""

import hashlib
from pathlib import Path

import pytest

from common.core import crypto
from common.core.errors import ConfigError, RejectedError
from provisioning import bundle, releases, settings
from provisioning.core import release
from provisioning.core.release import Manifest
from provisioning.files import write_file
from provisioning.settings import Hall
from tests.releasing import FOREIGN, SECRET, SPARE, packed

NEXT = b"\x0a" * 32
ARCH = "x86_64"


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    write_file(tmp_path / "central.toml", b"")
    write_file(tmp_path / "enroll.toml", b'hosts = ["10.1.0.5"]\n')
    return settings.load(tmp_path / "central.toml")


def brought(hall: Hall, folder: Path, number: int, secret: bytes, *keys: bytes) -> None:
    """A medium with release 1.NUMBER, signed by `secret`, is imported; `keys`: the secrets that it names."""
    archive, sums = packed({"bin/mingcha-agent": b"%d" % number})
    name = f"1.{number}-a"
    file = f"mingcha-{name}-{ARCH}.tar.gz"
    publics = [crypto.sign_public(key) for key in keys]
    digest = hashlib.sha256(archive).hexdigest()
    made = Manifest(f"1.{number}", name, ARCH, file, digest, len(archive), sums, number, 1, publics)
    write_file(folder / "releases" / file, archive)
    write_file(folder / "releases" / f"{name}-{ARCH}{releases.SUFFIX}", release.sealed(made, secret))
    write_file(folder / releases.KEY, b"".join(publics))
    releases.take(hall, folder)


def test_the_spare_key_takes_the_place_of_the_lost_one(hall: Hall, tmp_path: Path) -> None:
    """P-REL-04."""
    brought(hall, tmp_path / "first", 1, SECRET, SECRET, SPARE)
    releases.install_anew(hall, releases.held(hall)[0])
    with pytest.raises(RejectedError, match="签名不对"):
        brought(hall, tmp_path / "foreign", 2, FOREIGN, FOREIGN)
    assert releases.key(hall) == crypto.sign_public(SECRET) + crypto.sign_public(SPARE)

    brought(hall, tmp_path / "second", 3, SPARE, SPARE, NEXT)
    assert [manifest.release for manifest in releases.held(hall)] == ["1.3-a"]
    assert releases.key(hall) == crypto.sign_public(SPARE) + crypto.sign_public(NEXT)
    found = releases.installed_anew(hall, ARCH)
    assert found is not None
    assert found.release == "1.3-a"
    with pytest.raises(RejectedError, match="签名不对"):
        brought(hall, tmp_path / "stolen", 4, SECRET, SECRET)
    assert [manifest.release for manifest in releases.held(hall)] == ["1.3-a"]


def test_a_medium_that_proves_nothing_does_not_decide_by_which_key_releases_are_known(
    hall: Hall, tmp_path: Path
) -> None:
    """Else a stick with a damaged or foreign key alone would keep the right medium out for ever."""
    write_file(tmp_path / "bad" / releases.KEY, crypto.sign_public(FOREIGN))
    assert releases.take(hall, tmp_path / "bad") == []
    with pytest.raises(RejectedError, match="签名不对"):
        brought(hall, tmp_path / "forged", 1, FOREIGN, SECRET)
    brought(hall, tmp_path / "whole", 2, SECRET, SECRET)
    assert releases.key(hall) == crypto.sign_public(SECRET)


def test_another_machines_program_is_not_taken_into_a_release(tmp_path: Path) -> None:
    arm = b"\x7fELF\2\1\1" + bytes(11) + (183).to_bytes(2, "little")
    assert bundle._checked("lib/a.so", arm, "aarch64", tmp_path) == arm
    assert bundle._checked("a.py", b"import a", ARCH, tmp_path)
    with pytest.raises(ConfigError, match="不是 x86_64 的"):
        bundle._checked("lib/a.so", arm, ARCH, tmp_path)
