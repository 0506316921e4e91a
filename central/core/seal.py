"""The seal 印章 of an issuing organ: which pictures are taken, who may put one up, confirm it, and take it out of use. Pure.

Theory. GB/T 9704-2012, 7.3.5.1: the seal is red, stands upright and centred over the organ's name and the date, which lie a little
below its middle, and its top lies within one line of the text above. Where it lies is therefore a matter of its size alone.
"""

import struct

from msgspec import Struct

from central.core.access import Role

SMALLEST, LARGEST = 38, 50
"""Diameter in millimetres: organs of a county have 42 or 45, those of a province 50; a smaller one would leave the date out."""
USUAL = 42
FEWEST_PIXELS, MOST_PIXELS = 300, 1600
MOST_BYTES = 256 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_SQUARE = 0.03
"""By how much of its width a picture may be no square."""
UPLOADS = frozenset({Role.SUPERVISOR, Role.CHIEF})
CONFIRMS = frozenset({Role.CHIEF})


class Seal(Struct, frozen=True):
    """A seal as a document bears it. `digest`: SHA-256 of its picture, hex; `millimetres`: its diameter."""

    digest: str
    millimetres: int


def fault(body: bytes, millimetres: int) -> str:
    """Why a picture is not taken, for people; empty if it is. Whether it can be drawn is the typesetter's to say."""
    if not SMALLEST <= millimetres <= LARGEST:
        return f"印章直径须为 {SMALLEST} 至 {LARGEST} 毫米"
    if len(body) > MOST_BYTES:
        return f"印章图片超过 {MOST_BYTES // 1024} kB"
    if not body.startswith(_PNG) or body[12:16] != b"IHDR" or len(body) < 33:
        return "印章图片不是 PNG"
    width, height = struct.unpack(">II", body[16:24])
    if not FEWEST_PIXELS <= width <= MOST_PIXELS or abs(width - height) > width * _SQUARE:
        return f"印章图片须为正方形，边长 {FEWEST_PIXELS} 至 {MOST_PIXELS} 像素（这张 {width}×{height}）"
    return ""


def upload_refusal(role: Role) -> str:
    """Why somebody may not put one up; empty if they may."""
    return "" if role in UPLOADS else "印章图片由监察员或监察领导上传"


def confirm_refusal(person: str, role: Role, uploader: str) -> str:
    """Four eyes: nobody puts into use what they have put up."""
    if role not in CONFIRMS:
        return "印章须由监察领导确认"
    return "上传的人不能自己确认" if person == uploader else ""


def end_refusal(person: str, role: Role, uploader: str, *, in_force: bool) -> str:
    """One that waits may be taken back by who put it up; one in force is taken out of use by who may confirm."""
    if role in CONFIRMS or (person == uploader and not in_force):
        return ""
    return "停用印章须由监察领导办理" if in_force else "由上传的人撤回，或由监察领导退回"
