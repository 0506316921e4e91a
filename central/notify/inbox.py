"""The inbox of the console: a message has arrived when it is due, for its row is the inbox's own."""

from central.core.gateway import Receipt
from central.notify.base import Parcel


class Inbox:
    """Nothing leaves the hall."""

    is_repeatable = True
    has_receipts = False
    is_final = True

    async def send(self, parcel: Parcel) -> str:
        return parcel.key

    async def receipts(self) -> list[Receipt]:
        return []

    async def check(self) -> str:
        return "站内收件箱"

    async def close(self) -> None:
        """Nothing is held."""
