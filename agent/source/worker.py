"""A thread of our own for work that blocks: a daemon, because the process must end even where a driver never returns."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class Worker:
    """Runs one piece of work after the other, always in the same thread."""

    def __init__(self, name: str) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def run(self, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Raises what `work` raises. Giving up the wait does not stop the work."""
        done: Future[_Result] = Future()
        done.set_running_or_notify_cancel()
        self._work.put((work, done))
        return asyncio.wrap_future(done)

    def end(self) -> None:
        """The thread ends after what it was given."""
        self._work.put(None)

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            work, done = item
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - whoever waits gets it
                done.set_exception(error)
            del item, work, done
