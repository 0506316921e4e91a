"""The wall's newest events in words: lights that changed, and what two looks at the tiles differ in. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from central.core import wording
from common.core.state import Light, Link

Tiles = Mapping[str, Mapping[str, str]]
"""Site -> field -> text, as `hall.State` has them in its section `s`."""


class Change(Struct, frozen=True):
    """A light that changed; `rule`: the id of the broken rule that lit it, empty for a clock's."""

    judged_at: int
    site_name: str
    item_name: str | None
    case_no: str | None
    after: Light
    late: bool
    rule: str = ""


def told(item: Change) -> str:
    """What the event list says of it."""
    number = f" 尾号 {wording.tail(item.case_no)}" if item.case_no else ""
    if item.rule:
        return f"{item.item_name or '办件'}{number} 规则 {item.rule} 亮{item.after.word}"
    late = "（补传判定）" if item.late else ""
    return f"{item.item_name or '办件'}{number} 转为{item.after.word}{late}"


def happenings(before: Tiles, after: Tiles, at: int) -> Sequence[tuple[int, str, str]]:
    """What two looks at the tiles differ in, as sentences: a link that changed, cases newly accepted."""
    found: list[tuple[int, str, str]] = []
    for site_id, tile in after.items():
        old = before.get(site_id)
        if old is None:
            continue
        if old["link"] != tile["link"] and {old["link"], tile["link"]} != {Link.LIVE, Link.SLOW}:
            found.append((at, tile["name"], _link_sentence(Link(old["link"]), Link(tile["link"]), tile)))
        more = _count(tile["accepted"]) - _count(old["accepted"])
        if more > 0:
            found.append((at, tile["name"], f"新受理 {more} 件，今日共 {tile['accepted']} 件"))
    return found


def _count(text: str) -> int:
    return int(text.replace(",", ""))


def _link_sentence(before: Link, after: Link, tile: Mapping[str, str]) -> str:
    if after in {Link.LIVE, Link.SLOW}:
        return "补传完成，数据已齐" if before is Link.CATCHUP else "恢复实时"
    return f"{tile['word']}：{tile['left']}"
