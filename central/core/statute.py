"""法规: of a law its name, number, force and words, as one person enters them and another releases them. Pure."""

from datetime import date

from msgspec import Struct

from central.core import law_text
from central.core.law_text import Article
from common.core.errors import UsageError

SHORTEST_NAME, LONGEST_NAME, LONGEST_NUMBER = 2, 60, 60


class Statute(Struct, frozen=True, kw_only=True):
    """`effective`: since when it is in force, `repealed`: since when no more; `text`: of the edition in force from `since` on, empty: none comes with it."""

    name: str
    number: str
    effective: date
    repealed: date | None = None
    since: date | None = None
    text: str = ""


def name_of(text: str) -> str:
    """As a legal basis names it, without its brackets."""
    return "".join(char for char in text if char.isprintable()).strip().strip("《》")


def check(one: Statute) -> list[Article]:
    """Its articles, none without a text. Raises UsageError with what is wrong and how to mend it."""
    if not SHORTEST_NAME <= len(one.name) <= LONGEST_NAME:
        raise UsageError(f"名称应为 {SHORTEST_NAME} 至 {LONGEST_NAME} 个字", hint="请写全称，不带书名号")
    if len(one.number) > LONGEST_NUMBER:
        raise UsageError(f"文号最多 {LONGEST_NUMBER} 个字", hint="请只写文号，如 主席令第 21 号")
    if one.repealed is not None and one.repealed < one.effective:
        raise UsageError("废止日期早于施行日期", hint="请核对两个日期")
    if not one.text:
        return []
    if one.since is None or one.since < one.effective:
        raise UsageError("全文的施行日期没有填，或早于这部法规的施行日期", hint="请写这个文本自何日起施行")
    return law_text.parsed(one.text)
