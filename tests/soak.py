"""Long fault runs: `python -m tests.soak --what NAME --count N --seed N`; `make soak` calls it.

Progress goes to standard error; the run closes with one JSON line of counts on standard output. The exit status is
0 only if nothing was lost, nothing duplicated and nothing went unnoticed. A run is an entry of `RUNS`.
"""

import argparse
import asyncio
import itertools
import logging
import random
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import insert

from central import judge
from central.core.access import Role
from central.rebuild import examine
from central.store import tables
from central.store.engine import open_store
from central.web.page import HALL
from common.clock import Clock
from tests import asking, conforming, doctoring, filling, lasting, services, typed
from tests import damage as damaging
from tests import drill as drilling
from tests import herd as herding
from tests import points as pointed
from tests import tamper as tampering
from tests.browser import browser
from tests.camera import enduring
from tests.hazard.all import side_by_side
from tests.hazard.run import Loss
from tests.install import kills
from tests.integration import serving
from tests.journey import shown
from tests.keyed import keyed
from tests.law import year
from tests.law.histories import differing_seeds
from tests.law.test_cycles import differing_cycles
from tests.law.test_late import unjust_seeds, unsteady_seeds
from tests.real import figures as counted
from tests.real import logs, replay
from tests.real.chaos import say
from tests.sender import Sender

PATIENCE_SECS = 1800.0
"""After the last fault; a run that is not whole by then hangs."""


class Tally(Struct, frozen=True):
    """What a run found."""

    faults: int
    lost: int
    duplicated: int
    records: int
    unnoticed: int = 0
    missed: int | None = None
    stale: int | None = None
    undetected_deletes: int | None = None
    grown_mb: float | None = None
    grown_handles: int | None = None


class Line(Struct, frozen=True, omit_defaults=True):
    """The closing line; `error` where the run did not come to its end, `skipped` where the machine lacks what it needs."""

    what: str
    seed: int
    faults: int | None
    lost: int | None
    duplicated: int | None
    records: int | None
    secs: float
    unnoticed: int = 0
    missed: int | None = None
    stale: int | None = None
    undetected_deletes: int | None = None
    grown_mb: float | None = None
    grown_handles: int | None = None
    error: str = ""
    skipped: str = ""


async def kill(count: int, seed: int) -> Tally:
    """The municipalities (a sample, `MINGCHA_SAMPLE`) with `count` kills of agents, broker and hall."""
    return await _municipalities(logs.sample_size(60), count, seed)


async def real(count: int, seed: int) -> Tally:
    """All cases and steps of the municipalities with `count` kills."""
    return await _municipalities(None, count, seed)


async def figures(count: int, seed: int) -> Tally:
    """All cases of the municipalities: statistics, chart and score of `count` periods beside a naive count."""
    sites = logs.municipalities(None, seed)
    chance = random.Random(seed)
    with services.temporary_folder() as folder:
        store = await open_store(keyed(folder / "central.db"))
        await counted.load(store, sites)
        wrong: list[str] = []
        for _ in range(count):
            year = chance.randrange(2010, 2016)
            name = (
                f"{year}{chance.choice(['', '-H1', '-H2', '-Q1', '-Q2', '-Q3', '-Q4', '-03', '-06', '-10'])}"
            )
            wrong += await counted.differing(store, sites, name)
            say(f"{name}: {len(wrong)} differ so far")
        await store.close()
    for one in wrong:
        say(one)
    return Tally(count, len(wrong), 0, sum(len(cases) for cases in sites.values()))


async def tamper(count: int, seed: int) -> Tally:
    """Deletions, reorderings and edits on box, wire, broker and in the hall's database."""
    with services.temporary_folder() as folder:
        done = await tampering.run(folder, count, seed)
    for name, trials in sorted(done.trials.items()):
        say(f"{name}: {trials}")
    for name in done.unnoticed:
        say(f"nobody noticed: {name}")
    return Tally(count, 0, 0, 0, len(done.unnoticed))


async def damage(count: int, seed: int) -> Tally:
    """Flipped bits, zeroed pages and files cut short, in every file of a box."""
    with services.temporary_folder() as folder:
        done = await damaging.run(folder, count, seed)
    for name, trials in sorted(done.by_name().items()):
        say(f"{name}: {trials}")
    say(
        f"versions that only the buffer knew and that are lost: median {done.median_lost}, most {done.most_lost}"
    )
    say(f"at work again within {done.slowest_secs:.1f} s")
    for item in done.wrong:
        say(f"{item.done}: {item.wrong}")
    return Tally(count, len(done.wrong), 0, 0)


