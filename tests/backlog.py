"""A backlog sealed into a box's own buffer while its agent rests, of a table that no mapping names: no walk looks for its rows."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from agent.app import read_key
from agent.buffer import Buffer
from agent.config import load
from agent.keeper import Keeper
from common.clock import Clock
from common.core import crypto
from common.core.record import Record
from tests.sender import case

BATCH = 500


async def fill(path: Path, count: int) -> None:
    """`path`: the box's agent.toml; `count`: how many records, a multiple of `BATCH`."""
    config = load(path)
    buffer = await Buffer.open(
        config.buffer_path,
        seal=Keeper(config).seal,
        site=config.site,
        sign_key=crypto.sign_public(read_key(config.identity.sign_key, "")),
        clock=Clock(),
    )
    try:
        for records in _batches(count):
            await buffer.append(records, {})
    finally:
        await buffer.close()


def _batches(count: int) -> Iterator[list[Record]]:
    for first in range(0, count, BATCH):
        yield [
            replace(
                case(
                    f"YW{number:08}",
                    at=1_781_245_925_000_000 + number,
                    applicant="王小明",
                    item_name="食品经营许可",
                    status="accepted",
                    org="云溪镇便民服务中心",
                ),
                table="former",
            )
            for number in range(first, first + BATCH)
        ]
