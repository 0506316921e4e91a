"""From facts that are frozen at issue to the words of a document. No figure or date in it comes from a hand."""

import hashlib
import re
import unicodedata
from datetime import date, datetime
from string import Formatter

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from central.core.document import Attachment, Block, Form, Issuer, Paper, Paragraph, Table, number_text
from common.core.errors import UsageError


class Counted(Struct, frozen=True):
    """A run of days that a limit counts, or does not, and why."""

    first: date
    last: date
    workdays: int  # that are counted; 0 where none is
    why: str  # 计入, or the law's reason for leaving them out


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a document may speak of, as at `as_of`, local time of the legal zone. What a kind does not need is left out."""

    addressee: str
    as_of: datetime
    item: str | None = None
    case_no: str | None = None
    received: date | None = None
    accepted: date | None = None
    budget: str | None = None  # 承诺时限10个工作日
    due: date | None = None
    state: str | None = None  # 仍未办结, 于2026年6月12日办结
    matter: str | None = None  # what is held against it, as a noun: 超过承诺时限办理
    articles: tuple[str, ...] = ()  # as the rules name them: 行政许可法 42
    demand: str | None = None
    rule: str | None = None
    rule_version: str | None = None
    calendar_version: int | None = None
    liability: tuple[str, ...] = ()  # articles
    answer_by: date | None = None
    appeal_days: int | None = None
    earlier: str | None = None  # number of the document this one follows
    reason: str | None = None
    result: str | None = None
    measures: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    period: str | None = None  # 2026年6月, 2026年第二季度
    figures: Table | None = None
    days: tuple[Counted, ...] = ()


NAMES = {
    "as_of": "截至时间",
    "item": "事项",
    "case_no": "受理编号",
    "received": "收件日期",
    "accepted": "受理日期",
    "budget": "时限",
    "due": "应办结日期",
    "state": "办理状态",
    "matter": "问题",
    "articles": "依据的条款",
    "demand": "法定要求",
    "rule": "规则编号",
    "liability": "责任条款",
    "answer_by": "答复期限",
    "appeal_days": "申诉期限",
    "earlier": "前一份文书的文号",
    "reason": "理由",
    "result": "处理结果",
    "measures": "要求",
    "missing": "缺少的内容",
    "period": "期间",
    "figures": "统计表",
}
"""Fact -> its name for people: what a form may ask for."""
COURSE = ("accepted", "budget", "due")
"""What `{course}` says of a case that stands under a limit; of a breach that no clock shows it says nothing."""
_LISTS = {"measures", "missing"}
_NO_TYPE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Categories of Unicode: control, format, unassigned, private, half of a pair, separators of lines."""
_PLACE = re.compile(r"\{(\w+)\}")


def facts_hash(facts: Facts, issuer: Issuer) -> str:
    """SHA-256 of everything the document will rest on, hex."""
    return hashlib.sha256(msgspec.json.encode([facts, issuer], order="deterministic")).hexdigest()


def needed(form: Form) -> list[str]:
    """The facts a kind cannot do without, in the order of its text."""
    names = [*_named(form), *(["rule", "articles"] if form.names_law else [])]
    return [name for name in dict.fromkeys(names) if name != "course"]


def _named(form: Form) -> list[str]:
    texts = (*form.title, *form.paragraphs)
    return [name for text in texts for _, name, _, _ in Formatter().parse(text) if name]


def compose(
    form: Form, facts: Facts, issuer: Issuer, year: int, number: int, code: str, copies: tuple[str, ...] = ()
) -> Paper:
    """The document as it will stand. Raises UsageError naming every fact that is missing or that a later day tells."""
    words = _words(facts)
    missing = [NAMES[name] for name in needed(form) if not words.get(name)]
    if "course" in _named(form) and any(words.get(name) for name in COURSE):  # half of a limit would be none
        missing += [NAMES[name] for name in COURSE if not words.get(name) and NAMES[name] not in missing]
    if missing:
        raise UsageError(
            f"{form.kind.word}缺少：{'、'.join(missing)}", hint="请先在办件上补齐这些内容，再出具文书"
        )
    _refuse_later(facts)
    day = said(facts.as_of.date())
    return Paper(
        kind=form.kind,
        letterhead=issuer.letterhead,
        number=number_text(issuer.mark, form.kind, year, number),
        title=tuple(part.format_map(words) for part in form.title),
        addressee=printable(facts.addressee),
        blocks=tuple(_blocks(form, facts, words)),
        attachments=_attachments(facts),
        signed_by=issuer.name,
        day=day,
        issued=facts.as_of.date(),
        copies=copies,
        printer=issuer.printer,
        basis=_basis(facts),
        facts=facts_hash(facts, issuer),
        code=code,
    )


