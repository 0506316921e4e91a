"""Boxes under real systemd: skipped with the reason where this machine cannot have them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install import lab as labs
from tests.install.lab import Lab


@pytest.fixture(scope="session")
def able() -> None:
    why = labs.missing()
    if why:
        pytest.skip(why)


@pytest.fixture(scope="session")
def lab(able: None) -> Iterator[Lab]:
    """A running hall without sites."""
    with labs.running() as made:
        yield made


@pytest.fixture(autouse=True)
def cleared(lab: Lab) -> Iterator[None]:
    """A test's boxes end with it."""
    yield
    lab.clear()


@pytest.fixture(scope="session")
def bare(able: None) -> Path:
    """Debian's minimal system with curl and wget."""
    return labs.rootfs()


@pytest.fixture(scope="session")
def warm(lab: Lab) -> str:
    """The same with the release unpacked."""
    return labs.warm(lab.medium)
