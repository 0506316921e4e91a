"""One camera's live stream at the hall: what a viewer who joins must have first, and what each who looks on is still to get.

Pure: frames in, frames out. However many look on, the box sends once; who is slow loses frames, and goes on with the next
key frame; who joins begins at the last one.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from common.core.live import Frame, Kind, Shown

MOST_WAITING = 250
"""Frames that a viewer may be behind."""
MOST_KEPT = 600
"""Of the newest group: a stream without key frames is no reason to fill the memory."""
MOST_BYTES = 16 * 1024 * 1024
"""Of either, whatever the frames' size."""
_FIRST = (Kind.STATE, Kind.PICTURE, Kind.SOUND)


class Viewer:
    """What one who looks on has not got yet. `hears`: the sound too."""

    def __init__(self, *, hears: bool) -> None:
        self.hears = hears
        self.waiting: deque[Frame] = deque()
        self._bytes = 0
        self._is_begun = False

    def offer(self, frame: Frame) -> None:
        """`frame`, if it is anything for this viewer."""
        if frame.kind in _FIRST:
            self._is_begun = self._is_begun and frame.kind is Kind.STATE
            self._wait(frame)
        elif frame.kind is Kind.KEY or (self._is_begun and (self.hears or frame.kind is not Kind.AUDIO)):
            self._is_begun = True
            self._wait(frame)
        if len(self.waiting) > MOST_WAITING or self._bytes > MOST_BYTES:
            newest = _newest(self.waiting)
            self.waiting, self._bytes = deque(), 0
            for item in newest:
                self._wait(item)
            self._is_begun = False

    def _wait(self, frame: Frame) -> None:
        self.waiting.append(frame)
        self._bytes += len(frame.payload)

    def taken(self) -> Iterator[Frame]:
        """Everything that waits, once. Of the two initialisations that one alone by which this viewer plays."""
        while self.waiting:
            frame = self.waiting.popleft()
            self._bytes -= len(frame.payload)
            if frame.kind is not Kind.SOUND or self.hears:
                yield frame


def _newest(frames: Iterable[Frame]) -> list[Frame]:
    """Of the state and the initialisations those that hold, each once: the sound's only after its picture's."""
    found: dict[Kind, Frame] = {}
    for frame in frames:
        if frame.kind is Kind.PICTURE:
            found.pop(Kind.SOUND, None)
        if frame.kind in _FIRST:
            found[frame.kind] = frame
    return [found[kind] for kind in _FIRST if kind in found]


class Channel:
    """`take` is told what the box sends."""

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self._first: dict[Kind, Frame] = {}
        self._group: list[Frame] = []
        self._bytes = 0

    def take(self, frame: Frame) -> None:
        """Raises ValueError for a state that is none."""
        if frame.kind in _FIRST:
            self._first[frame.kind] = frame
            if frame.kind is Kind.PICTURE:
                self._first.pop(Kind.SOUND, None)
                self._group.clear()
            elif frame.kind is Kind.STATE and not msgspec.json.decode(frame.payload, type=Shown).codec:
                self._end()  # nothing is sent now: who joins is not to begin with what was
        elif frame.kind is Kind.KEY:
            self._group, self._bytes = [frame], len(frame.payload)
        elif self._group:
            self._group.append(frame)
            self._bytes += len(frame.payload)
            if len(self._group) > MOST_KEPT or self._bytes > MOST_BYTES:
                self._group.clear()
        for viewer in self.viewers:
            viewer.offer(frame)

    def _end(self) -> None:
        self._first = {Kind.STATE: self._first[Kind.STATE]}
        self._group.clear()

    def join(self, *, hears: bool) -> Viewer:
        """One more who looks on, from the last key frame."""
        viewer = Viewer(hears=hears)
        for kind in _FIRST:
            if kind in self._first:
                viewer.offer(self._first[kind])
        for frame in self._group:
            viewer.offer(frame)
        self.viewers.append(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Idempotent."""
        if viewer in self.viewers:
            self.viewers.remove(viewer)
