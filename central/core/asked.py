"""What citizens hand in at the public door: sealed to the hall, each with an id that makes a second sending the same one.

It counts as received when it was sent, not when the hall came to take it: a message has arrived when it enters the system that the
recipient has named for it (电子签名法 article 11; 民法典 article 137).
"""

from enum import StrEnum

import msgspec
from msgspec import Struct

from central.core.survey import Answers
from common.core.instant import MINUTE

SLACK = MINUTE
"""So much longer than its instant a message may take into the box."""


class Kind(StrEnum):
    """What is asked for."""

    COMPLAINT = "complaint"
    URGE = "urge"
    VERDICT = "verdict"
    RATING = "rating"
    CONSULT = "consult"
    SURVEY = "survey"
    HURRY = "hurry"


class Urge(Struct, frozen=True):
    """The applicant asks to hurry; who may, the door has seen from number and telephone."""

    site: str
    key: str


class Attached(Struct, frozen=True):
    """A file of a complaint: where it lies until the hall fetches it."""

    id: str
    name: str
    size: int


class Complaint(Struct, frozen=True, kw_only=True):
    """A complaint as it was sent. `code`: of which the sender alone knows, to follow it; `may_publish`: redacted, with its reply."""

    number: str
    code: str
    topic: str
    unit: str
    case_no: str = ""
    text: str
    name: str = ""
    phone: str = ""
    may_publish: bool = False
    files: tuple[Attached, ...] = ()


class Hurry(Struct, frozen=True):
    """The complainant asks to hurry; who may, the door has seen from number and code."""

    number: str


class Verdict(Struct, frozen=True):
    """Whether it is solved, by the complainant."""

    number: str
    round: int
    solved: bool
    reason: str = ""


class Rating(Struct, frozen=True, kw_only=True):
    """How content somebody is with a case (`key`), or with what was done at a `window`. `source`: a keyed hash of the day and of
    the line it came from; `phone`: where somebody wants to be called back and the hall has no number.
    """

    site: str
    key: str = ""
    window: str = ""
    level: int
    text: str = ""
    phone: str = ""
    source: bytes = b""


class Consult(Struct, frozen=True):
    """A question. `code`: of which the sender alone knows, to follow it."""

    number: str
    code: str
    item_code: str
    text: str


class Survey(Struct, frozen=True):
    """What somebody has answered. `source` as of a rating."""

    survey: int
    answers: Answers
    source: bytes


Said = Urge | Complaint | Verdict | Rating | Consult | Survey | Hurry
"""Whatever is handed in, before it is sealed."""


def header(kind: Kind, name: str, sent_at: int) -> bytes:
    """What a sealed message is bound to: put under another id, kind or instant (`sent_at`, office time) it does not open."""
    return f"MC1 asked|{kind.value}|{name}|{sent_at}".encode()


def received_at(sent_at: int, emptied_at: int, now_at: int, slack: int = SLACK) -> int:
    """-> when it was received (all in office time). The door's word for it, as far as the hall can vouch for it: not after now, and not
    before the hall last found the box empty, `emptied_at` (0: it never did). `slack`: so far back the door's time may lie.
    """
    return min(max(sent_at, emptied_at - slack), now_at)


def file_header(draft: str, name: str) -> bytes:
    return f"MC1 upload|{draft}|{name}".encode()


def encoded(said: Said) -> bytes:
    return msgspec.json.encode(said)
