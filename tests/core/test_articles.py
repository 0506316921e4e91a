"""Every rule of the law with one case that kept it, one that did not, and one of which nothing is recorded."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from central.core import articles, case, fee, route, rules
from central.core.articles import RULES
from central.core.item import FREE, Item, ItemKind, RouteStep
from central.core.ruling import Answer, Subject
from common.core.record import Step
from common.core.state import CaseStatus, Light, Procedure, StepKind
from tests.core.test_rules import CALENDAR, ZONE, at, folded

PUBLIC = Item(
    "SX1", "许可", 20, 10, delivery_days=10, receipt_counts=True, fees={"工本费": "10.00"}, basis="b", conditions="c",
    quantity="q", procedure="p", materials=["m"], sample="s", published_on=date(2026, 1, 1),
    route=[RouteStep("受理"), RouteStep("听证", optional=True), RouteStep("审查"), RouteStep("决定")],
)  # fmt: skip
DONE: dict[str, Any] = {"accepted_at": "2026-03-02", "finished_at": "2026-03-10", "status": CaseStatus.DONE}
LATE: dict[str, Any] = DONE | {"finished_at": "2026-04-10"}
REFUSED: dict[str, Any] = {"status": CaseStatus.REFUSED_ACCEPTANCE, "received_at": "2026-03-02"}
LONG = "申请事项依法不属于本机关职权范围"


def step(kind: StepKind, day: str | None = None, **fields: Any) -> Step:
    return Step(case_key="7", kind=kind, finished_at=day, **fields)


@dataclass
class Trial:
    rule: str
    expected: Answer | None
    facts: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    item: Item | None = PUBLIC
    now: str = "2026-06-01T10:00"
    light: Light = Light.NONE
    seen: bool = True


K, B, N, W = Answer.KEPT, Answer.BROKEN, Answer.NO_DATA, Answer.WATCHED
TWO_FEES = replace(PUBLIC, fees={"工本费": "10.00", "年费": "20"})
TIMED = replace(PUBLIC, route=[RouteStep("审查", 2)])
LOWER = replace(PUBLIC, kind=ItemKind.PRELIMINARY)
ALLOWED = replace(PUBLIC, deciders=["王明"])
ROUTED = [step(StepKind.OTHER, step_name=name, seq=n) for n, name in enumerate(["受理", "审查", "决定"])]
PAUSED = step(StepKind.PAUSE, "2026-03-12", started_at="2026-03-10")
FORWARDED = step(StepKind.FORWARD, "2026-03-05")
NOTICE = StepKind.SUPPLEMENT
TRIALS = [
    Trial("L30-1", K, DONE),
    Trial("L30-1", B, DONE, item=replace(PUBLIC, sample=""), light=Light.YELLOW),
    Trial("L30-1a", K, DONE),
    Trial("L30-1a", B, DONE, item=replace(PUBLIC, published_on=date(2026, 3, 3), valid_from=date(2026, 3, 2)), light=Light.RED),
    Trial("L30-1a", N, DONE, item=replace(PUBLIC, published_on=date(2026, 3, 3))),
    Trial("L30-1a", N, DONE, item=replace(PUBLIC, published_on=date(2026, 3, 3), valid_from=date(2026, 3, 3))),
    Trial("L30-1", N, DONE, item=None),
    Trial("L32-1", None, DONE),
    Trial("L32-1", K, REFUSED | {"finished_at": "2026-03-03", "reason": LONG}),
    Trial("L32-1", B, REFUSED | {"finished_at": "2026-03-04", "reason": LONG}, light=Light.YELLOW),
    Trial("L32-1", B, REFUSED | {"finished_at": "2026-03-02", "reason": "不办"}, light=Light.RED),
    Trial("L32-1", N, REFUSED),
    Trial("L32-1", K, REFUSED | {"received_at": "2026-03-07", "finished_at": "2026-03-10", "reason": LONG}),
    Trial("L32-1", B, REFUSED | {"received_at": "2026-03-07", "finished_at": "2026-03-11", "reason": LONG}, light=Light.YELLOW),
    Trial("L32-3", K, {"received_at": "2026-03-02"}, [step(NOTICE, "2026-03-09")]),
    Trial("L32-3", B, {"received_at": "2026-03-02"}, [step(NOTICE, "2026-03-10")], light=Light.YELLOW),
    Trial("L32-3", B, {"received_at": "2026-03-02"}, [step(NOTICE, "2026-03-04"), step(NOTICE, "2026-03-05")], light=Light.RED),
    Trial("L32-3", N, {}, [step(NOTICE, "2026-03-04")]),
    Trial("L32-3", K, {"received_at": "2026-03-02"}, [step(NOTICE, "2026-03-04T09:00:00+08:00"), step(NOTICE, "2026-03-04", doc_no="1")]),
    Trial("L32-3", B, {"received_at": "2026-03-02"}, [step(NOTICE, "2026-03-04", doc_no=number) for number in ("1", "2")], light=Light.RED),
    Trial("L32-3", K, {"received_at": "2026-03-02"}, [step(NOTICE), step(NOTICE, "2026-03-04")]),
    Trial("L32-3a", K, {"received_at": "2026-03-02"}, now="2026-03-04T10:00"),
    Trial("L32-3a", B, {"received_at": "2026-03-02"}, light=Light.YELLOW),
    Trial("L32-5", K, DONE, [step(StepKind.ACCEPT, "2026-03-02", doc_no="受〔2026〕1 号")]),
    Trial("L32-5", K, DONE, [step(StepKind.ACCEPT, "2026-03-02", doc_no="1", doc_at="2026-03-02")]),
    Trial("L32-5", K, DONE, [step(StepKind.ACCEPT, "2026-03-03", doc_no="1", doc_at="2026-03-03")]),
    Trial("L32-5", B, DONE, [step(StepKind.ACCEPT, "2026-03-02", doc_no="1", doc_at="2026-03-04")], light=Light.RED),
    Trial("L32-5", B, REFUSED | {"finished_at": "2026-03-03"}, [step(StepKind.REFUSE, doc_no="2", doc_at="2026-03-02")], light=Light.RED),
    Trial("L32-5", N, REFUSED | {"finished_at": "2026-03-03"}, [step(StepKind.REFUSE, doc_at="2026-03-02")]),
    Trial("L32-5", N, DONE, [step(StepKind.ACCEPT, "2026-03-02")]),
    Trial("L32-5", None, DONE),
    Trial("L35", None, DONE, [FORWARDED]),
    Trial("L35", K, DONE, [FORWARDED], item=LOWER),
    Trial("L35", K, DONE, [FORWARDED, step(NOTICE, "2026-03-05", materials="m")], item=LOWER),
    Trial("L35", K, DONE, [FORWARDED, step(NOTICE, "2026-03-06", materials="现场照片")], item=LOWER),
    Trial("L35", B, DONE, [FORWARDED, step(NOTICE, "2026-03-06", materials="m（原件）；现场照片")], item=LOWER, light=Light.YELLOW),
    Trial("L35", N, DONE, [FORWARDED, step(NOTICE, "2026-03-06")], item=LOWER),
    Trial("L35", N, DONE, [step(StepKind.FORWARD)], item=LOWER),
    Trial("L37-2", K, DONE, [step(StepKind.DECIDE, actor=" 王 明 ")], item=ALLOWED),
    Trial("L37-2", B, DONE, [step(StepKind.DECIDE, actor="王明"), step(StepKind.DECIDE, actor="李四")], item=ALLOWED, light=Light.RED),
    Trial("L37-2", N, DONE, [step(StepKind.DECIDE)], item=ALLOWED),
    Trial("L37-2", N, DONE, [step(StepKind.DECIDE, actor="李四")]),
    Trial("L39", K, DONE, [step(StepKind.DELIVER, "2026-03-12", doc_no="证 1", doc_at="2026-03-10")]),
    Trial("L39", K, DONE, [step(StepKind.DELIVER, "2026-03-12", doc_no="证 1")]),
    Trial("L39", B, DONE, [step(StepKind.DELIVER, "2026-03-12", doc_no="证 1", doc_at="2026-03-09")], light=Light.YELLOW),
    Trial("L39", N, DONE, [step(StepKind.DELIVER, "2026-03-12", doc_at="2026-03-09")]),
    Trial("L39", None, DONE | {"outcome": "不予许可"}, [step(StepKind.DELIVER, "2026-03-12", doc_no="1", doc_at="2026-03-09")]),
    Trial("L34-1", K, DONE | {"finished_at": "2026-03-02"}, item=replace(PUBLIC, kind=ItemKind.ON_THE_SPOT)),
    Trial("L34-1", B, DONE, item=replace(PUBLIC, kind=ItemKind.ON_THE_SPOT), light=Light.YELLOW),
    Trial("L34-1", N, {"status": CaseStatus.DONE}, item=replace(PUBLIC, kind=ItemKind.ON_THE_SPOT)),
    Trial("L34-2", K, DONE, [step(StepKind.CHECK, staff=2)]),
    Trial("L34-2", B, DONE, [step(StepKind.CHECK, staff=2), step(StepKind.CHECK, staff=1)], light=Light.YELLOW),
    Trial("L34-2", N, DONE, [step(StepKind.CHECK)]),
    Trial("L34-2", N, DONE, [step(StepKind.CHECK, staff=0)]),
    Trial("L37", K, DONE, [step(StepKind.OTHER, step_name=name, seq=n) for n, name in enumerate(["受理", "审查", "决定"])]),
    Trial("L37", B, DONE, [step(StepKind.OTHER, step_name=name, seq=n) for n, name in enumerate(["受理", "决定"])], light=Light.YELLOW),
    Trial("L37", N, DONE, [step(StepKind.ACCEPT, "2026-03-02")]),
    Trial("L37", K, DONE, [*ROUTED, step(StepKind.FEE, step_name="工本费", amount="10")]),
    Trial("L37", B, DONE, [*ROUTED, step(StepKind.CHECK, step_name="请示")], light=Light.YELLOW),
    Trial("L38-1", K, DONE | {"outcome": "不予许可", "reason": LONG, "remedy": "可申请行政复议或提起行政诉讼"}),
    Trial("L38-1", B, DONE | {"outcome": "不予许可", "reason": LONG, "remedy": "可申请行政复议"}, light=Light.RED),
    Trial("L38-1", B, DONE | {"outcome": "不予许可", "reason": "不符", "remedy": "复议、诉讼"}, light=Light.RED),
    Trial("L38-1", N, DONE | {"outcome": "不予许可", "reason": LONG}),
    Trial("L38-1", B, DONE | {"outcome": "不同意", "reason": "不符", "remedy": "复议、诉讼"}, light=Light.RED),
    Trial("L38-1", None, DONE | {"outcome": "准予许可，无不同意见", "reason": "不符", "remedy": "复议、诉讼"}),
    Trial("L40", None, DONE | {"outcome": "驳回", "published_at": "2026-03-20"}),
    Trial("L40", K, DONE | {"published_at": "2026-03-19"}),
    Trial("L40", B, DONE | {"published_at": "2026-03-20"}, light=Light.YELLOW),
    Trial("L40", N, DONE),
    Trial("L42-1", K, DONE),
    Trial("L42-1", B, {"accepted_at": "2026-03-02"}, light=Light.RED),
    Trial("L42-1", N, {"accepted_at": "2026-03-02", "status": CaseStatus.DONE}),
    Trial("L42-P", K, DONE),
    Trial("L42-P", B, DONE | {"finished_at": "2026-03-17"}, light=Light.RED),
    Trial("L42-E", K, DONE, [step(StepKind.EXTEND, "2026-03-16", days=5, notified_at="2026-03-16")]),
    Trial("L42-E", B, DONE, [step(StepKind.EXTEND, "2026-03-16", days=5, notified_at="2026-04-16")], light=Light.YELLOW),
    Trial("L42-E", B, DONE, [step(StepKind.EXTEND, "2026-03-16", days=11)], light=Light.YELLOW),
    Trial("L42-E", K, DONE, [step(StepKind.EXTEND, "2026-03-16", days=11)], item=None),
    Trial("L44", K, DONE, [step(StepKind.DELIVER, "2026-03-24")]),
    Trial("L44", B, DONE, [step(StepKind.DELIVER, "2026-03-25")], light=Light.RED),
    Trial("L44", B, DONE, light=Light.RED),
    Trial("L45-1", K, DONE, [step(StepKind.PAUSE, "2026-03-05", notified_at="2026-03-05")]),
    Trial("L45-1", B, DONE, [step(StepKind.PAUSE, "2026-03-05", notified_at="2026-03-06")], light=Light.YELLOW),
    Trial("L45-1", B, DONE, [step(StepKind.PAUSE, "2026-03-05", procedure=Procedure.OTHER)], light=Light.YELLOW),
    Trial("L45-1", N, DONE, [step(StepKind.PAUSE, "2026-03-05")]),
    Trial("L45-1", K, LATE, [step(StepKind.PAUSE, "2026-04-02", started_at="2026-03-30", notified_at="2026-03-30")]),
    Trial("L45-1", B, LATE, [step(StepKind.PAUSE, "2026-04-02", started_at="2026-03-31", notified_at="2026-03-31")], light=Light.YELLOW),
    Trial("L45-2", K, DONE, [step(StepKind.PAUSE, "2026-03-06", started_at="2026-03-05", days=2)]),
    Trial("L45-2", B, DONE, [step(StepKind.PAUSE, "2026-03-10", started_at="2026-03-05", days=2)], light=Light.RED),
    Trial("L55", K, DONE, [step(StepKind.PAUSE, "2026-03-09", procedure=Procedure.TEST)]),
    Trial("L55", B, DONE, [step(StepKind.PAUSE, "2026-03-10", procedure=Procedure.TEST)], light=Light.YELLOW),
    Trial("L58", K, DONE, [step(StepKind.FEE, amount="10")]),
    Trial("L58", B, DONE, [step(StepKind.FEE, amount="10.50")], light=Light.RED),
    Trial("L58", N, DONE, [step(StepKind.FEE)]),
    Trial("L58", N, DONE, [step(StepKind.FEE, amount="10")], item=replace(PUBLIC, fees={})),
    Trial("L58", K, DONE, [step(StepKind.FEE, amount="0")], item=replace(PUBLIC, fees={FREE: "0"})),
    Trial("L58", B, DONE, [step(StepKind.FEE, amount="50")], item=replace(PUBLIC, fees={FREE: "0"}), light=Light.RED),
    Trial("S-2", K, DONE),
    Trial("S-2", B, DONE | {"received_at": "2026-03-03"}, light=Light.YELLOW),
    Trial("S-2", B, {"accepted_at": "2062-03-02"}, light=Light.YELLOW),
    Trial("S-2", None, {"accepted_at": "2026-06-02"}),
    Trial("S-4", K, {"accepted_at": "2026-05-25"}, [step(StepKind.CHECK, started_at="2026-05-26", due_at="2026-06-05")]),
    Trial("S-4", B, {"accepted_at": "2026-05-25"}, [step(StepKind.CHECK, started_at="2026-05-26", due_at="2026-05-29")], light=Light.YELLOW),
    Trial("S-4", B, DONE, [step(StepKind.CHECK, "2026-03-09", started_at="2026-03-03", due_at="2026-03-06")], light=Light.YELLOW),
    Trial("S-4", None, DONE, [step(StepKind.CHECK, "2026-03-06", started_at="2026-03-03", due_at="2026-03-06T12:00:00+08:00")]),
    Trial("S-4", B, DONE, [step(StepKind.CHECK, "2026-03-06T12:00:01+08:00", due_at="2026-03-06T12:00:00+08:00")], light=Light.YELLOW),
    Trial("S-4", None, DONE, [step(StepKind.CHECK, "2026-03-05", started_at="2026-03-03", step_name="审查")], item=TIMED),
    Trial("S-4", B, DONE, [step(StepKind.CHECK, "2026-03-06", started_at="2026-03-03", step_name="审查")], item=TIMED, light=Light.YELLOW),
    Trial("L43", None, DONE),
    Trial("L43", K, DONE, [step(StepKind.FORWARD, "2026-03-30")], item=LOWER),
    Trial("L43", B, DONE, [step(StepKind.FORWARD, "2026-03-31")], item=LOWER, light=Light.RED),
    Trial("L43", N, DONE, item=LOWER),
    Trial("L43", K, DONE, [PAUSED, step(StepKind.FORWARD, "2026-04-01")], item=LOWER),
    Trial("L43", B, DONE, [PAUSED, step(StepKind.FORWARD, "2026-04-02")], item=LOWER, light=Light.RED),
    Trial("L43", K, DONE, [step(StepKind.PAUSE, started_at="2026-03-10"), step(StepKind.FORWARD, "2026-05-02")], item=LOWER),
    Trial("L43", None, {"accepted_at": "2026-03-02"}, item=LOWER),
    Trial("L48", K, DONE, [step(StepKind.HEAR, "2026-03-10", notified_at="2026-03-03")]),
    Trial("L48", B, DONE, [step(StepKind.HEAR, "2026-03-10", notified_at="2026-03-04")], light=Light.YELLOW),
    Trial("L48", N, DONE, [step(StepKind.HEAR, "2026-03-10")]),
    Trial("L50", K, DONE, [step(StepKind.RENEW, due_at="2026-03-10", asked_at="2026-01-05")]),
    Trial("L50", B, DONE, [step(StepKind.RENEW, due_at="2026-03-09", asked_at="2026-01-05")], light=Light.RED),
    Trial("L50", K, DONE, [step(StepKind.RENEW, due_at="2026-03-09")]),
    Trial("L50", B, DONE | {"received_at": "2026-01-20"}, [step(StepKind.RENEW, due_at="2026-03-09")], light=Light.RED),
    Trial("L50", K, DONE | {"received_at": "2026-01-21"}, [step(StepKind.RENEW, due_at="2026-03-09")]),
    Trial("L50", N, {"finished_at": "2026-03-10"}, [step(StepKind.RENEW, due_at="2026-03-09")]),
    Trial("L50", N, {"accepted_at": "2026-03-02"}, [step(StepKind.RENEW, due_at="2040-06-01")]),
    Trial("L50", None, DONE | {"status": CaseStatus.WITHDRAWN}, [step(StepKind.RENEW, due_at="2026-03-09", asked_at="2026-01-05")]),
    Trial("L50", B, {"accepted_at": "2026-03-02"}, [step(StepKind.RENEW, due_at="2026-05-31")], light=Light.RED),
    Trial("L50", N, {"accepted_at": "2026-03-02"}, [step(StepKind.RENEW, due_at="2026-06-01")]),
    Trial("L50", N, DONE, [step(StepKind.RENEW)]),
    Trial("L58", K, DONE, [step(StepKind.FEE, amount="30", quantity=3)]),
    Trial("L58", K, DONE, [step(StepKind.FEE, amount="20", step_name="年费")], item=TWO_FEES),
    Trial("L58", B, DONE, [step(StepKind.FEE, amount="20", step_name="工本费", quantity=1)], item=TWO_FEES, light=Light.RED),
    Trial("L58", B, DONE, [step(StepKind.FEE, amount="30", quantity=2)], light=Light.RED),
    Trial("L58", N, DONE, [step(StepKind.FEE, amount="30")]),
    Trial("L58", K, DONE, [step(StepKind.FEE, amount=" ¥10.00元 ")]),
    Trial("L58", N, DONE, [step(StepKind.FEE, amount="1,000.00")]),
    Trial("L58", B, DONE, [step(StepKind.FEE, amount="1,005.00")], light=Light.RED),
    Trial("L58", N, DONE, [step(StepKind.FEE, amount="-10.00")]),
    Trial("L58", N, DONE, [step(StepKind.FEE, amount="壹拾")]),
    Trial("L58", N, DONE, [step(StepKind.FEE, amount="9" * 5_000)]),
    Trial("L58", N, DONE, [step(StepKind.FEE, amount="22")], item=replace(PUBLIC, fees={"工本费": "10", "年费": "12"})),
    Trial("L58", B, DONE, [step(StepKind.FEE, amount="25")], item=replace(PUBLIC, fees={"工本费": "10", "年费": "12"}), light=Light.RED),
    Trial("L30-2", K, DONE, [step(StepKind.CONSULT, "2026-03-09", asked_at="2026-03-02")]),
    Trial("L30-2", B, DONE, [step(StepKind.CONSULT, "2026-03-10", asked_at="2026-03-02")], light=Light.YELLOW),
    Trial("L30-2", B, DONE, [step(StepKind.CONSULT, "2026-03-06", asked_at="2026-03-02", days=3)], light=Light.YELLOW),
    Trial("L30-2", B, DONE, [step(StepKind.CONSULT, started_at="2026-03-02")], light=Light.YELLOW),
    Trial("L30-2", N, DONE, [step(StepKind.CONSULT, asked_at="2026-05-28")]),
    Trial("L30-2", N, DONE, [step(StepKind.CONSULT, "2026-03-06")]),
    Trial("L31", K, DONE, [step(NOTICE, materials="m（复印件）")]),
    Trial("L31", B, DONE, [step(NOTICE, materials="m；无犯罪记录")], light=Light.YELLOW),
    Trial("L31", N, DONE, [step(NOTICE, "2026-03-04")]),
    Trial("L31", N, DONE, [step(NOTICE, materials="m")], item=replace(PUBLIC, materials=[])),
    Trial("L32-2", K, DONE, [step(NOTICE, on_spot=0)]),
    Trial("L32-2", B, DONE, [step(NOTICE, on_spot=2)], light=Light.YELLOW),
    Trial("L32-2", N, DONE, [step(NOTICE, "2026-03-04")]),
    Trial("L32-4", K, {"complete_at": "2026-03-02", "accepted_at": "2026-03-09"}),
    Trial("L32-4", B, {"complete_at": "2026-03-02", "accepted_at": "2026-03-10"}, light=Light.RED),
    Trial("L32-4", K, {"complete_at": "2026-02-28", "accepted_at": "2026-03-06"}),
    Trial("L32-4", B, {"complete_at": "2026-03-02"}, light=Light.RED),
    Trial("L32-4", N, {"complete_at": "2026-05-29"}),
    Trial("L32-4", N, DONE),
    Trial("L32-4", None, REFUSED | {"complete_at": "2026-03-02"}),
    Trial("L47", K, DONE, [step(StepKind.HEAR, "2026-03-30", asked_at="2026-03-02")]),
    Trial("L47", B, DONE, [step(StepKind.HEAR, "2026-03-31", asked_at="2026-03-02")], light=Light.RED),
    Trial("L47", B, {"accepted_at": "2026-03-02"}, [step(StepKind.HEAR, asked_at="2026-03-02")], light=Light.RED),
    Trial("L47", N, {"accepted_at": "2026-03-02"}, [step(StepKind.HEAR, asked_at="2026-05-28")]),
    Trial("L47", N, DONE, [step(StepKind.HEAR, "2026-03-30")]),
    Trial("L47", K, DONE, [step(StepKind.HEAR, asked_at="2026-03-02"), step(StepKind.HEAR, "2026-03-30")]),
    Trial("L47", B, DONE, [step(StepKind.HEAR, asked_at="2026-03-02"), step(StepKind.HEAR, "2026-03-31")], light=Light.RED),
    Trial("L47", N, {}, [step(StepKind.HEAR, "2027-02-20", asked_at="2026-12-15")], now="2027-03-01T10:00"),
    Trial("S-1", None, DONE, [step(StepKind.TICKET, "2026-03-02")]),
    Trial("S-1", B, {}, [step(StepKind.TICKET, "2026-03-02")], seen=False, light=Light.YELLOW),
    Trial("S-1", N, {}, [step(StepKind.FEE, "2026-06-01")], seen=False),
    Trial("S-1", None, {}, [step(StepKind.TICKET)], seen=False),
    Trial("W-1", W, DONE | {"outcome": "不予许可"}),
    Trial("W-1", W, DONE | {"outcome": "审核未通过"}),
    Trial("W-1", None, DONE | {"outcome": "准予许可"}),
    Trial("W-2", W, REFUSED | {"finished_at": "2026-03-03"}),
    Trial("W-2", None, DONE),
    Trial("W-3", W, DONE, [step(NOTICE, "2026-03-04")]),
    Trial("W-4", W, DONE, [step(StepKind.PAUSE, "2026-03-05")]),
    Trial("W-5", W, DONE, [step(StepKind.EXTEND, "2026-03-05", days=5)]),
]  # fmt: skip


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: f"{trial.rule}-{trial.expected}")
def test_a_rule_answers(trial: Trial) -> None:
    now = at(trial.now)
    state = case.as_of(folded(*trial.steps, **trial.facts), now, ZONE)
    state = replace(state, seen=trial.seen)
    verdicts = rules.verdicts(state, trial.item, CALENDAR, lambda *_: Light.NONE, now, now, ZONE)
    found = articles.ask_all(Subject(state, trial.item, verdicts, CALENDAR, ZONE, now))
    said = {result.rule.id: result.said for result in found}.get(trial.rule)
    assert (said.answer if said else None) == trial.expected, said
    assert (said.light if said else Light.NONE) is trial.light


def test_the_watched_list_tells_since_when_a_procedure_goes_on() -> None:
    paused = step(StepKind.PAUSE, "2026-03-12", started_at="2026-03-10")
    subject = Subject(folded(paused, **DONE), PUBLIC, [], CALENDAR, ZONE, None)
    found = {result.rule.id: result.said.why for result in articles.ask_all(subject)}
    assert found["W-4"] == "停表 1 次，2026-03-10起"


def test_every_rule_is_tried_kept_and_told_apart() -> None:
    tried = {trial.rule for trial in TRIALS if trial.expected in {K, B, N, W}}
    assert tried == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)
    broken = {trial.rule for trial in TRIALS if trial.expected is B}
    assert {rule.id for rule in RULES} - broken == {"W-1", "W-2", "W-3", "W-4", "W-5"}


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        ([], None),
        (["免收"], None),
        (["0"], 0),
        (["1,200.50元", "10", "-3", "?"], 121_050),
        (["9" * 12] * 2, fee.MOST),
    ],
)
def test_what_was_charged_is_as_far_as_amounts_can_be_read(amounts: list[str], total: int | None) -> None:
    steps = [step(StepKind.FEE, amount=one) for one in amounts]
    assert fee.total(folded(*steps, step(StepKind.OTHER, amount="7"))) == total


def test_nothing_recorded_breaks_nothing() -> None:
    now = at("2026-06-01T10:00")
    for item in (None, replace(PUBLIC, route=[], receipt_counts=False)):
        for facts in ({}, {"status": CaseStatus.DONE}, {"status": CaseStatus.REFUSED_ACCEPTANCE}):
            state = case.as_of(folded(**facts), now, ZONE)
            verdicts = rules.verdicts(state, item, CALENDAR, lambda *_: Light.NONE, now, now, ZONE)
            found = articles.ask_all(Subject(state, item, verdicts, CALENDAR, ZONE, now))
            assert [result for result in found if result.said.answer is B] == []


ROUTE = [RouteStep("受理"), RouteStep("听证", optional=True), RouteStep("审查"), RouteStep("决定")]


@pytest.mark.parametrize(
    ("names", "ended", "odd"),
    [
        (["受理", "审查", "决定"], True, []),
        (["受理", "听证", "审查", "审查", "决定"], True, []),
        (["受理"], False, []),
        (["受理"], True, ["缺“审查”", "缺“决定”"]),
        (["受理", "决定"], False, ["缺“审查”"]),
        (["受理", "决定", "审查"], True, ["“审查”在“决定”之后"]),
        (["受理", "请示", "审查", "决定"], True, ["多出“请示”"]),
        ([], False, []),
    ],
)
def test_a_route_is_followed(names: list[str], ended: bool, odd: list[str]) -> None:
    assert route.follow(ROUTE, names, ended=ended) == odd


def test_a_step_is_not_missing_while_it_may_be_on_its_way() -> None:
    state = case.as_of(folded(step(StepKind.OTHER, step_name="受理"), **DONE), at("2026-06-01T10:00"), ZONE)
    for whole, answer in ((None, K), (at("2026-03-05T00:00"), K), (at("2026-06-01T00:00"), B)):
        found = articles.ask_all(Subject(state, PUBLIC, [], CALENDAR, ZONE, whole))
        assert {result.rule.id: result.said.answer for result in found}["L37"] is answer
