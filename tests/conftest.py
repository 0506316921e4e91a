"""Servers that many tests share: each test takes its own database of them, and its own broker."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from provisioning.core.identity import Box
from tests import forked, services

FAST = {"core", "docs", "model"}
"""Folders of tests that open no database and start no process: `make check` runs these alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name not in FAST:
            item.add_marker("slow")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The names of what failed, a line each, as the last that a stage prints; `FAILED` of the environment: a file that gets
    them too, for whoever runs several stages. Of a continuous integration one often sees the end alone.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not isinstance(reporter, pytest.TerminalReporter) or hasattr(config, "workerinput"):
        return
    reports = [*reporter.stats.get("failed", []), *reporter.stats.get("error", [])]
    lines = [f"失败：{report.nodeid}\n" for report in reports]
    reporter.write("".join(lines))
    if lines and (file := os.environ.get("FAILED")):
        with Path(file).open("a", encoding="utf-8") as out:
            out.writelines(lines)


forked.allow()
settings.register_profile("mingcha", deadline=None)  # a busy machine is no fault
settings.load_profile("mingcha")


@pytest.fixture(autouse=True)
def _logs_go_where_they_went() -> Iterator[None]:
    """A command that a test runs in this process says where its log goes: into what pytest caught of that test, closed after it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[services.MariaDb]:
    with services.temporary_folder() as folder, services.running(services.MariaDb(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[services.PostgreSql]:
    """Without fsync: a test of the hall's durability starts its own."""
    with (
        services.temporary_folder() as folder,
        services.running(services.PostgreSql(folder, durable=False)) as server,
    ):
        yield server


@pytest.fixture
async def mosquitto() -> AsyncIterator[services.Mosquitto]:
    """Admits the boxes s01.1 and s02.1 and the ingest worker."""
    async with services.mosquitto([Box("s01", 1), Box("s02", 1)]) as server:
        yield server


@pytest.fixture(params=[5, 3])
def version(request: pytest.FixtureRequest) -> int:
    """`mqtt.version`: whatever matters holds on both."""
    return int(request.param)
