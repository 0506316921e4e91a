"""`mingcha doctor`: parse, call, print. Part of `central/__main__.py`."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from common.cli import say, say_json


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Hang it under `cli`; `config`: the option that names the hall's configuration."""

    @cli.command(help="体检：哪里有问题，影响什么，怎样处理。只读，不改动任何东西。")
    @config
    @click.option("--only", default="", metavar="组", help="只查一组，如 中心、HALL，或一项，如 E-HALL-02。")
    @click.option(
        "--site", default="", metavar="站点", help="让这个站点的机器体检，并与它上次正常时相比；记入审计。"
    )
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @click.option("-v", "--verbose", is_flag=True, help="展开通过的项目。")
    def doctor(path: Path, only: str, site: str, as_json: bool, verbose: bool) -> int:
        if site and only:
            raise click.UsageError("--site 查全部项目，不能与 --only 同用")
        if site:
            return _of_site(path, site, as_json=as_json, verbose=verbose)
        return _of_hall(path, only, as_json=as_json, verbose=verbose)


def _of_hall(path: Path, only: str, *, as_json: bool, verbose: bool) -> int:
    from central import doctor as doctors
    from common import health

    findings, verdict, sentence = health.finish(doctors.examine(path, only=only))
    if only and not findings:
        raise click.UsageError(f"没有这一组或这一项：{only}")
    if as_json:
        say_json(doctors.as_json(findings, verdict))
    else:
        say(health.render(findings, sentence, verbose=verbose, ascii_only=health.ascii_only()))
    return verdict.exit_code


def _of_site(path: Path, site: str, *, as_json: bool, verbose: bool) -> int:
    from central import config, site_doctor
    from central.store.engine import look
    from common import health

    settings = config.load(path)

    async def both() -> tuple[site_doctor.Run, site_doctor.Run | None]:
        run = await site_doctor.ask(settings, site)
        async with look(settings.database_url) as conn:
            return run, site_doctor.last_good(await site_doctor.runs(conn, site), run.at_wall)

    run, good = asyncio.run(both())
    changed = site_doctor.compared(run, good, settings)
    if as_json:
        say_json(site_doctor.as_json(run, good))
    else:
        say(health.render(run.findings, run.sentence, verbose=verbose, ascii_only=health.ascii_only()))
        for line in changed:
            say(line)
    return run.verdict.exit_code
