"""Composition root of a site's agent: the only file that knows which adapters there are."""

import asyncio
import functools
import importlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import structlog

from agent import __version__, collect, diary, mapping, status, upload
from agent.buffer import Buffer
from agent.camera import watch
from agent.camera.watch import Cameras
from agent.capture import Capture
from agent.checkpoint import Signer
from agent.collect import Collector, CollectState
from agent.config import AgentConfig
from agent.core.mapping import SourceConfig, Table
from agent.index import Index
from agent.keeper import Keeper
from agent.link import LinkStatus
from agent.means import Means
from agent.room import Room
from agent.salvage import Salvage
from agent.source.base import NoPasswordError, Source
from agent.source.whole import WholeSource
from agent.sqlfile import BufferFullError, ReopenError
from agent.switch import Switch
from common import log as logs
from common import process
from common.clock import Clock
from common.config import read_secret
from common.core import crypto
from common.core.errors import ConfigError
from common.core.happening import Happening
from common.core.instant import SECOND
from common.core.message import Drawn
from common.core.record import Event

log = structlog.get_logger()
_File = TypeVar("_File", Buffer, Index)

SOURCES = {
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgresql",
    "kingbase": "kingbase",
    "sqlserver": "sqlserver",
    "oracle": "oracle",
    "dameng": "dm",
    "access": "access",
    "folder": "folder",
}
"""`source.type` of a mapping -> module of `agent.source`; its driver is an extra of that name."""
NOT_MAPPED = "未配置数据源"
PASSWORD_SECS = 2.0
REOPENED_SECS = 30.0
"""Longest pause before files that fail again and again are opened anew."""


def run(config: AgentConfig) -> None:
    """Collect and deliver until told to stop. Raises ConfigError before anything has been touched."""
    logs.configure(level=config.log_level, role="agent", site=config.site)
    process.run(_main(config))


async def _main(config: AgentConfig) -> None:
    clock = Clock(config.clock)
    keeper = Keeper(config)
    digest_key = read_key(config.identity.digest_key, "摘要密钥")
    sign_secret = read_key(config.identity.sign_key, "本站点的签名私钥")
    loaded = mapping.load(config.mapping) if config.mapping.exists() else None

    async def opened() -> Buffer:
        return await Buffer.open(
            config.buffer_path,
            seal=keeper.seal,
            site=config.site,
            sign_key=crypto.sign_public(sign_secret),
            clock=clock,
            room=Room(config.buffer.max_mb << 20, config.buffer.disk_share),
        )

    pause_secs = 0.0
    try:
        while True:
            began_mono = clock.mono()
            try:
                await process.stoppable(
                    _with_files(config, clock, opened, keeper, (digest_key, sign_secret), loaded)
                )
            except* ReopenError as group:
                log.warning("buffer.reopened", reason=str(process.first_cause(group)))
            if clock.mono() - began_mono > REOPENED_SECS * SECOND:
                pause_secs = 0.0
            await asyncio.sleep(pause_secs)
            pause_secs = min(REOPENED_SECS, 2 * pause_secs + 1)
    except BaseException as error:
        if not isinstance(error, ConfigError):  # which ends it before it has begun
            log.info("agent.stopped")
        if isinstance(error, asyncio.CancelledError):
            status.farewell(config.status_path)
        raise


async def _with_files(
    config: AgentConfig,
    clock: Clock,
    opened: Callable[[], Awaitable[Buffer]],
    keeper: Keeper,
    keys: tuple[bytes, bytes],
    loaded: tuple[SourceConfig, list[Table]] | None,
) -> None:
    """Work until cancelled. Raises ReopenError where a file is of no use any more: with the next call it is replaced."""
    buffer = await _patient(opened, clock)
    try:
        index = await _patient(lambda: Index.open(config.index_path, buffer.epoch), clock)
        try:
            if index.indexed > buffer.newest:
                raise buffer.broken(f"少了 {buffer.newest + 1}-{index.indexed} 号，回到了旧状态")
            digest_key, sign_secret = keys
            signer = Signer(buffer, config.site, sign_secret)
            capture = Capture(buffer, index, clock, digest_key, signer)
            await _work(config, clock, buffer, index, capture, keeper, loaded)
        finally:
            await index.close()
    finally:
        await buffer.close()


async def _patient(opened: Callable[[], Awaitable[_File]], clock: Clock) -> _File:
    """A full disk is waited for: ending would help nobody, and the office's database keeps the rows."""
    since_mono: int | None = None
    while True:
        try:
            file = await opened()
        except BufferFullError as error:
            if since_mono is None:
                since_mono = clock.mono()
                log.error("buffer.full", reason=str(error), hint=error.hint)
            await asyncio.sleep(collect.FULL_PAUSE_SECS)
            continue
        if since_mono is not None:
            log.info("buffer.recovered", after_secs=round((clock.mono() - since_mono) / SECOND, 1))
        return file


