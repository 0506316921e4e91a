"""The process that watches the cameras: one thread for each, so that a dead one delays no other.

Started by `agent/watch.py` and ended by it, by the end of its input, by a thread that hangs or by its own size; the kernel
is told to take it first when memory runs out. What it knows it says at once, so nothing is lost with it.
"""

import os
import resource
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agent.camera import talk
from agent.camera.base import leave
from agent.camera.faces import Finder
from agent.camera.projector import Projector, Source
from agent.camera.talk import Clocked, Down, Films, Hours, Learn, Redraw, Setup, Shoot, Vacant
from agent.camera.watcher import Post, Watcher, maker
from common.clock import Clock
from common.core.instant import SECOND

STUCK_SECS = 60.0
"""A thread that has not moved for so long hangs in a library: only the end of the process frees it."""
HUNG = 70
OVERGROWN = 71
DEAF = 72
_BASE_MB, _CAMERA_MB, _FILM_MB, _MODEL_MB = 150, 30, 60, 120
_PIXEL_BYTES = 10
"""For each pixel of a picture, in the decoder: a camera with 3840 x 2160 takes 46 (H.264) to 78 MB (H.265), measured."""
_LEAVE_SECS = 1.0


def _listen(watchers: dict[str, Watcher], post: Post, projector: Projector) -> None:
    """Ends the process when the agent has gone, or when what it says cannot be followed: who hears no more of it draws no zone."""
    code = DEAF
    try:
        while (said := talk.next_down(sys.stdin.buffer)) is not None:
            _follow(said, watchers, post, projector)
        code = 0
    finally:
        leave([item.ears for item in watchers.values()], _LEAVE_SECS)
        os._exit(code)


def _follow(said: Down, watchers: dict[str, Watcher], post: Post, projector: Projector) -> None:
    if isinstance(said, Hours):
        post.is_closed = said.is_closed
    elif isinstance(said, Learn) and said.camera in watchers:
        watchers[said.camera].must_learn = True
    elif isinstance(said, Vacant) and said.camera in watchers:
        watchers[said.camera].is_vacant = True
    elif isinstance(said, Clocked) and said.camera in watchers:
        watchers[said.camera].is_clocked = True
    elif isinstance(said, Redraw) and said.camera in watchers:
        watchers[said.camera].redraw = said
    elif isinstance(said, Shoot) and said.camera in watchers:
        watchers[said.camera].wanted.append(said)
    elif isinstance(said, Films):
        projector.show(said)


def main() -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("600", "ascii")
    with suppress(OSError):  # systemd's filter refuses it under the installed unit
        os.nice(5)
    setup, post = talk.next_down(sys.stdin.buffer), Post()
    if not isinstance(setup, Setup):
        return
    if setup.model:
        post.finder = Finder(Path(setup.model), setup.model_sha256)
    clock = Clock(setup.clock)
    watchers = {given.id: Watcher(given, post, clock) for given in setup.cameras}
    for watcher in watchers.values():
        threading.Thread(target=watcher.run, name=watcher.id, daemon=True).start()
        threading.Thread(target=watcher.ears.run, name=f"{watcher.id} events", daemon=True).start()
    sources = {item.id: Source(item, maker(item, clock), watchers[item.id].sight) for item in setup.cameras}
    projector = Projector(sources, clock)
    threading.Thread(target=_listen, args=(watchers, post, projector), daemon=True).start()
    while True:
        time.sleep(1)
        stuck = [item for item in watchers.values() if clock.mono() - item.turned_mono > STUCK_SECS * SECOND]
        for item in stuck:
            item.accuse()
        if stuck or (post.bench.since and time.monotonic() - post.bench.since > STUCK_SECS):
            os._exit(HUNG)
        pixels = [item.most_pixels for item in watchers.values()]
        if _rss_mb() > allowed_mb(pixels, projector.seen, has_model=bool(setup.model)):
            os._exit(OVERGROWN)


def allowed_mb(pixels: Sequence[int], films: int, *, has_model: bool) -> float:
    """What this process may take. `pixels`: of each camera's largest picture until now; `films`: most at once until now."""
    pictures_mb = [count * _PIXEL_BYTES / 2**20 for count in pixels]
    cameras_mb = sum(_CAMERA_MB + picture_mb for picture_mb in pictures_mb)
    films_mb = films * (_FILM_MB + max(pictures_mb, default=0.0))
    return _BASE_MB + cameras_mb + films_mb + _MODEL_MB * has_model


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
