"""A post office to try: a channel that does what the test says, people, and a red or yellow light on a site that is heard."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update

from central.core.access import Role
from central.core.gateway import Receipt
from central.core.item import Item, Person
from central.core.message import Channel
from central.dispatch import Post
from central.judge import World
from central.notify.base import Parcel
from central.notify.inbox import Inbox
from central.store import scope
from central.store import tables as t
from central.store.engine import Store
from central.store.message_tables import message
from common.clock import Clock
from common.core import crypto
from tests.papers import SECRET


class Scripted:
    """Answers each message with the next thing of its script: an error to raise, or nothing. It honours keys, if it says so."""

    has_receipts = True
    is_final = False

    def __init__(self, *, is_repeatable: bool = True) -> None:
        self.is_repeatable = is_repeatable
        self.script: list[Exception | None] = []
        self.taken: dict[str, Parcel] = {}
        self.asked: list[Parcel] = []
        self.kept: list[Receipt] = []

    async def send(self, parcel: Parcel) -> str:
        self.asked.append(parcel)
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        self.taken.setdefault(parcel.key, parcel)
        return f"g{list(self.taken).index(parcel.key)}"

    async def receipts(self) -> list[Receipt]:
        found, self.kept = self.kept, []
        return found

    async def check(self) -> str:
        return "好"

    async def close(self) -> None:
        """Nothing is held."""


PEOPLE = {
    "chuang": (Role.CLERK, "13800000001"),
    "zhang": (Role.HEAD, "13800000002"),
    "jian": (Role.SUPERVISOR, "13800000003"),
    "ling": (Role.CHIEF, ""),
    "wei": (Role.IT, "13800000005"),
}
ITEM = Item("SX1", "食品经营许可", 5, persons=[Person("李敏", "13800000009"), Person("周强")])


async def people(store: Store) -> None:
    """One of each post; the clerk and the head belong to the site."""
    fixed = {"password": "!", "must_change": False, "disabled": False, "created_wall": 0}
    rows = [{"name": name, "role": role, "phone": phone} for name, (role, phone) in PEOPLE.items()]
    async with store.write() as conn:
        await conn.execute(insert(t.user), [row | fixed for row in rows])
        for name in ("chuang", "zhang"):
            await scope.give(conn, name, ["s01"], [])


def office(store: Store, world: World, clock: Clock, sms: Any = None) -> Post:
    channels = {Channel.INBOX: Inbox()} | ({Channel.SMS: sms} if sms is not None else {})
    return Post(store, world, clock, channels, crypto.sign_public(SECRET))


async def heard(store: Store, clock: Clock, *, online: bool = True) -> None:
    """The site speaks, or has gone."""
    values: dict[str, Any] = {
        "connection": "c",
        "online": online,
        "since_wall": 0,
        "heard_wall": clock.wall() if online else 1,
    }
    async with store.write() as conn:
        known = await conn.scalar(select(t.site_status.c.site).where(t.site_status.c.site == "s01"))
        if known is None:
            await conn.execute(insert(t.site_status).values(site="s01", **values))
        else:
            await conn.execute(update(t.site_status).where(t.site_status.c.site == "s01").values(**values))


async def rows(store: Store, *where: Any) -> Sequence[Any]:
    async with store.read() as conn:
        return (await conn.execute(select(message).where(*where).order_by(message.c.id))).all()
