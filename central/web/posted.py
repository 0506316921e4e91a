"""The page of one thing that a person writes and another releases: forms, announcements, laws, replies to complaints."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import wording
from central.core.release import ReleaseState
from central.web.page import HALL, USER, facts_of, render
from central.web.publications import decided

Look = Callable[[AsyncConnection, int], Awaitable[Row[Any] | None]]
Move = Callable[[AsyncConnection, Row[Any], ReleaseState, str, str, int], Awaitable[None]]
"""Release, refuse or take back this row: to which state, by whom, why, when. Raises UsageError where that may not be now."""


class Posted(Struct, frozen=True):
    """One kind of it. `missing`: what is said where there is none of that number."""

    template: str
    look: Look
    move: Move
    missing: str

    async def found(self, request: web.Request, conn: AsyncConnection) -> Row[Any]:
        """The one that the address names. Raises HTTPNotFound."""
        row = await self.look(conn, int(request.match_info["number"]))
        if row is None:
            raise web.HTTPNotFound(text=self.missing)
        return row

    def page(self, request: web.Request, row: Row[Any], **more: Any) -> web.Response:
        facts = facts_of(request)
        return render(
            request,
            self.template,
            row=row,
            standing=ReleaseState(row.state),
            is_own=row.who == request[USER].name,
            made=wording.full(row.made_wall, facts.zone, facts.now_wall),
            checked=wording.clock(facts.now_at, facts.zone),
            **more,
        )

    async def show(self, request: web.Request) -> web.Response:
        """Of a kind whose row says all that its page does."""
        async with request.app[HALL].store.read() as conn:
            row = await self.found(request, conn)
        return self.page(request, row)

    async def decide(self, request: web.Request) -> web.Response:
        async def move(conn: AsyncConnection, to: ReleaseState, who: str, why: str, wall: int) -> None:
            await self.move(conn, await self.found(request, conn), to, who, why, wall)

        return await decided(request, move)
