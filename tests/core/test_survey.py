"""A survey: built of plain text, decided by another person, counted without telling of few."""

from collections import defaultdict
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import survey
from central.core.release import SMALLEST
from central.core.survey import FEWEST, Answers, Event, Kind, Question, State, Survey
from common.core.errors import UsageError

TEXT = """窗口的人耐心吗
耐心
一般


哪里不方便（可多选）
 停车
排队
还想说什么会被当成选项

还想说什么"""
QUESTIONS = survey.parsed(TEXT)
SURVEY = Survey(
    title="办事环境大家谈", intro="", questions=QUESTIONS, first=date(2026, 6, 1), last=date(2026, 6, 30)
)


def test_questions_are_read_from_blocks_of_lines() -> None:
    assert (
        Question("窗口的人耐心吗", Kind.ONE, ("耐心", "一般")),
        Question("哪里不方便", Kind.MANY, ("停车", "排队", "还想说什么会被当成选项")),
        Question("还想说什么", Kind.TEXT),
    ) == QUESTIONS


@pytest.mark.parametrize(
    "text", ["", " \n\n ", "问\n只有一个", "问\n甲\n甲", "问" * 200, "\n\n".join(["问"] * 13)]
)
def test_what_is_no_question_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        survey.parsed(text)
    assert caught.value.hint


def test_what_was_written_is_tied_to_no_other_answer() -> None:
    given: list[Answers] = [
        {0: ("耐心",), 2: ("乙",)},
        {0: ("一般",), 2: ("甲",)},
        {2: (" ",)},
        {0: ("耐心",)},
    ]
    assert survey.written(SURVEY, given) == survey.written(SURVEY, given[::-1]) == {2: sorted("甲乙")}


def test_a_survey_that_speaks_of_somebody_is_not_drafted() -> None:
    assert survey.faults(SURVEY) == []
    for title, last in (
        ("问", date(2026, 6, 30)),
        ("办事环境大家谈", date(2026, 5, 1)),
        ("经办人 13912345678", date(2026, 6, 30)),
    ):
        wrong = Survey(title=title, intro="", questions=QUESTIONS, first=SURVEY.first, last=last)
        assert survey.faults(wrong)


@given(st.sampled_from(list(State)), st.sampled_from(list(Event)), st.booleans(), st.integers(1, 30))
def test_the_drafter_decides_nothing_and_results_wait_for_the_end(
    state: State, event: Event, own: bool, day: int
) -> None:
    who = "甲" if own else "乙"
    for today in (date(2026, 6, day), date(2026, 7, day)):
        why = survey.refusal(SURVEY, state, event, "甲", who, today)
        if not why:
            assert not own
            assert survey.after(state, event) is not state
            assert event is not Event.SHOW or today > SURVEY.last
            assert event is not Event.RELEASE or today <= SURVEY.last


ANSWERS = st.dictionaries(
    st.integers(0, 2),
    st.sampled_from([(), ("耐心",), ("一般",), ("停车",), ("停车", "排队"), ("好",)]),
    max_size=3,
)


@given(st.lists(ANSWERS, max_size=60), st.lists(st.integers(0, 5), min_size=60, max_size=60))
def test_results_count_what_is_sound_and_tell_of_no_few(given_: list[Answers], lines: list[int]) -> None:
    sound = [one for one in given_ if survey.are_sound(SURVEY, one)]
    for one in sound:
        assert set(one.get(0, ())) <= {"耐心", "一般"}
        assert len(one.get(0, ())) <= 1
    sources = [("2026-06-12", bytes([line])) for line in lines[: len(sound)]]
    found = survey.counted(SURVEY, sound, sources)
    assert found.number == len(sound)
    for place, result in enumerate(found.questions):
        given_here = [one[place] for one in sound if one.get(place)]
        assert result.answered == len(given_here)
        for line in result.lines:
            true = sum(line.choice in chosen for chosen in given_here)
            assert line.count in {None, true}
            assert line.count is None or not 0 < true < SMALLEST
            few = any(0 < sum(one in chosen for chosen in given_here) < SMALLEST for one in ("耐心", "一般"))
            assert line.count is not None or 0 < true < SMALLEST or (result.kind is Kind.ONE and few)
            assert bool(line.percent) is (line.count is not None and result.answered >= FEWEST)
    assert found.questions[2].lines == (), "what was written is not published"
    assert any("不足 30 份" in said for said in survey.method(found)) is (found.number < FEWEST)


@pytest.mark.parametrize(("choices", "most"), [(2, 24), (3, 16), (4, 12), (5, 9)])
def test_what_is_published_of_one_choice_leaves_no_small_number_to_be_found(choices: int, most: int) -> None:
    """Of every count there can be: another one is published in the very same words, and says another number for whom few have chosen."""
    names = "甲乙丙丁戊"[:choices]
    question = Question("问", Kind.ONE, tuple(names))
    told: dict[object, list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(most + 1), repeat=choices):
        if 0 < sum(counts) <= most:
            given_here = [(name,) for name, count in zip(names, counts, strict=True) for _ in range(count)]
            told[survey._result(question, given_here)].append(counts)
    assert len(told) > choices
    for result, possible in told.items():
        for place in range(choices):
            numbers = {counts[place] for counts in possible}
            assert len(numbers) > 1 or not 0 < min(numbers) < SMALLEST, (result, possible)
