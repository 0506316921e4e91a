"""One run: clerks, the real agent, plain cursors; the agent is killed and the server restarted meanwhile."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from msgspec import Struct

from agent.buffer import Buffer
from agent.epoch import Sealing
from agent.room import AMPLE
from common.clock import Clock
from common.core import crypto
from common.core.instant import SECOND
from common.core.record import Op, Record, RecordKind
from provisioning.core.identity import Box
from tests.hazard import peers as plain
from tests.hazard.acts import Acts, all_told
from tests.hazard.office import Content, Entry, Kind, Office, content_in
from tests.hazard.store import Store, patiently
from tests.processes import Agent
from tests.services import Mosquitto

MAPPING = """
version = 1
[source]
{source}
[table.case]
from = "SP_YWSL"
key = ["ID"]
cursor = {{columns = ["XGSJ"], overlap_secs = 30}}
columns = {{case_no = "SLBH", applicant = "SQR", promised = {{col = "ZT", type = "days"}}, finished_at = "BJSJ", responsible = "BLR"}}
"""


class Loss(Struct, frozen=True):
    """Rows of the final table that nobody has, that are known otherwise, and deletions nobody noticed."""

    missed: int
    stale: int
    undetected_deletes: int


class Outcome(Struct, frozen=True):
    """`delays`: class of change -> seconds from commit to capture."""

    engine: str
    rows: int
    changes: int
    loss: Loss
    peers: dict[str, Loss]
    delays: dict[str, list[float]]
    kills: int
    acts: int = 0
    false: list[str] = []
    """What would accuse somebody of what was done to the whole database."""
    wrong: list[str] = []
    """Of each row that `loss` counts, what the table has, what the agent has, and who wrote it last."""


def compared(table: dict[int, Content], known: dict[int, Content]) -> Loss:
    return Loss(
        len(table.keys() - known.keys()),
        sum(1 for key, content in table.items() if key in known and known[key] != content),
        len(known.keys() - table.keys()),
    )


async def run(
    store: Store,
    broker: Mosquitto,
    box: Box,
    seed: int,
    secs: float,
    *,
    config: str = "",
    kills: int = 2,
    dlt: bool = False,
    acts: bool = False,
) -> Outcome:
    """`config`: the `[capture]` of agent.toml; empty: as in every test. `dlt`: it looks too, where it is installed. `acts`: see
    `acts.py`; then agent and server are killed among them alone. Judged is what the agent has told by the end of a walk that began
    after the last change, however long that takes: a crowded machine may delay it, and nothing else.
    """
    await store.create()
    clock, dice = Clock(), random.Random(seed)
    agent = Agent(broker, box, MAPPING.format(source=store.mapping()))
    if config:
        text = agent.config.read_text("utf-8")
        begin, end = text.index("[capture]"), text.index("[mqtt]")
        agent.config.write_text(f"{text[:begin]}{config}{text[end:]}", "utf-8")
    office, others = Office(store, seed, clock), plain.all_peers()
    whole = Acts(store, office, agent, seed)
    if acts:
        await whole.begin()
    agent.hand_over(*(path for path in broker.box(box.name).iterdir()))
    await asyncio.to_thread(agent.start)
    rivals = AsyncExitStack()
    try:
        if dlt:
            others.append(await rivals.enter_async_context(plain.dlt(store)))
        polling = asyncio.create_task(plain.poll(store, [peer for peer in others if peer.asks]))
        working = asyncio.create_task(office.work(secs))
        if acts:
            await whole.play(secs)
        for _ in range(kills):
            await asyncio.sleep(secs / (kills + 1) * dice.uniform(0.6, 1.2))
            await asyncio.to_thread(agent.kill)
            await asyncio.to_thread(agent.start)
        if kills:
            await store.restart()
        await working
        table = await patiently(f"{store.engine}, its rows at the end", office.table)
        await asyncio.sleep(3)  # the plain cursors have had their last looks
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling
        await rivals.aclose()
        await all_told(agent, clock)
    finally:
        await rivals.aclose()
        await asyncio.to_thread(agent.stop)
    records = await _records(agent.folder, box)
    known = _newest(records)
    return Outcome(
        store.engine,
        len(table),
        len(office.journal),
        compared(table, known),
        {peer.name: compared(table, peer.rows) for peer in others},
        _delays(office.journal, records),
        kills,
        len(whole.done),
        whole.false_findings(records) if acts else [],
        _wrong(table, known, office.journal, whole.done),
    )


def _wrong(
    table: dict[int, Content], known: dict[int, Content], journal: list[Entry], done: list[tuple[str, int]]
) -> list[str]:
    found = []
    for key in sorted(table.keys() | known.keys()):
        if table.get(key) != known.get(key):
            at, kind = max(((e.at_wall, e.kind) for e in journal if e.key == key), default=(0, "nobody"))
            acts = [f"{name} {(wall - at) / SECOND:+.1f} s" for name, wall in done]
            found.append(f"row {key}: {table.get(key)}, known {known.get(key)}, last {kind}; acts {acts}")
    return found


async def _records(folder: Path, box: Box) -> list[Record]:
    buffer = await Buffer.open(
        folder / "data" / "buffer.db",
        seal=Sealing([(folder / "master.key").read_bytes()]),
        site=box.site,
        sign_key=crypto.sign_public((folder / "sign.key").read_bytes()),
        clock=Clock(),
        room=AMPLE,
    )
    try:
        found = await buffer.tail(0)
    finally:
        await buffer.close()
    return [item for item in found if item.kind is RecordKind.CASE]


def _newest(records: list[Record]) -> dict[int, Content]:
    """What the hall would hold."""
    newest: dict[str, Record] = {}
    for item in records:
        if item.key not in newest or item.version > newest[item.key].version:
            newest[item.key] = item
    return {int(key): content_in(item) for key, item in newest.items() if item.op is Op.PUT}


def _delays(journal: list[Entry], records: list[Record]) -> dict[str, list[float]]:
    """Of each change that stood until somebody could see it: the next change of its row came later than its capture."""
    by_key: dict[int, list[Record]] = {}
    for item in records:
        by_key.setdefault(int(item.key), []).append(item)
    found: dict[str, list[float]] = {"normal": [], "hot": [], "other": []}
    for entry in journal:
        for item in by_key.get(entry.key, []):
            same = (
                item.op is Op.DELETE
                if entry.content is None
                else item.op is Op.PUT and content_in(item) == entry.content
            )
            if same and item.cap_wall >= entry.at_wall - SECOND:
                found[_class(entry)].append(max(0.0, (item.cap_wall - entry.at_wall) / SECOND))
                break
    return found


def _class(entry: Entry) -> str:
    if entry.kind is Kind.STAMPED and not entry.late:
        return "normal"
    return "hot" if entry.kind is Kind.DELETED or entry.is_open else "other"
