"""Upheavals of a source as a whole: a backup is of all its tables, so a sign in one lets all be counted before anything is told
of any, and what is told is one observation.
"""

from collections.abc import Collection, Mapping

import msgspec

from agent.capture import Capture
from agent.core import upheaval
from agent.core.upheaval import Size
from agent.lane import survey
from agent.lanes import Lanes
from common.core.record import Observation
from common.core.state import Observed


class Upheavals:
    """Of one source."""

    def __init__(self, lanes: Mapping[str, Lanes], capture: Capture) -> None:
        self._lanes = lanes
        self._capture = capture
        self._restored: set[int] = set()
        """Signs, by when they were noticed, that proved to be of a restored source: for tables that could not be read then."""

    async def spread(self) -> None:
        """A sign in one table is one for all."""
        found = [one.survey.sign for one in self._lanes.values() if one.survey is not None]
        noticed = [sign.noticed_at for sign in found if not (sign.of_source or sign.alone)]
        for one in self._lanes.values() if noticed else ():
            await one.join(min(noticed))

    async def settle(self, unreadable: Collection[str]) -> bool:
        """Once all tables that can be read are counted: say what it was. -> whether it was said, or was none."""
        under_way = {name: one.survey for name, one in self._lanes.items() if one.survey is not None}
        done = {
            name: (one.sign, one.size)
            for name, one in under_way.items()
            if name not in unreadable and one.size is not None
        }
        if not done or under_way.keys() - done.keys() - set(unreadable):
            return False
        signs = {sign.noticed_at for sign, _ in done.values()}
        told = upheaval.decided(done, is_restored=bool(signs & self._restored))
        if any(size.is_lost(sign) for sign, size in (done[name] for name in told)):
            self._restored |= signs
        if told:
            places = {survey.place_of(name): survey.mark(done[name][0]) for name in told}
            await self._capture.observe(*_observations(told, done), positions=places)
        for name in done:
            await self._lanes[name].conclude(told=name in told)
        return True


def _observations(told: Mapping[str, Observed], done: Mapping[str, tuple[object, Size]]) -> list[Observation]:
    """A source that was restored is one, however many tables it has."""
    sizes = {name: _detail(done[name][1]) for name in told}
    lost = {name: sizes[name] for name, code in told.items() if code is Observed.SOURCE_RESTORED}
    edited = [name for name, code in told.items() if code is Observed.BULK_EDIT]
    found = [_said(Observed.BULK_EDIT, name, sizes[name]) for name in edited]
    if len(lost) > 1:
        whole = {part: sum(one[part] for one in lost.values()) for part in next(iter(lost.values()))}
        found.append(_said(Observed.SOURCE_RESTORED, "", {**whole, "tables": lost}))
    return found + [_said(Observed.SOURCE_RESTORED, name, lost[name]) for name in lost if len(lost) == 1]


def _detail(size: Size) -> dict[str, int]:
    return {"known": size.known, "changed": size.changed, "gone": size.gone, "new": size.new}


def _said(code: Observed, table: str, detail: Mapping[str, object]) -> Observation:
    return Observation(code, table, "", msgspec.json.encode(detail).decode())
