"""Tests that run at the same time, each still reported as its own: most of their life they wait for processes."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

AT_ONCE = 3
Body = Callable[[], Awaitable[None]]
_bodies: dict[tuple[str, str], Body] = {}
_outcomes: dict[tuple[str, str], BaseException | None] = {}


def together(body: Body) -> Callable[[pytest.FixtureRequest], None]:
    """Decorates such a test: the first one that is asked for runs all that were selected, a few at a time."""
    key = body.__module__, body.__name__
    _bodies[key] = body

    @functools.wraps(body)
    def test(request: pytest.FixtureRequest) -> None:
        if key not in _outcomes:
            items = [item for item in request.session.items if isinstance(item, pytest.Function)]
            selected = {(item.function.__module__, item.name) for item in items}
            asyncio.run(_run([key for key in _bodies if key in selected]))
        outcome = _outcomes.pop(key)
        if outcome is not None:
            raise outcome

    test.__signature__ = inspect.signature(lambda request: None)  # type: ignore[attr-defined]
    return test


async def _run(keys: list[tuple[str, str]]) -> None:
    # Servers are started in threads: as many as tests may start at once, however few cores there are.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(body: Body) -> None:
        async with turn:
            await body()

    outcomes = await asyncio.gather(*(one(_bodies[key]) for key in keys), return_exceptions=True)
    _outcomes.update(zip(keys, outcomes, strict=True))
