"""`mingcha score`: schemes, runs, results, objections; every decision with its reason in the audit."""

import asyncio
import getpass
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile, is_zipfile
from zoneinfo import ZoneInfo

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central import scheme
from central.commands import in_store
from central.core.score import Level, Line, Score
from common.cli import WHY, say
from common.core.errors import RejectedError

MOST = 200
"""Rows that one command prints."""
MOST_BYTES = 100_000_000
"""Of what a packet holds; one of a large city is some hundred thousand."""
_RUN = click.argument("number", type=click.IntRange(1), metavar="次")
_LEVEL = click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.SITE.value,
    show_default=True,
    metavar="范围",
    help="、".join(f"{level.value} {level.word}" for level in Level) + "。",
)


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="绩效评估：方案、评分、逐项依据、异议、定稿；任何人可由快照复算。")
    def score() -> None:
        """Group of commands."""

    scheme.add(score, config)
    _add_runs(score, config)
    _add_files(score, config)
    _add_objections(score, config)


def _add_runs(score: click.Group, config: Callable[[Any], Any]) -> None:
    @score.command(
        "run", help="为一个期间评分：2026-06、2026-Q2、2026-H1、2026。冻结快照，得初步结果，开始异议期。"
    )
    @click.argument("name", metavar="期间")
    @WHY
    @config
    def run(name: str, why: str, path: Path) -> None:
        from central import score_run
        from central.core import period

        settings, sender = _sender(path, why)
        of = period.parse(name)
        wanted = score_run.Wanted(settings.database_url, settings.legal_zone, of.name, sender)
        number, until, taken = asyncio.run(score_run.work(wanted))
        say(f"第 {number} 次，{of.word}，快照 {taken.digest}")
        _say_scores([one for one in taken.scores() if one.level is Level.SITE])
        say(f"初步结果。异议期到 {until} 为止；逐项依据见  mingcha score show {number} --unit 单位")

    @score.command("final", help="异议期满、异议都已认定后定稿：同一快照，除去异议成立的。")
    @_RUN
    @WHY
    @config
    def final(number: int, why: str, path: Path) -> None:
        from central import scoring

        settings, sender = _sender(path, why)
        made = in_store(
            path, lambda conn: scoring.finish(conn, number, sender, ZoneInfo(settings.legal_zone))
        )
        say(f"第 {made} 次，正式结果；公布用  mingcha publication draft {made}")

    @score.command("list", help="评过的各次，新的在前。")
    @config
    def listed(path: Path) -> None:
        from central.store import scores

        rows = in_store(path, lambda conn: scores.runs(conn, MOST))
        if not rows:
            say("✓ 还没有评过分")
        for row in rows:
            state = "正式" if row.is_final else f"初步，异议到 {row.object_until}"
            say(f"{row.id}\t{row.period}\t方案第 {row.scheme} 版\t{state}\t{row.who}\t{row.digest}")

    @score.command("show", help="一次的排名；写明单位则列出逐项得分与其办件。")
    @_RUN
    @_LEVEL
    @click.option("--unit", default="", metavar="单位", help="单位的名称。")
    @config
    def show(number: int, level: str, unit: str, path: Path) -> None:
        from central.core.scope import EVERYTHING
        from central.store import scores
        from common.core.errors import UsageError

        async def read(conn: AsyncConnection) -> list[Score]:
            await scores.run(conn, number)
            return await scores.units(conn, EVERYTHING, number, Level(level))

        found = in_store(path, read)
        if not unit:
            _say_scores(found)
            return
        mine = [one for one in found if one.name == unit]
        if not mine:
            raise UsageError(
                f"这一次没有“{unit}”", hint=f"单位见  mingcha score show {number} --level {level}"
            )
        for one in mine:
            _say_unit(one)


def _say_scores(found: list[Score]) -> None:
    for one in found:
        place = f"第 {one.rank}" if one.rank else one.why
        total = "–" if one.total is None else one.total
        say(f"{one.group}\t{one.name}\t{one.cases} 件\t{total}\t{one.grade or '–'}\t{place}")


def _say_unit(one: Score) -> None:
    from central.core.measure import MEASURES

    _say_scores([one])
    for sign, lines in (("", one.lines), ("扣分 ", one.penalties), ("加分 ", one.bonuses)):
        for line in lines:
            say(f"{sign}{line.name}\t{_line(line)}")
            for measure, names in line.faults.items():
                said = "、".join(number or key for _, key, number in names[:MOST])
                say(f"  {MEASURES[measure].name} {len(names)} 件：{said}")
    for site, key, number, measure, why in one.spared:
        say(f"不计\t{site}/{key}\t{number}\t{MEASURES[measure].name}：{why}")


def _line(line: Line) -> str:
    if line.why:
        return line.why
    if not line.weight:
        return f"{line.points} 分"
    return f"基数 {line.of}\t{line.value} × 权重 {line.weight}\t{line.points} 分"


