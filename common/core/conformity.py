"""A site's compatibility sheet (`mingcha-agent probe --conformance`): lines for people, the last of which is the box's signature
under all lines above it. Pure.

Text, because it is printed and filed; what an editor or mail does to the ends of lines is no change of what is said.
"""

import base64
import binascii
import re

from msgspec import Struct

from common.core import crypto

_LAST = re.compile(r"签名 ([A-Za-z0-9_-]{1,32})\.([1-9]\d{0,8}) ([A-Za-z0-9+/]{86}==)")


class Sheet(Struct, frozen=True):
    """A signed one. `lines`: without the signature's own. Whose it says it is: `site`, `generation`."""

    lines: tuple[str, ...]
    site: str
    generation: int
    signature: bytes


def signed(sign_secret: bytes, site: str, generation: int, lines: list[str]) -> str:
    """The last line of a sheet of `lines`. `sign_secret`: the box's raw Ed25519 key."""
    signature = crypto.sign(sign_secret, _message(site, generation, _plain(lines)))
    return f"签名 {site}.{generation} {base64.b64encode(signature).decode()}"


def read(text: str) -> Sheet | None:
    """None where its last line is no signature."""
    *lines, last = _plain(text.removeprefix("\ufeff").splitlines()) or [""]
    found = _LAST.fullmatch(last)
    if found is None:
        return None
    try:
        signature = base64.b64decode(found[3], validate=True)
    except binascii.Error:
        return None
    return Sheet(tuple(lines), found[1], int(found[2]), signature)


def is_signed_by(sign_key: bytes, sheet: Sheet) -> bool:
    """Whether the box with the raw public key `sign_key` signed just these lines."""
    return crypto.verify(sign_key, _message(sheet.site, sheet.generation, list(sheet.lines)), sheet.signature)


def _plain(lines: list[str]) -> list[str]:
    found = [line.rstrip() for line in lines]
    while found and not found[-1]:
        found.pop()
    return found


def _message(site: str, generation: int, lines: list[str]) -> bytes:
    return "\n".join((f"MC1 sheet|{site}|{generation}", *lines)).encode()
