"""A message: what is told to one person over one channel, its states, its key and its text.

No text names a citizen: of a case it says the item, the tail of the number and the day that is due; whoever wants more
logs in. A short message of UCS-2 characters carries 70 of them, of several parts each 67 (3GPP TS 23.040, 23.038).
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256

from msgspec import Struct

from central.core import wording

ONE_PART, OF_MANY = 70, 67
"""UCS-2 characters of a short message by itself, and of each part of a longer one."""


class Channel(StrEnum):
    """How somebody is reached."""

    INBOX = "inbox"
    SMS = "sms"
    MAIL = "mail"
    CHAT = "chat"

    @property
    def word(self) -> str:
        return _CHANNEL_WORDS[self]


_CHANNEL_WORDS = {
    Channel.INBOX: "站内",
    Channel.SMS: "短信",
    Channel.MAIL: "邮件",
    Channel.CHAT: "群消息",
}


class State(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    INHIBITED = "inhibited"
    JOINED = "joined"
    OVER = "over"

    @property
    def word(self) -> str:
        return _STATE_WORDS[self]


_STATE_WORDS = {
    State.QUEUED: "待发",
    State.SENDING: "发送中",
    State.SENT: "已提交，未见回执",
    State.DELIVERED: "已送达",
    State.FAILED: "未送达",
    State.INHIBITED: "暂不发送",
    State.JOINED: "并入汇总",
    State.OVER: "不再需要",
}
MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset(
        {State.SENDING, State.INHIBITED, State.JOINED, State.OVER, State.DELIVERED}
    ),  # the last by a receipt, where the gateway's answer to an earlier try was lost
    State.SENDING: frozenset({State.SENT, State.DELIVERED, State.QUEUED, State.FAILED}),
    State.SENT: frozenset({State.DELIVERED, State.FAILED}),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset(
        {State.QUEUED, State.DELIVERED}
    ),  # sent again by a person; a receipt that comes late
    State.INHIBITED: frozenset({State.QUEUED, State.OVER}),
    State.JOINED: frozenset({State.DELIVERED, State.FAILED, State.QUEUED}),  # as its digest does
    State.OVER: frozenset({State.QUEUED}),  # a site that is cut off again on the same day
}
"""State -> what may follow; everything else is refused by the store's compare-and-swap."""


class Cause(StrEnum):
    """Why a message is held back."""

    SITE = "site"
    CALENDAR = "calendar"
    SILENCE = "silence"

    @property
    def word(self) -> str:
        return {
            "site": "站点断线，合并为一条",
            "calendar": "日历未公布，时限未定",
            "silence": "已按规定静默",
        }[self.value]


def key_of(event: str, rung: int, person: str, channel: Channel) -> str:
    """The idempotency key: one event tells one person once over one channel. Gateways are given the same."""
    parts = "\0".join((event, str(rung), person, channel.value))
    return sha256(parts.encode()).hexdigest()[:32]


def length(text: str) -> int:
    """In UCS-2 units: a character beyond the basic plane counts as two."""
    return len(text.encode("utf-16-be")) // 2


def parts(text: str) -> list[str]:
    """As it is sent in short messages; no part ends inside a character."""
    if length(text) <= ONE_PART:
        return [text]
    found, part = [], ""
    for char in text:
        if length(part + char) > OF_MANY:
            found.append(part)
            part = ""
        part += char
    return [*found, part]


class Matter(Struct, frozen=True, kw_only=True):
    """What a message is about: nothing here is a citizen's."""

    item: str = ""
    case_no: str = ""
    what: str = ""  # matter held against the unit, name of a document, or what else happened
    due: str = ""  # the last day, for people
    site: str = ""
    until: str = ""  # up to when the site's data are known
    ask: str = ""  # what is to be done


def text(mark: str, one: Matter) -> str:
    """One short message where it can be: a long name of an item is cut, never the tail, the day or what is asked."""
    tail = f"（尾号{wording.tail(one.case_no)}）" if one.case_no else ""
    due = f"，最后一日{one.due}" if one.due else ""
    until = f"，数据只到{one.until}" if one.until else ""
    head = f"【{mark}】"
    rest = f"{tail}{one.what}{due}{until}。{one.ask}"
    name = " ".join(f"{one.site} {one.item}".split())
    room = ONE_PART - length(head + rest)
    if length(name) > room:
        name = f"{_cut(name, max(room, 5) - 1)}…"
    return head + name + rest


def _cut(name: str, units: int) -> str:
    while length(name) > units:
        name = name[:-1]
    return name


def digest(mark: str, subjects: Sequence[str]) -> str:
    """Many in one: how many of each subject; the list is on the page."""
    counts = {subject: list(subjects).count(subject) for subject in dict.fromkeys(subjects)}
    said = "，".join(f"{subject}{number}件" for subject, number in counts.items())
    return f"【{mark}】您有{len(subjects)}条提示：{said}。请登录明察，在收件箱逐条查看。"
