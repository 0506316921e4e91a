"""The seam of the channels: what each takes, what it answers, and the three ways in which it fails.

A channel keeps nothing: keys, attempts and receipts are the store's. `send` either returns (the message was taken), or raises
- UnavailableError: surely not taken, the same message may be tried again;
- RejectedError: refused for good;
- UncertainError: perhaps taken. Tried again only where the same key twice is one message (`is_repeatable`).
"""

from typing import Protocol

from msgspec import Struct

from central.core.gateway import Receipt
from common.core.errors import MingchaError


class UncertainError(MingchaError):
    """No answer came after the message had been given away."""


class Parcel(Struct, frozen=True):
    """A message as a channel takes it. `key`: the same twice is one message."""

    key: str
    to: str
    title: str
    text: str


class Channel(Protocol):
    """One way of reaching people."""

    is_repeatable: bool
    """The same key twice is one message there."""
    has_receipts: bool
    """It says later what became of a message; without, taken is all that is ever known."""
    is_final: bool
    """What it takes has arrived."""

    async def send(self, parcel: Parcel) -> str:
        """-> by what name the channel knows the message. Raises as the module says."""

    async def receipts(self) -> list[Receipt]:
        """What has become known since the last call; may repeat itself. Raises UnavailableError."""

    async def check(self) -> str:
        """What is well, for people. Raises UnavailableError or RejectedError with what is not."""

    async def close(self) -> None:
        """Give back lines and connections."""
