"""A box or a hall that carries a bomb: at the n-th passing of a named point of its code somebody is killed.

`python -m tests.killing agent run ...` runs `agent run ...`; the file that `MINGCHA_KILL` names says where, whenever it is
written: `point:when:nth:pid`, `when` is before or after, pid 0 the process itself. SIGKILL, so that nothing is tidied up.
"""

import functools
import importlib
import inspect
import os
import runpy
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

POINTS: dict[str, dict[str, str]] = {
    "agent": {
        "insert": "agent.segment:Segment.put",
        "commit": "aiosqlite.core:Connection.execute",
        "index": "agent.index:Index.commit",
        "publish": "agent.session:Session._publish",
        "ack": "agent.session:Session._on_ack",
        "welcome": "agent.session:Session._on_welcome",
        "forget": "agent.buffer:Buffer.forget",
        "delete": "agent.segment:Segment.delete",
        "prepare": "agent.segment:prepare",
        "close": "agent.files:close",
        "adopt": "agent.segment:adopt",
        "shred": "agent.drains:Drains.shred",
        "wrap": "agent.label:write",
        "rewrap": "agent.segment:Segment.rewrap",
    },
    "central": {
        "hello": "central.receive:introduce",
        "open": "central.opening:open_batch",
        "ingest": "central.receive:ingest_batches",
        "commit": "central.receive:Receiver._commit",
        "reply": "central.receive:Receiver._reply",
        "puback": "common.mqtt:Link.puback",
    },
}
"""Program -> name of the point -> function. Before and after a function is before and after what it does."""
ROTATING = {"prepare", "close", "adopt", "shred"}
WRAPPING = {"wrap", "rewrap"}
ONCE = {"hello", "welcome"}
"""Passed once in a connection."""
_ONLY = {"aiosqlite.core:Connection.execute": "COMMIT"}


def arm(name: str, place: str, file: Path) -> None:
    """Let the function at `place`, the point `name`, look into `file` whether its passing is the one."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *inner, last = path.split(".")
    for part in inner:
        owner = getattr(owner, part)
    setattr(owner, last, _armed(getattr(owner, last), _Bomb(name, file, _ONLY.get(place))))


class _Bomb:
    def __init__(self, name: str, file: Path, only: str | None) -> None:
        self._name = name
        self._file = file
        self._only = only
        self._known = ""
        self._left = 0

    def passes(self, when: str, args: tuple[Any, ...]) -> None:
        if self._only is not None and self._only not in args:
            return
        try:
            said = self._file.read_text("ascii")
        except FileNotFoundError:
            return
        name, wanted, nth, pid = said.split(":")
        if (name, wanted) != (self._name, when):
            return
        if said != self._known:
            self._known, self._left = said, int(nth)
        self._left -= 1
        if self._left == 0:
            with suppress(ProcessLookupError):
                os.kill(int(pid) or os.getpid(), signal.SIGKILL)


def _armed(function: Callable[..., Any], bomb: _Bomb) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*args: Any, **kwargs: Any) -> Any:
            bomb.passes("before", args)
            found = await function(*args, **kwargs)
            bomb.passes("after", args)
            return found

        return later

    @functools.wraps(function)
    def now(*args: Any, **kwargs: Any) -> Any:
        bomb.passes("before", args)
        found = function(*args, **kwargs)
        bomb.passes("after", args)
        return found

    return now


def main() -> None:
    program = sys.argv[1]
    for name, place in POINTS[program].items():
        arm(name, place, Path(os.environ["MINGCHA_KILL"]))
    sys.argv = [program, *sys.argv[2:]]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
