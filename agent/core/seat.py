"""Key frame by key frame -> whether a counter is attended (cameras.md 3.7): of a region, never of a person.

A region is compared with itself as it is when nobody is there. What differs and moves is somebody; what differs and does
not move for minutes is a coat, a bag or a turned chair. A region says nothing whenever the picture is in doubt.
"""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from common.core.camera import Seat
from common.core.instant import MINUTE, SECOND

LEARN = 15
"""Key frames of an empty region that make its reference."""
MOST_LIGHTS = 3
AGREE_US = 30 * SECOND
"""So long the frames agree before a state changes."""
MOVED_US = 5 * MINUTE
"""Whoever sits there moves at least once in so long."""
_HOLE_US = 20 * SECOND
"""Frames further apart than this do not follow each other: nobody knows what was between."""
_BELOW = 0.12
"""Likeness so far below the least of the learning is a difference: noise and a flicker are not."""
_FEATURELESS = 0.5
"""A region that is no more like itself than this while it is learned has nothing that could be compared."""
_MOVES = 1.6
_MOVES_LEAST = 1.0
WHOLE, PARTS = 1, 2
"""How like a region is to itself: as a whole, or by the parts of it that are least like. Whoever fills a part of a region that was drawn
too wide, or beside the seat, changes little of the whole."""
_OFTEN, _FEW = 0.1, 3
"""Frames that differ from the empty seat while nobody is said to be there, in shares and at least: somebody whom the region has in part."""
CLEAR, WAVERS, LIES = 99, 89, 83
"""In how many of a hundred rendered scenes of which "nobody is there" was said so, nobody was: nearly every frame is as it was without
anybody; now and then one differs; something lies there. Counted by `tests/camera/seats.py`, printed in benchmarks/RESULTS.md."""
_OTHER_LIGHT = 0.5
"""Of the learned brightness: a picture by so much brighter or darker is of another light."""


class Sight(Struct, frozen=True):
    """Of one region in one key frame. `motion` is the mean difference to the frame before, in grey levels; None: none."""

    like: float
    motion: float | None


class Empty(Struct, frozen=True):
    """How a region is when nobody is there, in one light; `mean`: brightness of the whole picture."""

    mean: float
    like: float  # the least of the learning
    motion: float  # the median of it: the sensor's noise
    png: bytes = b""
    measure: int = WHOLE  # of `like`: it is compared as it was learned, by a former release too

    @property
    def is_usable(self) -> bool:
        return self.like >= _FEATURELESS


class State(Struct, frozen=True):
    """What a seat is, since when. `object`: something lies there that does not move. `sure`: of one that is unattended, in how many of
    a hundred rendered scenes that is right; 0: not said. It falls while a state lasts, and never rises."""

    seat: Seat
    since_at: int
    object: bool = False
    sure: int = 0


class Watch(Struct, frozen=True):
    """What is remembered of a region between two frames. `other`: what the frames say instead, since when."""

    state: State
    other: State | None = None
    other_mono: int = 0
    looked_mono: int = 0  # since when the region is looked at without a doubt
    moved_mono: int | None = None
    seen_mono: int | None = None
    frames: int = 0  # since nobody was there, and `odd` of them differ from the empty seat all the same
    odd: int = 0


def learned(mean: float, sights: Sequence[Sight], png: bytes = b"", measure: int = WHOLE) -> Empty | None:
    """The reference that frames of an empty region make; None where something moved in them: it was not empty."""
    moves = [item.motion for item in sights if item.motion is not None]
    if not moves or max(moves) > _moves(median(moves)):
        return None
    return Empty(mean, min(item.like for item in sights), median(moves), png, measure)


def fitting(known: Sequence[Empty], mean: float) -> int | None:
    """Which of them was learned in the light of a picture like this; None: none was."""
    gaps = [abs(item.mean - mean) for item in known]
    if not gaps:
        return None
    nearest = gaps.index(min(gaps))
    return nearest if gaps[nearest] <= _OTHER_LIGHT * known[nearest].mean else None


def seen(watch: Watch, sight: Sight | None, empty: Empty | None, at: int, mono: int) -> Watch:
    """A key frame at office time `at`. `sight` None: the picture is in doubt, and so is the seat, at once."""
    if sight is None or empty is None or not empty.is_usable:
        return blind(watch, at)
    follows = watch.seen_mono is not None and mono - watch.seen_mono <= _HOLE_US
    moved = mono if sight.motion is not None and sight.motion > _moves(empty.motion) else watch.moved_mono
    now = replace(watch, moved_mono=moved, seen_mono=mono)
    if watch.seen_mono is None:
        now = replace(now, looked_mono=mono)
    now = _weighed(now, is_odd=_differs(sight, empty))
    said = _said(sight, empty, at, now)
    if said is None or _same(said, watch.state):
        return replace(now, other=None)
    if watch.other is None or not follows or not _same(said, watch.other):
        return replace(now, other=said, other_mono=mono)
    if mono - watch.other_mono < AGREE_US:
        return now
    return replace(now, state=watch.other, other=None, frames=0, odd=0)


def blind(watch: Watch, at: int) -> Watch:
    """Nobody can say from `at` on."""
    unknown = watch.state.seat is Seat.UNKNOWN
    return Watch(watch.state if unknown else State(Seat.UNKNOWN, at))


def _moves(noise: float) -> float:
    return max(_MOVES * noise, noise + _MOVES_LEAST)


def _same(one: State, other: State) -> bool:
    return (one.seat, one.object) == (other.seat, other.object)


def _differs(sight: Sight, empty: Empty) -> bool:
    return sight.like < empty.like - _BELOW


def _weighed(watch: Watch, *, is_odd: bool) -> Watch:
    """One frame more, of a seat at which nobody may be."""
    state, frames, odd = watch.state, watch.frames + 1, watch.odd + is_odd
    if state.sure == CLEAR and odd >= _FEW and odd > _OFTEN * frames:
        state = replace(state, sure=WAVERS)
    return replace(watch, state=state, frames=frames, odd=odd)


def _said(sight: Sight, empty: Empty, at: int, watch: Watch) -> State | None:
    """None: nothing has moved, and the looking has not lasted long enough to say that nothing does."""
    assert watch.seen_mono is not None
    if not _differs(sight, empty):
        return State(Seat.UNATTENDED, at, sure=CLEAR)
    if watch.moved_mono is not None and watch.seen_mono - watch.moved_mono <= MOVED_US:
        return State(Seat.ATTENDED, at)
    if watch.moved_mono is None and watch.seen_mono - watch.looked_mono <= MOVED_US:
        return None
    return State(Seat.UNATTENDED, at, object=True, sure=LIES)
