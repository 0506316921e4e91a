"""Which stills and clips are wanted of the worker, and what becomes of them: a record with the hash, and the body in the spool.

A still and a clip are wanted when a camera's fault is told, once in each stretch of its hours when nobody has sat at a seat for as
long as is allowed, and either by a signed order of the hall. An order alone may be plain, and answers who waits for it; of a clip that a finding
wanted and that was not made an event says why.
"""

import asyncio
import secrets
from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from agent.camera.talk import Shoot, Shot
from agent.capture import Capture
from agent.config import ZONE
from agent.spool import Spool
from agent.sqlfile import BufferFullError
from common.clock import Clock
from common.core.camera import Occasion, Seat, View
from common.core.errors import RejectedError, UnavailableError
from common.core.happening import Happening
from common.core.instant import MINUTE, SECOND, from_us, local_date, start_of_day
from common.core.record import CameraState, Event, SeatState, Still

ANSWER_SECS = 45.0
"""So long an order waits for the next key frame."""
_LATE = 2 * MINUTE
"""A picture that comes later than that shows something else."""
_TIDY = 10 * SECOND
_MOST = 64
"""Wanted at once; more is a fault of somebody's, and no reason to fill the memory."""
_CLIPS_A_DAY = 40
"""Of one camera's findings: a fault that comes and goes all day has stills."""
_DARK = {View.UNREACHABLE, View.AUTH, View.LIMIT, View.NO_VIDEO, View.STALLED, View.UNKNOWN, View.REMOVED}
"""No picture comes."""
_UNSEEN = {*_DARK, View.CLOCK}
"""Faults that no picture shows."""


class _Wanted(Struct):
    camera: str
    occasion: Occasion
    subject: str
    since_at: int
    asked_mono: int
    done: asyncio.Future[bytes] | None = None
    is_clip: bool = False


