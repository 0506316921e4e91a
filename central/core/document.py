"""An official document 文书: which kinds there are, its number, its code for verification, and its tree of values.

supervision.md 3.10. What a document says is composed once, at its issue, into a `Paper`: PDF and editable copy are two
pictures of that one tree, and neither looks anything up again. Layout: GB/T 9704-2012.
"""

import hashlib
import hmac
from datetime import date
from enum import StrEnum
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from central.core.access import Role
from central.core.seal import Seal


class Kind(StrEnum):
    """What a document is."""

    WARNING = "warning"
    ORDER = "order"
    EXPLAIN = "explain"
    URGING = "urging"
    PROPOSAL = "proposal"
    RECTIFICATION = "rectification"
    ACCOUNTABILITY = "accountability"
    CLOSING = "closing"
    APPEAL = "appeal"
    CIRCULAR = "circular"
    BRIEFING = "briefing"
    ONE_TIME = "one_time"
    DEEMED_ACCEPTED = "deemed_accepted"
    DEEMED_RENEWED = "deemed_renewed"
    DISPLAY = "display"
    COMPLAINT_ACCEPTED = "complaint_accepted"
    COMPLAINT_REFUSED = "complaint_refused"
    COMPLAINT_REPLY = "complaint_reply"

    @property
    def word(self) -> str:
        return _WORDS[self][0]

    @property
    def mark(self) -> str:
        """What the number adds to the issuer's own mark: 某监 + 督 in 某监督〔2026〕17号. One series each."""
        return _WORDS[self][1]


_WORDS = {
    Kind.WARNING: ("预警提示函", "警"),
    Kind.ORDER: ("督办通知书", "督"),
    Kind.EXPLAIN: ("责令说明理由通知书", "责"),
    Kind.URGING: ("催办通知书", "催"),
    Kind.PROPOSAL: ("监察建议书", "建"),
    Kind.RECTIFICATION: ("整改通知书", "改"),
    Kind.ACCOUNTABILITY: ("责任追究建议书", "追"),
    Kind.CLOSING: ("销号通知书", "销"),
    Kind.APPEAL: ("申诉处理决定书", "申"),
    Kind.CIRCULAR: ("通报", "通"),
    Kind.BRIEFING: ("简报", "简"),
    Kind.ONE_TIME: ("一次性告知提示函", "告"),
    Kind.DEEMED_ACCEPTED: ("视为受理提示函", "受"),
    Kind.DEEMED_RENEWED: ("视为准予延续提示函", "延"),
    Kind.DISPLAY: ("公示缺项整改通知书", "公"),
    Kind.COMPLAINT_ACCEPTED: ("投诉受理通知书", "诉受"),
    Kind.COMPLAINT_REFUSED: ("投诉不予受理通知书", "诉拒"),
    Kind.COMPLAINT_REPLY: ("投诉答复书", "诉复"),
}


class Act(StrEnum):
    """What people do to a document before it has force."""

    DRAFT = "draft"
    SIGN = "sign"
    SEAL = "seal"

    @property
    def word(self) -> str:
        return {"draft": "拟稿", "sign": "签发", "seal": "用印"}[self.value]


class Form(Struct, frozen=True, kw_only=True):
    """One kind as data. `{name}` in a text stands for a fact (`central.core.compose.NAMES`).

    `title` in the parts between which a line may end. A paragraph that is one list fact alone becomes a numbered paragraph
    for each of its entries.
    """

    kind: Kind
    title: tuple[str, ...]
    paragraphs: tuple[str, ...]
    to_person: bool = False  # the addressee is a citizen: neither shown nor searched for outside the document
    is_free: bool = False  # its reason and measures are people's own words, which a draft may still change (`core/free.py`)
    names_law: bool = False  # it holds something against somebody, so rule and article must be named
    drafts: frozenset[Role] = frozenset({Role.SUPERVISOR})
    signs: frozenset[Role] = frozenset({Role.CHIEF})
    seals: frozenset[Role] = frozenset({Role.CHIEF})  # whose signature the organ's seal goes with

    def may(self, act: Act) -> frozenset[Role]:
        return {Act.DRAFT: self.drafts, Act.SIGN: self.signs, Act.SEAL: self.seals}[act]


