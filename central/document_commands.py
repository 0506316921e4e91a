"""`mingcha issuer` and `mingcha document`: who issues, what was issued, and whether a paper is what it says."""

import getpass
from collections.abc import Callable
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import in_store
from central.core.document import Kind, read_code
from common.cli import WHY, say, say_json
from common.core.errors import UsageError, words
from common.core.text import one_line

LISTED = 200
PAGE = 200
_KIND = click.Choice([kind.value for kind in Kind])
_KINDS = " ".join(f"{kind.value}（{kind.word}）" for kind in Kind)


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add both groups to `cli`; `config`: the option that names the hall's configuration."""
    _add_issuers(cli, config)

    @cli.group(help="文书：列出、导出、核对真伪，打样张。")
    def document() -> None:
        """Group of commands."""

    _add_looks(document, config)
    _add_verify(document, config)
    _add_sample(document, config)


def _add_issuers(cli: click.Group, config: Callable[[Any], Any]) -> None:
    @cli.group(help="发文机关：名称、版头、机关代字。带生效日期，只增不改：旧文书保留当日的名称。")
    def issuer() -> None:
        """Group of commands."""

    @issuer.command("set", help="写入一个发文机关，或它自某日起的新名称。")
    @click.argument("name", metavar="编号")
    @click.option("--name", "title", required=True, metavar="名称", help="署名，如 云州市监察局。")
    @click.option("--letterhead", metavar="版头", help="红色发文机关标志；不写为名称加“文件”。")
    @click.option("--mark", required=True, metavar="代字", help="文号开头的机关代字，如 云监。")
    @click.option("--printer", metavar="印发机关", help="版记中的印发机关；不写为名称加“办公室”。")
    @click.option(
        "--from", "since", type=click.DateTime(["%Y-%m-%d"]), metavar="日期", help="自何日起；不写为今天。"
    )
    @WHY
    @config
    def change(
        name: str,
        title: str,
        letterhead: str | None,
        mark: str,
        printer: str | None,
        since: datetime | None,
        why: str,
        path: Path,
    ) -> None:
        from central import config as configs
        from central.core.document import Issuer
        from central.store import documents, trail
        from common.clock import Clock
        from common.core.instant import local_date

        settings = configs.load(path)
        clock = Clock(settings.clock)
        day: date = since.date() if since else local_date(clock.office(), ZoneInfo(settings.legal_zone))
        given = Issuer(name, title, letterhead or f"{title}文件", mark, printer or f"{title}办公室", day)

        async def work(conn: AsyncConnection) -> None:
            who = getpass.getuser()
            await documents.set_issuer(conn, given, who, why, clock.wall())
            await trail.note(conn, clock.wall(), who, "issuer.set", f"{name} {title}", why)

        in_store(path, work)
        say(
            f"✓ 自 {day} 起：{title}，版头“{given.letterhead}”，文号如 {mark}{Kind.ORDER.mark}〔{day.year}〕1号"
        )

    @issuer.command("list", help="全部发文机关与各次名称。")
    @config
    def show(path: Path) -> None:
        from central.store import documents

        rows = in_store(path, documents.issuers)
        for row in rows:
            say(f"{row.id}\t{row.valid_from} 起\t{row.name}\t{row.letterhead}\t{row.mark}\t{row.printer}")
        if not rows:
            say("✓ 还没有发文机关：请用 mingcha issuer set 写入")


def _add_looks(document: click.Group, config: Callable[[Any], Any]) -> None:
    @document.command("list", help="最近签发的在前。")
    @click.option("--kind", type=_KIND, metavar="种类", help=f"只看一种：{_KINDS}。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def show_all(kind: str | None, as_json: bool, path: Path) -> None:
        from central.store import documents

        rows = in_store(path, lambda conn: documents.listed(conn, kind or "", LISTED))
        if as_json:
            import msgspec

            say_json(msgspec.json.encode([_plain(row) for row in rows]))
            return
        for row in rows:
            say(f"{row.code}\t{row.number_text}\t{Kind(row.kind).word}\t{_state(row)}\t{one_line(row.title)}")
        if not rows:
            say("✓ 还没有签发过文书")

    @document.command("show", help="一份文书：文号或核验码；可导出 PDF 与可编辑版。记入审计。")
    @click.argument("which", metavar="文号或核验码")
    @click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), metavar="文件", help="导出 PDF。")
    @click.option(
        "--docx", type=click.Path(path_type=Path, dir_okay=False), metavar="文件", help="导出可编辑版。"
    )
    @config
    def show(which: str, pdf: Path | None, docx: Path | None, path: Path) -> None:
        from central import trail
        from central.store import documents

        async def work(conn: AsyncConnection) -> tuple[Row[Any], dict[Path, bytes | None]]:
            row = await _named(conn, which)
            wanted = {file: digest for file, digest in ((pdf, row.pdf), (docx, row.docx)) if file is not None}
            await trail.by_hand(conn, "document.show", row.number_text)
            return row, {
                file: await documents.body(conn, digest) if digest else None
                for file, digest in wanted.items()
            }

        row, found = in_store(path, work)
        _tell(row)
        for file, body in found.items():
            if body is None:
                raise UsageError(
                    f"{row.number_text} 的文件还没有生成", hint="市中心运行时几秒内生成，请稍后再试"
                )
            _write(file, body)


