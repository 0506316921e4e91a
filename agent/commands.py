"""`mingcha-agent buffer …` and `mingcha-agent key …`: parse, call, print. Part of `agent/__main__.py`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from common.cli import say
from common.core.text import one_line

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def add(cli: click.Group, config: _Decorator) -> None:
    """Hang the two groups under `cli`; `config` is the option that names the configuration file."""

    @cli.group(help="查看缓存里的文件与记录。只读，不影响运行中的采集程序。")
    def buffer() -> None:
        """Group of commands."""

    @buffer.command(help="有哪些文件，各从几号起，多大，用哪把主密钥。")
    @config
    def show(path: Path) -> int:
        return _show(path)

    @buffer.command(help="逐条打开每个文件里的记录，报告打不开或缺少的编号。发现损坏时退出码为 1。")
    @config
    def check(path: Path) -> int:
        return _check(path)

    @buffer.command(help="被搁置的文件里还读得出什么。程序会自己补传没有送达的记录，文件留给人看。")
    @config
    def salvage(path: Path) -> int:
        return _salvage(path)

    @buffer.command(help="被隔离的：损坏的记录、不能映射的行、市中心拒收的记录，各有原因。")
    @config
    def quarantine(path: Path) -> int:
        return _quarantine(path)

    @cli.group(help="缓存的主密钥。")
    def key() -> None:
        """Group of commands."""

    @key.command(help="换用新的主密钥；采集不停，几秒内改用新密钥并删除旧的。")
    @config
    def change(path: Path) -> int:
        return _change(path)


def _show(path: Path) -> int:
    from agent import inside
    from common.core.instant import from_us

    settings, keks, zone = _opened(path)
    found = inside.segments(settings.buffer_path, keks)
    if not found:
        say(f"○ 还没有缓存：{settings.buffer_path}")
        return 0
    for file in found:
        mark = "✓" if file.key and not file.fate else "!"
        since = f"，{from_us(file.wall, zone):%Y-%m-%d %H:%M} 起" if file.wall else ""
        say(f"{mark} {file.path.name}  {inside.word(file)}{since}")
        key = f"主密钥 {file.key}" if file.key else "主密钥打不开"
        say(
            f"  缓存 {file.epoch.hex() or '不明'}，从 {file.first:,} 号起，{file.bytes / 2**20:.1f} MB，"
            f"{file.alg or '算法不明'}，{key}"
        )
    return 0


def _check(path: Path) -> int:
    import sqlite3

    from agent import inside

    settings, keks, _ = _opened(path)
    code, files = 0, inside.segments(settings.buffer_path, keks)
    if not files:
        say(f"○ 还没有缓存：{settings.buffer_path}")
    for file in files:
        if not file.key:
            say(f"✕ {file.path.name}  主密钥打不开，{file.bytes / 2**20:.1f} MB 未检查")
            code = 1
            continue
        try:
            found = inside.read(file, keks)
        except sqlite3.Error as error:
            say(
                f"✕ {file.path.name}  不能读：{error}；程序会自行换用新缓存，见  mingcha-agent doctor --only 缓存"
            )
            code = 1
            continue
        if found.holes:
            code = 1
        bad = f"，打不开或缺少 {inside.shown(found.holes)}" if found.holes else ""
        say(f"{'✕' if found.holes else '✓'} {file.path.name}  {found.records:,} 条完好{bad}")
    return code


def _salvage(path: Path) -> int:
    from agent import inside
    from common.core.instant import from_us

    settings, keks, zone = _opened(path)
    found = [file for file in inside.segments(settings.buffer_path, keks) if file.fate]
    for file in found:
        if not file.key:
            say(f"✕ {file.path.name}  {inside.word(file)}：没有能打开它的主密钥")
            continue
        said = inside.read(file, keks)
        span = "至".join(
            f"{from_us(wall, zone):%Y-%m-%d %H:%M}" for wall in (said.from_wall, said.to_wall) if wall
        )
        say(
            f"! {file.path.name}  {inside.word(file)}：读得出 {said.records:,} 条（{inside.kinds_said(said)}）{span}"
        )
    if not found:
        say("✓ 没有被搁置的文件")
    return 0


def _quarantine(path: Path) -> int:
    import sqlite3

    from agent import inside
    from common.core.errors import UnavailableError
    from common.core.instant import from_us

    settings, _, zone = _opened(path)
    if not settings.buffer_path.exists():
        say(f"○ 还没有缓存：{settings.buffer_path}")
        return 0
    try:
        found = inside.quarantine(settings.buffer_path)
    except sqlite3.Error as error:
        raise UnavailableError(
            f"缓存不能读：{error}", hint="请执行 mingcha-agent doctor --only 缓存"
        ) from error
    for item in found:
        say(f"! {from_us(item.wall, zone):%Y-%m-%d %H:%M}  {one_line(item.what)}：{one_line(item.why)}")
    if not found:
        say("✓ 没有被隔离的")
    return 0


def _change(path: Path) -> int:
    from agent import config, master, status
    from common import process
    from common.clock import Clock
    from common.core.errors import UnavailableError

    settings, clock = config.load(path), Clock()
    file = settings.identity.master_key

    def wrapped_by() -> str | None:
        """None while the agent is not running."""
        said = process.read(settings.status_path, status.Status, clock.wall())
        return said.key if said else None

    before = wrapped_by()
    master.change(file, before or "")
    loaded = master.load(file, settings.buffer_path)
    new = loaded.id
    say(f"✓ 新主密钥 {new}；旧的暂存为 {master.former(file)}")
    if before is None:
        say("! 采集程序没有在运行：启动后自动改用新密钥。请执行  systemctl start mingcha-agent")
        return 0
    until = time.monotonic() + _WAIT_SECS
    while wrapped_by() != new:
        if time.monotonic() > until:
            raise UnavailableError(
                f"{_WAIT_SECS:.0f} 秒内采集程序没有改用新密钥",
                hint="旧密钥仍在，不会丢数据；请查看日志：journalctl -u mingcha-agent",
            )
        time.sleep(0.2)
    master.finish(file, settings.buffer_path, loaded.keys[0])
    say("✓ 已全部改用新密钥，旧密钥已删除")
    return 0


_WAIT_SECS = 60.0


def _opened(path: Path) -> Any:
    """-> (settings, master keys, zone)."""
    from agent import config, master

    settings = config.load(path)
    return settings, master.load(settings.identity.master_key, settings.buffer_path).keys, config.ZONE
