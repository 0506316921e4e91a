"""Writes `docs/纠错流程.md` from the table of the correction: `python -m tests.docs.correction`."""

from collections.abc import Iterator
from pathlib import Path

from central.core.correction import ACCOUNT_DAYS, DAYS, ENDS, STEPS, Event, Side, State, Step

PATH = Path(__file__).parents[2] / "docs" / "纠错流程.md"
HEAD = """# 纠错流程

由 `central/core/correction.py` 的状态表生成（`python -m tests.docs.correction`），表外的事一律不能办理。

每一阶段都在工作日时限之下；逾期自动升级一次并重新计时。申诉期间原阶段停表，驳回后接着计时。认定无正当理由后，责任追究与整改同时进行，
两件都有结果才能销号；属于其他单位的，本件销号，另对该单位亮灯。任何阶段都可以撤销（监察领导，写明理由；签发的人不能撤销自己签发的），撤销后仍留存、仍可见。
"""
_NEEDS = {
    "": "",
    "red": "只限红灯",
    "yellow": "只限黄灯",
    "accountable": "追究结果未登记",
    "accounted": "追究结果已登记",
    "first_appeal": "只此一次",
}


def render() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_diagram(), *_stages(), *_rows()]) + "\n"


def _drawn(step: Step) -> bool:
    """A deadline that escalates and a withdrawal, which every stage has, are left to the words."""
    return step.event is not Event.WITHDRAW and (step.before is not step.after or step.event is Event.DISMISS)


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state in State:
        yield f"  {state.value}: {state.word}"
    yield f"  [*] --> {State.RAISED.value}"
    for step in STEPS:
        if step.event is Event.DISMISS:
            yield f"  note right of {State.APPEALED.value}: 驳回申诉即回到原阶段"
        elif _drawn(step):
            yield f"  {step.before.value} --> {step.after.value}: {step.event.word}"
    for state in State:
        if state in ENDS:
            yield f"  {state.value} --> [*]"
    yield "```"


def _stages() -> Iterator[str]:
    yield "\n| 阶段 | 时限（工作日） |\n|---|---|"
    for state, days in DAYS.items():
        yield f"| {state.word} | {days} |"
    yield f"| 责任追究（与整改、复核同时） | {ACCOUNT_DAYS} |"


def _rows() -> Iterator[str]:
    yield "\n| 阶段 | 事 | 之后 | 谁办 | 不能是 | 条件 | 文书 |\n|---|---|---|---|---|---|---|"
    for step in STEPS:
        after = "原阶段" if step.event is Event.DISMISS else step.after.word
        who = "、".join(sorted(role.word for role in step.roles)) or "自动"
        side = {Side.UNIT: "被督办单位的", Side.HALL: "", Side.CLOCK: ""}[step.side]
        apart = "、".join(f"{event.word}的人" for event in step.apart)
        if step.side is Side.HALL:
            apart = "、".join(part for part in (apart, "本单位的人") if part)
        paper = step.document.word if step.document else ""
        cells = (step.before.word, step.event.word, after, side + who, apart, _NEEDS[step.needs], paper)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PATH.write_text(render(), "utf-8")
