"""What leaves the worker of a picture, on rendered halls: people and zones are hidden, and everything wherever nobody can tell.

The picture that is hidden is noise, each pixel a colour of its own: so whatever is shown as it was is seen, in every pixel.
"""

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from agent.camera import picture
from agent.camera.picture import Colour, Eye, Grey
from agent.camera.talk import Box
from agent.camera.veil import Veil
from agent.core import scene
from common.core.camera import Mask
from common.core.instant import SECOND
from tests.camera.clips import CLOCK_BOX, HIGH, SEAT, WIDE, Hall

ZONE = Box(0.7, 0.8, 0.9, 0.95)
Shape = NDArray[np.bool_]


def noise() -> Colour:
    return np.random.default_rng(7).integers(0, 256, (HIGH, WIDE, 3), np.uint8)


def hidden(veil: Veil, *, is_sound: bool = True, plain: bool = False) -> tuple[Shape, Mask]:
    """-> which pixels do not come as they were."""
    plainly = noise()
    shown, mask = veil.over(plainly.copy(), is_sound=is_sound, plain=plain)
    return (shown != plainly).any(axis=2), mask


def frame(hall: Hall, at: int, *, clerk: bool, walkers: int = 0, gain: float = 1.0) -> Grey:
    return picture.small(
        hall.finish(np.clip(hall.frame(at, clerk=clerk, walkers=walkers) * gain, 0, 255), at)
    )


def learned(hall: Hall, frames: int = scene.FULL) -> Eye:
    """Of the hall without anybody."""
    eye = Eye([], CLOCK_BOX)
    for at in range(frames):
        figures, pattern = eye.look(frame(hall, at, clerk=False))
        eye.learn(figures, pattern)
    return eye


def disc(x: int, y: int, size: int) -> Shape:
    found = np.zeros((HIGH, WIDE), np.uint8)
    cv2.circle(found, (x, y), size, 1, -1)
    return found.astype(bool)


def heads(hall: Hall, at: int, walkers: int) -> Shape:
    """Where `Hall.frame` draws them."""
    found = disc(WIDE // 2 + int(9 * math.sin(0.7 * at + hall.phase)), int(HIGH * 0.4), 30)
    for walker in range(walkers):
        place = int((at * 37 + walker * 251 + hall.phase * 50) % (WIDE + 160)) - 80
        found |= disc(place, int(HIGH * (0.5 + 0.1 * walker)), 34)
    return found


def run(hall: Hall, veil: Veil, eye: Eye, frames: range, *, walkers: int = 2) -> list[float]:
    """-> of each frame, the share of the heads that is not hidden."""
    shown = []
    for at in frames:
        grey = frame(hall, at, clerk=True, walkers=walkers)
        _, pattern = eye.look(grey)
        veil.look(grey, pattern, at * 2 * SECOND)
        found, mask = hidden(veil)
        assert mask is Mask.PEOPLE
        head = heads(hall, at, walkers)
        shown.append(int(np.count_nonzero(head & ~found)) / int(np.count_nonzero(head)))
    return shown


@pytest.mark.parametrize("seed", [5, 8])
def test_every_head_is_hidden_in_every_frame_and_an_empty_hall_is_seen(seed: int) -> None:
    hall = Hall(seed)
    eye, veil = learned(hall), Veil([ZONE], [], CLOCK_BOX, Mask.PEOPLE)
    assert max(run(hall, veil, eye, range(100, 116))) == 0.0
    for at in (200, 210):  # they went, and ten seconds are over
        empty = frame(hall, at, clerk=False)
        veil.look(empty, eye.look(empty)[1], at * 2 * SECOND)
    found, _ = hidden(veil)
    assert np.count_nonzero(found) / found.size < 0.1
    clock = found[: int(0.1 * HIGH), : int(0.34 * WIDE)]
    assert not clock.any(), "the camera's own clock is read on the picture"
    assert found[int(0.8 * HIGH) : int(0.95 * HIGH), int(0.7 * WIDE) : int(0.9 * WIDE)].all()


def test_who_sat_there_while_it_was_learned_is_hidden_by_the_drawn_seat() -> None:
    hall = Hall(3)
    eye = Eye([], CLOCK_BOX)
    still = frame(hall, 5, clerk=True)
    for _ in range(scene.FULL):
        figures, pattern = eye.look(still)
        eye.learn(figures, pattern)
    for seats, is_hidden in (([], False), ([SEAT], True)):
        veil = Veil([], seats, None, Mask.PEOPLE)
        veil.look(still, eye.look(still)[1], 0)
        found, _ = hidden(veil)
        head = disc(WIDE // 2 + int(9 * math.sin(0.7 * 5 + hall.phase)), int(HIGH * 0.4), 30)
        assert bool(found[head].all()) is is_hidden


def test_what_moved_ten_seconds_ago_is_still_hidden_and_then_shown() -> None:
    hall = Hall(2)
    eye, veil = learned(hall), Veil([], [], CLOCK_BOX, Mask.PEOPLE)
    run(hall, veil, eye, range(1), walkers=0)
    head = heads(hall, 0, 0)
    seen = []
    for at in range(1, 9):
        grey = frame(hall, at, clerk=False)
        veil.look(grey, eye.look(grey)[1], at * 2 * SECOND)
        seen.append(bool(hidden(veil)[0][head].all()))
    assert seen[:5] == [True] * 5
    assert not seen[-1]


def test_where_nobody_can_tell_everything_is_hidden() -> None:
    """P-CAM-03, C13"""
    hall = Hall(1)
    grey = frame(hall, 0, clerk=True)
    young = Veil([], [], CLOCK_BOX, Mask.PEOPLE)
    young.look(grey, None, 0)
    told = Veil([], [], CLOCK_BOX, Mask.ALL)
    told.look(grey, None, 0)
    unseen = Veil([], [], CLOCK_BOX, Mask.PEOPLE)
    for veil, is_sound in ((young, False), (told, True), (unseen, True)):
        found, mask = hidden(veil, is_sound=is_sound)
        assert mask is Mask.ALL
        assert found.all()
    found, mask = hidden(young)
    assert mask is Mask.PEOPLE
    assert found[40:].all(), "nothing to compare with: all but the clock"


def test_a_reference_is_known_only_when_it_is_full_and_of_this_light() -> None:
    hall = Hall(1)
    for frames, gain, is_known in (
        (scene.PROVISIONAL, 1.0, False),
        (scene.FULL, 1.0, True),
        (scene.FULL, 0.6, False),
    ):
        eye = learned(hall, frames)
        figures, pattern = eye.look(frame(hall, 100, clerk=True, gain=gain))
        assert pattern is not None
        assert scene.is_known(figures, pattern.figures) is is_known


def test_what_the_camera_hides_itself_is_left_and_plain_is_plain() -> None:
    veil = Veil([ZONE], [SEAT], None, Mask.CAMERA)
    found, mask = hidden(veil, is_sound=False)
    assert mask is Mask.CAMERA
    assert 0.02 < np.count_nonzero(found) / found.size < 0.04, "the drawn zone and nothing else"
    found, mask = hidden(veil, plain=True)
    assert not found.any()
    assert mask is Mask.NONE


def test_a_still_fits_one_message_whatever_it_shows() -> None:
    wild = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    jpeg = picture.jpeg(wild)
    assert len(jpeg) <= picture.MOST_BYTES
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape[0] * 16 == shown.shape[1] * 9
