"""The hall's door: is a batch the box's own, and does it open? Nothing is unsealed before its signature has verified.

The broker does not say who published, and the hall's wire key is public: whoever carries batches could make one. So each
is signed by its box, and the key is that of the generation whose hello has opened the epoch.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from msgspec.structs import replace

from central.store import alarms, facts
from central.store.engine import Store
from common.clock import Clock
from common.core import batch
from common.core.batch import BatchError, Header
from common.core.instant import MINUTE, from_us
from common.core.message import Ack, Nack
from common.core.record import SCHEMA
from common.core.state import AlarmKind

log = structlog.get_logger()

MOST_AHEAD = 8
"""So many schemas a box may be ahead of its hall. What claims more is no box of ours, and no upgrade would ever read it."""
FORGED = "bad_signature"
_SOUNDED_AGAIN = MINUTE


class Opened(Struct, frozen=True):
    """A batch that was opened, that its box has signed, and whose chain is sound."""

    header: Header
    raws: list[bytes]
    claim: bytes = b""
    """`batch.claim`, where it must be parked: what proves later that the box said so."""


def halves(item: Opened) -> list[Opened]:
    """Two batches of the same records; none of one that holds a single record, or that must stay whole as it was signed."""
    header, middle = item.header, len(item.raws) // 2
    if not middle or item.claim:
        return []
    between = batch.chain_values(header, item.raws)[middle - 1]
    before = replace(header, last=header.first + middle - 1, last_hash=between)
    behind = replace(header, first=header.first + middle, prev_hash=between)
    return [Opened(before, item.raws[:middle]), Opened(behind, item.raws[middle:])]


class Door:
    """Opens what arrives, with the keys of the boxes that are registered."""

    def __init__(self, store: Store, wire_secrets: dict[str, bytes], clock: Clock) -> None:
        self._store = store
        self._wire_secrets = wire_secrets
        self._clock = clock
        self._sounded_mono: dict[str, int] = {}

    async def open(self, arrived: Sequence[tuple[str, bytes]]) -> tuple[list[Opened], list[tuple[str, Ack]]]:
        """(site, payload) of each -> what was opened, and the answers to what was not. Raises UnavailableError."""
        opened: list[Opened] = []
        replies: list[tuple[str, Ack]] = []
        keys = await self._sign_keys(arrived)
        for site, payload in arrived:
            try:
                sign_key = keys.get((site, epoch_of(payload)), b"")
                opened.append(open_batch(site, payload, self._wire_secrets, sign_key))
            except BatchError as error:
                answer = refusal(site, payload, error.code, self._clock.wall())
                replies += [(site, answer)] if answer is not None else []
                log.warning("batch.refused", site=site, code=error.code, reason=str(error))
                if error.code == FORGED:
                    await self._sound(site, epoch_of(payload))
        return opened, replies

    async def _sign_keys(self, arrived: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], bytes]:
        epochs = {epoch_of(payload) for _, payload in arrived} - {b""}
        if not epochs:
            return {}
        async with self._store.read() as conn:
            return await facts.sign_keys(conn, sorted(epochs))

    async def _sound(self, site: str, epoch: bytes) -> None:
        """People must hear of it: once a day for each epoch, and no more often than once a minute looked up."""
        now = self._clock.mono()
        if now - self._sounded_mono.get(site, -_SOUNDED_AGAIN) < _SOUNDED_AGAIN:
            return
        self._sounded_mono[site] = now
        wall = self._clock.wall()
        day = from_us(wall, ZoneInfo("UTC")).date()
        subject = f"{epoch.hex()}/{day}"
        async with self._store.write() as conn:
            is_new = await alarms.sound_forged(conn, site, subject, wall)
        if is_new:
            log.warning("alarm.raised", site=site, kind=AlarmKind.FORGED.value, reason=subject)


def epoch_of(payload: bytes) -> bytes:
    """Empty where there is no header to read."""
    try:
        return batch.read_header(payload)[0].epoch
    except BatchError:
        return b""


def open_batch(site: str, payload: bytes, wire_secrets: dict[str, bytes], sign_key: bytes) -> Opened:
    """`sign_key`: the raw public key of the box that has opened the epoch; empty: nobody has.

    Raises BatchError; `bad_batch` too where the header names another site than the topic, or a schema that never was.
    """
    header, _ = batch.read_header(payload)
    if header.site != site:
        raise BatchError("bad_batch", f"header of {header.site} on the topic of {site}")
    if not sign_key:
        raise BatchError("unknown_epoch", header.epoch.hex())
    header, raws = batch.decode(payload, wire_secrets, sign_key)
    if not SCHEMA <= header.schema <= SCHEMA + MOST_AHEAD:
        raise BatchError("bad_batch", f"schema {header.schema}; known is {SCHEMA}")
    return Opened(header, raws, b"" if header.schema == SCHEMA else batch.claim(payload))


def refusal(site: str, payload: bytes, code: str, now_wall: int) -> Ack | None:
    """Answer to a batch that cannot be opened: the box keeps the records. None where nobody could be answered."""
    try:
        header, _ = batch.read_header(payload)
    except BatchError:
        return None
    if header.site != site:
        return None
    return Ack(header.epoch, 0, [], [Nack(header.first, header.last, code, permanent=False)], 0, now_wall)
