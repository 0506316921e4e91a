"""Where a gateway brings its receipts: an address that holds a secret, and nothing but references comes in."""

import secrets
from typing import Any

import msgspec
from aiohttp import hdrs, web

from central import holding
from central.core.access import Permission
from central.core.message import Channel
from central.notify import vault
from central.notify.sms_http import read_receipts
from central.store import silences
from central.web.page import HALL, Route
from central.world import Moment


async def take(request: web.Request) -> web.Response:
    """Known or not, a receipt is answered alike: whoever tries references learns nothing."""
    hall = request.app[HALL]
    config = hall.config.notify.sms
    async with hall.store.read() as conn:
        kept = (await silences.secrets(conn)).get("receipt")
    token = vault.opened(hall.sign_secret, "receipt", kept)
    given = request.match_info["token"]
    if not (config.receipt_token and token and secrets.compare_digest(token.encode(), given.encode())):
        raise web.HTTPNotFound
    now = Moment(hall.clock.office(), hall.clock.wall())
    for receipt in read_receipts(config, await _body(request)):
        async with hall.store.write() as conn:
            await holding.receive(conn, Channel.SMS, receipt, now)
    return web.Response(text="ok")


async def _body(request: web.Request) -> Any:
    """JSON, or the fields of a form."""
    form = await request.post()
    if form:
        return {name: str(value) for name, value in form.items()}
    try:
        return msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, RecursionError) as error:  # lists in lists in lists
        raise web.HTTPBadRequest(text="回执读不懂。") from error


ROUTES = [Route(hdrs.METH_POST, "/p/receipts/{token}", take, Permission.PUBLIC)]
