"""Starts and supervises the camera worker, and turns what it says into records. The only part of the cameras that lives in
the agent's own process: neither cv2 nor FFmpeg is imported here.

What the buffer has taken is what was told: a record is made of each difference between that and the worker's last look,
so a full buffer, a killed worker or a restart can delay a change and never lose the state.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import structlog
from msgspec.structs import replace

from agent.camera import asked, kept, passwords, seating, talk
from agent.camera.drawn import Redrawing, overlaid, regions
from agent.camera.kept import Camera
from agent.camera.stills import Stills
from agent.camera.talk import Box, Down, Given, Hours, Look, Setup, Shot, Up
from agent.capture import Capture
from agent.config import ZONE, AgentConfig, CameraConfig
from agent.core import gentle
from agent.core.seat import State
from agent.core.votes import Standing
from agent.epoch import Sealing
from agent.live import Live, Telling
from agent.spool import Spool
from agent.sqlfile import BufferFullError
from common.clock import Clock
from common.core.camera import Aspect, Mask, View
from common.core.errors import ConfigError, UsageError, words
from common.core.happening import Happening
from common.core.instant import MINUTE, SECOND, from_us
from common.core.message import Drawn
from common.core.record import CameraState, Event, SeatState

log = structlog.get_logger()

WORKER_ENV = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""No idle thread for each core, and what a thread has given back another takes: with an arena for each they keep more every day."""
TURN_SECS = 1.0
_SAVE_EVERY = MINUTE
_UNSEEN = 90 * SECOND
"""A camera of which the worker has said nothing for so long is unknown, whatever was told of it."""
_DEAF = 180 * SECOND
"""A worker that has said nothing at all for so long hangs."""
_SHORT_STOP = 2 * MINUTE
"""What was told before a stop no longer than this still holds after it."""
_REST_SECS = 60.0
_LEAVE_SECS = 2.0
_LIVED = 30 * SECOND
"""A worker that has lived so long is started again at once: one that hangs with a camera lives a minute, for the others."""
_SILENT = "摄像进程没有消息"


