"""What the worker says of a camera's seats -> what is to be told of them. A seat is never known better than its camera."""

from collections.abc import Mapping

from msgspec.structs import replace

from agent.camera.drawn import rect_of
from agent.camera.talk import Look
from agent.config import CameraConfig, SeatConfig
from agent.core.seat import State
from common.core.camera import Seat, View
from common.core.record import SeatState

_NOT_SEEN = State(Seat.UNKNOWN, 0)


def seats_of(look: Look, item: CameraConfig | None) -> dict[str, SeatState]:
    """By region, of what the configuration has; None: it has this camera no longer."""
    return {seat.id: _seat(look, seat) for seat in item.seat} if item is not None else {}


def _seat(look: Look, seat: SeatConfig) -> SeatState:
    sat = look.seats.get(seat.id)
    state, detail = (_NOT_SEEN, "") if sat is None else (sat.state, sat.detail)
    if look.view.view is not View.OK:
        state, detail = _NOT_SEEN, f"摄像机{look.view.view.word}"
    return SeatState(
        camera=look.camera,
        region=seat.id,
        seat=state.seat,
        since_at=max(state.since_at, look.view.since_at),
        object=state.object,
        hours=seat.open_minutes,
        away_secs=seat.away_mins * 60,
        detail=detail if state.seat is Seat.UNKNOWN else "",
        name=seat.name,
        sure=state.sure,
        box=rect_of(seat.box),
    )


def news(before: Mapping[str, SeatState], now: Mapping[str, SeatState], at: int) -> list[SeatState]:
    """What differs from what was told. A region that is gone has no hours any more; `at`: office time now."""
    gone = [
        replace(item, seat=Seat.UNKNOWN, since_at=at, object=False, sure=0, hours=[], detail="已撤除")
        for name, item in before.items()
        if name not in now
    ]
    return [*gone, *(item for name, item in now.items() if item != before.get(name))]