async def disk(count: int, seed: int) -> Tally:
    """A box's small disk is filled and freed again and again, while the office works on."""
    done = await filling.run(count, seed)
    say(
        f"at work again within {done.slowest_secs:.1f} s of room; lines in the log per outage: {done.most_lines}"
    )
    unnoticed = int(done.slowest_secs > filling.LIMIT_SECS) + int(done.most_lines > filling.MOST_LINES)
    return Tally(count, done.lost, done.duplicated, done.records, unnoticed)


async def doctor(count: int, seed: int) -> Tally:
    """Faults on one site, one by one: the doctor must name the one cause of each, alone. `unnoticed`: those it did not."""
    found = await doctoring.everything(count, seed)
    secs = sorted(item.secs for item in found)
    say(
        f"median {secs[len(secs) // 2]:.1f} s, slowest {secs[-1]:.1f} s, most CPU {max(item.cpu_secs for item in found):.1f} s, "
        f"over {doctoring.TARGET_SECS:.0f} s: {sum(one > doctoring.TARGET_SECS for one in secs)}"
    )
    return Tally(len(found), 0, 0, 0, sum(bool(item.wrong) for item in found))


async def drill(count: int, seed: int) -> Tally:
    """Faults of every kind, one by one: each must be named rightly on both sides within a minute."""
    found = await drilling.run(count, seed)
    unnamed = [item for item in found if item.wrong]
    for item in unnamed:
        say(f"not named: {item.name}: {item.wrong}")
    say(f"slowest of the others: {max((item.secs for item in found if not item.wrong), default=0.0):.1f} s")
    return Tally(len(found), 0, 0, 0, len(unnamed))


async def herd(count: int, seed: int) -> Tally:
    """18 real boxes and `count` light ones lose their line for a minute and come back together."""
    done = await herding.run(count, seed)
    say(
        f"steady again: the real ones in {done.real_secs:.1f} s, the light ones in {done.light_secs:.1f} s; "
        f"sent in vain: {done.again:.2%}"
    )
    return Tally(1, done.lost, done.duplicated, done.records, done.unmet)


async def points(count: int, seed: int) -> Tally:
    """Kills of box, broker and hall right before and after each named point of box and hall."""
    done = await pointed.run(count, seed)
    for kill in done.unreached:
        say(f"nobody came by: {kill}")
    if done.unproven:
        say(f"mingcha verify: {done.unproven}")
    return Tally(done.faults, done.lost, done.duplicated, done.records, int(bool(done.unproven)))


async def hazard(count: int, seed: int) -> Tally:
    """`count` times eight clerks for 30 s on three engines side by side; every second time agent and server are killed, every third of
    the others an old backup is put back, rows are numbered anew, the table is altered, and the zone is another (`hazard/acts.py`).

    Delays are those of the undisturbed times. `unnoticed` counts what would have accused somebody of such an act.
    """
    losses, delays, kills, records, false = [], defaultdict[str, list[float]](list), 0, 0, 0
    peers = defaultdict[str, list[Loss]](list)
    for number in range(count):
        is_acted, killed = number % 6 == 0, 2 * (number % 2)
        how = QUICK if is_acted else DEFAULTS
        for item in await side_by_side(seed + number, 30, killed, how, dlt=not is_acted, acts=is_acted):
            say(f"seed {seed + number} {item.engine}: {item.changes} changes, {item.acts} acts, {item.loss}")
            for line in [*(f"false: {line}" for line in item.false), *item.wrong]:
                say(line)
            false += len(item.false)
            losses.append(item.loss)
            kills, records = kills + item.kills, records + item.changes
            for name, loss in item.peers.items():
                peers[name].append(loss)
            for kind, found in item.delays.items() if not item.kills and not is_acted else ():
                delays[kind] += found
    for name, of_peer in peers.items():
        say(f"{name}: {_sum(of_peer)}")
    for kind, found in delays.items():
        say(
            f"{kind}: {len(found)} changes, p50 {_percentile(found, 50):.1f} s, p99 {_percentile(found, 99):.1f} s"
        )
    whole = _sum(losses)
    return Tally(kills, 0, 0, records, false, whole.missed, whole.stale, whole.undetected_deletes)


