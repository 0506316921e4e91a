"""Short messages as a modem takes them: SMS-SUBMIT and SMS-STATUS-REPORT (3GPP TS 23.040), always in UCS-2 (TS 23.038).

Written here because the maintained libraries either only decode, or drive the modem with threads of their own.
"""

from msgspec import Struct

from central.core.message import parts

_SUBMIT, _STATUS_REQUEST, _HEADER, _RELATIVE = 0x01, 0x20, 0x40, 0x10
_UCS2 = 0x08
_THREE_DAYS = 0xA9
"""Validity of three days, relative format (23.040 9.2.3.12.1: 167 to 196 are days, value - 166)."""
_INTERNATIONAL, _UNKNOWN = 0x91, 0x81
_NO_CENTRE = "00"
"""The service centre's number as it is stored in the card."""


class Submit(Struct, frozen=True):
    """One part. `length`: octets without the service centre's number, as AT+CMGS asks."""

    length: int
    hex: str


class Report(Struct, frozen=True):
    """What became of a part: its reference, and the centre's status (23.040 9.2.3.15)."""

    reference: int
    status: int

    @property
    def is_delivered(self) -> bool:
        return self.status <= 0x02

    @property
    def is_final(self) -> bool:
        """0x20 to 0x3F: the centre is still trying."""
        return not 0x20 <= self.status <= 0x3F


def submits(number: str, text: str, reference: int) -> list[Submit]:
    """A message in as many parts as it needs. `number`: digits, `+` for international; `reference` binds the parts."""
    found, pieces = [], parts(text)
    for place, piece in enumerate(pieces, 1):
        head = bytes((5, 0, 3, reference & 0xFF, len(pieces), place)) if len(pieces) > 1 else b""
        data = head + piece.encode("utf-16-be")
        first = _SUBMIT | _STATUS_REQUEST | _RELATIVE | (_HEADER if head else 0)
        body = bytes((first, 0)) + _address(number) + bytes((0, _UCS2, _THREE_DAYS, len(data))) + data
        found.append(Submit(len(body), (_NO_CENTRE + body.hex()).upper()))
    return found


def _address(number: str) -> bytes:
    digits = number.lstrip("+")
    kind = _INTERNATIONAL if number.startswith("+") else _UNKNOWN
    return bytes((len(digits), kind)) + _swapped(digits)


def _swapped(digits: str) -> bytes:
    """Semi-octets, the odd one filled with F."""
    even = digits + "F" * (len(digits) % 2)
    return bytes.fromhex("".join(even[n + 1] + even[n] for n in range(0, len(even), 2)))


def report(hex_text: str) -> Report | None:
    """A status report as the modem shows it; None for anything else."""
    try:
        raw = bytes.fromhex(hex_text.strip())
        body = raw[1 + raw[0] :]
        if body[0] & 0x03 != 0x02:
            return None
        digits = body[2]
        after = 4 + (digits + 1) // 2
        return Report(body[1], body[after + 14])
    except (ValueError, IndexError):
        return None
