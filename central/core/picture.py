"""How many pixels a picture says it has, read from its head (PNG 11.2.2, JPEG ITU-T T.81 B.2.2). Pure; nothing is unpacked.

A picture of some kilobytes may unpack to gigabytes in the viewer of whoever opens it.
"""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG after which the size stands; the three others of their row are tables."""
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length after them."""


def pixels(body: bytes) -> int:
    """0 for what says nothing of it."""
    if body.startswith(_PNG):
        return _product(body, 16, 4) if body[12:16] == b"IHDR" else 0
    if not body.startswith(_JPEG):
        return 0
    at = len(_JPEG)
    while (at := body.find(b"\xff", at)) >= 0 and at + 4 <= len(body):
        marker = body[at + 1]
        if marker in _FRAMES:
            return _product(body, at + 5, 2)
        if marker in {0xFF, 0x00}:
            at += 1
        else:
            at += 2 if marker in _BARE else 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    return 0


def _product(body: bytes, at: int, size: int) -> int:
    one, other = (int.from_bytes(body[place : place + size], "big") for place in (at, at + size))
    return one * other
