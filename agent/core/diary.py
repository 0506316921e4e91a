"""What a box writes of itself: every change of its own state, as an `event` record (sync.md 3.5).

Theory. The box is in one state of each of these at once: its line, its source, its capture, its buffer, its key, its
policy. A change is a difference of two looks a second apart, and so can neither be forgotten by the code that makes it
nor be written twice, not even over a restart; one that came and went between two looks is not told.

    line     lost -> catchup <-> steady, each -> lost, each -> refused
    source   back <-> lost
    capture  resumed <-> paused
    buffer   free <-> full
    key      back <-> lost
    policy   n -> m
    shed     n -> m observations left out, told when there is room again
"""

from msgspec import Struct

from agent.core.sync import Phase
from common.core.happening import Happening
from common.core.record import Event

_LINE = {
    Phase.OFFLINE: Happening.LINK_LOST,
    Phase.HELLO: Happening.LINK_LOST,
    Phase.CATCHUP: Happening.LINK_CATCHUP,
    Phase.STEADY: Happening.LINK_STEADY,
    Phase.REFUSED: Happening.LINK_REFUSED,
}
"""The broker alone is no line to the hall."""


class Standing(Struct, frozen=True):
    """How a box stands at one look. Texts are Chinese sentences, or empty."""

    line: Phase = Phase.OFFLINE
    line_fault: str = ""
    refused: str = ""
    source_fault: str = ""
    paused: str = ""
    full: str = ""
    key: str = ""
    stands_in: bool = False
    policy: int = 0
    shed: int = 0


def told(before: Standing, now: Standing) -> list[Event]:
    """What changed, in the order of the table above."""
    events = []
    line = _LINE[now.line]
    if line is not _LINE[before.line]:
        events.append(_event(line, now.refused if line is Happening.LINK_REFUSED else now.line_fault))
    for was, is_now, bad, good in (
        (before.source_fault, now.source_fault, Happening.SOURCE_LOST, Happening.SOURCE_BACK),
        (before.paused, now.paused, Happening.CAPTURE_PAUSED, Happening.CAPTURE_RESUMED),
        (before.full, now.full, Happening.BUFFER_FULL, Happening.BUFFER_FREE),
    ):
        if bool(was) is not bool(is_now):
            events.append(_event(bad if is_now else good, is_now))
    if before.stands_in is not now.stands_in:
        events.append(_event(Happening.KEY_LOST if now.stands_in else Happening.KEY_BACK, now.key))
    if before.policy != now.policy:
        events.append(_event(Happening.POLICY_CHANGED, f"第 {now.policy} 版"))
    if now.shed > before.shed:
        events.append(_event(Happening.OBSERVATIONS_SHED, f"{now.shed - before.shed:,} 项"))
    return events


def _event(name: Happening, detail: str) -> Event:
    return Event(name.value, detail)
