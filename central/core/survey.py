"""调查: questions between two days, answered without a name; results with their number and their method, after the last day. Pure.

What one can honestly say of "one person, one answer": one browser has one, and how many came from lines that sent several is counted
and said. Nothing is compared below thirty answers, and no choice of fewer than five is told, nor left to be found by subtraction
(supervision.md 3.11, 3.15).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct

from central.core.release import SMALLEST, personal
from common.core.errors import UsageError

FEWEST = 30
SEVERAL = 3
"""Answers of one line on one day from which on they are counted apart."""
MOST_QUESTIONS, MOST_CHOICES = 12, 12
LONGEST_TITLE, LONGEST_LINE, LONGEST_TEXT = 60, 120, 500
MANY = "（可多选）"


class Kind(StrEnum):
    """How a question is answered."""

    ONE = "one"
    MANY = "many"
    TEXT = "text"


class Question(Struct, frozen=True):
    """`choices`: none for a text."""

    text: str
    kind: Kind
    choices: tuple[str, ...] = ()


class Survey(Struct, frozen=True, kw_only=True):
    """`first` and `last`: days on which it may be answered, both counted."""

    title: str
    intro: str
    questions: tuple[Question, ...]
    first: date
    last: date


class State(StrEnum):
    """Where a survey stands; whether it may be answered, its days say."""

    DRAFT = "draft"
    REFUSED = "refused"
    RELEASED = "released"
    SHOWN = "shown"
    WITHDRAWN = "withdrawn"

    @property
    def word(self) -> str:
        return {
            State.DRAFT: "待审核",
            State.REFUSED: "未通过",
            State.RELEASED: "已发布",
            State.SHOWN: "结果已公布",
            State.WITHDRAWN: "已撤回",
        }[self]


class Event(StrEnum):
    """What another person than the drafter does."""

    RELEASE = "release"
    REFUSE = "refuse"
    SHOW = "show"
    WITHDRAW = "withdraw"

    @property
    def word(self) -> str:
        return {
            Event.RELEASE: "发布",
            Event.REFUSE: "不通过",
            Event.SHOW: "公布结果",
            Event.WITHDRAW: "撤回",
        }[self]


_STEPS = {
    (State.DRAFT, Event.RELEASE): State.RELEASED,
    (State.DRAFT, Event.REFUSE): State.REFUSED,
    (State.RELEASED, Event.SHOW): State.SHOWN,
    (State.RELEASED, Event.WITHDRAW): State.WITHDRAWN,
    (State.SHOWN, Event.WITHDRAW): State.WITHDRAWN,
}


def refusal(survey: Survey, state: State, event: Event, drafted_by: str, who: str, today: date) -> str:
    """Why it may not happen now, for people; empty if it may."""
    if (state, event) not in _STEPS:
        return f"{state.word}时不能{event.word}"
    if who == drafted_by:
        return "拟稿的人不能自己审核"
    if event is Event.SHOW and today <= survey.last:
        return f"{survey.last} 调查结束以后才能公布结果"
    return "截止日期已过" if event is Event.RELEASE and today > survey.last else ""


def after(state: State, event: Event) -> State:
    return _STEPS[state, event]


# built --------------------------------------------------------------------------------------------------------


def parsed(text: str) -> tuple[Question, ...]:
    """Blocks with an empty line between: the question, then one choice a line; no choice: a text. `（可多选）` at its end: several.

    Raises UsageError that names the question.
    """
    blocks = [[line.strip() for line in block.splitlines() if line.strip()] for block in _blocks(text)]
    if not 1 <= len(blocks) <= MOST_QUESTIONS:
        raise UsageError(f"要有 1 至 {MOST_QUESTIONS} 题，现在 {len(blocks)} 题", hint="题与题之间空一行")
    return tuple(_question(place, lines) for place, lines in enumerate(blocks, 1))


def _blocks(text: str) -> list[str]:
    plain = "\n".join(line.strip() for line in text.replace("\r\n", "\n").split("\n"))
    while "\n\n\n" in plain:
        plain = plain.replace("\n\n\n", "\n\n")
    return [block for block in plain.split("\n\n") if block.strip()]


def _question(place: int, lines: Sequence[str]) -> Question:
    head, choices = lines[0], tuple(lines[1:])
    long = [line for line in lines if len(line) > LONGEST_LINE]
    if long or len(choices) == 1 or len(choices) > MOST_CHOICES or len(set(choices)) != len(choices):
        raise UsageError(
            f"第 {place} 题：每行最多 {LONGEST_LINE} 个字，选项 2 至 {MOST_CHOICES} 个，不能相同",
            hint="不写选项的是填空题",
        )
    if head.endswith(MANY):
        return Question(head.removesuffix(MANY), Kind.MANY, choices)
    return Question(head, Kind.ONE if choices else Kind.TEXT, choices)


def faults(survey: Survey) -> list[str]:
    """Why it may not be drafted, in words."""
    found = []
    if not 4 <= len(survey.title) <= LONGEST_TITLE or len(survey.intro) > LONGEST_TEXT:
        found.append(f"标题 4 至 {LONGEST_TITLE} 个字，说明最多 {LONGEST_TEXT} 个字")
    if survey.last < survey.first:
        found.append("截止日期早于开始日期")
    texts = [survey.title, survey.intro]
    texts += [line for one in survey.questions for line in (one.text, *one.choices)]
    return found + personal(texts, ())


# answered -----------------------------------------------------------------------------------------------------

Answers = dict[int, tuple[str, ...]]
"""Place of a question, from 0 -> what was chosen or written; none: left out."""


def answer_fault(question: Question, chosen: Sequence[str]) -> str:
    """Why these will not do; empty if they will. Any question may be left out."""
    if question.kind is Kind.TEXT:
        return f"最多 {LONGEST_TEXT} 个字" if len("".join(chosen)) > LONGEST_TEXT else ""
    if not set(chosen) <= set(question.choices) or len(set(chosen)) != len(chosen):
        return "请从列出的选项里选"
    return "只能选一个" if question.kind is Kind.ONE and len(chosen) > 1 else ""


def are_sound(survey: Survey, answers: Answers) -> bool:
    """Of what came from outside: known questions, known choices, and something answered."""
    known = range(len(survey.questions))
    return any(answers.values()) and all(
        place in known and not answer_fault(survey.questions[place], chosen)
        for place, chosen in answers.items()
    )


# results ------------------------------------------------------------------------------------------------------


class Line(Struct, frozen=True):
    """`count` None: not told, since it, or one that could be found by it, is fewer than five; `percent` empty: too few to compare."""

    choice: str
    count: int | None
    percent: str


class Result(Struct, frozen=True):
    """Of one question. `answered`: how many did not leave it out."""

    text: str
    kind: Kind
    answered: int
    lines: tuple[Line, ...]


class Results(Struct, frozen=True):
    """`number` of answers; `several` of them from lines that sent three or more on one day."""

    number: int
    several: int
    questions: tuple[Result, ...]


def counted(survey: Survey, answers: Sequence[Answers], sources: Sequence[tuple[str, bytes]]) -> Results:
    """`sources`: day and line of each answer."""
    by_line = Counter(sources)
    several = sum(number for number in by_line.values() if number >= SEVERAL)
    questions = tuple(
        _result(one, [given[place] for given in answers if given.get(place)])
        for place, one in enumerate(survey.questions)
    )
    return Results(len(answers), several, questions)


def written(survey: Survey, answers: Sequence[Answers]) -> dict[int, list[str]]:
    """Place of a question without choices -> what was written, for the hall alone; sorted, so that no order ties a text to the rest of its answer."""
    return {
        place: sorted(text for given in answers for text in given.get(place, ()) if text.strip())
        for place, one in enumerate(survey.questions)
        if one.kind is Kind.TEXT
    }


def _result(question: Question, given: Sequence[tuple[str, ...]]) -> Result:
    counts = Counter(choice for chosen in given for choice in chosen)
    untold = _untold(question, counts)
    lines = [
        Line(choice, None, "") if choice in untold else _line(choice, counts[choice], len(given))
        for choice in question.choices
    ]
    return Result(question.text, question.kind, len(given), tuple(lines))


def _untold(question: Question, counts: Counter[str]) -> set[str]:
    """Choices of which fewer than `SMALLEST` have been made. Where each answer is one choice, the next larger too: what is left of the
    answers would say the small number, and so nobody can tell which of them it is."""
    small = {one for one in question.choices if 0 < counts[one] < SMALLEST}
    if question.kind is not Kind.ONE or not small:
        return small
    next_larger = min((counts[one] for one in question.choices if counts[one] >= SMALLEST), default=0)
    found = small | {one for one in question.choices if counts[one] == next_larger}
    return (
        found
        if any(counts[one] > next_larger for one in question.choices if one not in found)
        else set(question.choices)
    )


def _line(choice: str, count: int, answered: int) -> Line:
    return Line(choice, count, f"{count * 1000 // answered / 10:.1f}%" if answered >= FEWEST else "")


def method(results: Results) -> list[str]:
    """How the numbers came about and what they do not say, one sentence a line."""
    said = [
        f"共收到 {results.number} 份，任何人都可以答，不记名；不是抽样，不代表全体居民。",
        "同一个浏览器只收一份；换一个浏览器可以再答，这一点我们防不住。",
        f"少于 {SMALLEST} 份的选项不公布数目；单选题里能让人减出它的选项也不公布；填空题的原文不公布。",
    ]
    if results.several:
        said.append(
            f"其中 {results.several} 份来自一天内交了 {SEVERAL} 份以上的网络（一个大厅或单位可能共用一个网络），仍计入。"
        )
    if results.number < FEWEST:
        said.append(f"不足 {FEWEST} 份，不算比例，不作比较。")
    return said


class Poll(Struct, frozen=True, kw_only=True):
    """What is published of one. `results` None: not made public yet."""

    number: int
    survey: Survey
    results: Results | None = None
