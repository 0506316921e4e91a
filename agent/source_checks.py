"""What the doctor looks for in the site's database: driver, connection, privileges, schema, indexes, clock, last round."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from agent import app
from agent.box import Box
from agent.buffer_checks import known_rows
from agent.config import ZONE
from agent.core import query
from agent.core.gentle import NIGHT_DUTY, SMALL, is_night, parse_night
from agent.core.mapping import IMAGES, Table
from agent.core.probe import verdicts
from agent.source import base
from agent.switch import Switch, said
from agent.system_checks import NOT_RUNNING
from common.core.instant import MINUTE, from_us
from common.health import Outcome, Status, ok

_CATALOGUE_SECS = 1.5
_ROW_SECS = 0.5
_TIMES, _LITTLE = 3, 0.02
"""One slow statement is paid for by rest afterwards: only far above the duty something is wrong. Below 2 % nobody feels it."""


async def driver(box: Box) -> Outcome:
    if box.source is None:
        return Outcome(Status.SKIP, app.NOT_MAPPED)
    proven = await asyncio.to_thread(app.proven, box.source)
    return ok(box.source.type if proven else f"{box.source.type}（{base.NOT_PROVEN}）")


def _in_turn(look: Callable[[Box, base.Source], Awaitable[Outcome]]) -> Callable[[Box], Awaitable[Outcome]]:
    """A check that asks the site's database, when its turn has come."""

    @functools.wraps(look)
    async def looked(box: Box) -> Outcome:
        if box.source is None or not box.tables:
            return Outcome(Status.SKIP, app.NOT_MAPPED)
        async with AsyncExitStack() as stack:
            try:
                source = await stack.enter_async_context(box.asking())
            except TimeoutError:
                return Outcome(Status.SKIP, "业务库答得慢，还没有轮到这一项，请用 --only 单独查")
            return await look(box, source)

    return looked


@_in_turn
async def connect(box: Box, source: base.Source) -> Outcome:
    assert box.source is not None
    await source.open()
    return ok(box.source.path or f"{box.source.host} {box.source.database}")


@_in_turn
async def read_only(box: Box, source: base.Source) -> Outcome:
    keys = {table.mapping.from_: table.key[0] for table in box.tables}
    found, untried = [], []
    for name, key in keys.items():
        await source.close()  # it is tried over a connection of its own
        try:
            said = await source.write_allowed(name, key)
        except base.BusyError:
            untried.append(name)
            continue
        found += [said] if said else []
    if found:
        return Outcome(Status.WARN, "；".join(found))
    busy = f"表 {'、'.join(untried)} 正忙或被锁，没有试成，请稍后再体检"
    return Outcome(Status.SKIP, busy) if untried else ok()


@_in_turn
async def columns(box: Box, source: base.Source) -> Outcome:
    found, awaited = [], []
    for table in box.tables:
        try:
            there = await source.columns(table.mapping.from_)
            lost = base.missing(table.source.dialect, table.names, there)
            found += [f"{table.mapping.from_} 缺少字段 {'、'.join(lost)}"] if lost else []
            if not lost:
                await _one_row(source, table)
        except base.NotYetError as error:
            awaited.append(str(error))
        except base.SchemaError as error:
            found.append(str(error))
        except base.OF_TABLE as error:
            found.append(f"表 {table.mapping.from_}：{error}")
    if found:
        return Outcome(Status.FAIL, "；".join(found))
    new = box.status.new_columns if box.status else {}
    listed = "、".join(f"{name}（{box.since(wall)} 起）" for name, wall in new.items())
    words = "；".join(awaited) or f"{len(box.tables)} 张表的字段都在"
    return ok(f"{words}；新增而未映射的：{listed}" if listed else words)


