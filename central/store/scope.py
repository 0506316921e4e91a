"""What an account reaches, as tables and as conditions: no list of a page is read without them."""

from sqlalchemy import (
    Column,
    ColumnElement,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import scope
from central.core.access import Role
from central.core.scope import Scope
from central.store.metadata import metadata
from common.core.errors import UsageError

org = Table(
    "org",  # the tree of offices, by the names that the sites' databases use
    metadata,
    Column("name", Text, primary_key=True),
    Column("above", Text, nullable=False),  # empty: the top
)

user_site = Table(
    "user_site",
    metadata,
    Column("user", Text, nullable=False),
    Column("site", Text, nullable=False),
    PrimaryKeyConstraint("user", "site"),
)

user_org = Table(
    "user_org",  # with every office below it
    metadata,
    Column("user", Text, nullable=False),
    Column("org", Text, nullable=False),
    PrimaryKeyConstraint("user", "org"),
)


# conditions --------------------------------------------------------------------------------------------------


def of_site(reached: Scope, site: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """For `where`: rows that belong to a site."""
    return [] if reached.sites is None else [site.in_(sorted(reached.sites))]


def of_case(
    reached: Scope, site: ColumnElement[str], office: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    """For `where`: rows that belong to a case; one without an office is nobody's but theirs who reach all offices."""
    within = of_site(reached, site)
    return within if reached.orgs is None else [*within, office.in_(sorted(reached.orgs))]


# tables ------------------------------------------------------------------------------------------------------


async def given(conn: AsyncConnection, user: str) -> tuple[list[str], list[str]]:
    """The sites and the offices that `user` was given, in order."""
    sites = await conn.scalars(select(user_site.c.site).where(user_site.c.user == user))
    offices = await conn.scalars(select(user_org.c.org).where(user_org.c.user == user))
    return sorted(sites), sorted(offices)


async def of_user(conn: AsyncConnection, user: str, role: Role) -> Scope:
    sites, roots = await given(conn, user)
    return scope.reach(role, sites, roots, await tree(conn) if roots else {})


async def around(conn: AsyncConnection, home: str) -> frozenset[str]:
    """`home` with every office below it; a site is by itself, and nothing is nothing."""
    return scope.subtree([home], await tree(conn)) if home else frozenset()


async def settle(conn: AsyncConnection, user: str, home: str) -> None:
    """`user` belongs to the office or site `home` (empty: to none). Raises UsageError for one that nobody knows."""
    from central.store import tables

    known = {*await tree(conn), *await conn.scalars(select(tables.site.c.id))}
    if home and home not in known:
        raise UsageError(f"没有机构或站点 {home}", hint="见  mingcha org list  与  mingcha site list")
    await conn.execute(tables.user.update().where(tables.user.c.name == user).values(home=home))


async def give(conn: AsyncConnection, user: str, sites: list[str], offices: list[str]) -> None:
    """Instead of what `user` had. Raises UsageError for a name that does not exist: a misspelt one would hide all."""
    from central.store.tables import site

    known = {"站点": set(await conn.scalars(select(site.c.id))), "机构": set(await tree(conn))}
    for kind, wanted, hint in (
        ("站点", sites, "编号见  mingcha site list"),
        ("机构", offices, "先用  mingcha org add  登记，或见  mingcha org list"),
    ):
        unknown = sorted(set(wanted) - known[kind])
        if unknown:
            raise UsageError(f"没有{kind} {'、'.join(unknown)}", hint=hint)
    for table, column, names in ((user_site, "site", sites), (user_org, "org", offices)):
        await conn.execute(delete(table).where(table.c.user == user))
        if names:
            await conn.execute(insert(table), [{"user": user, column: name} for name in sorted(set(names))])


async def tree(conn: AsyncConnection) -> dict[str, str]:
    """Office -> the one above it; empty for the top."""
    rows = await conn.execute(select(org.c.name, org.c.above).order_by(org.c.name))
    return {row.name: row.above for row in rows}


async def add_office(conn: AsyncConnection, name: str, above: str) -> None:
    """Raises UsageError where it exists, or the one above does not."""
    known = await tree(conn)
    if name in known:
        raise UsageError(f"机构 {name} 已登记", hint="全部机构见  mingcha org list")
    if above and above not in known:
        raise UsageError(f"没有上级机构 {above}", hint="先登记上级，或见  mingcha org list")
    await conn.execute(insert(org).values(name=name, above=above))
