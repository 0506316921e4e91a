"""What the hall does with batches, over both databases: commit once, fold, judge, and never light red from silence."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, delete, func, insert, select, update

from central import judge, ticker, verify
from central.core.flaw import What
from central.core.item import Item
from central.ingest import Outcome, ingest_batches, take_parked
from central.judge import Moment, World
from central.opening import open_batch, refusal
from central.store import commands, facts, items
from central.store import tables as t
from central.store.engine import Store, open_store
from central.welcome import introduce
from common.clock import Clock
from common.core import checkpoint
from common.core.batch import BatchError, Lane
from common.core.instant import DAY, HOUR, MINUTE, SECOND, to_us
from common.core.record import Anew, Case, Gap, Op, Pass, Record, Result
from common.core.state import CaseStatus, LetterState, Light
from common.core.state import Outcome as CommandOutcome
from tests import halls
from tests.sender import SECRETS, SIGN_KEY, Sender, case, draft, passed

ZONE = ZoneInfo("Asia/Shanghai")
ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


def at(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZONE))


NOW = at("2026-03-18T10:00")


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    opened = await open_store(await halls.empty(tmp_path, server))
    async with opened.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
        )
        await conn.execute(insert(t.box), [box_row(1)])
    yield opened
    await opened.close()


def box_row(generation: int, state: str = "active") -> dict[str, Any]:
    key = Sender().sign_key
    return {
        "site": "s01",
        "generation": generation,
        "sign_key": key,
        "state": state,
        "created_wall": 0,
    }


@pytest.fixture
async def world(store: Store) -> World:
    async with store.write() as conn:
        await items.add(conn, [Item("SX1", "食品经营许可", 20, 10)], "w", "test", 0)
        return await judge.load_world(conn, ZONE)


async def welcomed(store: Store, sender: Sender) -> str:
    async with store.write() as conn:
        return (await introduce(conn, sender.site, sender.hello(), NOW)).refused


async def taken(store: Store, world: World, *payloads: bytes, now: int = NOW, wall: int = 0) -> Outcome:
    opened = [open_batch("s01", payload, SECRETS, SIGN_KEY) for payload in payloads]
    async with store.write() as conn:
        return await ingest_batches(conn, opened, world, Moment(now, wall or now))


async def lights(store: Store) -> dict[str, str]:
    async with store.read() as conn:
        return {row.case_key: row.light for row in await conn.execute(select(t.case))}


async def count(store: Store, table: Any) -> int:
    async with store.read() as conn:
        return int(await conn.scalar(select(func.count()).select_from(table)) or 0)


async def sent(store: Store, world: World, drafts: Sequence[Record], *, now: int = NOW) -> Sender:
    sender = Sender()
    sender.number(*drafts)
    assert await welcomed(store, sender) == ""
    await taken(store, world, sender.payload(), now=now)
    return sender


@pytest.mark.filterwarnings(
    "ignore:.*expression-based index"
)  # SQLite does not show them; test_lists.py sees them used
async def test_the_migrated_schema_is_the_metadata(store: Store) -> None:
    def differences(conn: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(conn), t.metadata))

    async with store.read() as conn:
        assert await conn.run_sync(differences) == []


async def test_a_batch_is_acknowledged_with_what_is_held(store: Store, world: World) -> None:
    """P-HELLO-10: with the chain value up to where all of it is held, in every acknowledgement."""
    sender = Sender()
    sender.number(case("1"), case("2"), case("3"))
    await welcomed(store, sender)
    outcome = await taken(store, world, sender.payload(2, 3), now=NOW)
    assert (outcome.acks[0][1].upto, outcome.acks[0][1].ranges) == (0, [(2, 3)])
    assert outcome.acks[0][1].upto_hash == b""
    outcome = await taken(store, world, sender.payload(1, 1), now=NOW)
    assert (outcome.acks[0][1].upto, outcome.acks[0][1].ranges) == (3, [])
    assert outcome.acks[0][1].upto_hash == sender.chain[3]
    sender.number(case("4"), case("5"), case("6"))
    for last, payload in ((4, sender.payload(4, 4)), (4, sender.payload(6, 6)), (6, sender.payload(1, 5))):
        ack = (await taken(store, world, payload)).acks[0][1]
        assert (ack.upto, ack.upto_hash) == (last, sender.chain[last])


async def test_a_batch_that_comes_again_in_any_cut_changes_nothing(store: Store, world: World) -> None:
    sender = await sent(store, world, [case("1"), case("2"), case("3")])
    await taken(store, world, sender.payload(1, 2), sender.payload(2, 3), sender.payload(1, 3, Lane.BULK))
    assert await count(store, t.record) == 3
    assert await count(store, t.row_head) == 3


async def test_an_epoch_nobody_introduced_is_not_written(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(case("1"))
    outcome = await taken(store, world, sender.payload())
    assert outcome.acks[0][1].nacks[0].code == "unknown_epoch"
    assert await count(store, t.record) == 0


async def test_a_rewritten_record_is_a_fork(store: Store, world: World) -> None:
    sender = await sent(store, world, [case("1"), case("2")])
    twin = Sender()
    twin.epoch, twin.chain = sender.epoch, sender.chain[:1]
    twin.number(case("1", item_name="另一件"), case("2"), case("3"))
    outcome = await taken(store, world, twin.payload())
    assert [(nack.code, nack.permanent) for nack in outcome.acks[0][1].nacks] == [("fork", True)]
    assert await count(store, t.record) == 2
    assert await welcomed(store, twin) == ""  # it says more than we hold: the fork shows at the first batch
    shorter = Sender()
    shorter.epoch = sender.epoch
    assert await welcomed(store, shorter) == "fork"


async def test_an_older_generation_is_told_that_it_was_replaced(store: Store) -> None:
    known = Sender(generation=1)
    assert await welcomed(store, known) == ""
    async with store.write() as conn:
        await conn.execute(update(t.box).values(state="draining"))
        await conn.execute(insert(t.box), [box_row(2)])
    assert await welcomed(store, Sender(generation=2)) == ""
    assert await welcomed(store, known) == ""  # it may still deliver what it has
    assert await welcomed(store, Sender(generation=1)) == "superseded"
    async with store.write() as conn:
        await conn.execute(update(t.box).where(t.box.c.generation == 2).values(state="retired"))
    assert await welcomed(store, Sender(generation=2)) == "retired"
    with pytest.raises(ValueError, match="not registered"):
        await welcomed(store, Sender(generation=3))


async def test_versions_in_any_order_end_in_the_newest(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(*(case("1", version=n, item_name=f"第{n}版") for n in (1, 2, 3)))
    await welcomed(store, sender)
    for n in (3, 1, 2):
        await taken(store, world, sender.payload(n, n))
    async with store.read() as conn:
        row = (await conn.execute(select(t.case))).one()
    assert row.item_name == "第3版"


async def test_a_new_epoch_outranks_the_old_one(store: Store, world: World) -> None:
    await sent(store, world, [case("1", version=7, item_name="旧")])
    newer = Sender()
    newer.number(case("1", version=1, item_name="新"))
    await welcomed(store, newer)
    await taken(store, world, newer.payload())
    async with store.read() as conn:
        assert (await conn.execute(select(t.case.c.item_name))).scalar_one() == "新"


async def test_a_deleted_row_keeps_what_was_seen(store: Store, world: World) -> None:
    gone = draft(Case(case_key="1"), key="1", version=2, op=Op.DELETE)
    await sent(store, world, [case("1", item_name="低保"), gone])
    async with store.read() as conn:
        row = (await conn.execute(select(t.case))).one()
    assert (row.deleted, row.open, row.item_name) == (True, False, "低保")


async def test_a_record_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(
    store: Store, world: World
) -> None:
    sender = Sender()
    sender.number(case("1"))
    raw = b"\x93\x01\x02\x03"
    sender.raws.append(raw)
    sender.chain.append(_chained(sender, raw))
    sender.number(case("3"))
    await welcomed(store, sender)
    ack = (await taken(store, world, sender.payload())).acks[0][1]
    assert [(nack.first, nack.code, nack.permanent) for nack in ack.nacks] == [(2, "bad_record", True)]
    assert ack.upto == 3
    assert (await count(store, t.dead_letter), await count(store, t.case)) == (1, 2)


def _chained(sender: Sender, raw: bytes) -> bytes:
    from common.core import crypto

    return crypto.chain_next(sender.chain[-1], sender.newest, raw)


async def test_a_text_no_column_can_hold_is_set_aside_by_itself(store: Store, world: World) -> None:
    """NUL: SQLite would take it, PostgreSQL refuses the whole statement."""
    sender = Sender()
    sender.number(case("1"), case("2", item_name="低\0保"), case("3"))
    await welcomed(store, sender)
    ack = (await taken(store, world, sender.payload())).acks[0][1]
    assert [(nack.first, nack.code) for nack in ack.nacks] == [(2, "bad_record")]
    assert (ack.upto, await count(store, t.case)) == (3, 2)


async def test_a_batch_of_an_unknown_schema_is_held_and_taken_in_when_it_is_known(
    store: Store, world: World
) -> None:
    """P-NACK-04"""
    sender = Sender()
    sender.number(*(case(key, at=NOW - HOUR) for key in "123"))
    sender.number(passed(NOW - HOUR, tables=["case"], mapped=["case"]))
    await welcomed(store, sender)
    await taken(store, world, sender.payload(1, 1))
    ack = (await taken(store, world, sender.payload(2, 3, schema=2))).acks[0][1]
    assert (ack.upto, ack.nacks) == (3, [])
    ack = (await taken(store, world, sender.payload(2, 3, schema=2), sender.payload(4, 4))).acks[0][1]
    assert (ack.upto, await count(store, t.parked_batch), await count(store, t.case)) == (4, 1, 1)
    assert await count(store, t.site_pass) == 0, "nobody knows what they said"
    async with store.write() as conn:
        assert await take_parked(conn, world, Moment(NOW, NOW)) == 0
        found = (await verify.examine(conn, ZONE, NOW))[0].epochs[0].findings
        assert [(item.what, item.lo, item.hi) for item in found] == [(What.PARKED, 2, 3)]
        await conn.execute(
            update(t.parked_batch).values(schema=1)
        )  # what an upgrade of this program comes to
        assert await take_parked(conn, world, Moment(NOW, NOW)) == 2
        assert await take_parked(conn, world, Moment(NOW, NOW)) == 0
        assert (await verify.examine(conn, ZONE, NOW))[0].everything == []
    assert (await count(store, t.case), await count(store, t.site_pass)) == (3, 1)


@pytest.mark.parametrize("schema", [-5, 0, 10, 99, 1 << 62])
def test_a_schema_that_never_was_is_refused_and_not_kept_for_an_upgrade(schema: int) -> None:
    """P-NACK-04: it would keep its site grey for ever."""
    sender = Sender()
    sender.number(case("1"))
    with pytest.raises(BatchError, match="schema") as caught:
        open_batch("s01", sender.payload(schema=schema), SECRETS, SIGN_KEY)
    assert caught.value.code == "bad_batch"
    for known in (1, 2, 9):
        open_batch("s01", sender.payload(schema=known), SECRETS, SIGN_KEY)


def test_a_batch_that_cannot_be_opened_is_answered_to_who_sent_it_alone() -> None:
    sender = Sender()
    sender.number(case("1"))
    assert refusal("s02", sender.payload(), "bad_batch", 0) is None
    answer = refusal("s01", sender.payload(), "bad_seal", 0)
    assert answer is not None
    assert [(nack.first, nack.code, nack.permanent) for nack in answer.nacks] == [(1, "bad_seal", False)]


async def test_a_checkpoint_that_is_forged_or_contradicts_its_batch_is_a_dead_letter(
    store: Store, world: World
) -> None:
    """P-CHAIN-07"""
    sender = Sender()
    sender.number(case("1"), case("2"))
    sender.sign()
    honest = checkpoint.signed(sender.sign_secret, "s01", sender.epoch, 3, sender.chain[2], 0)
    forged = checkpoint.signed(b"t" * 32, "s01", sender.epoch, 3, sender.chain[3], 0)
    sender.number(draft(honest), draft(forged))
    await welcomed(store, sender)
    outcome = await taken(store, world, sender.payload())
    assert [(nack.first, nack.last, nack.permanent) for nack in outcome.acks[0][1].nacks] == [(4, 5, True)]
    assert outcome.acks[0][1].upto == 5
    async with store.read() as conn:
        reasons = [
            row.reason for row in await conn.execute(select(t.dead_letter).order_by(t.dead_letter.c.seq))
        ]
    assert reasons == [
        "the checkpoint's chain value at 3 differs",
        "the checkpoint's signature does not verify",
    ]


async def test_a_declared_gap_lets_the_rest_count(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(case("1"), case("2"), draft(Gap(2, 2, "damaged"), key="2-2"))
    await welcomed(store, sender)
    await taken(store, world, sender.payload(1, 1))
    ack = (await taken(store, world, sender.payload(3, 3))).acks[0][1]
    assert (ack.upto, ack.ranges) == (3, [])


# lights ------------------------------------------------------------------------------------------------------


async def test_a_former_epoch_ends_where_its_box_says_so(store: Store, world: World) -> None:
    """P-GAP-06"""
    other, old, new = Sender(), Sender(generation=2), Sender(generation=2)
    old.number(*(case(str(n)) for n in range(1, 7)), passed(NOW))
    assert await welcomed(store, other) == ""
    async with store.write() as conn:
        await conn.execute(update(t.box).values(state="draining"))
        await conn.execute(insert(t.box), [box_row(2)])
    for sender in (old, new):
        assert await welcomed(store, sender) == ""
    await taken(store, world, old.payload(1, 2), old.payload(5, 5), old.payload(7, 7))
    stranger = draft(Gap(1, 9, "moved", epoch=old.epoch), at=NOW)
    other.number(
        stranger, draft(Gap(1, 9, "moved", epoch=other.epoch)), draft(Gap(1, 9, "moved", epoch=b"never"))
    )
    await taken(store, world, other.payload())
    assert (await _held(store, old)) == (2, [(1, 2), (5, 5), (7, 7)]), (
        "of another generation it may not say so"
    )
    new.number(case("1"), draft(Gap(3, 4, "moved", before=old.chain[2], epoch=old.epoch), at=NOW), case("8"))
    await taken(store, world, new.payload())
    assert await _held(store, old) == (7, [(1, 7)])
    async with store.read() as conn:
        assert await _until(conn) is None, "what its passes said proves nothing any more"
        (report,) = await verify.examine(conn, ZONE, NOW)
    declared = [(item.lo, item.hi) for item in report.epochs[1].findings if item.what is What.DECLARED]
    assert declared == [(3, 4), (6, 6)]
    assert {item.what for item in report.everything} <= {What.DECLARED, What.UNPROVEN}


async def _held(store: Store, sender: Sender) -> tuple[int, list[tuple[int, int]]]:
    async with store.read() as conn:
        row = await facts.cursor(conn, "s01", sender.epoch)
    assert row is not None
    return row.upto, [(item.lo, item.hi) for item in facts.decode_ranges(row.ranges)]


async def test_a_light_waits_for_the_data_and_says_that_it_did(store: Store, world: World) -> None:
    """Due 03-16 24:00; at first the site's data is whole only up to the 10th."""
    sender = Sender()
    accepted: dict[str, Any] = {"accepted_at": "2026-03-02T09:00:00+08:00", "item_code": "SX1"}
    sender.number(case("1", at=at("2026-03-02T09:01"), **accepted), passed(at("2026-03-10T09:00")))
    await welcomed(store, sender)
    await taken(store, world, sender.payload())
    assert await lights(store) == {"1": Light.GREY}
    sender.number(passed(NOW - MINUTE))
    await taken(store, world, sender.payload(3, 3), wall=NOW + HOUR)
    assert await lights(store) == {"1": Light.RED}
    async with store.read() as conn:
        rows = list(await conn.execute(select(t.transition).order_by(t.transition.c.id)))
    assert [(row.before, row.after, row.late) for row in rows if row.clock == "promise"] == [
        ("none", "grey", False),
        ("grey", "red", True),
    ]
    assert rows[-1].since_at == at("2026-03-17T00:00")


