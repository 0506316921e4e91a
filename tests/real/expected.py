"""What the hall must hold of a logged case, written down from the CSV alone: no code of the product computes it.

Each function gives (table, key) -> Case or Step as a newest version must say it. A time is the log's own text:
all of them carry the municipalities' local offset, which is the canonical form.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from common.core.record import Case, Step
from common.core.state import CaseStatus
from tests.real.logs import Line, LoggedCase
from tests.real.vendors import ZONE

Rows = dict[tuple[str, str], Case | Step]
STATUS = {"O": CaseStatus.IN_PROGRESS, "G": CaseStatus.DONE, "T": CaseStatus.WITHDRAWN}


def rows(site: str, cases: Iterable[LoggedCase]) -> Rows:
    """Of a whole municipality."""
    found: Rows = {}
    for case in cases:
        found |= _CASES[site](case)
        for step in case.steps:
            key, body = _STEPS[site](case, step)
            found["step", key] = body
    return found


def case_key(site: str, case: LoggedCase) -> str:
    return str(case.number) if site == "m1" else case.case_id


def _m1_case(case: LoggedCase) -> Rows:
    line = case.values
    body = Case(
        case_key=str(case.number),
        case_no=line["case_id"],
        item_code=line["case_type"],
        responsible=line["responsible"] or None,
        accepted_at=line["accepted_at"],
        deadline=line["planned_end_at"] or None,
        finished_at=line["finished_at"] or None,
        status=STATUS[line["status"]],
        watched=_filled(
            XMLX=line["parts"],
            CXLX=line["procedure"],
            DQJD=line["last_phase"],
            QXMC=line["term_name"],
            SFJE=_five_digits(line["fee"]),
            CLQQ="1" if line["request_complete"] == "TRUE" else "0",
            FYWH=line["parent_case"],
        ),
    )
    return {("case", str(case.number)): body}


def _m2_case(case: LoggedCase) -> Rows:
    line, key = case.values, case.case_id
    body = Case(
        case_key=key,
        case_no=key,
        item_code=line["case_type"],
        responsible=line["responsible"] or None,
        accepted_at=line["accepted_at"],
        deadline=line["planned_end_at"] or None,
        watched=_filled(
            parts=line["parts"],
            procedure_type=line["procedure"],
            fee=line["fee"].removesuffix(".0"),
            request_complete="1" if line["request_complete"] == "TRUE" else "0",
            parent_application=line["parent_case"],
        ),
    )
    result = Case(
        case_key=key,
        finished_at=line["finished_at"] or None,
        status=STATUS[line["status"]],
        watched=_filled(last_phase=line["last_phase"], running_term=line["term_name"]),
    )
    return {("case", key): body, ("case.result", key): result}


def _m3_case(case: LoggedCase) -> Rows:
    line = case.values
    body = Case(
        case_key=line["case_id"],
        case_no=line["case_id"],
        item_code=line["case_type"],
        responsible=line["responsible"] or None,
        accepted_at=line["accepted_at"],
        deadline=line["planned_end_at"] or None,
        finished_at=line["finished_at"] or None,
        status=STATUS[line["status"]],
        watched=_filled(
            项目类别=line["parts"],
            程序=line["procedure"],
            当前阶段=line["last_phase"],
            期限名称=line["term_name"],
            收费=line["fee"],
            材料齐全="是" if line["request_complete"] == "TRUE" else "否",
            母案编号=line["parent_case"],
        ),
    )
    return {("case", line["case_id"]): body}


def _m1_step(case: LoggedCase, step: Line) -> tuple[str, Step]:
    planned = step["planned_at"][:19].replace("T", " ")
    watched = _filled(HJBM=step["step_code"], JDR=step["monitor"], JHSJ=planned)
    return f"{case.number}{int(step['seq']):03}", _step(str(case.number), step, watched)


def _m2_step(case: LoggedCase, step: Line) -> tuple[str, Step]:
    planned = step["planned_at"] and str(datetime.fromisoformat(step["planned_at"]).astimezone(UTC))
    watched = _filled(code=step["step_code"], supervisor=step["monitor"], planned_at=planned)
    return f'["{case.case_id}","{step["seq"]}"]', _step(case.case_id, step, watched)


def _m3_step(case: LoggedCase, step: Line) -> tuple[str, Step]:
    watched = _filled(步骤编码=step["step_code"], 监督人=step["monitor"], 计划时间=step["planned_at"])
    return f'["{case.case_id}","{step["seq"]}"]', _step(case.case_id, step, watched)


def _step(key: str, step: Line, watched: dict[str, str]) -> Step:
    recorded = datetime.fromisoformat(step["recorded_at"]).replace(tzinfo=ZONE)
    return Step(
        case_key=key,
        seq=int(step["seq"]),
        step_name=step["step_name"],
        actor=step["actor"],
        finished_at=step["happened_at"],
        due_at=step["due_at"] or None,
        recorded_at=recorded.isoformat(),
        watched=watched,
    )


def _five_digits(number: str) -> str:
    """As a DECIMAL with five places is shown: a whole number without them."""
    whole, _, part = number.partition(".")
    return f"{whole}.{part:0<5}" if part.strip("0") else whole


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


_CASES: dict[str, Callable[[LoggedCase], Rows]] = {"m1": _m1_case, "m2": _m2_case, "m3": _m3_case}
_STEPS: dict[str, Callable[[LoggedCase, Line], tuple[str, Step]]] = {
    "m1": _m1_step,
    "m2": _m2_step,
    "m3": _m3_step,
}
