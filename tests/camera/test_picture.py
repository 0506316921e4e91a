"""What hides a fault from the examination, each on a wall of its own: a clock's box, a sensor's noise, a texture."""

from functools import cache

import cv2
import numpy as np
import pytest
from msgspec.structs import asdict, replace

from agent.camera import picture
from agent.camera.picture import SIZE, Eye, small
from agent.camera.talk import Box
from agent.core import scene
from agent.core.scene import Reference
from common.core.camera import View
from tests.camera import clips, table
from tests.camera.clips import Grey, Hall
from tests.camera.table import Watched

MEASURED = (
    2,
    {
        "mean": 127.62,
        "std": 27.38,
        "saturated": 0.0,
        "sharp": 0.0,
        "pdiff": 9.11,
        "ticks": 3.37,
        "kept": 0.92,
        "lost": 0.04,
        "like": 0.99,
        "inliers": 0.0,
        "shift": 0.0,
    },
    {"mean": 127.36, "std": 35.83, "sharp": 32842.33, "pdiff": 2.06, "saturated": 0.0, "frames": 30.0},
)
"""A measure, and what it makes of a blurred picture and of a reference."""


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


def older(ready: Watched) -> Watched:
    """The same camera after an upgrade: its references are of a measure before, with figures that say nothing any more."""
    other = table.deepcopy_of(ready)
    kept = [picture.kept(item) for item in ready.eye.patterns]
    nonsense = Reference(mean=1, std=1, sharp=1e9, pdiff=99, saturated=1, frames=30)
    old = [replace(item, figures=nonsense, measure=scene.MEASURE - 1) for item in kept]
    other.eye = Eye([picture.restored(item, clips.CLOCK_BOX) for item in old], clips.CLOCK_BOX)
    return other


@pytest.mark.parametrize("seed", [1, 2])
def test_a_reference_of_an_older_measure_is_learned_anew_and_says_nothing_meanwhile(seed: int) -> None:
    camera = older(table.learned(seed))
    said = camera.show(clips.HARMLESS["clerk comes and goes"], 12)
    assert {*said[: scene.PROVISIONAL]} == {View.LEARNING}
    said += camera.show(clips.HARMLESS["clerk comes and goes"], 40)
    assert said[-1] is View.OK
    assert not any(view.is_fault for view in said)
    (pattern,) = camera.eye.patterns
    fresh = table.learned(seed).eye.patterns[0].figures
    assert pattern.figures.frames == scene.FULL
    assert abs(pattern.figures.pdiff - fresh.pdiff) < 0.3 * fresh.pdiff
    assert not picture.kept(pattern).is_stale
    assert camera.show(clips.FAULTS["lens covered"][1], 12)[-1] is View.COVERED


@pytest.mark.parametrize(("clip", "said"), [("lens covered", View.COVERED), ("moved 140 px", View.MOVED)])
def test_what_is_before_the_lens_at_an_upgrade_is_not_learned(clip: str, said: View) -> None:
    """Else every upgrade would end the faults that stand."""
    camera = older(table.learned(1))
    assert camera.show(clips.FAULTS[clip][1], 40)[-1] is said
    assert [item.figures.frames for item in camera.eye.patterns] == [0]
    assert picture.kept(camera.eye.patterns[0]).is_stale
    assert camera.show(clips.usual, 60)[-1] is View.OK


def test_each_light_is_learned_anew_in_its_own_place() -> None:
    ready = table.learned(1)
    dim = clips.HARMLESS["dimmed x0.6"]
    ready.show(dim, 70)
    assert len(ready.eye.patterns) == 2
    camera = older(ready)
    camera.show(dim, 40)
    assert [item.figures.frames for item in camera.eye.patterns] == [0, scene.FULL]
    assert camera.show(clips.usual, 40)[-1] is View.OK
    assert [item.figures.frames for item in camera.eye.patterns] == [scene.FULL, scene.FULL]


def test_the_figures_are_those_of_the_measure_that_is_written_down() -> None:
    """Whoever changes how a picture is measured counts `scene.MEASURE` up, and writes down here what comes out then: else a box
    compares what it measures now with what it measured before the upgrade."""
    hall, eye = clips.Hall(1), Eye([], clips.CLOCK_BOX)
    frames = [small(clips.usual(hall, at)) for at in range(40)]
    for frame in frames[:30]:
        eye.learn(*eye.look(frame))
    figures, _ = eye.look(small(clips.FAULTS["blur 2.5"][1](hall, 41)))
    found = {name: round(float(getattr(figures, name)), 2) for name in figures.__struct_fields__}
    reference = {name: round(float(value), 2) for name, value in asdict(eye.patterns[0].figures).items()}
    measure, figures_then, reference_then = MEASURED
    assert measure == scene.MEASURE
    assert found == pytest.approx(figures_then, rel=0.01, abs=0.02)
    assert reference == pytest.approx(reference_then, rel=0.01, abs=0.02)


def test_noise_of_which_the_coarse_picture_has_nothing_is_like_no_view() -> None:
    """And no figure is told that is no number."""
    eye = table.learned(1).eye
    black = np.full(SIZE[::-1], 4, np.uint8)
    black[:, ::2] += 4
    figures, _ = eye.look(black)
    assert (figures.std > 1, figures.like) == (True, 0.0)
