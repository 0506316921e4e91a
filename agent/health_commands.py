"""`mingcha-agent doctor`, `status`, `support`: parse, call, print. Part of `agent/__main__.py`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from common.cli import say, say_json

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_WATCH_SECS = 2.0


def add(cli: click.Group, config: _Decorator) -> None:
    """Hang them under `cli`; `config` is the option that names the configuration file."""

    @cli.command(
        help="体检：哪里有问题，从何时起，影响什么，怎样处理。只读，不改动任何东西；写了 --fix 才逐项问过再改。"
    )
    @config
    @click.option("--only", default="", metavar="组", help="只查一组，如 网络、NET，或一项，如 E-NET-03。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @click.option("-v", "--verbose", is_flag=True, help="展开通过的项目。")
    @click.option("--fix", is_flag=True, help="能安全处理的逐项询问后处理，做了什么都说明。")
    @click.option("--yes", is_flag=True, help="与 --fix 同用：不询问，全部处理。")
    def doctor(path: Path, only: str, as_json: bool, verbose: bool, fix: bool, yes: bool) -> int:
        if fix and as_json:
            raise click.UsageError("--fix 与 --json 不能同用")
        if yes and not fix:
            raise click.UsageError("--yes 须与 --fix 同用")
        code, steps = _examine(path, only, as_json=as_json, verbose=verbose, fix=fix)
        if fix and _mended(steps, yes=yes):
            code, _ = _examine(path, only, as_json=False, verbose=verbose)
        return code

    @cli.command(help="现在的情况，一行；--watch 则是一屏，每两秒重画。")
    @config
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @click.option("--watch", is_flag=True, help="每两秒重画一屏（80×24），直到 Ctrl-C。")
    def status(path: Path, as_json: bool, watch: bool) -> int:
        if as_json and watch:
            raise click.UsageError("--watch 与 --json 不能同用")
        return _watch(path) if watch else _status(path, as_json=as_json)

    @cli.command(help="收集资料交给市中心：体检、遮挡后的配置、日志、版本；密码、密钥、个人信息不在其中。")
    @config
    @click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        default=Path("mingcha-support.tar.gz"),
        show_default=True,
        metavar="文件",
        help="写到哪里；已有的不覆盖。",
    )
    def support(path: Path, output: Path) -> None:
        from agent import support as supports

        made = supports.collect(path, output)
        for name, size in made:
            say(f"  {name}\t{size:,} 字节")
        say(f"✓ {output}：{len(made)} 个文件。密码与密钥没有收入，号码与姓名已遮挡；交出之前请自己看一遍")


def _examine(
    path: Path, only: str, *, as_json: bool, verbose: bool, fix: bool = False
) -> tuple[int, list[Any]]:
    """Look and print. -> (exit code, what may be mended of it, with `fix`)."""
    from agent import config, mend
    from agent import doctor as doctors
    from common import health, log
    from common.core.errors import ConfigError

    log.configure(level="error")  # standard output is for what was asked
    findings, verdict, sentence = health.finish(doctors.examine(path, only=only))
    if only and not findings:
        raise click.UsageError(f"没有这一组或这一项：{only}")
    if as_json:
        say_json(doctors.as_json(path, findings, verdict))
    else:
        say(health.render(findings, sentence, verbose=verbose, ascii_only=health.ascii_only()))
    try:
        return verdict.exit_code, mend.mends(findings, config.load(path)) if fix else []
    except ConfigError:  # said by E-SYS-09
        return verdict.exit_code, []


def _mended(steps: list[Any], *, yes: bool) -> bool:
    """Ask and do, one by one. -> something was done."""
    from common.cli import complain
    from common.core.errors import MingchaError

    if not steps:
        say("没有能自动处理的问题")
    done = False
    for step in steps:
        if not yes and not click.confirm(f"{step.check}  {step.words}？", default=False):
            say(f"  跳过：{step.words}")
            continue
        try:
            say(f"✓ {step.act()}")
            done = True
        except MingchaError as error:
            complain(error)
    if done:
        time.sleep(_WATCH_SECS)  # what a process says of itself is so old
    return done


def _status(path: Path, *, as_json: bool) -> int:
    import msgspec

    from agent import report
    from common.clock import Clock

    found = _said(path)
    if as_json:
        say_json(msgspec.json.encode(found))
    else:
        say(report.line(found, Clock().wall()))
    return 0 if found else 3


def _said(path: Path) -> Any:
    from agent import config
    from agent.status import Status
    from common import process
    from common.clock import Clock

    return process.read(config.load(path).status_path, Status, Clock().wall())


def _watch(path: Path) -> int:
    from agent import config, report
    from common.clock import Clock

    settings = config.load(path)
    while True:
        click.clear()
        say(report.screen(_said(path), settings.name or settings.site, Clock().wall(), config.ZONE))
        time.sleep(_WATCH_SECS)