async def test_a_decision_in_the_boxs_buffer_never_becomes_an_unjust_red(store: Store, world: World) -> None:
    sender = Sender()
    accepted: dict[str, Any] = {"accepted_at": "2026-03-02T09:00:00+08:00", "item_code": "SX1"}
    sender.number(case("1", **accepted), passed(at("2026-03-10T09:00")))
    await welcomed(store, sender)
    await taken(store, world, sender.payload())
    sender.number(
        case("1", version=2, finished_at="2026-03-12T09:00:00+08:00", **accepted), passed(NOW - MINUTE)
    )
    await taken(store, world, sender.payload(4, 4))
    assert await lights(store) == {"1": Light.GREY}
    await taken(store, world, sender.payload(3, 3))
    assert await lights(store) == {"1": Light.GREEN}


async def test_time_alone_turns_lights_yellow_and_red(store: Store, world: World) -> None:
    clock = _DrivenClock(at("2026-03-10T10:00"))
    accepted: dict[str, Any] = {"accepted_at": "2026-03-02T09:00:00+08:00", "item_code": "SX1"}
    sender = await sent(store, world, [case("1", **accepted), passed(clock.now)], now=clock.now)
    assert await lights(store) == {"1": Light.GREEN}
    assert await ticker.tick_once(store, world, clock) == 0
    clock.now = at("2026-03-13T00:00")
    assert await ticker.tick_once(store, world, clock) == 1
    assert await lights(store) == {"1": Light.YELLOW}
    clock.now = at("2026-03-17T00:00") + SECOND
    await ticker.tick_once(store, world, clock)
    assert await lights(store) == {"1": Light.GREY}
    sender.number(passed(clock.now))
    await taken(store, world, sender.payload(sender.newest), now=clock.now)
    assert await lights(store) == {"1": Light.RED}
    assert await ticker.tick_once(store, world, clock) == 0