class Cameras:
    """What is known of all of them. `look` by camera: what the worker said last in this run."""

    def __init__(
        self,
        config: AgentConfig,
        capture: Capture,
        clock: Clock,
        seal: Sealing,
        spool: Spool,
        drawn: Callable[[], Sequence[Drawn]],
        live: Live,
    ) -> None:
        """`drawn`: what the hall's policy says of the cameras now."""
        self.live = live
        self.config = config
        self.capture = capture
        self.clock = clock
        self._seal = seal
        self._path = config.cameras_path
        self.stored = kept.load(self._path, seal.keks)
        self.stills = Stills(capture, clock, spool)
        self.looks: dict[str, Look] = {}
        self.worker_pid = 0
        self.worker_wall = 0
        self.ends = 0
        self.last_end = ""
        self._heard_mono: dict[str, int] = {}
        self._again_at: dict[str, int] = {}
        """When a camera was heard of again: before that nobody knows, whatever its worker remembers."""
        self._saved_mono = 0
        self._kek = b""
        self._drawn = drawn
        self._relearned: set[str] = set()
        """Cameras of which it was told that they are learned anew."""
        self._begin()

    @property
    def cameras(self) -> list[CameraConfig]:
        """With what was drawn at the hall."""
        return [overlaid(item, self._drawn()) for item in self.config.camera]

    def _begin(self) -> None:
        """What was told before holds over a short stop; after a long one nobody knows since it was last seen."""
        now = self.clock.office()
        configured = {item.id for item in self.config.camera}
        for name, item in list(self.stored.items()):
            if name in configured and now - item.seen_at > _SHORT_STOP:
                self.looks[name] = self._look(name, Standing(View.UNKNOWN, item.seen_at), "程序没有运行")
            elif name not in configured:
                self.looks[name] = self._look(name, Standing(View.REMOVED, now))
        for name in configured - set(self.stored):
            self.looks[name] = self._look(name, Standing(View.UNKNOWN, now))

    def _look(self, name: str, view: Standing, detail: str = "") -> Look:
        before = self.looks.get(name) or self.stored.get(name)
        clock = before.clock if before else Standing(View.OK, view.since_at)
        return Look(name, self.clock.wall(), view, clock, detail)

    def given(self, item: CameraConfig, password: str) -> Given:
        """What the worker is to know of a camera."""
        look, before = self.looks.get(item.id), self.stored.get(item.id)
        unknown = Standing(View.UNKNOWN, self.clock.office())
        zones, seats = regions(item)
        return Given(
            id=item.id,
            type=item.type,
            address=str(item.path) if item.type == "file" else item.address,
            user=item.user,
            password=password,
            clock_box=Box(*item.clock_box) if item.clock_box else None,
            patterns=before.patterns if before else [],
            view=look.view if look else before.view if before else unknown,
            clock=look.clock if look else before.clock if before else replace(unknown, view=View.OK),
            seats=seats,
            empty={
                name: item for name, item in before.empty.items() if before.boxes.get(name) == seats.get(name)
            }
            if before
            else {},
            sat=_sat(before),
            zones=zones,
            mask=Mask(item.mask),
            live_address=item.live_address,
        )

    async def still(self, name: str, number: str, *, plain: bool, clip: bool = False) -> bytes:
        """Take one by the order `number`. -> its hash. Raises UsageError for an unknown camera, and as `Stills.ordered`."""
        look = self.looks.get(name)
        if look is None or look.view.view is View.REMOVED:
            known = "、".join(item.id for item in self.config.camera)
            raise UsageError(f"站点没有摄像机 {name}", hint=f"有：{known}")
        return await self.stills.ordered(name, look.view.view, number, plain=plain, clip=clip)

    def hear(self, said: Up) -> None:
        """From the worker."""
        if isinstance(said, Shot):
            self.stills.heard(said)
        elif isinstance(said, Look):
            name, before = said.camera, self.looks.get(said.camera)
            if before is not None and before.detail == _SILENT:
                self._again_at[name] = self.clock.office()
            since_at = max(said.view.since_at, self._again_at.get(name, 0))
            self.looks[name] = replace(said, view=replace(said.view, since_at=since_at))
            self._heard_mono[name] = self.clock.mono()
        elif said.camera in self.stored:
            self.stored[said.camera] = replace(
                self.stored[said.camera], patterns=said.patterns, empty=said.empty, boxes=said.boxes
            )
            self._saved_mono = 0

    def refuse(self, name: str, detail: str) -> None:
        """The worker is not given this camera."""
        before = self.stored.get(name)
        same = before is not None and before.view.view is View.AUTH
        view = before.view if before and same else Standing(View.AUTH, self.clock.office())
        self.looks[name] = self._look(name, view, detail)

    def silent(self) -> None:
        """Whoever was not heard of for long is unknown from then on."""
        now = self.clock.mono()
        for name, look in self.looks.items():
            heard = self._heard_mono.get(name)
            if heard is not None and now - heard > _UNSEEN and look.view.view is not View.UNKNOWN:
                view = Standing(View.UNKNOWN, self.clock.office(heard))
                self.looks[name] = replace(look, view=view, detail=_SILENT, stream="")

    async def relearns(self, given: Sequence[Given]) -> None:
        """Tell once of references that an earlier release took by another measure: the worker learns them anew by itself."""
        stale = {item.id for item in given if any(kept.is_stale for kept in item.patterns)}
        if names := "、".join(sorted(stale - self._relearned)):
            log.info("cameras.relearned", cameras=names)
            await self.capture.note(Event(Happening.CAMERAS_RELEARNED.value, names))
            self._relearned |= stale

    @property
    def blind(self) -> dict[str, str]:
        """Those that have no picture, with the word for it."""
        return {name: look.view.view.word for name, look in self.looks.items() if look.view.view.is_blind}

    def quiet_since(self) -> int:
        """Monotonic time at which any camera was heard of last; 0: none yet."""
        return max(self._heard_mono.values(), default=0)

    async def tell(self) -> None:
        """Write what differs from what was told. Raises BufferFullError: what was not written then is told another time."""
        configured = {item.id: item for item in self.cameras}
        for name, look in list(self.looks.items()):
            before = self.stored.get(name)
            item = configured.get(name)
            called = item.name if item else ""
            told: list[CameraState | SeatState] = []
            if before is None or _begins(before.view, look.view):
                told.append(_record(look, Aspect.VIEW, look.view, called))
            if look.clock.view is not (before.clock.view if before else View.OK):
                told.append(_record(look, Aspect.CLOCK, look.clock, called))
            seats = seating.seats_of(look, item)
            told += seating.news(before.seats if before else {}, seats, self.clock.office())
            if told:
                await self.capture.note(*told)
                self.stills.told(told)
                for said in told:
                    _log(said)
                self._saved_mono = 0
            self.stills.sat(seats.values(), self.clock.office())
            seen_at = self.clock.office(self._heard_mono.get(name))
            patterns = before.patterns if before else []
            empty = before.empty if before else {}
            boxes = before.boxes if before else {}
            self.stored[name] = Camera(look.view, look.clock, seen_at, patterns, empty, seats, boxes)
            if look.view.view is View.REMOVED:
                del self.stored[name], self.looks[name]

    def save(self) -> None:
        """Now and then, and at once after a change or under a new master key."""
        now, seal = self.clock.mono(), self._seal
        if self._saved_mono and now - self._saved_mono < _SAVE_EVERY and seal.keks[0] == self._kek:
            return
        with suppress(OSError):  # a full disk: the buffer says it
            kept.save(self._path, self.stored, seal.keks[0], seal.alg)
            self._saved_mono, self._kek = now, seal.keks[0]