def _add_files(score: click.Group, config: Callable[[Any], Any]) -> None:
    @score.command(
        "export", help="把一次的快照写成文件：每行一个 JSON，第一行为期间与方案。内部文件，载有责任人姓名。"
    )
    @_RUN
    @click.option(
        "--out",
        "target",
        type=click.Path(path_type=Path),
        required=True,
        metavar="文件",
        help="写到这里；只有本人可读。",
    )
    @config
    def export(number: int, target: Path, path: Path) -> None:
        from central.store import scores

        async def read(conn: AsyncConnection) -> bytes:
            row = await scores.run(conn, number)
            return await scores.snapshot(conn, row.digest)

        body = b"".join(scores.unpacked(in_store(path, read)))
        target.touch(0o600)
        target.write_bytes(body)
        say(f"已写入 {target}，{len(body):,} 字节")

    @score.command(
        "verify",
        help="由快照文件，或公布的文件（其中任一个、文件夹、新闻资料包）重新算出排名。快照用 --run 与登记的对照。",
    )
    @click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="文件")
    @click.option(
        "--run", "number", type=click.IntRange(1), metavar="次", help="与这一次登记的哈希和结果对照。"
    )
    @config
    def verify(source: Path, number: int | None, path: Path) -> None:
        if is_zipfile(source):
            _verify_packet(source)
            return
        if source.is_dir() or (source.parent / "SHA256SUMS").is_file():
            _verify_folder(source if source.is_dir() else source.parent)
            return
        from central import scoring

        with source.open("rb") as lines:
            if number is None:
                taken = scoring.retake(lines)
                say(f"{taken.frame.period.word}，SHA-256 {taken.digest}")
                _say_scores([one for one in taken.scores() if one.level is Level.SITE])
                return
            row, kept = in_store(path, lambda conn: _kept(conn, number))
            differs = scoring.verify(lines, row.digest, kept)
        _end(differs, f"✓ 与第 {number} 次登记的一致：{len(kept)} 个单位")


async def _kept(conn: AsyncConnection, number: int) -> tuple[Any, list[Score]]:
    from central.core.scope import EVERYTHING
    from central.store import scores

    row = await scores.run(conn, number)
    return row, [one for level in Level for one in await scores.units(conn, EVERYTHING, number, level)]


def _verify_packet(source: Path) -> None:
    with TemporaryDirectory() as folder, ZipFile(source) as packed:
        if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
            raise RejectedError(f"{source.name} 太大，不是新闻资料包", hint="请重新下载")
        packed.extractall(folder)  # names that lead out of it are cut by the library
        _verify_folder(next((one for one in Path(folder).iterdir() if one.is_dir()), Path(folder)))


def _verify_folder(folder: Path) -> None:
    from central.core import release
    from central.data import recompute

    release.check_sums({one.name: one.read_bytes() for one in sorted(folder.iterdir()) if one.is_file()})
    found, differs = recompute.differences(folder)
    _end(differs, f"✓ 与公布的一致：{len(found)} 个单位")


def _end(differs: list[str], well: str) -> None:
    import sys

    for one in differs[:MOST]:
        say(f"✗ {one}")
    if differs:
        sys.exit(1)
    say(well)


def _add_objections(score: click.Group, config: Callable[[Any], Any]) -> None:
    @score.command("object", help="对初步结果里一个办件的一项提出异议；异议期内。")
    @_RUN
    @click.argument("site", metavar="站点")
    @click.argument("case_key", metavar="办件")
    @click.argument("measure", metavar="计数项")
    @WHY
    @config
    def contest(number: int, site: str, case_key: str, measure: str, why: str, path: Path) -> None:
        from central.store.scores import Fault, object_to
        from common.core.instant import local_date

        settings, sender = _sender(path, why)
        today = local_date(sender.at, ZoneInfo(settings.legal_zone))
        fault = Fault(number, site, case_key, measure)
        made = in_store(path, lambda conn: object_to(conn, fault, today, sender.who, why, sender.wall))
        say(f"异议 {made} 已登记；如果成立，见  mingcha score preview {made}")

    @score.command("objections", help="对一次评分的异议。")
    @_RUN
    @config
    def listed(number: int, path: Path) -> None:
        from central.core.objection import ObjectionState
        from central.store import scores

        rows = in_store(path, lambda conn: scores.objections(conn, number))
        if not rows:
            say("✓ 没有异议")
        for row in rows:
            place = f"{row.site}/{row.case_key}\t{row.measure}"
            say(f"{row.id}\t{place}\t{ObjectionState(row.state).word}\t{row.who}\t{row.why}")

    @score.command("preview", help="如果异议成立：哪些单位的得分和名次会变。")
    @click.argument("number", type=click.IntRange(1), metavar="异议")
    @config
    def preview(number: int, path: Path) -> None:
        from central import scoring

        for old, new in in_store(path, lambda conn: scoring.preview(conn, number)):
            say(f"{old.level.word}\t{old.name}\t{old.total} → {new.total}\t第 {old.rank} → 第 {new.rank}")

    for name, text in (("grant", "认定异议成立。"), ("refuse", "认定异议不成立。")):
        _add_decision(score, config, name, text)


def _add_decision(score: click.Group, config: Callable[[Any], Any], name: str, text: str) -> None:
    @score.command(name, help=text + "提出的人不能认定。")
    @click.argument("number", type=click.IntRange(1), metavar="异议")
    @WHY
    @config
    def decide(number: int, why: str, path: Path) -> None:
        from central.core.objection import ObjectionState
        from central.store import scores

        _, sender = _sender(path, why)
        to = ObjectionState.GRANTED if name == "grant" else ObjectionState.REFUSED
        in_store(path, lambda conn: scores.decide(conn, number, to, sender.who, why, sender.wall))
        say(f"异议 {number}：{to.word}")


def _sender(path: Path, why: str) -> tuple[Any, Any]:
    """(settings, who runs it and when)."""
    from central import config as configs
    from central.scoring import Sender
    from common.clock import Clock

    settings = configs.load(path)
    clock = Clock(settings.clock)
    return settings, Sender(getpass.getuser(), why, clock.office(), clock.wall())