async def _work(
    config: AgentConfig,
    clock: Clock,
    buffer: Buffer,
    index: Index,
    capture: Capture,
    keeper: Keeper,
    loaded: tuple[SourceConfig, list[Table]] | None,
) -> None:
    log.info("agent.started", version=__version__, epoch=buffer.epoch.hex(), generation=config.generation)
    collecting, link = CollectState(), LinkStatus(clock)
    starts = status.starts(config.status_path, clock.wall())
    means = Means(config, buffer, index, capture, collecting, clock, link, keeper)
    if loaded is None:
        collecting.source_fault = NOT_MAPPED
    else:
        with suppress(NoPasswordError):  # a driver that is not there is said before anything begins
            adapter(loaded[0], config.capture.secrets_dir)
    async with asyncio.TaskGroup() as group:
        collect_it = loaded and functools.partial(
            _collect, group, config, clock, buffer, index, capture, keeper.seal.keks, loaded, collecting
        )
        group.create_task(_begin(capture, collect_it, collecting, clock), name="begin")
        group.create_task(upload.run(means), name="upload")
        group.create_task(keeper.run(buffer), name="keys")
        group.create_task(means.remote.run(), name="remote")
        group.create_task(means.keeping.run(), name="policy")
        group.create_task(diary.run(means), name="diary")
        has_cameras = config.camera or config.cameras_path.exists()
        cameras: Cameras | None = None
        if has_cameras:
            drawn = functools.partial(_drawn, means)
            cameras = Cameras(config, capture, clock, keeper.seal, means.spool, drawn, means.live)
            means.remote.cameras = cameras
            group.create_task(watch.run(cameras), name="cameras")
        group.create_task(
            process.report(
                config.status_path,
                lambda: status.compose(
                    buffer, keeper, collecting, link, clock, starts, config.capture.poll_secs, cameras
                ),
                lambda: collecting.turned_mono if collecting.is_begun else clock.mono(),
                clock,
            ),
            name="report",
        )


async def _begin(
    capture: Capture, collect_it: Callable[[], Awaitable[None]] | None, state: CollectState, clock: Clock
) -> None:
    """Say that the program has started, then collect. An index that was lost first learns all that waits, for minutes where a
    million records do: meanwhile the rest of the program works."""
    with suppress(BufferFullError):  # the first round says it
        await capture.note(Event(Happening.STARTED.value, __version__))
    if collect_it is not None:
        try:
            await collect_it()
        except NoPasswordError as error:
            await _once_given(collect_it, state, clock, error)


def _drawn(means: Means) -> Sequence[Drawn]:
    """By the policy that is in force, or on trial."""
    return means.pace.policy.cameras


async def _collect(
    group: asyncio.TaskGroup,
    config: AgentConfig,
    clock: Clock,
    buffer: Buffer,
    index: Index,
    capture: Capture,
    keks: Sequence[bytes],
    loaded: tuple[SourceConfig, list[Table]],
    state: CollectState,
) -> None:
    source_config, tables = loaded
    source = adapter(source_config, config.capture.secrets_dir, tables)
    salvage = Salvage(buffer, await buffer.positions(), keks, index, capture, clock)
    switch = Switch(config.data_dir)
    collector = Collector(source, tables, capture, index, config.capture, clock, state, salvage, switch)
    await collector.start(await buffer.positions())
    state.is_begun = True
    group.create_task(collect.run(collector, config.capture, state, clock), name="collect")


async def _once_given(
    begin: Callable[[], Awaitable[None]], state: CollectState, clock: Clock, error: NoPasswordError
) -> None:
    """Begin as soon as the source's password is there. The rest of the program works: the doctor says what is missing."""
    said = ""
    while True:
        if str(error) != said:
            said = state.source_fault = str(error)
            state.since_wall = clock.wall()
            log.warning("source.unavailable", reason=said, hint=error.hint)
        await asyncio.sleep(PASSWORD_SECS)
        try:
            await begin()
        except NoPasswordError as again:
            error = again
        else:
            return


def adapter(source: SourceConfig, secrets_dir: Path, tables: Sequence[Table] = ()) -> Source:
    """The source's adapter, nothing opened yet; `tables`: what is mapped of it, because what has no key is read as a whole.
    Raises ConfigError where its driver is not installed."""
    made: Source = _adapter_module(source).from_config(source, secrets_dir)
    return WholeSource(made, tables) if any(table.is_whole for table in tables) else made


def proven(source: SourceConfig) -> bool:
    """Whether its adapter has been proven on a live server. Raises as `adapter`."""
    return bool(_adapter_module(source).PROVEN)


def _adapter_module(source: SourceConfig) -> ModuleType:
    name = SOURCES[source.type]
    try:
        return importlib.import_module(f"agent.source.{name}")
    except ImportError as error:
        raise ConfigError(
            f"没有安装 {source.type} 的驱动：{error.name}", hint=f"请安装：pip install 'mingcha[{name}]'"
        ) from error


def read_key(path: Path, what: str) -> bytes:
    """A 32-byte key. Raises ConfigError for any other length."""
    key = read_secret(path, what)
    if len(key) != crypto.KEY_BYTES:
        raise ConfigError(
            f"{what} {path} 应为 {crypto.KEY_BYTES} 字节，现为 {len(key)} 字节",
            hint="请重新登记本站点，或从备份恢复该文件",
        )
    return key