async def _one_row(source: base.Source, table: Table) -> None:
    """A column may be seen without the right to read it. Raises SchemaError; a table that takes long is left alone."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ROW_SECS):
            wanted = query.whole(table.copied, 1) if table.is_whole else query.by_key(table.select, None, 1)
            await source.fetch(wanted)


async def switched_on(box: Box) -> Outcome:
    found = Switch(box.config.data_dir).off(box.clock.wall())
    return Outcome(Status.WARN, said(found), since=box.since(found.since_wall)) if found else ok()


@_in_turn
async def indexed(box: Box, source: base.Source) -> Outcome:
    """By the catalogue, which costs the office nothing, and by what the running agent has found of plans, which alone knows
    of views. A small table is read whole anyhow."""
    if box.source is not None and box.source.type in IMAGES:
        return ok()
    wanted = [table for table in box.tables if table.cursors]
    rows = await known_rows(box)
    large = [table for table in wanted if rows.get(table.name, 0) > SMALL]
    off = box.status.without_index if box.status else []
    if not large and not off:
        return ok("表都很小" if wanted else "没有游标")
    try:
        async with asyncio.timeout(_CATALOGUE_SECS):
            catalogue = await source.catalogue()
    except TimeoutError:
        return Outcome(Status.SKIP, f"业务库的表太多，{_CATALOGUE_SECS} 秒内没有看完")
    there = {_folded(table.name, name) for table in catalogue for name in table.indexed}
    listed = {table.name.casefold() for table in catalogue if table.columns and not table.view}
    named = [(table.mapping.from_, name) for table in large for name in table.cursors]
    bare = [
        ".".join(place) for place in named if place[0].casefold() in listed and _folded(*place) not in there
    ]
    off = [name for name in off if name.casefold() not in there]
    words = f"没有索引：{'、'.join(dict.fromkeys([*bare, *off]))}"
    said = f"{words}；{'、'.join(off)} 已停用，由全表核对代替，新变化晚些才采到" if off else words
    return Outcome(Status.WARN, said) if bare or off else ok()


def _folded(table: str, column: str) -> str:
    return f"{table}.{column}".casefold()


@_in_turn
async def clock(box: Box, source: base.Source) -> Outcome:
    await source.open()
    found = verdicts.clock(await source.clock(), box.clock.wall())
    status = Status.OK if found.status is Status.SKIP else found.status
    return Outcome(status, found.detail, found.remedy)


async def load(box: Box) -> Outcome:
    """Of the last minutes, the share in which the source worked for us, against what the configuration allows."""
    status, capture = box.status, box.config.capture
    if status is None or box.source is None:
        return Outcome(Status.SKIP, NOT_RUNNING if status is None else app.NOT_MAPPED)
    wall = box.clock.wall()
    now = from_us(box.clock.office(), ZONE).time()
    duty = max(capture.duty, NIGHT_DUTY) if is_night(now, parse_night(capture.night)) else capture.duty
    detail = f"占用业务库 {status.busy_share:.1%}，设定为 {duty:.1%}"
    over = status.busy_share > max(_TIMES * duty, _LITTLE) and wall - status.started_wall > MINUTE
    return Outcome(Status.WARN, detail) if over else ok(detail)


async def last_pass(box: Box) -> Outcome:
    status = box.status
    if status is None or box.source is None:
        return Outcome(Status.SKIP, NOT_RUNNING if status is None else app.NOT_MAPPED)
    fault = status.source_fault or "；".join(status.table_faults.values()) or status.hung
    detail = f"{box.since(status.pass_wall) or '尚无'}，已采 {status.rounds} 轮，占用业务库 {status.busy_share:.1%}"
    old = box.clock.wall() - max(status.pass_wall, status.started_wall) > 2 * MINUTE
    if fault or old:
        return Outcome(
            Status.FAIL, fault or detail, since=box.since(status.source_since_wall or status.pass_wall)
        )
    lost = "、".join(f"{name} {rows} 行" for name, rows in status.lost.items())
    wholes = "、".join(f"{name}（{rows:,} 行，每 {secs} 秒）" for name, (rows, secs) in status.wholes.items())
    detail += f"；没有 key，整表比对：{wholes}" if wholes else ""
    return ok(f"{detail}；源库里已丢失文字（? 或 �）：{lost}" if lost else detail)
