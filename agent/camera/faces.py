"""Where faces are in a picture, by the model that the city laid on the box: YuNet, by `cv2.FaceDetectorYN`. Whose they are is
never asked: its points of eyes and mouth are thrown away, and nothing is compared or kept.

One model for all cameras of the worker, one look at a time. What goes wrong once stands until the worker begins anew: a
model that fails now and then would hide now and then.
"""

import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from agent.camera import model
from agent.camera.picture import Colour
from agent.camera.talk import Box
from common.core.errors import ConfigError

SIDE = 640
"""Of the square that is looked at: the size that YuNet's file of 2023 declares."""
_SCORE, _OVERLAP, _MOST = 0.5, 0.3, 500
"""Rather one face too many; the model's own choice is 0.9."""
_WIDER = 0.35
"""By so much of its width and height a face is hidden on every side: hair, ears, chin."""
SLOW_SECS = 0.2
"""CPU time of one look: half of what lies between two of a live view."""
_TRIALS, _SLOW = 3, 5
_TURN_SECS = 2.0
_NO_MODEL = "模型文件不是 OpenCV 能运行的 YuNet（ONNX）"
_TOO_SLOW = f"模型在这台机器上太慢，看一次超过 {SLOW_SECS * 1000:.0f} 毫秒"


class Finder:
    """`fault`: why it finds nothing any more, in Chinese; empty: it works."""

    def __init__(self, path: Path, sha256: str, slow_secs: float = SLOW_SECS) -> None:
        """Reads and tries the file."""
        self.fault = ""
        self._slow_secs = slow_secs
        self._lock = threading.Lock()
        self._last = deque[float](maxlen=_SLOW)
        try:
            self._net: Any = _made(model.read(path, sha256))
        except ConfigError as error:
            self.fault = str(error)
            return
        blank = np.full((SIDE, SIDE, 3), 128, np.uint8)
        for _ in range(_TRIALS):
            self.found(blank)
        if not self.fault and min(self._last) > slow_secs:
            self.fault = _TOO_SLOW

    def __deepcopy__(self, memo: object) -> Self:
        """A veil that is copied for a clip looks with the same model."""
        return self

    def found(self, picture: Colour) -> list[Box] | None:
        """In shares of the picture. None: nobody can tell whether there is a face."""
        if self.fault or not self._lock.acquire(timeout=_TURN_SECS):
            return None
        began = time.thread_time()
        try:
            return self._looked(picture)
        except (cv2.error, ValueError, TypeError, LookupError):
            self.fault = _NO_MODEL
            return None
        finally:
            self._last.append(time.thread_time() - began)
            if len(self._last) == _SLOW and min(self._last) > self._slow_secs:
                self.fault = self.fault or _TOO_SLOW
            self._lock.release()

    def _looked(self, picture: Colour) -> list[Box]:
        high, wide = picture.shape[:2]
        scale = SIDE / max(wide, high)
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        square = np.zeros((SIDE, SIDE, 3), np.uint8)
        square[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        _, faces = self._net.detect(square)
        rows = np.empty((0, 4)) if faces is None else np.asarray(faces, np.float64)[:, :4]
        if not np.isfinite(rows).all():
            raise ValueError
        return [_box(row, size) for row in rows]


def _made(weights: bytes) -> Any:
    """Raises ConfigError."""
    raw, none = np.frombuffer(weights, np.uint8), np.empty(0, np.uint8)
    try:
        return cv2.FaceDetectorYN.create("onnx", raw, none, (SIDE, SIDE), _SCORE, _OVERLAP, _MOST)
    except cv2.error:
        raise ConfigError(_NO_MODEL) from None


def _box(row: Any, size: tuple[int, int]) -> Box:
    left, top, wide, high = (float(value) for value in row)
    sides = (
        (left - _WIDER * wide) / size[0],
        (top - _WIDER * high) / size[1],
        (left + (1 + _WIDER) * wide) / size[0],
        (top + (1 + _WIDER) * high) / size[1],
    )
    return Box(*(min(1.0, max(0.0, side)) for side in sides))
