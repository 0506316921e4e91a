"""The result of `mingcha verify` for people, and as JSON from the same values."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from central.core.flaw import Finding, Grade, What
from central.verify import EpochReport, SiteReport, grade
from common.core.instant import from_us
from common.core.text import one_line

SCHEMA = "mingcha.verify/1"
_MARKS = {Grade.PROVEN: "✓", Grade.OPEN: "!", Grade.BROKEN: "✕"}
_SENTENCES = {
    Grade.PROVEN: "已证明：没有缺失、错位、改动",
    Grade.OPEN: "签名所及没有改动；有已声明或尚未到达的部分，见下",
    Grade.BROKEN: "不符：有缺失、错位或改动，见下。请保全数据库与备份，对照站点机器的缓存",
}


_UNPROVEN = "有站点没有签名的记录，它们有没有被改动、添加，无从证明，见下；签名所及没有改动"


def render(reports: Sequence[SiteReport], zone: str) -> str:
    """Verdict first, then each site with its epochs and findings."""
    worst = grade(reports)
    unsigned = sum(max(0, epoch.newest - epoch.proven) for report in reports for epoch in report.epochs)
    rest = f"；最后 {unsigned:,} 条站点还没有签名，见下" if unsigned and worst is Grade.PROVEN else ""
    lines = [f"{_MARKS[worst]} {_sentence(reports, worst)}{rest}"]
    for report in reports:
        whole = grade([report])
        records = sum(epoch.records for epoch in report.epochs)
        lines.append(f"{_MARKS[whole]} {report.name}（{report.site}）  {records:,} 条记录")
        for epoch in report.epochs:
            lines.append(f"  {_epoch(epoch)}")
            lines += [f"    {_finding(item, ZoneInfo(zone))}" for item in epoch.findings]
        lines += [f"  {_finding(item, ZoneInfo(zone))}" for item in report.findings]
        if report.agreed is not None:
            when = f"{from_us(report.agreed.at, ZoneInfo(zone)):%Y-%m-%d %H:%M}"
            lines.append(f"  ✓ {when} 站点索引里的 {report.agreed.rows:,} 行与本库逐行相同")
    return "\n".join(lines)


def _sentence(reports: Sequence[SiteReport], worst: Grade) -> str:
    """What nobody has signed is not said to be unaltered."""
    unproven = any(item.what is What.UNPROVEN for report in reports for item in report.everything)
    return _UNPROVEN if unproven and worst is Grade.OPEN else _SENTENCES[worst]


def _epoch(epoch: EpochReport) -> str:
    tail = epoch.newest - epoch.proven
    rest = "没有签名，也不会再有" if epoch.ended else "待下一次签名"
    return (
        f"第 {epoch.number} 份缓存 {epoch.epoch}  第 {epoch.generation} 代机器，签名公钥 {epoch.key or '未登记'}，"
        f"签名证明到 {epoch.proven:,} 号" + (f"，之后 {tail:,} 号{rest}" if tail > 0 else "")
    )


def _finding(item: Finding, zone: ZoneInfo) -> str:
    numbers = f"{item.lo:,} 号" if item.lo == item.hi else f"{item.lo:,}–{item.hi:,} 号"
    place = f"{numbers} " if item.lo else ""
    detail = f"：{one_line(item.detail)}" if item.detail else ""
    times = [f"{from_us(at, zone):%Y-%m-%d %H:%M}" for at in (item.from_at, item.to_at) if at is not None]
    when = f"（{'至'.join(dict.fromkeys(times))}）" if times else ""
    return f"{_MARKS[item.what.grade]} {place}{item.what.word}{detail}{when}"


def as_json(reports: Sequence[SiteReport]) -> str:
    """One document; times are microseconds of office time."""
    worst = grade(reports)
    return msgspec.json.encode({"schema": SCHEMA, "verdict": worst.value, "sites": reports}).decode()
