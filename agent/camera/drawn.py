"""What was drawn at the hall over what the box's own file says of its cameras: pure.

The box's own privacy zones stay whatever the hall draws: it can hide more, never less.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from agent.camera.talk import Box, Given, Look, Redraw
from agent.config import CameraConfig, SeatConfig
from common.core.camera import Rect
from common.core.message import Drawn

_WHOLE = 1000


def overlaid(item: CameraConfig, drawn: Iterable[Drawn]) -> CameraConfig:
    """As it counts now."""
    mine = next((one for one in drawn if one.camera == item.id), None)
    if mine is None:
        return item
    seats = {seat.id: seat for seat in item.seat}
    for one in mine.seats:
        before = seats.get(one.id) or SeatConfig(one.id, [])
        seats[one.id] = replace(before, box=_shares(one.box), name=one.name or before.name)
    return replace(item, zone=[*item.zone, *map(_shares, mine.zones)], seat=list(seats.values()))


def watched(item: CameraConfig, look: Look | None) -> dict[str, str]:
    """Its seats, id -> name: the file's own, and those drawn at the hall alone, which are known by what the worker looks at."""
    theirs = {} if look is None else dict.fromkeys(look.seats, "市中心画的座位")
    return theirs | {seat.id: seat.name for seat in item.seat}


def _shares(rect: Rect) -> list[float]:
    return [share / _WHOLE for share in rect]


def rect_of(box: Sequence[float]) -> Rect:
    """`box`: four shares of the picture."""
    left, top, right, bottom = (round(share * _WHOLE) for share in box)
    return left, top, right, bottom


def regions(item: CameraConfig) -> tuple[list[Box], dict[str, Box]]:
    """-> (zones, seats by id)."""
    return [Box(*zone) for zone in item.zone], {seat.id: Box(*seat.box) for seat in item.seat}


class Redrawing:
    """What one worker was told of its cameras' regions."""

    def __init__(self, given: Sequence[Given]) -> None:
        self._told = {item.id: (item.zones, item.seats) for item in given}

    def due(self, cameras: Iterable[CameraConfig]) -> list[Redraw]:
        """What it is to be told now."""
        found = []
        for item in cameras:
            now = regions(item)
            if item.id in self._told and self._told[item.id] != now:
                self._told[item.id] = now
                found.append(Redraw(item.id, *now))
        return found
