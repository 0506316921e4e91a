"""`mingcha verify --sheet`: whether a site's compatibility sheet is what its box has signed. What it says is not judged here."""

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.flaw import Grade
from central.store import tables as t
from common.core import conformity
from common.core.conformity import Sheet
from common.core.errors import UsageError, words
from common.core.text import one_line

_LONGEST = 1 << 20


def load(path: Path) -> Sheet:
    """Raises UsageError where it is no signed sheet."""
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST).decode()
    except OSError as error:
        raise UsageError(f"读不了 {path}（{words(error)}）") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} 不是 UTF-8 编码", hint="请交原件：probe --conformance --to 写下的文件"
        ) from error
    sheet = conformity.read(text)
    if sheet is None:
        raise UsageError(
            f"{path} 末行没有签名",
            hint="请在站点的机器上以 root 重做：mingcha-agent probe --conformance mapping.toml --to 文件",
        )
    return sheet


async def judged(conn: AsyncConnection, sheet: Sheet) -> tuple[Grade, list[str]]:
    """-> how far it can be believed, and the lines that say so."""
    where = (t.box.c.site == sheet.site, t.box.c.generation == sheet.generation)
    named = select(t.site.c.name, t.box.c.sign_key, t.box.c.state)
    row = (
        await conn.execute(named.join_from(t.box, t.site, t.site.c.id == t.box.c.site).where(*where))
    ).first()
    by = f"{sheet.site} 的第 {sheet.generation} 代机器"
    if row is None:
        return Grade.BROKEN, [f"✕ 没有登记过 {by}：不能作数"]
    if not conformity.is_signed_by(row.sign_key, sheet):
        return Grade.BROKEN, [f"✕ 签名不符：不是 {row.name}（{by}）签的那张，或签名之后被改动"]
    head = one_line(sheet.lines[0]) if sheet.lines else ""
    failed = sum(line.startswith("✕") for line in sheet.lines[1:-1])
    said = f"  {failed} 项不合约定" if failed else "  没有不合约定的项目"
    if row.state == "revoked":
        return Grade.OPEN, [
            f"! {row.name}（{by}）签的，签名后没有改动；但这台机器已被吊销",
            f"  {head}",
            said,
        ]
    return Grade.PROVEN, [f"✓ {row.name}（{by}）签的，签名后没有改动", f"  {head}", said]
