"""What an ONVIF camera's own events say, of which two are understood: the picture is tampered with, something moves. Pure.

A tamper event is a witness beside our own examination and shortens its vote, never the only one (cameras.md 3.6). Motion is
of the whole picture and names no seat: it is shown and decides nothing (3.7).
"""

from enum import Enum, auto

from msgspec import Struct

from agent.core.strange_xml import Bounds, nodes

BOUNDS = Bounds(size=128 * 1024, elements=4000)
"""Of the answer to one pull: an honest one of ten messages has 10 kB."""
MUTE = "摄像机没有事件服务"
"""Of one that has none: nothing to mend."""
_TAMPER = ("globalscenechange", "tamper", "imagetoodark", "imagetoobright", "imagetooblurry")
_MOTION = ("motion",)
_TRUE, _FALSE = {"true", "1"}, {"false", "0"}


class Kind(Enum):
    TAMPER = auto()
    MOTION = auto()


class Notice(Struct, frozen=True):
    """`is_on`: it begins or goes on; False: it is over."""

    kind: Kind
    is_on: bool


def notices(answer: bytes) -> list[Notice]:
    """Of an answer to PullMessages, in its order; what is not understood is left out. Raises ValueError for no such answer."""
    found, topic, is_on, is_deleted, is_answer = [], "", True, False, False
    for node in nodes(answer, BOUNDS):
        if node.name == "Topic":
            topic = node.text.lower()
        elif node.name == "SimpleItem" and node.parent == "Data":
            value = node.attributes.get("Value", "").lower()
            is_on = value in _TRUE if value in _TRUE | _FALSE else is_on
        elif node.name == "Message" and "PropertyOperation" in node.attributes:
            is_deleted = node.attributes["PropertyOperation"] == "Deleted"
        elif node.name == "NotificationMessage":
            kind = _kind(topic)
            if kind is not None:
                found.append(Notice(kind, is_on and not is_deleted))
            topic, is_on, is_deleted = "", True, False
        elif node.name == "PullMessagesResponse":
            is_answer = True
    if not is_answer:
        raise ValueError("no answer to a pull")
    return found


def _kind(topic: str) -> Kind | None:
    if any(word in topic for word in _TAMPER):
        return Kind.TAMPER
    return Kind.MOTION if any(word in topic for word in _MOTION) else None
