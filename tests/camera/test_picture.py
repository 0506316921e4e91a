"""What hides a fault from the examination, each on a wall of its own: a clock's box, a sensor's noise, a texture."""

from functools import cache

import cv2
import numpy as np
import pytest

from agent.camera.picture import SIZE, Eye, small
from agent.camera.talk import Box
from common.core.camera import View
from tests.camera import clips, table
from tests.camera.clips import Grey, Hall
from tests.camera.table import Watched


def wall(spread: float, contrast: float) -> Grey:
    """A photograph without objects: `spread` in pixels, `contrast` in grey levels."""
    noise = np.random.default_rng(7).normal(0, 1, (clips.HIGH, clips.WIDE))
    soft = cv2.GaussianBlur(noise, (0, 0), spread)
    return np.asarray(np.clip(128 + contrast / soft.std() * soft, 0, 255), np.uint8)


WALLS = {"smooth": wall(60, 15), "gravel": wall(1.2, 40)}
learned = cache(lambda on: table.learned(1, [WALLS[on]]))


def knowing(on: str) -> Watched:
    """A camera that knows this wall; each test has its own."""
    return table.deepcopy_of(learned(on))


@pytest.mark.parametrize(
    ("on", "clip", "said"),
    [
        ("smooth", "blur 2.5", View.BLURRED),
        ("smooth", "blur 5", View.BLURRED),
        ("smooth", "lens covered", View.COVERED),
        ("gravel", "moved 70 px", View.MOVED),
    ],
)
def test_a_fault_is_named_where_the_view_itself_hides_it(on: str, clip: str, said: View) -> None:
    """The smooth wall has less of its own than the noise and a clock's box; on gravel an edge is found everywhere."""
    camera = knowing(on)
    assert camera.show(clips.FAULTS[clip][1], 12)[-1] is said, camera.figures


@pytest.mark.parametrize("on", WALLS)
@pytest.mark.parametrize("clip", ["nothing", "two walk in", "dimmed x0.6"])
def test_nothing_is_raised_there_of_what_is_harmless(on: str, clip: str) -> None:
    ready = knowing(on)
    assert {*ready.show(clips.HARMLESS[clip], 12)} == {View.OK}, ready.figures


def crowd(hall: Hall, at: int) -> Grey:
    """Two thirds of the picture are never where they were."""
    picture = hall.frame(at)
    picture[:, 240:] = np.roll(picture[:, 240:], 37 * at, axis=1)
    return hall.finish(picture, at)


def test_what_moves_is_no_noise() -> None:
    """Else a full hall would be taken off what is sharp of it, and be blurred."""
    camera = table.learned(1)
    camera.show(crowd, 12)
    assert camera.figures.sharp > 0.7 * camera.eye.patterns[0].figures.sharp


@pytest.mark.parametrize("box", [clips.CLOCK_BOX, Box(0.5, 0.9, 1.0, 1.0), Box(0.9, 0.0, 1.0, 1.0)])
def test_the_clocks_box_has_nothing_of_its_own_in_any_figure(box: Box) -> None:
    """Whatever the camera prints there: the figures are the same."""
    hall = small(clips.usual(clips.Hall(1), 0))
    wide, high = SIZE
    printed = hall.copy()
    rows = slice(int(box.top * high), int(np.ceil(box.bottom * high)))
    printed[rows, int(box.left * wide) : int(np.ceil(box.right * wide))] = 0
    shown, _ = Eye([], box).look(printed)
    plain, _ = Eye([], box).look(hall)
    assert shown == plain
