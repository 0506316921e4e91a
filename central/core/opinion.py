"""The rules and their figures as one text: what a lawyer examines before a red light is used against a person. Pure.

Source: supervision.md 3.1. The hash names exactly this text; a rule or a figure that changes makes another one, of which nobody
has said anything yet. How the program counts is not in it: the law's own days are in the rules, the rest is proven by tests.
"""

from hashlib import sha256

import msgspec
from msgspec import Struct

from central.core.articles import RULES
from central.core.item import EXTENSION_DAYS, LEGAL_DAYS
from central.core.limits import NOTICE_DAYS
from central.core.off_rules import OF_COUNTERS
from central.core.pack import Pack

MARK = "未经法律审核"
"""On pages and documents, as long as the rules in force have not been examined."""
FIGURES = {
    "receipt_days": "不予受理的决定，收件后几个工作日内算即时",
    "publish_days": "准予许可的决定，几个工作日内公开",
    "check_days": "检验、检测、检疫，受理后几个工作日内指派",
    "reason_length": "不予许可、不予受理的理由，少于几个字算没有",
    "review_days": "下级机关审查，几个工作日内上报",
    "hearing_notice_days": "听证，提前几日（自然日）通知",
    "hearing_days": "听证，申请后几个工作日内举行",
    "consult_days": "要求说明的，单位没有承诺时几个工作日内说明",
    "accept_days": "材料齐全的，几个工作日内受理",
    "renewal_days": "延续申请，距届满几个工作日以上的视为按期",
    "entry_days": "叫号、收费之后，几个工作日内应有办件",
}
_LAW = (
    ("法定办理期限", LEGAL_DAYS),
    ("依法延长，最多", EXTENSION_DAYS),
    ("一次告知补正的期限", NOTICE_DAYS),
)


class Opinion(Struct, frozen=True, kw_only=True):
    """What somebody has recorded of an examination. `day`: YYYY-MM-DD of the document `number` by `examiner`."""

    digest: str
    examiner: str
    number: str
    day: str


def text(pack: Pack) -> str:
    """A line for each rule and each figure, fields apart by tabs."""
    rules = [
        "\t".join(
            (one.id, one.article, one.demand, one.document or "–", "须有人核实" if one.confirm else "–")
        )
        for one in RULES
    ]
    values = msgspec.structs.asdict(pack)
    figures = [f"{name}\t{word}\t{values[name]}" for name, word in FIGURES.items()]
    law = [f"{word}\t{days} 个工作日" for word, days in _LAW]
    lines = ("明察监察规则", *rules, *("\t".join(one) for one in OF_COUNTERS), *law, *figures)
    return "\n".join(lines) + "\n"


def digest(pack: Pack) -> str:
    """SHA-256 of `text`, in hexadecimal."""
    return sha256(text(pack).encode()).hexdigest()
