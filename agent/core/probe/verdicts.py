"""What `probe --check` says of a finished mapping: facts about the source -> one verdict each, with what mends it."""

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from common.core.state import Health

_ONE_PAGE = 1000
_FEW_PAGES = 10 * _ONE_PAGE
"""A table of so few rows is read whole in one page; an engine rightly passes by its indexes."""
_CLOCK_SECS = 30.0
_HOT = 20_000
_OLD_DAYS = 4
"""Longer than a weekend and a day: an office that works enters something."""
_SHOWN = 5


class Verdict(Struct, frozen=True):
    """`remedy`: empty where nothing is wrong."""

    table: str
    title: str
    status: Health
    detail: str
    remedy: str = ""


class Pass(Struct):
    """One walk over a table: what became of its rows."""

    rows: int = 0
    mapped: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """By reason."""
    repeated: int = 0
    """Rows with the key of the row before."""
    opened: int = 0
    """Cases without an end."""
    damaged: int = 0
    """Rows with characters that are lost."""
    impossible: Counter[str] = field(default_factory=Counter)
    """Rows with a time that is none, by field."""
    reversed: int = 0
    """Rows that end before they began."""
    orphans: int = 0
    """Rows of a case that the case table does not have."""
    newest: datetime | None = None
    """The latest time that is not ahead of this box's clock."""


def clock(source_us: int | None, box_us: int) -> Verdict:
    """The source's clock against this box's."""
    if source_us is None:
        return Verdict("", "时钟", Health.SKIP, "文件没有自己的时钟")
    secs = (source_us - box_us) / 1_000_000
    detail = f"业务库比本机{'快' if secs >= 0 else '慢'} {abs(secs):.1f} 秒"
    if abs(secs) <= _CLOCK_SECS:
        return Verdict("", "时钟", Health.OK, detail)
    return Verdict("", "时钟", Health.WARN, detail, "请校准业务库服务器与本机的时间同步")


def rights(table: str, said: str) -> Verdict:
    """`said`: what the adapter's attempt to write came to; empty: refused, as it must be."""
    if not said:
        return Verdict(table, "只读权限", Health.OK, "改写被拒绝")
    return Verdict(
        table, "只读权限", Health.WARN, said, "请业务库管理员只授予 SELECT（mingcha-agent probe --grants）"
    )


def lane(table: str, name: str, said: str, rows: int, *, indexed: bool) -> Verdict:
    """`said`: what the engine's plan has against the query of this lane; `indexed`: whether the catalogue has an index for it,
    which is left aside in a small table, and in a large one where the engine does not know how large it is."""
    if not said:
        return Verdict(table, f"查询计划：{name}", Health.OK, "走索引")
    if rows <= _ONE_PAGE:
        return Verdict(table, f"查询计划：{name}", Health.OK, f"{said}，但只有 {rows} 行")
    if indexed and rows <= _FEW_PAGES:
        return Verdict(table, f"查询计划：{name}", Health.OK, f"有索引；只有 {rows:,} 行，此刻的计划没有用它")
    return Verdict(
        table,
        f"查询计划：{name}",
        Health.WARN,
        f"{said}，{rows:,} 行",
        f"请业务库管理员更新 {table} 的统计信息（ANALYZE），再试一次"
        if indexed
        else f"请软件厂商为 {table} 建立相应索引，或不用该游标",
    )


def whole(table: str, rows: int, most: int) -> Verdict:
    """Of a table without a key, which is read as a whole; `most`: rows that it may have, 0 for a file."""
    if not most:
        return Verdict(
            table, "整行比对", Health.OK, f"没有 key：以整行内容区分，{rows:,} 行；一行改了记为少一行、多一行"
        )
    detail = f"没有 key：整表读取、逐行比对，{rows:,} 行（至多 {most:,}）；一行改了记为少一行、多一行"
    if rows * 2 <= most:
        return Verdict(table, "整表比对", Health.OK, detail)
    return Verdict(
        table, "整表比对", Health.WARN, detail, "快到上限了：请厂商加主键，或建一个带唯一字段的视图"
    )


def no_plan(table: str, name: str) -> Verdict:
    """The engine does not tell it to this account."""
    return Verdict(
        table,
        f"查询计划：{name}",
        Health.SKIP,
        "数据库不让本账号看计划（多为视图），不影响采集；请厂商确认视图所引用的表有相应索引",
    )