def refusal(form: Form, act: Act, person: str, role: Role, done: dict[Act, str]) -> str:
    """Why `person` may not do `act`, for people; empty if they may. `done`: who did what before.

    Four eyes: nobody signs what they drafted. A seal goes with the signature; it was confirmed by itself (`core/seal.py`).
    """
    if role not in form.may(act):
        names = "、".join(sorted(one.word for one in form.may(act)))
        return f"{form.kind.word}的{act.word}须由{names}办理"
    before = {Act.SIGN: Act.DRAFT}.get(act)
    if before is None:
        return ""
    if before not in done:
        return f"{form.kind.word}还没有{before.word}"
    return f"{before.word}的人不能自己{act.word}" if done[before] == person else ""


class Issuer(Struct, frozen=True):
    """Who issues documents, as its row says from `valid_from` on; an old document keeps the name of its day."""

    id: str
    name: str  # 某市监察局: signs
    letterhead: str  # 某市监察局文件, or the name alone: the red head
    mark: str  # 某监: begins the number
    printer: str  # who prints and distributes, in the imprint
    valid_from: date


class Heading(Struct, frozen=True, tag="heading"):
    """A numbered heading of the first level, in 黑体."""

    text: str


class Paragraph(Struct, frozen=True, tag="paragraph"):
    text: str


class Table(Struct, frozen=True, tag="table"):
    """`widths`: shares of the line; cells are texts."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


Block = Heading | Paragraph | Table


class Attachment(Struct, frozen=True):
    name: str
    blocks: tuple[Block, ...]


class Paper(Struct, frozen=True, kw_only=True):
    """Everything a document shows, as text: the one tree behind every format."""

    kind: Kind
    letterhead: str
    number: str
    title: tuple[str, ...]  # a line may end between two parts
    addressee: str
    blocks: tuple[Block, ...]
    attachments: tuple[Attachment, ...] = ()
    signed_by: str
    seal: Seal | None = None
    day: str  # 2026年6月11日
    issued: date  # the same day, for the files' own properties
    copies: tuple[str, ...] = ()
    printer: str
    basis: str  # rule, its version and the calendar's, for the foot
    facts: str  # SHA-256 of the frozen facts, hex
    code: str


def encoded(paper: Paper) -> bytes:
    """The same bytes for the same values, for ever: what is kept and hashed."""
    return msgspec.json.encode(paper, order="deterministic")


def decoded(raw: bytes) -> Paper:
    return msgspec.json.decode(raw, type=Paper)


def about(*parts: str) -> str:
    """The name under which the documents about something are kept; `parts_of` reads it again, whatever the parts hold."""
    return "/".join(quote(part, safe="") for part in parts)


def parts_of(subject: str) -> list[str]:
    return [unquote(part) for part in subject.split("/")]


def number_text(issuer_mark: str, kind: Kind, year: int, number: int) -> str:
    """`某监督〔2026〕17号`: GB/T 9704-2012 7.2.5, the year in full in hexagonal brackets, no leading zero."""
    return f"{issuer_mark}{kind.mark}〔{year}〕{number}号"


# the code for verification ------------------------------------------------------------------------------------

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: without I, L, O and U, which people mistake."""
CODE_LETTERS = 16
_ALIKE = str.maketrans("OIL", "011", " -—－\t\n")


def verification_code(secret: bytes, number: str, facts: str) -> str:
    """`7K3M-9QRT-…`: 80 bits that nobody can guess and that the same hall finds again for the same document.

    `secret`: the hall's raw private operations key; `facts`: hash of the frozen facts.
    """
    message = b"MC1 document|" + number.encode() + b"|" + facts.encode()
    value = int.from_bytes(hmac.digest(secret, message, hashlib.sha256)[:10], "big")
    letters = "".join(LETTERS[value >> shift & 31] for shift in range(5 * (CODE_LETTERS - 1), -1, -5))
    return "-".join(letters[place : place + 4] for place in range(0, CODE_LETTERS, 4))


def read_code(text: str) -> str | None:
    """A code as people type it -> as it is kept; None for what cannot be one."""
    letters = text.upper().translate(_ALIKE)
    if len(letters) != CODE_LETTERS or not set(letters) <= set(LETTERS):
        return None
    return "-".join(letters[place : place + 4] for place in range(0, CODE_LETTERS, 4))


def statement(code: str, paper: bytes, pdf: bytes, docx: bytes) -> bytes:
    """What the hall signs of an issued document; the last three are SHA-256 of the values and of both files."""
    return b"|".join((b"MC1 document", code.encode(), paper + pdf + docx))