class Stills:
    """`ask`ed from the agent's loop; `shoots` go to the worker, whose `Shot`s are `heard` and then `kept`."""

    def __init__(self, capture: Capture, clock: Clock, spool: Spool) -> None:
        self._capture = capture
        self._clock = clock
        self._spool = spool
        self._wanted: dict[str, _Wanted] = {}
        self._shoots: list[Shoot] = []
        self._shots: list[Shot] = []
        self._empty: dict[tuple[str, str], int] = {}
        """Since when nobody is at a seat, whatever was said to lie there meanwhile."""
        self._absent: dict[tuple[str, str], int] = {}
        """Since when, in its hours, a seat was empty of which a still was wanted last."""
        self._cuts: dict[str, tuple[date, int]] = {}
        """By camera: the day, and how many clips its findings wanted on it."""
        self._missing: list[str] = []
        """Clips that were not made, in words: not told yet."""
        self._tidied_mono = 0
        self.given_up = 0
        """Told so far."""

    def taken(self) -> list[Shoot]:
        """What the worker has not been asked for yet."""
        found, self._shoots = self._shoots, []
        return found

    def heard(self, shot: Shot) -> None:
        if shot.number in self._wanted:
            self._shots.append(shot)

    def told(self, states: Iterable[CameraState | SeatState]) -> None:
        """These changes were written: of a fault that can be seen a still and a clip are wanted."""
        for item in states:
            if isinstance(item, CameraState) and item.view.is_fault and item.view not in _UNSEEN:
                self._find(item.camera, Occasion.FAULT, item.view.value, item.since_at)

    def sat(self, seats: Iterable[SeatState], now_at: int) -> None:
        """How the seats stand: of one that is empty for longer than is allowed, in its hours, a still and a clip are wanted once;
        again in the next hours, which are an absence of their own at the hall."""
        local = from_us(now_at, ZONE)
        minute, midnight_at = local.hour * 60 + local.minute, start_of_day(local.date(), ZONE)
        for item in seats:
            place = item.camera, item.region
            if item.seat is not Seat.UNATTENDED:
                self._empty.pop(place, None)
                continue
            empty_at = self._empty.setdefault(place, item.since_at)
            opened = [begin for begin, end in item.hours if begin <= minute < end]
            if not opened:
                continue
            since_at = max(empty_at, midnight_at + opened[0] * MINUTE)
            is_due = now_at - since_at >= item.away_secs * SECOND
            if is_due and self._absent.get(place) != since_at:
                self._absent[place] = since_at
                self._find(item.camera, Occasion.SEAT, item.region, since_at)

    async def ordered(
        self, camera: str, view: View, number: str, *, plain: bool, clip: bool = False
    ) -> bytes:
        """-> the hash of the still or clip, once it is recorded. Raises UnavailableError where no picture comes in time,
        RejectedError where there is no room or a clip cannot be made."""
        if view in _DARK:
            raise UnavailableError(f"摄像机 {camera} 没有画面：{view.word}", hint=view.remedy)
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        key = self._want(camera, Occasion.ORDER, number, 0, plain=plain, clip=clip, done=done)
        try:
            async with asyncio.timeout(ANSWER_SECS):
                return await done
        except TimeoutError:
            raise UnavailableError(
                f"摄像机 {camera} {ANSWER_SECS:.0f} 秒内没有来画面", hint="请看该摄像机的故障，稍后重新下达"
            ) from None
        finally:
            self._wanted.pop(key, None)

    def _find(self, camera: str, occasion: Occasion, subject: str, since_at: int) -> None:
        self._want(camera, occasion, subject, since_at)
        today = local_date(self._clock.office(), ZONE)
        day, count = self._cuts.get(camera, (today, 0))
        count = count + 1 if day == today else 1
        self._cuts[camera] = today, count
        if count <= _CLIPS_A_DAY:
            self._want(camera, occasion, subject, since_at, clip=True)
        elif count == _CLIPS_A_DAY + 1:
            self._missing.append(f"{camera}：今天已有 {_CLIPS_A_DAY} 段，再有只取图片")

    def _want(
        self,
        camera: str,
        occasion: Occasion,
        subject: str,
        since_at: int,
        *,
        plain: bool = False,
        clip: bool = False,
        done: asyncio.Future[bytes] | None = None,
    ) -> str:
        """-> by which it is known."""
        self._forget(_MOST - 1)
        number = secrets.token_hex(8)
        self._wanted[number] = _Wanted(camera, occasion, subject, since_at, self._clock.mono(), done, clip)
        self._shoots.append(Shoot(camera, number, plain, clip))
        return number

    def _forget(self, most: int) -> None:
        """What was not answered for long, and what is more than `most`."""
        now = self._clock.mono()
        for number, item in list(self._wanted.items()):
            if now - item.asked_mono > _LATE or len(self._wanted) > most:
                self._wanted.pop(number)
                self._not_made(item, "摄像进程没有交来")

    async def keep(self) -> None:
        """Write down what has come, and see to the room. Raises BufferFullError: what was not written is tried again."""
        while self._shots:
            shot = self._shots[0]
            item = self._wanted.get(shot.number)
            if item is not None:
                await self._record(shot, item)
                self._wanted.pop(shot.number, None)
            self._shots.pop(0)
        self._forget(_MOST)
        while self._missing:
            await self._capture.note(Event(Happening.CLIP_NOT_MADE.value, self._missing[0]))
            self._missing.pop(0)
        now = self._clock.mono()
        if now - self._tidied_mono > _TIDY:
            self._tidied_mono = now
            try:
                await asyncio.to_thread(self._spool.tidy, self._capture.level, self._clock.office())
            except OSError:
                return  # the buffer says what is wrong with the disk
            await self._tell_given_up()

    def _not_made(self, item: _Wanted, why: str) -> None:
        """Who ordered it is answered; of a finding's clip the hall is told."""
        if item.done is None:
            if item.is_clip:
                self._missing.append(f"{item.camera}：{why}")
        elif not item.done.done():
            item.done.set_exception(RejectedError(why))

    async def _record(self, shot: Shot, item: _Wanted) -> None:
        if shot.fault:
            self._not_made(item, shot.fault)
            return
        taken_at = self._clock.office(shot.at_mono)
        try:
            sha256 = await asyncio.to_thread(self._spool.put, shot.body, taken_at, self._capture.level)
        except OSError:
            sha256 = None
        if sha256 is None:
            self._not_made(item, "站点机器没有空间存图片")
            return
        still = Still(
            camera=shot.camera,
            sha256=sha256,
            size=len(shot.body),
            taken_at=taken_at,
            mask=shot.mask,
            occasion=item.occasion,
            subject=item.subject,
            since_at=item.since_at,
            camera_at=None if shot.skew is None else taken_at + int(shot.skew * SECOND),
            wide=shot.wide,
            high=shot.high,
            millis=shot.millis,
        )
        try:
            await self._capture.note(still)
        except BufferFullError:
            await asyncio.to_thread(self._spool.drop, sha256)
            raise
        if item.done is not None and not item.done.done():
            item.done.set_result(sha256)

    async def _tell_given_up(self) -> None:
        """That pictures were given up is told when there is room for it."""
        count = self._spool.given_up
        if count > self.given_up:
            await self._capture.note(Event(Happening.STILLS_GIVEN_UP.value, f"{count - self.given_up:,} 张"))
            self.given_up = count
