"""What of a complaint and its reply may be read by anybody."""

from datetime import date

import pytest

from central.core import excerpt
from central.core.complaint import State
from central.core.excerpt import Excerpt, Hidden

TEXT, REPLY = "一次申请被退件三次，没有书面理由。", "已责成窗口书面说明，当场受理。"


@pytest.mark.parametrize(
    ("text", "reply", "said"),
    [
        (TEXT, REPLY, ""),
        ("短", REPLY, "公布的投诉：请写 10"),
        (TEXT, "", "公布的答复：请写 4"),
        (TEXT + "欧阳明珠", REPLY, "姓名或电话"),
        (TEXT, REPLY + "139 1234 5678", "姓名或电话"),
        (TEXT + "本人13700000000", REPLY, "“…被退件三次，没有书面理由。本人13700000000”含有电话"),
        (TEXT, REPLY + "寄到青云路12号", "含有住址"),
        (TEXT + "编号3702-0001", REPLY, "办件的编号"),
        (TEXT, REPLY + "（ｔ260403 ABCDEF）", "投诉或办件的编号"),
        (TEXT + "申请人赵 秀英", REPLY, "申请人的姓名"),
    ],
)
def test_what_would_tell_who_it_was_is_refused(text: str, reply: str, said: str) -> None:
    hidden = Hidden(("欧阳明珠", "赵秀英"), "13912345678", ("T260403-ABCDEF", "3702-0001"))
    found = excerpt.faults(text, reply, hidden)
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize("number", ["", "没有", "12"])
def test_what_is_written_in_the_place_of_a_number_is_none(number: str) -> None:
    assert excerpt.faults("12日没有一次告知，退件三次。", REPLY, Hidden(numbers=(number,))) == []


def test_of_who_gave_no_name_the_telephone_counts_all_the_same() -> None:
    assert excerpt.faults(TEXT + "139 1234 5678", REPLY, Hidden((), "13912345678"))


@pytest.mark.parametrize("state", list(State))
def test_only_what_is_answered_closed_and_agreed_to_may_be_published(state: State) -> None:
    ended = state is State.CLOSED
    assert excerpt.is_open_to(state, REPLY, may_publish=True) is ended
    assert not excerpt.is_open_to(state, REPLY, may_publish=False)
    assert not excerpt.is_open_to(state, "", may_publish=True)


def test_all_the_words_that_are_searched_for_must_be_there() -> None:
    one = Excerpt(number=1, topic="多要材料", text=TEXT, reply=REPLY, day=date(2026, 6, 1))
    assert excerpt.matching([one], "退件 受理") == [one]
    assert excerpt.matching([one], "退件 收费") == []
    assert excerpt.matching([one], "") == [one]
