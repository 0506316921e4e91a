"""A score run from the facts to the kept result, and the one that was begun in the console: in a process of its own.

It reads and counts for minutes where there are a million cases. The hall has one thread, which meanwhile has sites, wall and pages
to serve; so a second process does the work, tells how far it is line by line, and keeps the result in one transaction. Killed
anywhere, with the hall or alone, it has kept nothing.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from central import scoring
from central.core import period
from central.scoring import Sender, Taken
from central.store import audit, law, scores
from central.store.engine import look, within
from common import log as logs
from common.core.errors import MingchaError, UsageError, words

log = structlog.get_logger()

NICE = 10


class Wanted(Struct, frozen=True):
    """What is to be scored, in which database and zone; `sender`: for whom."""

    url: str
    zone: str
    period: str
    sender: Sender


class Told(Struct, frozen=True):
    """How far it is. `number`: of the run that was kept; `fault`: why there is none, with what mends it."""

    done: int = 0
    total: int = 0
    number: int = 0
    fault: str = ""

    @property
    def is_over(self) -> bool:
        return bool(self.number or self.fault)


async def work(
    wanted: Wanted, tell: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[int, date, Taken]:
    """Freeze, count, score and keep. -> (the run's number, the last day for objections, what was computed).

    `tell`: cases read and cases in all, now and then. Raises UsageError for a period that goes on or has a final result.
    """
    of, zone = period.parse(wanted.period), ZoneInfo(wanted.zone)
    await within(wanted.url, law.calendar)
    async with look(wanted.url) as conn:
        await audit.freeze(conn)
        await scoring.must_be_due(conn, of, zone, wanted.sender.at)
        inforce = await scores.scheme_on(conn, of.first)
        taken = await scoring.provisional(conn, of, inforce, zone, wanted.sender.at, tell)
    taken.scores()  # before the transaction, in which nobody else may write
    number, until = await within(
        wanted.url, lambda conn: scoring.keep_provisional(conn, taken, wanted.sender, zone)
    )
    return number, until, taken


class Running(Struct, frozen=True):
    """The run that goes on, or the last one that did."""

    period: str
    who: str
    told: Told


class Runner:
    """At most one run at a time for the whole hall."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self.last: Running | None = None

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    def begin(self, wanted: Wanted) -> None:
        """Raises UsageError while another goes on."""
        if self.is_running:
            assert self.last is not None
            word = period.parse(self.last.period).word
            raise UsageError(
                f"{self.last.who} 开始的评分还在进行（{word}）", hint="完成后再开始下一次，进度见绩效页"
            )
        self.last = Running(wanted.period, wanted.sender.who, Told())
        self._task = asyncio.create_task(self._follow(wanted), name="score")

    async def close(self) -> None:
        """End what goes on; it has kept nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _tell(self, told: Told) -> None:
        assert self.last is not None
        self.last = replace(self.last, told=told)

    async def _follow(self, wanted: Wanted) -> None:
        try:
            await self._run(wanted)
        except OSError as error:
            self._tell(Told(fault=f"评分程序没有启动：{words(error)}。请检查市中心主机的内存后再试"))
        if self.last is not None:
            log.info("score.ended", period=wanted.period, number=self.last.told.number)

    async def _run(self, wanted: Wanted) -> None:
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(
                msgspec.json.encode(wanted)
            )  # the address of the database stands on no command line
            child.stdin.close()
            async for line in child.stdout:
                self._tell(msgspec.json.decode(line, type=Told))
            code = await child.wait()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if self.last is None or not self.last.told.is_over:
            log.error(
                "score.failed", period=wanted.period, reason=f"exit {code}", hint="请把日志交给软件维护人员"
            )
            self._tell(Told(fault="评分程序中途结束，没有留下结果。请再试一次；仍不行的，请看市中心日志"))


def main() -> None:
    """The second process: what is wanted comes in, how far it is goes out."""
    logs.configure(role="score")  # not where the lines go that the hall reads
    with suppress(OSError):  # the hall's unit forbids it
        os.nice(NICE)
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)

    def tell(told: Told) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()

    try:
        number, _, taken = asyncio.run(work(wanted, lambda done, total: tell(Told(done, total))))
    except MingchaError as error:
        tell(Told(fault=f"{error}。{error.hint}"))
        return
    cases = sum(one.cases for one in taken.scores() if one.level == "site")
    tell(Told(cases, cases, number))


if __name__ == "__main__":
    main()
