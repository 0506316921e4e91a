"""What the demonstration has made public beside its items: a form with its sample, an announcement. All of it is made up."""

import hashlib
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables

ITEM, NAME = "SX0201", "食品经营许可申请书"
_BLANK = (
    NAME,
    "申请人：",
    "经营场所：",
    "联系电话：",
    "申请事项：□ 新办  □ 变更",
    "申请人签字：        年  月  日",
)
_FILLED = (f"{NAME}（样本，人名为虚构）", "申请人：王小样", "经营场所：云州市样本街 1 号", "联系电话：0771-5550000",
           "申请事项：☑ 新办  □ 变更", "申请人签字：王小样    2026 年 6 月 1 日")  # fmt: skip
_TITLE = "关于演示系统的公告"
_TEXT = "本网站为演示，数据都是虚构的，办公时间比真实的快。\n公告由一人拟稿、另一人审核发布；撤回的仍留下记录和原因。"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


async def write(conn: AsyncConnection, now_wall: int) -> None:
    """Released by two of the demonstration's users."""
    released = {
        "state": "released",
        "who": "publisher",
        "made_wall": now_wall,
        "decided_by": "releaser",
        "decided_why": "演示",
        "decided_wall": now_wall,
    }
    form, sample = _file(_BLANK), _file(_FILLED)
    await conn.execute(insert(tables.blank_file), [form, sample])
    row = {"item": ITEM, "version": 1, "name": NAME, "form": form["digest"], "sample": sample["digest"]}
    await conn.execute(insert(tables.blank).values(row | released))
    await conn.execute(insert(tables.bulletin).values({"title": _TITLE, "text": _TEXT} | released))


def _file(lines: tuple[str, ...]) -> dict[str, Any]:
    body = _docx(lines)
    return {"digest": hashlib.sha256(body).hexdigest(), "kind": "docx", "size": len(body), "body": body}


def _docx(lines: tuple[str, ...]) -> bytes:
    """The least that a word processor opens."""
    text = "".join(f'<w:p><w:r><w:t xml:space="preserve">{line}</w:t></w:r></w:p>' for line in lines)
    parts = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'{_HEAD}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body>{text}</w:body></w:document>",
    }
    book = BytesIO()
    with ZipFile(book, "w") as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return book.getvalue()