def _refuse_later(facts: Facts) -> None:
    """A document dated the 11th cannot speak of the 12th."""
    today = facts.as_of.date()
    for name in ("received", "accepted"):
        value: date | None = getattr(facts, name)
        if value is not None and value > today:
            raise UsageError(
                f"{NAMES[name]} {value} 在文书日期 {today} 之后", hint="请核对办件数据与市中心的时钟"
            )
    if facts.answer_by is not None and facts.answer_by < today:
        raise UsageError(
            f"答复期限 {facts.answer_by} 在文书日期 {today} 之前", hint="请按工作日历重新计算期限"
        )


def _words(facts: Facts) -> dict[str, str]:
    """Facts as they are said. Characters that no type has, such as a vendor's control characters, become 〓."""
    found = _plain_words(facts)
    known = all(name in found for name in COURSE)
    found["course"] = "于{accepted}受理，{budget}，应于{due}24时前办结。".format_map(found) if known else ""
    return {name: printable(words) for name, words in found.items()}


def printable(text: str) -> str:
    return "".join("〓" if unicodedata.category(char) in _NO_TYPE else char for char in text)


def _plain_words(facts: Facts) -> dict[str, str]:
    found = {}
    for name in NAMES:
        value = getattr(facts, name)
        if isinstance(value, Table):
            found[name] = "有"
        elif isinstance(value, datetime):
            minute = f"{value.minute}分" if value.minute else ""
            found[name] = f"{said(value.date())}{value.hour}时{minute}"
        elif isinstance(value, date):
            found[name] = said(value)
        elif name in {"articles", "liability"}:
            found[name] = "、".join(cite(one) for one in value)
        elif isinstance(value, tuple):
            found[name] = "、".join(value)
        elif value is not None:
            found[name] = str(value)
    return found


def _blocks(form: Form, facts: Facts, words: dict[str, str]) -> list[Block]:
    found: list[Block] = []
    for text in form.paragraphs:
        alone = _PLACE.fullmatch(text)
        if alone and alone[1] == "figures" and facts.figures is not None:
            rows = tuple(tuple(map(printable, row)) for row in facts.figures.rows)
            found.append(replace(facts.figures, rows=rows))
        elif alone and alone[1] in _LISTS:
            entries: tuple[str, ...] = getattr(facts, alone[1])
            last = len(entries)
            found += [
                Paragraph(f"{place}．{printable(entry)}{'。' if place == last else '；'}")
                for place, entry in enumerate(entries, 1)
            ]
        else:
            found.append(Paragraph(text.format_map(words)))
    return found


def _attachments(facts: Facts) -> tuple[Attachment, ...]:
    if not facts.days:
        return ()
    rows = tuple((_span(run), str(run.workdays) if run.workdays else "不计", run.why) for run in facts.days)
    total = ("合计", str(sum(run.workdays for run in facts.days)), "个工作日")
    table = Table(("日期", "计入", "说明"), (*rows, total), (10, 3, 11))
    return (Attachment("办理时限逐日计算表", (table,)),)


def _span(run: Counted) -> str:
    first = f"{run.first.year}年{run.first.month}月{run.first.day}日"
    if run.first == run.last:
        return first
    year = f"{run.last.year}年" if run.last.year != run.first.year else ""
    month = f"{run.last.month}月" if year or run.last.month != run.first.month else ""
    return f"{first}至{year}{month}{run.last.day}日"


def _basis(facts: Facts) -> str:
    parts = [f"规则 {facts.rule}" if facts.rule else "", facts.rule_version or ""]
    parts += [f"工作日历第 {facts.calendar_version} 版" if facts.calendar_version else ""]
    return "，".join(part for part in parts if part)


def said(day: date) -> str:
    """`2026年6月11日`: GB/T 9704-2012 7.3.5.4, Arabic digits without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


# articles -----------------------------------------------------------------------------------------------------

_DIGITS = "零一二三四五六七八九"
_CITED = re.compile(r"(行政许可法) (\d+(?:、\d+)*)((?:\([一二三四五六七八九十]+\))*)")


def cite(article: str) -> str:
    """`行政许可法 32(四)` -> `《中华人民共和国行政许可法》第三十二条第（四）项`; what is no law stays as it is."""
    found = _CITED.fullmatch(article)
    if found is None:
        return article
    numbers = "、".join(f"第{_numeral(int(one))}条" for one in found[2].split("、"))
    items = re.findall(r"\((.+?)\)", found[3])
    tail = "第" + "、".join(f"（{one}）" for one in items) + "项" if items else ""
    return f"《中华人民共和国{found[1]}》{numbers}{tail}"


def _numeral(value: int) -> str:
    """1 to 99 in Chinese."""
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones else "")