async def test_a_box_whose_clock_is_ahead_makes_nobody_late_before_his_time(
    store: Store, world: World
) -> None:
    """P-PASS-05: by its own word it is whole beyond the limit, but nobody has seen that far yet."""
    sender = Sender()
    accepted: dict[str, Any] = {"accepted_at": "2026-03-02T09:00:00+08:00", "item_code": "SX1"}
    now = at("2026-03-13T09:00")
    sender.number(case("1", **accepted), passed(at("2026-03-20T09:00")))
    sender.number(draft(Pass(at("2026-03-13T08:00"), {"case": 1, "step": 1}), at=now))
    await welcomed(store, sender)
    await taken(store, world, sender.payload(), now=now)
    async with store.read() as conn:
        assert await _until(conn) == now
    sender.number(draft(Pass(now + MINUTE, {"case": 1, "step": 1}, clock_err=10 * SECOND), at=now + MINUTE))
    await taken(store, world, sender.payload(4), now=now + MINUTE)
    async with store.read() as conn:
        assert await _until(conn) == now + 50 * SECOND


async def test_a_pass_by_a_clock_that_was_never_compared_proves_nothing(store: Store, world: World) -> None:
    """P-PASS-05"""
    sender = Sender()
    sender.number(draft(Pass(NOW - MINUTE, {"case": 1, "step": 1}), at=NOW))
    await welcomed(store, sender)
    await taken(store, world, sender.payload())
    async with store.read() as conn:
        assert await _until(conn) is None
    assert await count(store, t.record) == 1


