"""A decoded key frame -> `Features`. With the adapters the only file that sees cv2 and numpy; it decides nothing."""

from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.camera.talk import Box, Kept
from agent.core import scene
from agent.core.scene import Features, Reference

Grey = NDArray[np.uint8]
Colour = NDArray[np.uint8]
"""Rows, columns, and blue, green, red."""
SIZE = 320, 180
_BLOCK = 40, 45
"""Columns and rows of a block whose edges are counted."""
_FEW_EDGES = 40
_THUMB = 32, 18
MOST_WIDE = 1280
"""Pixels of a still."""
MOST_BYTES = 96 * 1024
"""Of a still: with its seal it is one message of a broker (sync.md 3.2)."""
_QUALITIES = (60, 45, 30, 15)
_LOOK_CLOSER = 0.12
"""Corners are matched (the dearest figure by far) only where so large a share of edges or blocks has gone,"""
_LOOKS_ALIKE = 0.9
"""or where the coarse picture is less like: on grass or gravel an edge is found wherever the camera looks."""

cv2.setNumThreads(1)


class Pattern:
    """A reference as it is compared with."""

    def __init__(self, figures: Reference, grey: Grey) -> None:
        self.figures = figures
        self.grey = grey
        self.edges = _edges(grey)
        self.blocks = _by_block(self.edges)
        self.thumb = _thumb(grey)
        self.corners, self.marks = _orb().detectAndCompute(grey, None)


def kept(pattern: Pattern) -> Kept:
    done, png = cv2.imencode(".png", pattern.grey)
    assert done
    return Kept(pattern.figures, png.tobytes(), scene.MEASURE)