def _log(said: CameraState | SeatState) -> None:
    aspect, now = (
        (said.aspect.value, said.view.value)
        if isinstance(said, CameraState)
        else (said.region, said.seat.value)
    )
    log.info("camera.changed", camera=said.camera, aspect=aspect, view=now)


def _sat(before: Camera | None) -> dict[str, State]:
    told = before.seats if before else {}
    return {name: State(item.seat, item.since_at, item.object, item.sure) for name, item in told.items()}


def _begins(was: Standing, now: Standing) -> bool:
    """Votes that only grow are no news."""
    return (was.view, was.since_at, was.alt, was.certain) != (now.view, now.since_at, now.alt, now.certain)


def _record(look: Look, aspect: Aspect, standing: Standing, name: str) -> CameraState:
    is_view = aspect is Aspect.VIEW
    share = f"约 {standing.share:.0%} 被遮" if standing.share else ""
    return CameraState(
        camera=look.camera,
        aspect=aspect,
        view=standing.view,
        since_at=standing.since_at,
        alt=standing.alt,
        certain=standing.certain,
        votes=standing.votes,
        figures=look.figures if is_view and standing.view.is_fault else {},
        detail=(look.detail or share) if is_view else look.clock_detail,
        name=name,
    )


async def run(cameras: Cameras) -> None:
    """Until cancelled: a worker at all times, and what it says told."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_work(cameras), name="camera worker")
        while True:
            with suppress(BufferFullError):
                cameras.silent()
                await cameras.tell()
                await cameras.stills.keep()
                await asked.tell(cameras.capture.note, cameras.config.data_dir)
            await asyncio.to_thread(cameras.save)
            await asyncio.sleep(TURN_SECS)


async def _work(cameras: Cameras) -> None:
    pause_secs = 0.0
    while True:
        known = await asyncio.to_thread(passwords.found, cameras.config)
        given = _given(cameras, known)
        if not given:
            await asyncio.sleep(_REST_SECS)
            continue
        began_mono = cameras.clock.mono()
        with suppress(BufferFullError):
            await cameras.relearns(given)
        try:
            code = await _one_run(cameras, given)
            cameras.last_end = talk.ENDS.get(code, f"退出码 {code}")
        except OSError as error:  # no memory, no process left: the cases go on
            cameras.last_end = f"没有启动：{words(error)}"
        cameras.worker_pid, cameras.ends = 0, cameras.ends + 1
        log.warning("cameras.ended", reason=cameras.last_end, hint="会自动重启")
        with suppress(BufferFullError):
            await cameras.capture.note(Event(Happening.CAMERAS_ENDED.value, cameras.last_end))
        if cameras.clock.mono() - began_mono > _LIVED:
            pause_secs = 0.0
        await asyncio.sleep(pause_secs)
        pause_secs = min(_REST_SECS, 2 * pause_secs + 1)


def _given(cameras: Cameras, known: dict[str, str | ConfigError]) -> list[Given]:
    """Those whose password is there; the others are told of as such."""
    found = []
    for item in cameras.cameras:
        password = known[item.id]
        if isinstance(password, str):
            found.append(cameras.given(item, password))
        else:
            cameras.refuse(item.id, str(password))
    return found


async def _one_run(cameras: Cameras, given: list[Given]) -> int:
    """-> the exit code of the worker, which is gone then in any case."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent.camera.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=talk.MOST,
        env=os.environ | WORKER_ENV,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    cameras.worker_pid, cameras.worker_wall = worker.pid, cameras.clock.wall()

    def kill() -> None:
        # Not worker.kill: that polls first, and of a worker which it reaps so asyncio is left to say 255.
        if worker.returncode is None:
            os.kill(worker.pid, signal.SIGKILL)

    instruct = asyncio.create_task(_instruct(worker.stdin, cameras, given, kill))
    try:
        await _listen(worker.stdout, cameras)
    finally:
        instruct.cancel()
        worker.stdin.close()
        with suppress(TimeoutError):  # it gives up what it holds at the cameras
            async with asyncio.timeout(_LEAVE_SECS):
                await worker.wait()
        with suppress(ProcessLookupError):
            kill()
        await asyncio.shield(worker.wait())
        with suppress(asyncio.CancelledError):
            await instruct
    return worker.returncode or 0


