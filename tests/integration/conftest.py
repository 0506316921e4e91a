"""A served hall and windows on it, for the tests of its pages. One server for all tests of a file."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from central.core.access import Role
from tests import furnished, screens
from tests.integration import dooring, serving
from tests.integration.serving import Served, Window
from tests.integration.test_door_pages import fill as fill_door


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)],
)
async def hall(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """The city on a Friday afternoon. No demonstration: office time is a Friday, the rest is as in earnest."""
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    folder = tmp_path_factory.mktemp("hall")
    async with serving.serve(folder, serving.FridayClock(), server=server, cases_a_day=12) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(hall: Served) -> AsyncIterator[Window]:
    """Nobody is logged in."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Window(hall, session)


@pytest_asyncio.fixture(loop_scope="module")
async def window(hall: Served) -> AsyncIterator[Window]:
    """A supervisor is logged in."""
    cookies = await hall.session(Role.SUPERVISOR)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookies=cookies, cookie_jar=jar) as session:
        yield Window(hall, session)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def furnished_hall(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Served, furnished.Places]]:
    """A hall with one real thing for every page."""
    folder = tmp_path_factory.mktemp("furnished")
    async with serving.serve(folder, serving.FridayClock(), fill=screens.fill) as hall:
        await fill_door(hall)
        async with dooring.opened(hall, folder) as outside:
            yield hall, await furnished.all_of(hall, outside)
