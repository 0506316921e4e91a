"""Hides people before a picture leaves the box (cameras.md 3.9). By cv2 and numpy, in the worker alone; no model of a face or
a person is in it, and none is claimed. Where the city lays one on the box, what it finds is hidden too, and nothing less.

Drawn zones are filled, so that nothing of them is left. What may be a person is pixelated in blocks of a fortieth of the
width: the drawn seats, always, because whoever sat there while the reference was learned is part of it; and every block
that differs from the reference or moved within ten seconds, with two neighbours on every side and what they enclose. Where nobody can
say what is a person, or the model that is wanted does not work, the whole picture is.
"""

import copy
from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.camera.faces import Finder
from agent.camera.picture import SIZE, Colour, Grey, Pattern
from agent.camera.talk import Box
from common.core.camera import Mask
from common.core.instant import SECOND

COLUMNS = 40
ROWS = -(-COLUMNS * SIZE[1] // SIZE[0])
_HOLD = 10 * SECOND
_DIFFERS, _MOVES = 18, 10
"""Grey levels beyond the noise of a sensor, of pixels that are means of four or more."""
_SHARE = 0.05
"""Of a block's pixels."""
_FILL = 64
Cells = NDArray[np.uint8]
"""One for each block of the picture: not 0 where somebody may be."""


class Veil:
    """Looks at every key frame of one camera, so that it knows what moved before the one that is to be shown."""

    def __init__(
        self,
        zones: list[Box],
        seats: list[Box],
        clock: Box | None,
        mask: Mask,
        finder: Finder | None = None,
        faces_every: int = 0,
    ) -> None:
        """`finder`: of faces, under `people`; `faces_every`: monotonic time between two of its looks at least."""
        self._zones = zones
        self._seats = np.zeros((ROWS, COLUMNS), np.uint8)
        for box in seats:
            rows, columns = _places(box, COLUMNS, ROWS)
            self._seats[rows, columns] = 1
        self._clock = clock
        self._mask = mask
        self._before: Grey | None = None
        self._seen: deque[tuple[int, Cells]] = deque()
        self._finder, self._faces_every = finder, faces_every
        self._mono = 0
        self._faced_mono: int | None = None

    def look(self, grey: Grey, pattern: Pattern | None, mono: int) -> None:
        """`grey`: the key frame, small as it is examined."""
        grey = self._blank(grey)
        before, self._before = self._before, grey
        self._mono = mono
        while self._seen and mono - self._seen[0][0] > _HOLD:
            self._seen.popleft()
        if self._mask is Mask.PEOPLE:
            known = None if pattern is None else self._blank(pattern.grey)
            self._seen.append((mono, _busy(grey, before, known)))

    def _blank(self, grey: Grey) -> Grey:
        """Black where the clock is, in reference and frame alike: it steadies the comparison of their light."""
        if self._clock is None:
            return grey
        grey = grey.copy()
        grey[_places(self._clock, *SIZE)] = 0
        return grey

    def forget(self) -> None:
        """The next frame does not follow the last one."""
        self._before = None

    def for_clip(self) -> "Veil":
        """One that begins with all that this one has seen, and forgets nothing of it nor of the clip's earlier frames."""
        made = copy.deepcopy(self)
        made.forget()
        return made

    def mask(self, *, is_sound: bool) -> Mask:
        """What would be hidden now."""
        if self._mask is Mask.CAMERA:
            return self._mask
        is_blind = self._finder is not None and bool(self._finder.fault)
        return self._mask if is_sound and self._seen and not is_blind else Mask.ALL

    @property
    def busy(self) -> Cells:
        """Where somebody may be, or was within the time that is remembered."""
        cells = self._seats.copy()
        for _, busy in self._seen:
            cells |= busy
        return cells

    def over(
        self, picture: Colour, *, is_sound: bool, plain: bool = False, also: Cells | None = None
    ) -> tuple[Colour, Mask]:
        """-> the picture of the frame that was looked at last, and what of it is hidden. `is_sound`: the view is the learned one
        in a known light. `plain`: nothing is to be hidden. `also`: blocks that another look found busy."""
        if plain:
            return picture, Mask.NONE
        mask = self.mask(is_sound=is_sound)
        if mask is Mask.PEOPLE and not self._faced(picture):
            mask = Mask.ALL
        if mask is Mask.PEOPLE:
            cells = self.busy if also is None else self.busy | also
        else:
            cells = np.full((ROWS, COLUMNS), mask is Mask.ALL, np.uint8)
        return self._hidden(picture, cells, mask), mask

    def _faced(self, picture: Colour) -> bool:
        """Whether the picture may be shown with what is busy hidden: no faces are looked for, or those in it are busy from now on."""
        is_due = self._faced_mono is None or self._mono - self._faced_mono >= self._faces_every
        if self._finder is None or not is_due:
            return True
        faces = self._finder.found(picture)
        if faces is None:
            return False
        cells = np.zeros((ROWS, COLUMNS), np.uint8)
        for face in faces:
            cells[_places(face, COLUMNS, ROWS)] = 1
        self._seen.append((self._mono, cells))
        self._faced_mono = self._mono
        return True

    def _hidden(self, picture: Colour, cells: Cells, mask: Mask) -> Colour:
        high, wide = picture.shape[:2]
        blocks = cv2.resize(picture, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
        coarse = cv2.resize(blocks, (wide, high), interpolation=cv2.INTER_NEAREST)
        over = cv2.resize(cells, (wide, high), interpolation=cv2.INTER_NEAREST).astype(bool)
        if mask is Mask.PEOPLE and self._clock is not None:  # it ticks, and names nobody
            over[_places(self._clock, wide, high)] = False
        hidden = np.where(over[:, :, None], coarse, picture)
        for box in self._zones:
            hidden[_places(box, wide, high)] = _FILL
        return np.asarray(hidden, np.uint8)


def _busy(grey: Grey, before: Grey | None, known: Grey | None) -> Cells:
    """The blocks in which somebody may be: all of them where there is nothing to compare with."""
    if known is None:
        return np.ones((ROWS, COLUMNS), np.uint8)
    mean, std = (float(value[0][0]) for value in cv2.meanStdDev(grey))
    known_mean, known_std = (float(value[0][0]) for value in cv2.meanStdDev(known))
    gain = float(np.clip(known_std / max(std, 1.0), 0.4, 2.5))
    even = cv2.convertScaleAbs(grey, alpha=gain, beta=known_mean - gain * mean)
    hot = cv2.absdiff(even, known) > _DIFFERS
    hot |= cv2.absdiff(grey, known) > 2 * _DIFFERS  # a person so large that the light seems to change
    if before is not None:
        hot |= cv2.absdiff(grey, before) > _MOVES
    share = cv2.resize(hot.astype(np.float32), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    cells = cv2.dilate((share > _SHARE).astype(np.uint8), np.ones((5, 5), np.uint8))
    edges, _ = cv2.findContours(cells, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(cells, edges, -1, 1, cv2.FILLED), np.uint8)


def _places(box: Box, wide: int, high: int) -> tuple[slice, slice]:
    """Whole pixels, rather one more than one less."""
    rows = slice(int(box.top * high), int(np.ceil(box.bottom * high)))
    return rows, slice(int(box.left * wide), int(np.ceil(box.right * wide)))
