"""A sample 样张 of every kind of document, to see a hall's letterhead and type before the first one is issued.

All names and figures are invented.
"""

from datetime import date, datetime

from msgspec.structs import replace

from central.core.compose import Counted, Facts, compose
from central.core.document import Issuer, Kind, Paper, Table
from central.core.document_forms import FORMS

FACTS = Facts(
    addressee="石桥镇便民服务中心",
    as_of=datetime(2026, 6, 11, 8, 0),  # noqa: DTZ001  local time of the legal zone
    item="食品经营许可（新办）",
    case_no="SQ20260527-2418",
    received=date(2026, 5, 26),
    accepted=date(2026, 5, 27),
    budget="承诺时限10个工作日",
    due=date(2026, 6, 10),
    state="仍未办结",
    matter="超过承诺时限办理",
    articles=("行政许可法 42",),
    demand="承诺时限内决定",
    rule="L42-P",
    rule_version="规则第 7 版",
    calendar_version=1,
    liability=("行政许可法 74",),
    answer_by=date(2026, 6, 16),
    appeal_days=3,
    earlier="云监督〔2026〕17号",
    reason="窗口人员休假期间没有安排替岗，申请材料在窗口滞留",
    result="该件已经办结，造成超期的原因已经消除",
    measures=("立即办结该件并送达申请人", "完善窗口人员替岗制度", "对责任人员进行批评教育"),
    missing=("示范文本", "收费依据"),
    period="2026年6月",
    figures=Table(
        ("单位", "办件", "黄灯", "红灯", "按期率"),
        (
            ("石桥镇便民服务中心", "326", "4", "1", "99.6%"),
            ("云溪镇便民服务中心", "211", "0", "0", "100.0%"),
        ),
        (10, 4, 4, 4, 6),
    ),
    days=(
        Counted(date(2026, 5, 27), date(2026, 5, 27), 0, "受理当日不计"),
        Counted(date(2026, 5, 28), date(2026, 5, 29), 2, "计入"),
        Counted(date(2026, 5, 30), date(2026, 5, 31), 0, "双休日不计"),
        Counted(date(2026, 6, 1), date(2026, 6, 5), 5, "计入"),
        Counted(date(2026, 6, 6), date(2026, 6, 7), 0, "双休日不计"),
        Counted(date(2026, 6, 8), date(2026, 6, 10), 3, "计入，6月10日为到期日"),
    ),
)
COPIES = ("市政务服务中心", "石桥镇人民政府")


def sample(kind: Kind, issuer: Issuer) -> Paper:
    """A document of `kind` that bears no number and no code."""
    made = compose(FORMS[kind], FACTS, issuer, FACTS.as_of.year, 0, "样张", COPIES)
    return replace(made, number="样张（不编号）")
