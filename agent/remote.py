"""Carries out what the hall commands: signed, once, before it expires; the result is a record like any other.

A command is remembered, durably, before it is begun. One that was cut off by the end of the process is answered with
the next start, and not carried out again: nobody knows how far it had come.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from agent.buffer import Buffer
from agent.camera.watch import Cameras
from agent.capture import Capture
from agent.collect import CollectState
from agent.config import AgentConfig
from agent.index import Index
from agent.orders import Orders
from agent.pace import Pace
from agent.sqlfile import BufferFullError, ReopenError
from agent.switch import Switch, said
from common import health
from common.clock import Clock
from common.core import message, order, topics
from common.core.act import Act
from common.core.errors import MingchaError
from common.core.instant import MINUTE
from common.core.message import Command
from common.core.record import LONGEST_RESULT, Result
from common.core.state import Outcome
from common.core.text import sound

log = structlog.get_logger()

ACT_SECS = 60.0
FULL_SECS = 5.0
DOUBTFUL = "站点的指令记录损坏过，不知是否执行过；确需执行请重新下达"
_Done = TypeVar("_Done")


class Remote:
    """`take` hears a command, `run` carries it out, apart from the connection it came by."""

    def __init__(
        self,
        config: AgentConfig,
        buffer: Buffer,
        index: Index,
        capture: Capture,
        collecting: CollectState,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._config = config
        self._site = config.site
        self._buffer = buffer
        self._index = index
        self._capture = capture
        self._collecting = collecting
        self._clock = clock
        self._pace = pace
        self.compared = asyncio.Event()
        """Set by who compares the clock with the hall's."""
        self.cameras: Cameras | None = None
        """None: the box has none."""
        self._switch = Switch(config.data_dir)
        self._orders = Orders(config.data_dir / "commands")
        self._queue: asyncio.Queue[Command] = asyncio.Queue()
        self._acts: dict[Act, Callable[[Command], Coroutine[Any, Any, str]]] = {
            Act.DOCTOR: self._doctor,
            Act.RESYNC: self._resync,
            Act.ROTATE: self._rotate,
            Act.PAUSE: self._hold,
            Act.RESUME: self._go_on,
            Act.REINJECT: self._reinject,
            Act.SUSPEND: self._suspend,
            Act.COLLECT: self._collect,
            Act.STILL: self._still,
        }

    def take(self, raw: bytes, hall_sign: bytes) -> None:
        """Raises ValueError for what the hall has not signed."""
        command = message.decode_signed(Command, topics.command(self._site), hall_sign, raw)
        if command.generation == self._config.generation:
            self._queue.put_nowait(command)

    async def run(self) -> None:
        """For ever."""
        for number, begun in self._orders.unanswered.items():
            await self._answer(number, begun.act, Outcome.FAILED, "执行中程序被中断")
        known = await self._hall_wall()
        await _written(lambda: asyncio.to_thread(self._orders.bound, known))
        while True:
            command = await self._queue.get()
            hall_wall = await self._hall_wall()
            if await _written(functools.partial(self._is_new, command, hall_wall)):
                found = await self._carried_out(command, hall_wall)
                await self._answer(command.id, command.act, *found)

    async def _hall_wall(self) -> int:
        """The hall's time. Until it is known nobody can tell whether a command is still good: a dead clock is behind."""
        if self._clock.offset is None:
            await self.compared.wait()
        return self._clock.wall() + (self._clock.offset or 0)

    async def _is_new(self, command: Command, hall_wall: int) -> bool:
        """Remember it, durably, before anything is done."""
        return await asyncio.to_thread(self._orders.begin, command, hall_wall)

    async def _carried_out(self, command: Command, hall_wall: int) -> tuple[Outcome, str]:
        """-> what became of it. What fails here is an answer, and no reason to end the program."""
        refused = order.refusal(command, self._site, hall_wall)
        if refused is not None:
            return refused
        if self._orders.is_doubtful(command):
            return Outcome.FAILED, DOUBTFUL
        try:
            async with asyncio.timeout(ACT_SECS):
                return Outcome.DONE, await self._acts[Act(command.act)](command)
        except TimeoutError:
            return Outcome.FAILED, f"{ACT_SECS:.0f} 秒内没有完成"
        except ReopenError:
            raise
        except MingchaError as error:
            return Outcome.FAILED, str(error)

    async def _answer(self, command: str, act: str, outcome: Outcome, detail: str) -> None:
        """Until it is written: an answer that is lost would be asked for again in vain."""
        result = Result(command, act, outcome, sound(detail)[:LONGEST_RESULT])
        await _written(lambda: self._capture.note(result))
        await _written(lambda: asyncio.to_thread(self._orders.answered, command))
        log.info("command.answered", command=command, act=act, outcome=outcome.value)

    # what it can do ------------------------------------------------------------------------------------------

    async def _doctor(self, _command: Command) -> str:
        from agent import doctor  # it needs the whole program, which needs this module

        findings, verdict, sentence = await doctor.examine_config(self._config, self._clock, for_hall=True)
        return f"{verdict.value} {sentence}\n{health.shortened(findings)}"

    async def _resync(self, command: Command) -> str:
        """All rows, or those whose newest version has a number of the present epoch in the range."""
        args = command.args
        if args:
            await self._index.forget_range(self._buffer.epoch, args["first"], args["last"])
            said = f"第 {args['first']:,} 至 {args['last']:,} 条所载的行将重读重送"
        else:
            await self._index.forget_all()
            said = "全部行将重读重送"
        self._collecting.sweep_needed()
        return said

    async def _rotate(self, _command: Command) -> str:
        if not await self._buffer.rotate():
            raise MingchaError("此刻没有换：现有段还没有写过记录，或磁盘已满、文件正被读取")
        return "已换新段"

    async def _hold(self, command: Command) -> str:
        minutes = command.args["minutes"]
        self._pace.until_mono = self._clock.mono() + minutes * MINUTE
        return f"暂停补传 {minutes} 分钟；新办件照常实时上传"

    async def _go_on(self, _command: Command) -> str:
        self._pace.until_mono = 0
        return "补传已恢复"

    async def _reinject(self, _command: Command) -> str:
        rows = len(await self._buffer.quarantined_rows())
        self._collecting.sweep_needed()
        return f"{rows} 行将重读"

    async def _suspend(self, command: Command) -> str:
        now, minutes = self._clock.wall(), command.args["minutes"]
        until = now + minutes * MINUTE
        await asyncio.to_thread(self._switch.turn_off_by_hall, now, command.why.strip(), until)
        return f"暂停采集 {minutes} 分钟，到时自行恢复；已采的照常上传"

    async def _collect(self, _command: Command) -> str:
        was_off = await asyncio.to_thread(self._switch.turn_on_by_hall)
        left = said(self._switch.off(self._clock.wall()))
        if left:
            raise MingchaError(f"站点自己的开关还关着：{left}")
        return "采集已恢复" if was_off else "采集没有暂停"

    async def _still(self, command: Command) -> str:
        if self.cameras is None:
            raise MingchaError("站点没有摄像机")
        plain, clip = bool(command.args.get("plain")), bool(command.args.get("clip"))
        sha256 = await self.cameras.still(command.subject, command.id, plain=plain, clip=clip)
        return sha256.hex()


async def _written(write: Callable[[], Awaitable[_Done]]) -> _Done:
    """Again and again while the disk is full, which the collector says."""
    while True:
        try:
            return await write()
        except (BufferFullError, OSError):
            await asyncio.sleep(FULL_SECS)
