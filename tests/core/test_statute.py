"""A law as somebody enters it: what is wrong is said with how to mend it, before anybody else reads it."""

from datetime import date

import pytest
from msgspec.structs import replace

from central.core.statute import Statute, check, name_of
from common.core.errors import UsageError

LAW = Statute(name="试验条例", number="市政府令 1 号", effective=date(2020, 1, 1))
WORDS = "第一章 总则\n第一条 为了试验。\n第二条 自公布之日起施行。"


def test_a_law_with_or_without_its_words_is_taken() -> None:
    assert check(LAW) == []
    whole = check(replace(LAW, since=date(2026, 8, 1), text=WORDS))
    assert [one.label for one in whole] == ["第一条", "第二条"]
    assert name_of(" 《试验条例》\0") == "试验条例"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"name": "条"}, "名称应为"),
        ({"name": "条" * 61}, "名称应为"),
        ({"number": "号" * 61}, "文号最多"),
        ({"repealed": date(2019, 12, 31)}, "早于施行日期"),
        ({"text": WORDS}, "全文的施行日期"),
        ({"text": WORDS, "since": date(2019, 12, 31)}, "全文的施行日期"),
        ({"text": "没有条文", "since": date(2020, 1, 1)}, "没有“第一条”"),
    ],
)
def test_what_is_wrong_is_said_with_how_to_mend_it(changed: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        check(replace(LAW, **changed))
    assert caught.value.hint
