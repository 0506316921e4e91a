"""Frame by frame -> one state of a camera's picture, told when it changes (cameras.md 3.6, Voting).

A single frame decides nothing. Seven of the last ten must be wrong before a fault is raised (four where
the camera has raised an alarm of its own), nine of ten right for half
a minute before it is over, so that raising and clearing never chase each other. What the line says (unreachable,
stalled, ...) is certain and goes before every picture.
"""

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from agent.core.scene import Verdict
from common.core.camera import View
from common.core.instant import SECOND

WINDOW = 10
RAISE = 7
WITNESSED = 4
"""Of the last ten, where the camera itself says that somebody tampers with it: two witnesses, so a shorter vote."""
CLEAR = 9
CLEAR_US = 30 * SECOND
_STILL_FRAMES = 5
_STILL_US = 10 * SECOND
_CERTAIN = 0.6


class Vote(Struct, frozen=True):
    """Of one key frame, at office time `at` and monotonic `mono`."""

    verdict: Verdict
    at: int
    mono: int


class Standing(Struct, frozen=True):
    """What a camera is, since when. `votes`: of the window, for it."""

    view: View
    since_at: int
    alt: View | None = None
    certain: bool = True
    votes: int = 0
    share: float = 0.0


class Watch(Struct, frozen=True):
    """What is remembered between two frames."""

    standing: Standing
    window: tuple[Vote, ...] = ()
    good_mono: int | None = None  # since when nine of ten are right
    good_at: int = 0  # office time of the first right one of them
    still: int = 0  # frames that stand still, one after another
    still_mono: int = 0
    still_at: int = 0


def seen(
    watch: Watch, verdict: Verdict, at: int, mono: int, *, is_still: bool, is_witnessed: bool = False
) -> Watch:
    """One key frame has come. `is_witnessed`: the camera's own tamper alarm stands beside it."""
    watch = _counted(watch, at, mono, is_still=is_still)
    if verdict.view is View.OK and watch.still >= _STILL_FRAMES and mono - watch.still_mono >= _STILL_US:
        verdict = Verdict(View.FROZEN)
    if verdict.view in {View.OFF, View.LEARNING}:
        return _rested(watch, verdict.view, at)
    window = (*watch.window, Vote(verdict, at, mono))[-WINDOW:]
    watch = replace(watch, window=window)
    return _cleared(_raised(watch, WITNESSED if is_witnessed else RAISE), mono)


def cut(watch: Watch, view: View, since_at: int) -> Watch:
    """The line says it: no picture is to be had, or nobody looks. What was voted before is void."""
    if watch.standing.view is view:
        return replace(watch, window=(), good_mono=None, still=0)
    return Watch(Standing(view, since_at))


def unsure(before: Watch, now: Watch, at: int) -> Watch:
    """`now`, where it was judged by a reference of another measure: what is wrong counts, and 正常 is not said by it."""
    if now.standing.view is not View.OK:
        return now
    was = before.standing
    return replace(now, standing=was if was.view is View.LEARNING else Standing(View.LEARNING, at))


def _counted(watch: Watch, at: int, mono: int, *, is_still: bool) -> Watch:
    if not is_still:
        return replace(watch, still=0)
    if watch.still == 0:
        return replace(watch, still=1, still_mono=mono, still_at=at)
    return replace(watch, still=watch.still + 1)


def _rested(watch: Watch, view: View, at: int) -> Watch:
    """Nothing to vote on. A fault that stands is kept while it is dark; learning begins anew."""
    kept = watch.standing.view is view or (watch.standing.view.is_fault and view is View.OFF)
    standing = watch.standing if kept else Standing(view, at)
    return replace(watch, standing=standing, window=(), good_mono=None)


def _raised(watch: Watch, least: int) -> Watch:
    bad = [vote for vote in watch.window if vote.verdict.view is not View.OK]
    if len(bad) < least:
        return watch
    names = Counter(vote.verdict.view for vote in bad).most_common()
    view, votes = names[0]
    votes_of = [vote for vote in bad if vote.verdict.view is view]
    alts = Counter(vote.verdict.alt for vote in votes_of if vote.verdict.alt is not None).most_common(1)
    certain = votes >= _CERTAIN * len(bad) and 2 * sum(count for _, count in alts) < votes
    alt = alts[0][0] if alts else names[1][0] if len(names) > 1 else None
    now = watch.standing
    if now.view.is_fault and (votes < RAISE or _same_fault(now, view)):
        return replace(watch, good_mono=None)
    since = watch.still_at if view is View.FROZEN and watch.still else bad[0].at
    share = max(vote.verdict.share for vote in votes_of)
    if now.view.is_fault:
        since = votes_of[0].at
    return replace(watch, standing=Standing(view, since, alt, certain, votes, share), good_mono=None)


def _same_fault(now: Standing, view: View) -> bool:
    """One finding per fault: a second name that competes with it does not end it."""
    return view in {now.view, now.alt}


def _cleared(watch: Watch, mono: int) -> Watch:
    if watch.standing.view is View.OK:
        return watch
    good = sum(vote.verdict.view is View.OK for vote in watch.window)
    if good < (CLEAR if watch.standing.view.is_fault else RAISE):
        return replace(watch, good_mono=None)
    if not watch.standing.view.is_fault:
        return replace(watch, standing=Standing(View.OK, watch.window[-1].at), good_mono=None)
    if watch.good_mono is None:
        first = next(vote for vote in watch.window if vote.verdict.view is View.OK)
        return replace(watch, good_mono=mono, good_at=first.at)
    if mono - watch.good_mono < CLEAR_US:
        return watch
    return replace(watch, standing=Standing(View.OK, watch.good_at), good_mono=None)