@pytest.mark.parametrize(
    "body",
    [
        Pass(-(2**63), {"case": 1}, [], None, 1),
        Pass(NOW, {"case": 1}, ["case", "a\0b"], None, 0),
        Gap(2, 2**63 - 1, "moved", epoch=b"12345678"),
        Case(case_key="1", legal=2**63 - 1),
    ],
)
async def test_figures_and_texts_that_no_database_can_reckon_with_are_set_aside_alone(
    store: Store, world: World, body: Case | Gap | Pass
) -> None:
    """P-WIRE-03, P-NACK-02"""
    sender = Sender()
    sender.number(case("1"), draft(body, at=NOW), case("2"))
    await welcomed(store, sender)
    outcome = await taken(store, world, sender.payload())
    ack = outcome.acks[0][1]
    assert (ack.upto, [nack.first for nack in ack.nacks]) == (3, [2])
    assert await count(store, t.record) == 2


async def test_a_record_of_the_end_of_time_is_set_aside(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(case("1", at=-(2**63), wall=1), case("2", at=-(2**62), wall=1))
    await welcomed(store, sender)
    await taken(store, world, sender.payload())
    assert await count(store, t.record) == 1


async def test_how_long_a_row_waited_is_reckoned_by_one_clock(store: Store, world: World) -> None:
    """A box a day behind sends its backlog at once: nothing of it is judged late because of the clock."""
    sender = Sender()
    yesterday = NOW - 24 * 60 * MINUTE
    overdue: dict[str, Any] = {"accepted_at": "2026-03-02T09:00:00+08:00", "item_code": "SX1"}
    sender.number(
        case("1", wall=yesterday, **overdue), case("2", wall=yesterday - HOUR, **overdue), passed(NOW)
    )
    await welcomed(store, sender)
    await taken(store, world, sender.payload(lane=Lane.BULK, sent_wall=yesterday + SECOND))
    async with store.read() as conn:
        late = {
            row.case_key: row.late for row in await conn.execute(select(t.transition)) if row.after == "red"
        }
        record_wall = await conn.scalar(select(t.site_status.c.record_wall))
    assert late == {"1": False, "2": True}
    assert record_wall == NOW - SECOND


class _DrivenClock(Clock):
    """Office time as the test says; the other two clocks are real."""

    def __init__(self, now: int) -> None:
        super().__init__()
        self.now = now

    def office(self, mono: int | None = None) -> int:
        return self.now


async def test_a_case_that_cannot_be_judged_is_put_off_and_blocks_nobody(store: Store, world: World) -> None:
    """A date that no calendar has: only a faulty box can send it."""
    await sent(store, world, [case("1", accepted_at="2026-02-30"), case("2"), passed(NOW)])
    assert await lights(store) == {"2": Light.NONE}
    async with store.read() as conn:
        row = (await conn.execute(select(t.clock).where(t.clock.c.case_key == "1"))).one()
    assert row.next_check_at == NOW + HOUR


async def test_passes_count_only_when_every_lower_number_is_here(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(case("1"), passed(NOW - DAY), case("2"), passed(NOW))
    await welcomed(store, sender)
    await taken(store, world, sender.payload(4, 4), sender.payload(1, 2))
    async with store.read() as conn:
        assert await _until(conn) == NOW - DAY
    await taken(store, world, sender.payload(3, 3))
    async with store.read() as conn:
        assert await _until(conn) == NOW


async def test_a_table_that_left_the_mapping_holds_completeness_back_no_longer(
    store: Store, world: World
) -> None:
    sender = Sender()
    sender.number(passed(NOW - DAY, ["case", "step", "step.old"]))
    sender.number(passed(NOW, ["case", "step"], ["case", "step"]))
    await welcomed(store, sender)
    await taken(store, world, sender.payload(1, 1))
    async with store.read() as conn:
        assert await _until(conn) == NOW - DAY
    await taken(store, world, sender.payload(2, 2))
    async with store.read() as conn:
        assert await _until(conn) == NOW


async def test_the_backlog_of_an_older_mapping_does_not_forget_a_newer_table(
    store: Store, world: World
) -> None:
    sender = Sender()
    sender.number(passed(NOW, ["case", "step.new"], ["case", "step.new"]))
    sender.number(passed(NOW - DAY, ["case"], ["case"]))
    await welcomed(store, sender)
    await taken(store, world, sender.payload())
    async with store.read() as conn:
        assert set(await conn.scalars(select(t.site_pass.c.tbl))) == {"case", "step.new"}


async def _rows(store: Store) -> dict[str, bool]:
    """Key of a case -> whether it is deleted; rows and cases agree."""
    async with store.read() as conn:
        heads = {row.key: row.deleted for row in await conn.execute(select(t.row_head))}
        assert heads == {row.case_key: row.deleted for row in await conn.execute(select(t.case))}
    return heads


async def _verified(store: Store) -> list[str]:
    async with store.read() as conn:
        (report,) = await verify.examine(conn, ZONE, NOW)
    return [item.detail for item in report.findings]


async def test_a_row_that_was_not_sent_again_is_gone(store: Store, world: World) -> None:
    """P-PASS-02, P-PASS-04: a box that lost its index cannot name the rows that went meanwhile."""
    old = Sender()
    old.number(case("1"), case("2"), case("3", version=2), case("late"))
    await welcomed(store, old)
    await taken(store, world, old.payload(1, 3))
    new = Sender()
    new.number(case("1"), passed(NOW, anew=Anew(new.epoch, 0)), case("4"))
    await welcomed(store, new)
    await taken(store, world, new.payload(2, 2))
    assert await _rows(store) == {"1": False, "2": False, "3": False}, "the rest is still on its way"
    await taken(store, world, new.payload(1, 1))
    assert await _rows(store) == {"1": False, "2": True, "3": True}
    await taken(store, world, old.payload(4, 4), new.payload(3, 3))
    assert await _rows(store) == {"1": False, "2": True, "3": True, "4": False, "late": True}
    assert await _verified(store) == []
    new.number(case("2", version=4), case("4", version=5), passed(NOW + SECOND, anew=Anew(new.epoch, 4)))
    new.number(passed(NOW + MINUTE, anew=Anew(b"heard of", 9)), passed(NOW + MINUTE, anew=Anew(old.epoch, 9)))
    await taken(store, world, new.payload(4, 8))
    assert await _rows(store) == {"1": True, "2": True, "3": True, "4": False, "late": True}
    assert await _verified(store) == []


async def test_whoever_ends_rows_or_keeps_them_is_found(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(
        case("1"), case("2"), case("2", version=2), passed(NOW, ["case"], anew=Anew(sender.epoch, 1))
    )
    await welcomed(store, sender)
    await taken(store, world, sender.payload())
    assert await _rows(store) == {"1": True, "2": False}
    forged = update(t.anew).values(above=2), "没有采集记录说过", True
    for statement, words, is_deleted in (forged, (delete(t.anew), "未按此清理", False)):
        async with store.write() as conn:
            await conn.execute(statement)
            for table in (t.row_head, t.case):
                await conn.execute(update(table).values(deleted=is_deleted))
        (found,) = await _verified(store)
        assert words in found, found


async def test_a_row_is_not_gone_where_a_record_was_given_up_unread(store: Store, world: World) -> None:
    """P-PASS-04"""
    old = await sent(store, world, [case("1"), case("2")])
    new = Sender()
    new.number(case("1"))
    new.raws.append(b"\xc1")
    new.chain.append(_chained(new, b"\xc1"))
    new.number(passed(NOW, anew=Anew(new.epoch, 0)))
    await welcomed(store, new)
    await taken(store, world, new.payload())
    async with store.write() as conn:
        await conn.execute(update(t.dead_letter).values(state=LetterState.DROPPED.value))
    new.number(passed(NOW + SECOND, anew=Anew(new.epoch, 0)))
    await taken(store, world, new.payload(4, 4))
    assert await _rows(store) == {"1": False, "2": False}, "perhaps it was the second case"
    assert await _verified(store) == []
    assert old.newest == 2


async def test_a_pass_that_began_before_a_gap_was_declared_proves_nothing(store: Store, world: World) -> None:
    """P-GAP-04: the row that was lost is read again by a walk that begins after the declaration."""
    sender = Sender()
    sender.number(
        case("1"),
        draft(Gap(1, 1, "damaged"), key="1-1", at=NOW),
        passed(NOW - MINUTE),
        passed(NOW),
        passed(NOW + MINUTE),
    )
    await welcomed(store, sender)
    await taken(store, world, sender.payload(2, 4))
    async with store.read() as conn:
        assert await _until(conn) is None
    await taken(store, world, sender.payload(5, 5), now=NOW + MINUTE)
    async with store.read() as conn:
        assert await _until(conn) == NOW + MINUTE


async def test_the_sites_newest_box_alone_says_what_became_of_a_command(store: Store, world: World) -> None:
    """P-CMD-03"""
    old, new = Sender(), Sender(generation=2)
    assert await welcomed(store, old) == ""
    row = {"site": "s01", "act": "rotate", "args": "{}", "who": "w", "why": "y"}
    async with store.write() as conn:
        await commands.add(conn, {**row, "id": "01", "issued_wall": NOW, "expires_wall": NOW + HOUR})
        await conn.execute(update(t.box).values(state="draining"))
        await conn.execute(insert(t.box), [box_row(2)])
    assert await welcomed(store, new) == ""
    for sender, outcome, want in (
        (old, CommandOutcome.REFUSED, CommandOutcome.WAITING),
        (new, CommandOutcome.DONE, CommandOutcome.DONE),
        (new, CommandOutcome.FAILED, CommandOutcome.DONE),
    ):
        sender.number(draft(Result("01", "rotate", outcome, "")))
        await taken(store, world, sender.payload())
        async with store.read() as conn:
            (found,) = await commands.listed(conn, "s01", 9)
        assert found.outcome == want


async def _until(conn: Any) -> int | None:
    return await conn.scalar(select(func.min(t.site_pass.c.complete_until)))  # type: ignore[no-any-return]


async def test_a_transaction_that_fails_leaves_nothing(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(case("1"))
    await welcomed(store, sender)
    with pytest.raises(ZeroDivisionError):
        await _taken_in_vain(store, world, sender.payload())
    assert (await count(store, t.record), await count(store, t.row_head)) == (0, 0)


async def _taken_in_vain(store: Store, world: World, payload: bytes) -> None:
    async with store.write() as conn:
        await ingest_batches(conn, [open_batch("s01", payload, SECRETS, SIGN_KEY)], world, Moment(NOW, NOW))
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "change",
    [
        {"promised": 20, "promised_unit": "workdays"},
        {"promised": 5, "promised_unit": "days"},
        {"accepted_at": None},
        {"status": CaseStatus.REFUSED_ACCEPTANCE},
    ],
)
async def test_no_edit_of_the_source_takes_a_red_light_back(
    store: Store, world: World, change: dict[str, Any]
) -> None:
    stated: dict[str, Any] = {"accepted_at": "2026-03-02", "promised": 5, "promised_unit": "workdays"}
    sender = await sent(store, world, [case("1", **stated), passed(NOW - MINUTE)])
    assert await lights(store) == {"1": Light.RED}
    sender.number(case("1", version=2, **(stated | change)))
    await taken(store, world, sender.payload(3, 3))
    assert await lights(store) == {"1": Light.RED}
    async with store.read() as conn:
        kept = (await conn.execute(select(t.clock.c.light).where(t.clock.c.kind == "promise"))).scalar_one()
    assert kept == Light.RED


async def test_a_record_nobody_could_read_keeps_the_site_from_being_whole(store: Store, world: World) -> None:
    """It may be the completion: no red light."""
    sender = Sender()
    sender.number(case("1", accepted_at="2026-03-02", promised=5, promised_unit="workdays"))
    raw = b"\x93\x01\x02\x03"
    sender.raws.append(raw)
    sender.chain.append(_chained(sender, raw))
    sender.number(passed(NOW - MINUTE))
    await welcomed(store, sender)
    await taken(store, world, sender.payload())
    assert await lights(store) == {"1": Light.GREY}
