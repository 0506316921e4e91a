"""The rule on fees: what was charged against the standards that the item's catalogue entry publishes (supervision.md 3.1)."""

import math
from collections.abc import Mapping, Sequence

from central.core import acts
from central.core.case import CaseState
from central.core.ruling import Answer, Said, Subject, kept, missing, red
from common.core.record import Step
from common.core.state import StepKind

_LONGEST = 12
"""Digits of an amount before the point."""
MOST = 10**12
"""Fen of one case that are counted: ten thousand million yuan are a slip of the pen, and sums of them no number of a database."""


def charged(subject: Subject) -> Said | None:
    """Charged by published items and standards (行政许可法 58, 59)."""
    steps = list(acts.of_kind(subject.case, StepKind.FEE))
    if not steps:
        return None
    if subject.item is None or not subject.item.fees:
        return Said(Answer.NO_DATA, "事项清单没有载明收费标准")
    known = [step for step in steps if step.amount]
    if not known:
        return missing("收费金额")
    fits = [(step.amount or "", _fits(step, subject.item.fees)) for step in known]
    wrong = [amount for amount, is_right in fits if is_right is False]
    if wrong:
        return red(f"收费 {'、'.join(dict.fromkeys(wrong))} 元与清单标准不符")
    if any(is_right is None for _, is_right in fits):
        return missing("可以核对的收费金额或数量")
    return kept("按清单标准收费")


def total(case: CaseState) -> int | None:
    """What was charged for a case, in fen, as far as its steps say so; None: none of them does."""
    known = [fen for step in acts.of_kind(case, StepKind.FEE) if (fen := _fen(step.amount or "")) is not None]
    return min(sum(known), MOST) if known else None


def _fits(step: Step, fees: Mapping[str, str]) -> bool | None:
    """Whether an amount is the standard times the quantity; None: it may be, and the quantity is not recorded, or nobody can
    read it, or it is paid back.

    A step that bears the name of a fee is held against that one, any other against all of the item, and against what
    some of them come to together.
    """
    own = fees.get(step.step_name or "")
    known = [_fen(amount) for amount in ([own] if own else fees.values())]
    standards = {each for each in known if each is not None}
    charged = _fen(step.amount or "")
    if charged is None or None in known:
        return None
    if charged == 0:
        return True
    number = step.quantity if step.quantity is not None and step.quantity > 0 else None
    if charged in {each * (number or 1) for each in standards}:
        return True
    if number is None and any(each > 0 and charged % each == 0 for each in standards):
        return None
    return None if _is_sum(charged, sorted(standards - {0})) else False


def _is_sum(charged: int, standards: Sequence[int]) -> bool:
    """Whether several different fees come to `charged`, each as often as may be: nobody has written which."""
    if len(standards) < 2:
        return False
    return charged >= standards[0] + standards[1] and charged % math.gcd(*standards) == 0


def _fen(amount: str) -> int | None:
    """`1,200.50元` as 120050; None for what is no amount of money, or one that is paid back."""
    plain = amount.strip().strip("¥￥元").replace(",", "").replace("，", "").strip()
    whole, _, part = plain.partition(".")
    digits = whole + part
    if not whole or not (digits.isascii() and digits.isdecimal()) or len(whole) > _LONGEST:
        return None
    return int(whole) * 100 + int((part + "00")[:2])
