"""One key frame's figures -> what is wrong with the picture. The rules of cameras.md 3.6, against the camera's own
reference wherever there is one; times of day are the caller's.

A figure is of the 320 x 180 grey picture, the clock box left out. `shift` is in pixels of that picture.
"""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from common.core.camera import View

PROVISIONAL = 10
"""Key frames of a reference that may judge; a full one has `FULL`."""
FULL = 30
MEASURE = 2
"""How `Features` come out of a picture (`camera/picture.py`). To be counted up with every change of that: references of another
measure are not comparable, and are learned anew."""
MOST_LIGHTS = 3
"""References of one camera, one for each kind of light."""
_SHIFT = 10.0
"""60 px of a 1080p picture."""
_INLIERS = 20
_STILL = 0.35
_REPEATED = 0.05
"""Grey levels between two frames of one picture that is sent again and again."""
_SAME_VIEW = 0.7
"""Correlation of the coarse picture: a blurred, dimmed or relit view is still this one."""
_BLACK = 0.07
"""Of the reference's brightness: what shimmers through below it is no view."""
_VEILED = 0.35
"""Of the reference's contrast."""
_RELIT = 0.25
"""Of the reference's brightness: a change by so much, seen for long, is another light."""


class Features(Struct, frozen=True):
    """Of one key frame. Without a reference nothing is compared."""

    mean: float
    std: float
    saturated: float  # share of pixels above 245
    sharp: float  # variance of the Laplacian, less what the noise of the sensor has of it
    pdiff: float | None = None  # mean difference to the frame before; None: there was none
    ticks: float | None = None  # the same inside the clock box; None: none is drawn
    kept: float = 1.0  # share of the reference's edges that are still there
    lost: float = 0.0  # share of its blocks with edges that have lost most of them
    like: float = 1.0  # correlation with its coarse picture
    inliers: int = 0  # corners that agree on one move of the whole picture
    shift: float = 0.0  # by how much


class Reference(Struct, frozen=True):
    """What is normal for a camera in one light: medians, and the lower twentieth of the difference between frames."""

    mean: float
    std: float
    sharp: float
    pdiff: float
    saturated: float
    frames: int  # 0: one of another measure, of which the picture alone is left


class Verdict(Struct, frozen=True):
    """On one frame; `alt`: what it may be as well."""

    view: View
    alt: View | None = None
    share: float = 0.0  # of the picture that is covered


def learned(frames: Sequence[Features]) -> Reference:
    """The reference that these frames of one light make."""
    moves = sorted(frame.pdiff for frame in frames if frame.pdiff is not None)
    return Reference(
        mean=median(frame.mean for frame in frames),
        std=median(frame.std for frame in frames),
        sharp=median(frame.sharp for frame in frames),
        pdiff=moves[len(moves) // 20] if moves else 0.0,
        saturated=median(frame.saturated for frame in frames),
        frames=len(frames),
    )


def nearest(references: Sequence[Reference], mean: float, std: float) -> int:
    """Which of them, of at least one, has the light of a picture like this."""
    gaps = [abs(mean - item.mean) + abs(std - item.std) for item in references]
    return gaps.index(min(gaps))


def is_relit(frame: Features, reference: Reference) -> bool:
    """The view is the same, the light is another: worth a reference of its own."""
    return not _is_light_of(reference, frame) and frame.like > _SAME_VIEW


def is_stale(reference: Reference | None) -> bool:
    """It was learned by another measure: good enough to say what is wrong, and not that nothing is."""
    return reference is not None and reference.frames == 0


def is_known(frame: Features, reference: Reference) -> bool:
    """The reference is a full one, and of this light: what differs from it may be told to be no part of the hall."""
    return reference.frames >= FULL and _is_light_of(reference, frame)


def _is_light_of(reference: Reference, frame: Features) -> bool:
    return abs(frame.mean - reference.mean) <= _RELIT * reference.mean


def is_still(frame: Features, reference: Reference | None) -> bool:
    """Less differs from the frame before than a living sensor's noise. A clock that ticks acquits; where none is drawn, a light that
    was not learned has a noise that is not known, and only what is the same all over stands still: an empty hall at night is quiet."""
    if reference is None or frame.pdiff is None or (frame.ticks is not None and frame.ticks > 1.0):
        return False
    if frame.ticks is None and not _is_light_of(reference, frame):
        return frame.pdiff <= _REPEATED
    return frame.pdiff <= _STILL * reference.pdiff


def judge(frame: Features, reference: Reference | None, *, is_closed: bool) -> Verdict:
    """`is_closed`: nobody works, so that darkness is no fault. What stands still is told by `votes`."""
    light = _light(frame, reference)
    if light is not View.OK:
        dark = light in {View.BLACK, View.DARK}
        return Verdict(View.OFF if dark and is_closed else light)
    if reference is None:
        return Verdict(View.COVERED if frame.std < 10 else View.LEARNING)
    return _view(frame, reference)


def _light(frame: Features, reference: Reference | None) -> View:
    if frame.mean < 18 and frame.std < 8:
        is_dim = reference is not None and frame.like > _SAME_VIEW and frame.mean > _BLACK * reference.mean
        return View.DARK if is_dim else View.BLACK
    floor = 35.0 if reference is None else 0.35 * reference.mean
    if frame.mean < floor:
        return View.DARK
    blown = 0.6 if reference is None else max(0.6, reference.saturated + 0.3)
    return View.BRIGHT if frame.mean > 225 or frame.saturated > blown else View.OK


def _view(frame: Features, reference: Reference) -> Verdict:
    """First what hides the whole, then what moves it, softens it, hides a part."""
    is_soft = frame.sharp < 0.12 * reference.sharp
    is_flat = frame.std < 10 and frame.kept < 0.1
    if is_flat or (
        is_soft and frame.std < _VEILED * reference.std
    ):  # what is soft before the lens lets light through
        return Verdict(View.COVERED, share=1.0)
    if frame.inliers >= _INLIERS and frame.shift > _SHIFT:
        return Verdict(View.MOVED)
    if is_soft:
        same = frame.like > _SAME_VIEW
        return Verdict(View.BLURRED) if same else Verdict(View.COVERED, View.BLURRED, frame.lost)
    return _hidden(frame)


def _hidden(frame: Features) -> Verdict:
    """Where nothing of the view is found again, another view has as much to show, and a cover has less."""
    if frame.lost > 0.6 and frame.inliers < _INLIERS:
        is_elsewhere = frame.kept > 0.45
        return (
            Verdict(View.MOVED, View.COVERED)
            if is_elsewhere
            else Verdict(View.COVERED, View.MOVED, frame.lost)
        )
    return Verdict(View.COVERED, share=frame.lost) if frame.lost > 0.35 else Verdict(View.OK)
