"""Accounts as a message sees them, all at once: a handful of statements however many people there are."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.access import Role
from central.core.recipient import Account
from central.core.scope import reach
from central.store import scope
from central.store.scope import user_org, user_site
from central.store.tables import user


async def accounts(conn: AsyncConnection) -> list[Account]:
    """Everybody who is in use and authorised; screens are nobody."""
    sites, offices = defaultdict(list), defaultdict(list)
    for row in await conn.execute(select(user_site)):
        sites[row.user].append(row.site)
    for row in await conn.execute(select(user_org)):
        offices[row.user].append(row.org)
    above = await scope.tree(conn)
    query = select(user.c.name, user.c.role, user.c.phone, user.c.mail)
    query = query.where(user.c.disabled.is_(False), user.c.pending.is_(False), user.c.role != Role.WALL.value)
    return [
        Account(
            row.name,
            Role(row.role),
            reach(Role(row.role), sites[row.name], offices[row.name], above),
            row.phone,
            row.mail,
        )
        for row in await conn.execute(query.order_by(user.c.name))
    ]