def parents(table: str, found: Pass) -> Verdict:
    """Whether the rows of a table that maps find their cases. Some do not: their cases were archived."""
    detail = f"{found.mapped - found.orphans:,}/{found.mapped:,} 行找得到办件"
    if found.orphans * 100 <= found.mapped:
        return Verdict(table, "指向办件", Health.OK, detail)
    return Verdict(
        table,
        "指向办件",
        Health.FAIL if found.orphans * 2 > found.mapped else Health.WARN,
        detail,
        "请核对 parent：它与办件主表的 parent（没有写的，是 key）须是同一个编号；只是旧办件已移走的，不必处理",
    )


def walked(
    table: str, found: Pass, now: datetime, *, is_case: bool, is_keyless: bool = False
) -> list[Verdict]:
    """What one walk over the table shows."""
    made = [
        _mapped(table, found),
        *([] if is_keyless else [_key(table, found)]),
        _text(table, found),
        _times(table, found),
        _fresh(table, found, now),
    ]
    if is_case:
        busy = found.opened > _HOT
        made.append(
            Verdict(
                table,
                "在办件数",
                Health.WARN if busy else Health.OK,
                f"{found.opened:,} 件没有办结时间",
                "在办件过多，请核对 finished_at 的字段" if busy else "",
            )
        )
    return made


_BY_REASON = "请按原因修改 mapping.toml 或源数据；没有对应的值写进该字段的 enum，可用的标准值见草稿的注释"


def _mapped(table: str, found: Pass) -> Verdict:
    detail = f"{found.mapped:,}/{found.rows:,} 行可以对应"
    if not found.rows:
        return Verdict(table, "试读", Health.WARN, "一行也没有", "请核对 from 与授权")
    if not found.rejected:
        return Verdict(table, "试读", Health.OK, detail)
    reasons = "；".join(f"{count:,} 行 {reason}" for reason, count in found.rejected.most_common(_SHOWN))
    return Verdict(table, "试读", Health.FAIL, f"{detail}：{reasons}", _BY_REASON)


def _key(table: str, found: Pass) -> Verdict:
    if not found.repeated:
        return Verdict(table, "主键唯一", Health.OK, "没有重复")
    return Verdict(
        table, "主键唯一", Health.FAIL, f"{found.repeated:,} 行与前一行的主键相同", "请在 key 换用唯一的字段"
    )


def _text(table: str, found: Pass) -> Verdict:
    if not found.damaged:
        return Verdict(table, "字符集", Health.OK, "没有丢失的字符")
    few = found.damaged * 100 < found.rows
    return Verdict(
        table,
        "字符集",
        Health.WARN if few else Health.FAIL,
        f"{found.damaged:,}/{found.rows:,} 行有丢失的字符",
        "若只是生僻字，是源库存不下，须由软件厂商处理；否则请核对 charset",
    )


def _times(table: str, found: Pass) -> Verdict:
    faults = [f"{name} 有 {count:,} 行不是时间" for name, count in found.impossible.most_common(_SHOWN)]
    faults += [f"{found.reversed:,} 行先后颠倒"] if found.reversed else []
    if not faults:
        return Verdict(table, "时间", Health.OK, "都读得出，先后相符")
    grave = found.reversed * 20 > found.rows or any(
        count * 20 > found.rows for count in found.impossible.values()
    )
    return Verdict(
        table,
        "时间",
        Health.FAIL if grave else Health.WARN,
        "；".join(faults),
        '请核对时间字段；零日期可用 zero = "null"',
    )


def _fresh(table: str, found: Pass, now: datetime) -> Verdict:
    if found.newest is None:
        return Verdict(table, "最新一行", Health.SKIP, "没有时间可看")
    days = (now - found.newest).total_seconds() / 86_400
    detail = f"{found.newest:%Y-%m-%d %H:%M}，{days:.1f} 天前"
    if days <= _OLD_DAYS:
        return Verdict(table, "最新一行", Health.OK, detail)
    return Verdict(table, "最新一行", Health.WARN, detail, "请确认这是正在使用的业务库，而不是旧库或备份")
