"""Boxes under real systemd: skipped with the reason where this machine cannot have them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning import bundle
from provisioning import medium as media
from tests.install import lab as labs
from tests.install.lab import ADDRESS, CACHE, Lab


@pytest.fixture(scope="session")
def able() -> None:
    why = labs.missing()
    if why:
        pytest.skip(why)


@pytest.fixture(scope="session")
def medium(able: None) -> Path:
    """What bundles are made of, and the bundle itself: fetched and built once, then kept in the cache."""
    place = CACHE / "medium"
    if not (place / "fetched").exists():
        media.fetch(place, "x86_64")
        (place / "fetched").touch()
    bundle.keep(place, CACHE / "install" / "bundles", "x86_64")
    return place


@pytest.fixture(scope="module")
def lab(medium: Path) -> Iterator[Lab]:
    """A running hall without sites."""
    with Lab(medium) as made:
        shutil.copytree(CACHE / "install" / "bundles", made.home / "data" / "bundles")
        made.init("--host", ADDRESS)
        made.start()
        yield made


@pytest.fixture(scope="session")
def bare(able: None) -> Path:
    """Debian's minimal system with curl."""
    return labs.rootfs("curl")