DEFAULTS = "[capture]\n"
QUICK = "[capture]\npoll_secs = 0.5\nsweep_secs = 0.5\nhot_secs = 2.0\nduty = 1.0\nrows_per_sec = 100000\npage_rows = 20\n"


async def document(count: int, seed: int) -> Tally:
    """`count` editable copies of every kind as LibreOffice renders them: texts not shown, glyphs beside the type area."""
    done = await typed.run(count, seed)
    say(f"{done.documents} documents, {done.pages} pages, {done.outside} glyphs outside")
    return Tally(done.documents, done.lost, 0, done.pages, done.outside)


async def install(count: int, seed: int) -> Tally:
    """`count` SIGKILLs of the one command at random moments; a second box of a site counts as a duplicate."""
    found = await asyncio.to_thread(kills.run, count, seed)
    return Tally(found.kills, found.lost, found.spare, found.records)


def _sum(losses: list[Loss]) -> Loss:
    return Loss(
        sum(item.missed for item in losses),
        sum(item.stale for item in losses),
        sum(item.undetected_deletes for item in losses),
    )


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[len(values) * percent // 100] if values else 0.0


async def camera(count: int, seed: int) -> Tally:
    """`count` hours of cameras, fault after fault: none `unnoticed`, nor that anything has grown. `records`: key frames."""
    found = await asyncio.to_thread(enduring.run, count, seed)
    say(str(found))
    unnoticed, grown = found.unnoticed + found.unheard + found.is_grown, (found.grown_mb, found.grown_handles)
    return Tally(found.faults, 0, 0, found.frames, unnoticed, None, None, None, *grown)


async def clock(count: int, seed: int) -> Tally:
    """`count` random histories, engine against oracle, on every core of the machine, and a tenth as many of cases that had
    ended and open again; each difference is `unnoticed`."""
    found = _seeded(differing_seeds, count, seed, 10_000)
    again = _seeded(differing_cycles, count // 10, seed, 1_000)
    return msgspec.structs.replace(found, unnoticed=found.unnoticed + again.unnoticed)


async def outage(count: int, seed: int) -> Tally:
    """`count` outages with decisions in the buffer and clocks up to a day wrong; each unjust red light is `unnoticed`."""
    return _seeded(unjust_seeds, count, seed, 100)


async def late(count: int, seed: int) -> Tally:
    """`count` histories with late entries, the line up and cut for a month; each that ends otherwise is `unnoticed`."""
    return _seeded(unsteady_seeds, count, seed, 5)


def _seeded(differing: Callable[[int, int], list[int]], count: int, seed: int, part: int) -> Tally:
    starts = range(seed * 1_000_000_000, seed * 1_000_000_000 + count, part)
    wrong: list[int] = []
    with ProcessPoolExecutor() as pool:
        for done, found in enumerate(pool.map(differing, starts, itertools.repeat(part)), 1):
            wrong += found
            if done % 100 == 0:
                say(f"{done * part:,} histories, {len(wrong)} differ")
    for number in wrong[:10]:
        say(f"history {number} differs")
    return Tally(count, 0, 0, count, unnoticed=len(wrong))


async def rebuild(count: int, seed: int) -> Tally:
    """`count` cases live for two years in a hall on SQLite; then all are judged anew. Each difference is `unnoticed`."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(keyed(Path(folder) / "central.db"))
        async with store.write() as conn:
            await conn.execute(
                insert(tables.site).values(id="s01", name="云溪镇", kind="township", position=0)
            )
            box = {"site": "s01", "generation": 1, "sign_key": Sender().sign_key, "state": "active"}
            await conn.execute(insert(tables.box).values(**box, created_wall=0))
            world = await judge.load_world(conn, ZoneInfo("Asia/Shanghai"))
        now = await year.live(store, world, count, seed)
        async with store.read() as conn:
            first, second = [await examine(conn, world, now) for _ in range(2)]
        await store.close()
    say(f"{first.cases} cases, {first.reds} red, {first.waits} not judged yet, digest {first.digest}")
    return Tally(0, 0, 0, first.clocks, unnoticed=len(first.differs) + (first.digest != second.digest))


async def wall(count: int, seed: int) -> Tally:
    """`count` messages of a hall's stream into one open wall in Chromium; `grown_mb` of heap, `unnoticed`: that anything has grown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        place = serving.serve(Path(folder), serving.FridayClock(), cases_a_day=12)
        async with place as hall, browser(Path(folder) / "profile") as page:
            for name, value in (await hall.session(Role.WALL)).items():
                await page.cookie(name, value, hall.url)
            await page.size(1920, 1080)
            await page.open(f"{hall.url}/hall")
            grown = await lasting.run(page, hall.app[HALL].wall, count, seed)
    say(str(grown))
    return Tally(0, 0, 0, grown.messages, int(not grown.is_lasting), None, None, None, grown.heap_bytes / 1e6)


async def api(count: int, seed: int) -> Tally:
    """`count` requests made of the API's own description to a hall of 18 sites, and schemathesis with as many an address; a run that
    meets an answer that is not described is `unnoticed`."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        async with serving.serve(Path(folder), Clock(), second_factor=(Role.IT,)) as hall:
            found = await asking.run(hall, count, seed)
            judged = {
                login: await conforming.run(hall, Path(folder), login, count, seed) for login in asking.MAY
            }
    for (path, status), number in sorted(found.seen.items()):
        say(f"{path} {status}: {number}")
    if found.wrong:
        say(f"not described: {found.wrong}")
    for login, one in judged.items():
        say(f"schemathesis as {login}: {one.asked} {one.wrong}")
    asked = found.seen.total() + sum(one.asked for one in judged.values())
    return Tally(0, 0, 0, asked, bool(found.wrong) + sum(bool(one.wrong) for one in judged.values()))


async def demo(count: int, seed: int) -> Tally:
    """`count` times the demonstration: as soon as two of its red lights have corrections, one is carried to its closing and one through
    an appeal to withdrawal, in browsers; then its hall is rebuilt, and its documents and its audit are verified.
    """
    del seed
    done = 0
    for _ in range(count):
        with services.temporary_folder() as folder:
            folder.chmod(0o755)  # the broker's own account goes there
            done += await shown.carried_in(folder)
    return Tally(2 * count, 2 * count - done, 0, 0)


RUNS: dict[str, Callable[[int, int], Coroutine[Any, Any, Tally]]] = {
    "api": api,
    "camera": camera,
    "clock": clock,
    "damage": damage,
    "demo": demo,
    "disk": disk,
    "document": document,
    "doctor": doctor,
    "drill": drill,
    "hazard": hazard,
    "herd": herd,
    "install": install,
    "kill": kill,
    "late": late,
    "outage": outage,
    "points": points,
    "real": real,
    "figures": figures,
    "rebuild": rebuild,
    "tamper": tamper,
    "wall": wall,
}


async def _municipalities(size: int | None, count: int, seed: int) -> Tally:
    cases = logs.municipalities(size, seed)
    async with services.mariadb() as mariadb, services.postgresql() as postgresql:
        outcome = await replay.run(
            mariadb, postgresql, cases, kills=count, seed=seed, patience_secs=PATIENCE_SECS
        )
    say(f"kills {outcome.kills}, whole {outcome.quiet_secs} s after the last of them")
    for problem in outcome.verdict.problems:
        say(problem)
    verdict = outcome.verdict
    return Tally(sum(outcome.kills.values()), verdict.lost, verdict.duplicated, verdict.records)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--what", choices=sorted(RUNS), required=True)
    parser.add_argument("--count", type=int, default=20, help="number of faults")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    try:
        tally = asyncio.run(RUNS[given.what](given.count, given.seed))
    except typed.MissingError as missing:
        secs = round(time.monotonic() - began, 1)
        _close(Line(given.what, given.seed, None, None, None, None, secs, skipped=str(missing)))
        return 0
    except Exception as error:  # noqa: BLE001  whatever ended the run, the line is printed
        traceback.print_exc()
        secs = round(time.monotonic() - began, 1)
        _close(Line(given.what, given.seed, None, None, None, None, secs, error=str(error)[:500]))
        return 1
    secs = round(time.monotonic() - began, 1)
    counts = (tally.faults, tally.lost, tally.duplicated, tally.records)
    capture = (tally.missed, tally.stale, tally.undetected_deletes)
    grown = (tally.grown_mb, tally.grown_handles)
    _close(Line(given.what, given.seed, *counts, secs, tally.unnoticed, *capture, *grown))
    return int(any([tally.lost, tally.duplicated, tally.unnoticed, *capture]))


def _close(line: Line) -> None:
    print(msgspec.json.encode(line).decode(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
