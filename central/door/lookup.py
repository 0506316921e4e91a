"""What stands at a place of `told`, opened: the same work whether something is there or not."""

from central.door import seal
from central.door import store as rows
from central.door.page import Door
from central.door.seal import Place

_STAND_IN = bytes(16), bytes(2048)


async def opened(door: Door, at: Place) -> list[tuple[bytes, bytes]]:
    """(owner, content) of each that opens. Where nothing stands a stand-in is tried, so that time tells nothing."""
    async with door.store.read() as conn:
        found = [(row.ref, row.sealed) for row in await rows.found(conn, at.lookup)]
    tried = [(ref, seal.opened(at, ref, sealed)) for ref, sealed in found or [_STAND_IN]]
    return [(ref, plain) for ref, plain in tried if plain is not None]


async def waits(door: Door, lookup: bytes) -> bool:
    """Whether something handed in under it waits for the hall."""
    async with door.store.read() as conn:
        return await rows.is_waiting(conn, lookup)