def restored(item: Kept, clock_box: Box | None) -> Pattern:
    """One of another measure is measured again by its picture, as far as one can: how much it moves is not in it (`scene.is_stale`).
    Raises ValueError for bytes that are no picture of ours."""
    grey = cv2.imdecode(np.frombuffer(item.png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None or grey.shape != SIZE[::-1]:
        raise ValueError("no reference picture")
    found = np.asarray(grey, np.uint8)
    if not item.is_stale:
        return Pattern(item.figures, found)
    hall = found if clock_box is None else unclocked(found, clock_box)
    figures, _ = Eye([]).look(hall)
    return Pattern(
        Reference(figures.mean, figures.std, figures.sharp, 0.0, figures.saturated, frames=0), hall
    )


def small(luma: Grey) -> Grey:
    """The picture that is examined: grey, 320 x 180."""
    return np.asarray(cv2.resize(luma, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def unclocked(grey: Grey, box: Box) -> Grey:
    """Without the camera's clock: its box is filled with the row beside, or the column where it goes from top to bottom. What is
    the same in every picture, as a black box is, has a contrast, sharp edges and a likeness of its own, and hides that the
    hall has lost them."""
    rows, columns = _places(box)
    wide, high = SIZE
    grey = grey.copy()
    if rows.stop - rows.start < high:
        grey[rows, columns] = grey[_beside(rows, high), columns]
    elif columns.stop - columns.start < wide:
        grey[rows, columns] = grey[rows, _beside(columns, wide), None]
    return grey


def _beside(part: slice, size: int) -> int:
    return int(part.stop if part.stop < size else part.start - 1)


def _places(box: Box) -> tuple[slice, slice]:
    wide, high = SIZE
    rows = slice(int(box.top * high), int(np.ceil(box.bottom * high)))
    return rows, slice(int(box.left * wide), int(np.ceil(box.right * wide)))


def jpeg(picture: Colour) -> bytes:
    """As good as fits in `MOST_BYTES`; a smaller picture where none does."""
    while True:
        for quality in _QUALITIES:
            done, found = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
            assert done
            if found.nbytes <= MOST_BYTES:
                return found.tobytes()
        picture = np.asarray(
            cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
        )


class Eye:
    """Looks at one camera's frames in their order, and learns what is normal for it."""

    def __init__(self, patterns: list[Pattern], clock_box: Box | None = None) -> None:
        self.patterns = patterns
        self._clock_box = clock_box
        self._before: Grey | None = None
        self._clock: Grey | None = None
        self._young: list[tuple[Features, Grey]] = []
        self._place = 0
        """Of the reference that these are to take the place of."""
        self._relit: list[tuple[Features, Grey]] = []

    def look(self, grey: Grey) -> tuple[Features, Pattern | None]:
        """-> the figures of `grey`, and the reference that they are relative to."""
        ticks = None
        if self._clock_box is not None:
            ticks = self._ticked(grey[_places(self._clock_box)].copy())
            grey = unclocked(grey, self._clock_box)
        before, self._before = self._before, grey
        mean, std = (float(value[0][0]) for value in cv2.meanStdDev(grey))
        figures = Features(
            mean=mean,
            std=std,
            saturated=float(np.count_nonzero(grey > 245)) / grey.size,
            sharp=_sharp(grey) if before is None else max(0.0, _sharp(grey) - _noise(grey, before)),
            pdiff=None if before is None else float(cv2.absdiff(grey, before).mean()),
            ticks=ticks,
        )
        if not self.patterns:
            return figures, None
        pattern = self.patterns[scene.nearest([item.figures for item in self.patterns], mean, std)]
        return _compared(figures, grey, pattern), pattern

    def learn(self, figures: Features, pattern: Pattern | None) -> bool:
        """The frame that was looked at last is in order. -> whether there is a new or better reference now."""
        assert self._before is not None
        if pattern is None or pattern.figures.frames < scene.FULL:
            place = 0 if pattern is None else self.patterns.index(pattern)
            if place != self._place:
                self._young, self._place = [], place
            self._young.append((figures, self._before))
            if len(self._young) not in {scene.PROVISIONAL, scene.FULL}:
                return False
            self.patterns[place : place + 1] = [_learned(self._young)]
            if len(self._young) >= scene.FULL:
                self._young = []
            return True
        if len(self.patterns) == scene.MOST_LIGHTS or not scene.is_relit(figures, pattern.figures):
            self._relit = []
            return False
        self._relit.append((figures, self._before))
        if len(self._relit) < scene.FULL:
            return False
        self.patterns.append(_learned(self._relit))
        self._relit = []
        return True

    def forget(self) -> None:
        """The view is another one from now on."""
        self.patterns.clear()
        self._young, self._relit = [], []

    def interrupt(self) -> None:
        """The next frame does not follow the last one."""
        self._before = None
        self._relit = []

    def _ticked(self, clock: Grey) -> float | None:
        """By how much the clock's box differs from the one before."""
        before, self._clock = self._clock, clock
        same = before is not None and before.shape == clock.shape
        return float(cv2.absdiff(clock, before).mean()) if same and before is not None else None


def _learned(frames: list[tuple[Features, Grey]]) -> Pattern:
    grey = np.median(np.stack([frame for _, frame in frames]), axis=0).astype(np.uint8)
    figures = scene.learned([figures for figures, _ in frames])
    return Pattern(msgspec.structs.replace(figures, sharp=min(_sharp(grey), figures.sharp)), grey)


def _compared(figures: Features, grey: Grey, pattern: Pattern) -> Features:
    gain = float(np.clip(pattern.figures.std / max(figures.std, 1.0), 0.4, 2.5))
    even = cv2.convertScaleAbs(grey, alpha=gain, beta=pattern.figures.mean - gain * figures.mean)
    near = cv2.dilate(_edges(np.asarray(even, np.uint8)), np.ones((5, 5), np.uint8))
    found = cv2.bitwise_and(pattern.edges, near)
    all_edges = max(1, int(np.count_nonzero(pattern.edges)))
    share = np.count_nonzero(found) / all_edges
    full = pattern.blocks > _FEW_EDGES
    blocks = _by_block(found)[full] / pattern.blocks[full]
    lost = float(np.count_nonzero(blocks < 0.3) / max(1, blocks.size))
    inliers, shift = 0, 0.0
    like = _like(_thumb(grey), pattern.thumb) if figures.std > 1 else 0.0
    if 1 - share > _LOOK_CLOSER or lost > _LOOK_CLOSER or like < _LOOKS_ALIKE:
        inliers, shift = _moved(np.asarray(even, np.uint8), pattern)
    return msgspec.structs.replace(
        figures, kept=float(share), lost=lost, like=like, inliers=inliers, shift=shift
    )


def _like(thumb: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Correlation; 0 where one of them is the same all over: what is left of noise in so coarse a picture can be nothing."""
    if min(thumb.std(), other.std()) < 1e-6:
        return 0.0
    return float(np.corrcoef(thumb, other)[0, 1])


def _sharp(grey: Grey) -> float:
    return float(cv2.Laplacian(grey, cv2.CV_64F, ksize=3).var())


def _noise(grey: Grey, before: Grey) -> float:
    """What the sensor's noise has of `_sharp`: half of what the difference of two frames has, in a block of which a quarter of
    all have less, because noise is in every block and what moves is not."""
    change = cv2.Laplacian(cv2.subtract(grey, before, dtype=cv2.CV_32F), cv2.CV_32F, ksize=3)
    return float(np.quantile(_in_blocks(change).var(axis=(1, 3)), 0.25)) / 2


def _edges(grey: Grey) -> Any:
    return cv2.Canny(grey, 60, 160)


def _by_block(edges: Any) -> NDArray[np.int64]:
    return np.asarray(_in_blocks(edges > 0).sum(axis=(1, 3)), np.int64)


def _in_blocks(figures: Any) -> Any:
    """Row of blocks, row in it, column of blocks, column in it."""
    wide, high = _BLOCK
    return figures.reshape(SIZE[1] // high, high, SIZE[0] // wide, wide)


def _thumb(grey: Grey) -> NDArray[np.float64]:
    return np.asarray(cv2.resize(grey, _THUMB, interpolation=cv2.INTER_AREA), np.float64).ravel()


def _orb() -> Any:
    return cv2.ORB.create(300)


def _moved(grey: Grey, pattern: Pattern) -> tuple[int, float]:
    """-> how many corners agree on one move of the picture's middle, and how far that is, in pixels."""
    corners, marks = _orb().detectAndCompute(grey, None)
    if marks is None or pattern.marks is None:
        return 0, 0.0
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(pattern.marks, marks)
    if len(pairs) < 6:
        return 0, 0.0
    before = np.array([pattern.corners[pair.queryIdx].pt for pair in pairs], np.float32)
    after = np.array([corners[pair.trainIdx].pt for pair in pairs], np.float32)
    move: Any
    move, agree = cv2.estimateAffinePartial2D(before, after, method=cv2.RANSAC, ransacReprojThreshold=3.0)
    if move is None:
        return 0, 0.0
    middle = np.array([SIZE[0] / 2, SIZE[1] / 2, 1.0])
    shift = float(np.hypot(*(move @ middle - middle[:2])))
    return int(agree.sum()), shift