async def _listen(pipe: asyncio.StreamReader, cameras: Cameras) -> None:
    """Until the worker ends, or says what nobody understands."""
    with suppress(asyncio.IncompleteReadError, msgspec.DecodeError):
        while True:
            size = int.from_bytes(await pipe.readexactly(talk.LENGTH), "big")
            if size > talk.MOST:
                return
            cameras.hear(talk.up_decoder.decode(await pipe.readexactly(size)))


async def _instruct(
    pipe: asyncio.StreamWriter, cameras: Cameras, given: list[Given], kill: Callable[[], None]
) -> None:
    """Set it up, tell it when the office closes and what is to be learned anew; end one that has gone deaf."""
    night = gentle.parse_night(cameras.config.capture.night)
    folder, faces = cameras.config.data_dir, cameras.config.faces
    began_mono, is_closed, redrawing = cameras.clock.mono(), None, Redrawing(given)
    telling = Telling(cameras.live)
    with suppress(ConnectionError):
        pipe.write(talk.framed(Setup(given, cameras.config.clock, str(faces.model or ""), faces.sha256)))
        while True:
            local = from_us(cameras.clock.office(), ZONE).time()
            if (closed := gentle.is_night(local, night)) is not is_closed:
                is_closed = closed
                pipe.write(talk.framed(Hours(closed)))
            said: list[Down] = [*asked.taken(folder), *redrawing.due(cameras.cameras)]
            said += [*cameras.stills.taken(), *telling.due(cameras.blind)]
            pipe.write(b"".join(map(talk.framed, said)))
            await pipe.drain()
            if cameras.clock.mono() - max(cameras.quiet_since(), began_mono) > _DEAF:
                kill()
            await cameras.live.rest(TURN_SECS)
