"""The regions of one camera's picture in which somebody is to sit: key frames in, states out. Numbers by cv2, judgement by
`core/seat.py`. Nothing of a person leaves this file: a region's likeness to itself and how much moved in it.
"""

import cv2
import numpy as np

from agent.camera.picture import SIZE, Grey
from agent.camera.talk import Box, Given
from agent.core import seat
from agent.core.seat import Empty, Sight, State, Watch
from common.core.camera import Seat

_LEAST = 4
"""Pixels of the examined picture that a region has at least, either way."""

_SHOWS = 0.5
"""A part of a region that has less than so much of its contrast has nothing that could be compared."""


class Region:
    """One of them."""

    def __init__(self, box: Box, known: list[Empty], state: State) -> None:
        self.watch = Watch(state)
        self.box = box
        self.known = known
        self._rows, self._columns = _places(box)
        self._pictures = [_decoded(item.png) for item in known]
        self._before: Grey | None = None
        self._young: list[Grey] | None = None
        self.detail = ""

    def learn(self) -> None:
        """Nobody is there now: the next frames are its reference in this light."""
        self._young = []

    def forget(self) -> None:
        """The view is another one."""
        self.known, self._pictures, self._young = [], [], None

    def look(self, grey: Grey, mean: float, at: int, mono: int, *, is_sound: bool) -> bool:
        """`is_sound`: the picture is in order. -> whether there is a reference more."""
        part = np.ascontiguousarray(grey[self._rows, self._columns])
        before, self._before = self._before, part
        if not is_sound:
            self._before = None
            self.watch, self.detail = seat.blind(self.watch, at), ""
            return False
        place = seat.fitting(self.known, mean)
        empty = None if place is None else self.known[place]
        sight = None
        if place is not None:
            like = _like(part, self._pictures[place], self.known[place].measure)
            sight = Sight(like, _motion(part, before))
        self.watch = seat.seen(self.watch, sight, empty, at, mono)
        self.detail = _why(self.known, empty)
        return self._learned(part, mean)

    def _learned(self, part: Grey, mean: float) -> bool:
        if self._young is None:
            return False
        self._young.append(part)
        if len(self._young) < seat.LEARN:
            return False
        frames, self._young = self._young, []
        picture = np.median(np.stack(frames), axis=0).astype(np.uint8)
        done, png = cv2.imencode(".png", picture)
        assert done
        found = None
        for measure in (seat.PARTS, seat.WHOLE):  # parts that have too little to show leave the whole
            sights = [
                Sight(_like(frame, picture, measure), _motion(frame, before))
                for before, frame in zip([None, *frames], frames, strict=False)
            ]
            found = seat.learned(mean, sights, png.tobytes(), measure)
            if found is None or found.is_usable:
                break
        if found is None:  # somebody is there after all: the next frames are asked
            return False
        self._young = None
        old = seat.fitting(self.known, mean)
        keep = [item for place, item in enumerate(self.known) if place != old]
        self.known = [*keep, found][-seat.MOST_LIGHTS :]
        self._pictures = [_decoded(item.png) for item in self.known]
        self.watch = Watch(self.watch.state)
        return True


def regions(given: Given, at: int) -> dict[str, Region]:
    """By their ids. A reference that is no picture of the region's size is none: it was drawn anew."""
    found = {}
    for name, box in given.seats.items():
        rows, columns = _places(box)
        size = rows.stop - rows.start, columns.stop - columns.start
        fit = [item for item in given.empty.get(name, []) if _decoded(item.png).shape == size]
        found[name] = Region(box, fit, given.sat.get(name, State(Seat.UNKNOWN, at)))
    return found


def redrawn(before: dict[str, Region], boxes: dict[str, Box], at: int) -> dict[str, Region]:
    """Regions that stay where they were go on; of the others nothing is known."""
    return {
        name: before[name]
        if name in before and before[name].box == box
        else Region(box, [], State(Seat.UNKNOWN, at))
        for name, box in boxes.items()
    }


def _places(box: Box) -> tuple[slice, slice]:
    wide, high = SIZE
    left, top = int(box.left * wide), int(box.top * high)
    right, bottom = round(box.right * wide), round(box.bottom * high)
    left, top = min(left, wide - _LEAST), min(top, high - _LEAST)
    return slice(top, max(bottom, top + _LEAST)), slice(left, max(right, left + _LEAST))


def _decoded(png: bytes) -> Grey:
    found = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE) if png else None
    return np.zeros((0, 0), np.uint8) if found is None else np.asarray(found, np.uint8)


def _like(part: Grey, picture: Grey, measure: int) -> float:
    """Of the whole; or of its parts, overlapping quarters that have something to show, the mean of the two that are least like."""
    whole = _correlated(part, picture)
    if measure != seat.PARTS:
        return whole
    rows, columns = (_halves(size) for size in picture.shape)
    least = picture.std() * _SHOWS
    quarters = [(down, right) for down in rows for right in columns if picture[down, right].std() >= least]
    likes = sorted(_correlated(part[place], picture[place]) for place in quarters)
    return min(whole, sum(likes[:2]) / 2) if len(likes) > 1 else whole


def _halves(size: int) -> list[slice]:
    """The first, the middle and the last half, as far as they differ."""
    half = max(_LEAST, size // 2)
    return [slice(begin, begin + half) for begin in sorted({0, (size - half) // 2, size - half})]


def _correlated(part: Grey, picture: Grey) -> float:
    """Normalised: brightness and contrast do not count."""
    part, picture = np.ascontiguousarray(part), np.ascontiguousarray(picture)
    found = float(cv2.matchTemplate(part, picture, cv2.TM_CCOEFF_NORMED)[0, 0])
    return found if np.isfinite(found) else 0.0


def _motion(part: Grey, before: Grey | None) -> float | None:
    return None if before is None else float(cv2.absdiff(part, before).mean())


def _why(known: list[Empty], empty: Empty | None) -> str:
    if not known:
        return "还没有学过无人时的样子"
    if empty is None:
        return "这种光线下还没有学过无人时的样子"
    return "" if empty.is_usable else "这个区域里没有可比较的纹理"
