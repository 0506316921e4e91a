"""The text of a law, made up for the test: read article by article, cut into pages, found by the day and by the number."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import law_text
from common.core.errors import UsageError

RULE = """云州市公共饮水点管理办法
（2026年1月1日云州市人民政府令第9号）

第一章　总则
第一条　为了方便市民饮水，制定本办法。
第二条　本办法所称饮水点，是指设在公共场所的饮水设施。
饮水点应当有标志。
第二章 设置
第十条 申请设置饮水点，应当提交下列材料：
（一）申请书；
（二）位置图。
第十条之一　已有自来水的，优先设置。
第二十三条　本办法自公布之日起施行。
"""


def test_a_text_is_read_article_by_article() -> None:
    found = law_text.parsed(RULE.replace("\n", "\r\n"))
    assert [(one.number, one.extra) for one in found] == [(0, 0), (1, 0), (2, 0), (10, 0), (10, 1), (23, 0)]
    assert [one.chapter for one in found] == ["", *["第一章 总则"] * 2, *["第二章 设置"] * 3]
    assert found[0].paragraphs[0] == "云州市公共饮水点管理办法"
    assert found[2].paragraphs == ("本办法所称饮水点，是指设在公共场所的饮水设施。", "饮水点应当有标志。")
    assert found[3].paragraphs[1] == "（一）申请书；"
    assert [one.anchor for one in found[3:5]] == ["a10", "a10-1"]
    assert found[4].label == "第十条之一"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "没有“第一条”"),
        ("公告：本周停水。", "没有“第一条”"),
        (RULE + RULE, "没有接着前一条"),
        ("第一条 甲。\n第一条 乙。", "第 2 行"),
        ("第一条 甲。" + "甲" * law_text.LARGEST, "超过"),
    ],
)
def test_what_is_no_text_of_a_law_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        law_text.parsed(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("一", 1), ("十", 10), ("十二", 12), ("二十", 20), ("三十五", 35), ("一百", 100), ("一百零五", 105), ("一百五十四", 154),
     ("一千二百六十", 1260), ("二〇", 20), ("35", 35)],
)  # fmt: skip
def test_numerals_are_read(text: str, number: int) -> None:
    assert law_text.numeral(text) == number


def test_the_articles_that_a_basis_names_are_known() -> None:
    assert law_text.cited("第三十五条、第三十六条第一款") == {35, 36}
    assert law_text.cited("") == set()


@given(st.lists(st.integers(0, 900), min_size=1, max_size=60), st.integers(0, 80))
def test_every_article_is_on_the_page_that_its_number_leads_to(sizes: list[int], wanted: int) -> None:
    text = "\n".join(f"第{number}条 {'字' * size}。" for number, size in enumerate(sizes, 1))
    articles = law_text.parsed(text)
    cut = law_text.pages(articles)
    assert [one for page in cut for one in page] == articles
    assert all(sum(len(p) for one in page for p in one.paragraphs) <= law_text.PAGE_CHARS for page in cut)
    one = law_text.edition(1, date(2026, 1, 1), "d", articles)
    first = one.page_of(wanted)
    page = next(page for page in cut if page[0].number == first)
    if 1 <= wanted <= len(sizes):
        assert wanted in {each.number for each in page}


def test_articles_of_one_number_stay_together() -> None:
    long = "字" * (law_text.PAGE_CHARS - 10)
    found = law_text.pages(law_text.parsed(f"第一条 {long}\n第一条之一 {long}\n第二条 短。"))
    assert [[one.label for one in page] for page in found] == [["第一条", "第一条之一"], ["第二条"]]


def test_the_edition_in_force_is_the_newest_that_has_begun() -> None:
    articles = law_text.parsed(RULE)
    old, new, fixed = (
        law_text.edition(version, since, "d", articles)
        for version, since in ((1, date(2020, 1, 1)), (2, date(2026, 7, 1)), (3, date(2020, 1, 1)))
    )
    every = [old, new, fixed]
    assert law_text.in_force(every, date(2019, 1, 1)) is None
    assert law_text.in_force(every, date(2026, 6, 30)) is fixed, "what was entered last corrects"
    assert law_text.in_force(every, date(2026, 7, 1)) is new
    assert old.chapters == (("第一章 总则", 1), ("第二章 设置", 10))
