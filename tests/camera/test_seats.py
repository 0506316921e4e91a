"""How like one region is to itself, and to what a former release learned of it."""

import cv2
import numpy as np
from msgspec.structs import replace

from agent.camera.seats import Region
from agent.camera.talk import Box
from agent.core import seat
from agent.core.seat import Empty, State
from common.core.camera import Seat
from common.core.instant import SECOND
from tests.camera.clips import Grey

BOX = Box(0.25, 0.25, 0.5, 0.5)
_SOFT = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, (180, 320)), (0, 0), 2)
WALL: Grey = np.asarray(np.clip(120 + 35 / _SOFT.std() * _SOFT, 0, 255), np.uint8)
UNKNOWN = State(Seat.UNKNOWN, 0)


def frame(number: int, bare: Grey, *, is_there: bool = False) -> Grey:
    """Somebody sways in a tenth of the region, no brighter than the wall."""
    found = np.clip(bare + np.random.default_rng(number).normal(0, 1, bare.shape), 0, 255)
    if is_there:
        at = number % 5
        found[50:62, 90:120] = WALL[100:112, 200 + 5 * at : 230 + 5 * at]
    return np.asarray(found, np.uint8)


def learned(bare: Grey) -> Region:
    region = Region(BOX, [], UNKNOWN)
    region.learn()
    for number in range(seat.LEARN):
        region.look(frame(number, bare), 120.0, number, number, is_sound=True)
    return region


def said(known: list[Empty], bare: Grey, *, is_there: bool) -> Seat:
    region = Region(BOX, known, UNKNOWN)
    for number in range(30):
        now = number * 5 * SECOND
        region.look(frame(number, bare, is_there=is_there), 120.0, now, now, is_sound=True)
    return region.watch.state.seat


def test_whoever_fills_a_corner_of_a_region_is_seen_and_what_was_learned_before_is_compared_as_before() -> (
    None
):
    (known,) = learned(WALL).known
    assert known.measure == seat.PARTS
    assert said([known], WALL, is_there=True) is Seat.ATTENDED
    assert said([known], WALL, is_there=False) is Seat.UNATTENDED
    before = replace(known, like=0.98, measure=seat.WHOLE)  # as a former release wrote it: without a measure
    assert said([before], WALL, is_there=True) is Seat.UNATTENDED, (
        "as that release did, until it is learned anew"
    )


def test_a_region_of_which_a_part_alone_has_something_to_show_is_compared_as_a_whole() -> None:
    smooth = np.full_like(WALL, 120)
    smooth[80:88, 130:158] = WALL[80:88, 130:158]
    (known,) = learned(smooth).known
    assert known.is_usable
    assert said([known], smooth, is_there=False) is Seat.UNATTENDED