def _add_verify(document: click.Group, config: Callable[[Any], Any]) -> None:
    @document.command(
        "verify",
        help="核对：给出文件或核验码则核对这一份，不给则核对全部与文号有无缺漏。退出码 0 相符，2 不符。",
    )
    @click.argument("which", required=False, metavar="文件或核验码")
    @config
    def verify(which: str | None, path: Path) -> int:
        from central import config as configs
        from central.document_check import check_all, check_one
        from common.config import read_secret
        from common.core import crypto

        settings = configs.load(path)
        key = crypto.sign_public(read_secret(settings.identity.sign_key, "市中心的签名私钥"))
        if which is None:
            count, faults = in_store(path, lambda conn: check_all(conn, key, PAGE))
            for fault in faults:
                say(f"✕ {fault}")
            if not faults:
                say(f"✓ {count} 份文书与签名相符，文号没有缺漏")
            return 2 if faults else 0
        digest = _digest(which)

        async def work(conn: AsyncConnection) -> tuple[Row[Any] | None, str]:
            from central.store import documents

            row = await documents.find_by_file(conn, digest) if digest else await _named(conn, which)
            return row, await check_one(conn, row, key) if row is not None else ""

        row, fault = in_store(path, work)
        if row is None:
            say(f"✕ {which} 不是本市签发的文书，或签发后被改动过")
            return 2
        _tell(row)
        say(f"✕ {fault}" if fault else "✓ 与签发时相符" + ("，但已作废" if row.spoiled_wall else ""))
        return 2 if fault else 0


def _add_sample(document: click.Group, config: Callable[[Any], Any]) -> None:
    @document.command("sample", help="打样张：看版头、字体与版式，不编号、不入库。")
    @click.argument("issuer", metavar="发文机关")
    @click.argument("kind", type=_KIND, metavar="种类")
    @click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        metavar="目录",
        help="放在哪里。",
    )
    @config
    def sample(issuer: str, kind: str, out: Path, path: Path) -> None:
        from central import config as configs
        from central.core import document_sample
        from central.document import issuer_today
        from central.paper.press import Press
        from common.clock import Clock

        settings = configs.load(path)
        zone, clock = ZoneInfo(settings.legal_zone), Clock(settings.clock)
        found = in_store(path, lambda conn: issuer_today(conn, issuer, clock.office(), zone))
        pdf, docx, preview = Press(settings.fonts_dir)(document_sample.sample(Kind(kind), found))
        out.mkdir(parents=True, exist_ok=True)
        _write(out / f"{kind}.pdf", pdf)
        _write(out / f"{kind}.docx", docx)
        if preview:
            say(f"！ 没有公文字体，PDF 以宋体代替并注明预览。请把字体文件放进 {settings.fonts_dir}")


async def _named(conn: AsyncConnection, which: str) -> Row[Any]:
    """Raises UsageError for a number or code that is not there."""
    from central.store import documents

    code = read_code(which)
    row = await documents.find(conn, code) if code else None
    row = row or await documents.find_by_number(conn, which)
    if row is None:
        raise UsageError(f"没有文书 {which}", hint="文号与核验码见  mingcha document list")
    return row


def _digest(which: str) -> bytes | None:
    """SHA-256 of a file of this name; None where there is none."""
    path = Path(which)
    try:
        return sha256(path.read_bytes()).digest() if path.is_file() else None
    except OSError as error:
        raise UsageError(f"读不出 {which}：{words(error)}", hint="请检查文件与权限") from error


def _write(file: Path, body: bytes) -> None:
    try:
        file.write_bytes(body)
    except OSError as error:
        raise UsageError(f"写不进 {file}：{words(error)}", hint="请换一个目录，或检查权限与空间") from error
    say(f"✓ 已写入 {file}")


def _state(row: Row[Any]) -> str:
    if row.spoiled_wall:
        return "已作废"
    return "有效" if row.pdf else "文件生成中"


def _tell(row: Row[Any]) -> None:
    say(f"{row.number_text}\t{Kind(row.kind).word}\t{_state(row)}\t{one_line(row.title)}")
    say(f"核验码 {row.code}\t拟稿 {row.drafter}\t签发 {row.signer}")
    if row.pdf:
        say(f"PDF SHA-256 {row.pdf.hex()}" + ("（预览字体）" if row.preview else ""))
        say(f"DOCX SHA-256 {row.docx.hex()}")
    if row.spoiled_wall:
        say(f"作废：{row.spoiled_by}，{one_line(row.spoiled_why)}")


def _plain(row: Row[Any]) -> dict[str, Any]:
    names = (
        "code",
        "number_text",
        "kind",
        "title",
        "drafter",
        "signer",
        "issued_at",
        "preview",
        "spoiled_why",
    )
    mapped = row._mapping  # noqa: SLF001
    return {name: mapped[name] for name in names} | {
        "pdf": row.pdf.hex() if row.pdf else None,
        "docx": row.docx.hex() if row.docx else None,
    }
