"""投诉答复选登: what was complained of and what was answered, for anybody to read. Pure.

Only of a complaint that has been answered and closed, and whose complainant has agreed when it was sent; redacted by one person,
released by another. What was taken back is gone from the public page and stays in the hall.
"""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from central.core import complaint, naming, release
from central.core.complaint import State


class Excerpt(Struct, frozen=True, kw_only=True):
    """What is published. `day`: of its release."""

    number: int
    topic: str
    text: str
    reply: str
    day: date


def is_open_to(state: State, reply: str, *, may_publish: bool) -> bool:
    """Whether a complaint that stands so may be published at all."""
    return state is State.CLOSED and bool(reply) and may_publish


class Hidden(Struct, frozen=True):
    """What may not be read in it: `names` of the complainant and of the applicant of the case that it is about, the telephone,
    `numbers` of complaint and case.
    """

    names: tuple[str, ...] = ()
    phone: str = ""
    numbers: tuple[str, ...] = ()


def faults(text: str, reply: str, hidden: Hidden) -> list[str]:
    """Why these words may not be published, in words."""
    found = []
    if fault := complaint.text_fault(text, complaint.SHORTEST, complaint.LONGEST):
        found.append(f"公布的投诉：{fault}")
    if fault := complaint.text_fault(reply):
        found.append(f"公布的答复：{fault}")
    found += release.personal([text, reply], ())
    names = hidden.names or ("",)
    if any(naming.tells_who(said, name, hidden.phone) for said in (text, reply) for name in names):
        found.append("写出了投诉人或申请人的姓名或电话")
    if any(naming.tells_number(said, number) for said in (text, reply) for number in hidden.numbers):
        found.append("写出了投诉或办件的编号，凭它能认出是谁")
    return found


def matching(excerpts: Iterable[Excerpt], wanted: str) -> list[Excerpt]:
    """Those with all the words of `wanted`; of no words all."""
    words = wanted.lower().split()
    return [
        one
        for one in excerpts
        if all(word in f"{one.topic} {one.text} {one.reply}".lower() for word in words)
    ]
