"""What lies in the hall's database for anybody to read: nothing that names a person, and no column that nobody has thought of."""

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Integer, LargeBinary, Table, Text, insert, select

from central import reseal
from central.config import CentralConfig, IdentityConfig
from central.store import key as keys
from central.store import messages, resealing
from central.store import tables as t
from central.store.engine import Store, open_store
from central.store.sealed import Blind, Sealed, SealedText
from common.mqtt import MqttConfig
from tests import halls, planted

OURS = {
    "alarm.detail", "briefing_plan.fault", "bulletin.text", "calendar_day.reason", "camera_state.detail", "command.detail", "case.reopened", "dead_letter.reason", "ruling.why",
    "rollout.halted_why", "rollout.why", "seat_state.detail", "statute_draft.text", "statute_text.text", "still_picture.gone_why", "transition.why", "upgrade.said", "upgrade.why",
    "withdrawal.reason",
}  # fmt: skip
"""Texts that programs make, of figures, files and rules; of releases, not of people; announcements and laws, which are for everybody."""
NAMES_OF_THINGS = {
    "above", "act", "address", "after", "alt", "answer", "answer_by", "arch", "args", "aspect", "before", "browser", "camera", "case_by", "case_key",
    "case_no", "case_site", "cause", "channel", "clock", "code", "connection", "content", "counter", "csrf", "day", "digest", "doc_nos", "due_day",
    "effective", "event", "every", "field", "figures", "flags", "form", "home", "id", "issuer", "item", "item_code", "item_name", "key", "kind",
    "lane", "letterhead", "level", "light", "list", "machine", "mark", "mask", "measure", "name", "number", "number_text",
    "object_until", "occasion", "org", "outcome", "password", "period", "place", "printer", "query", "region", "release",
    "repealed", "role", "rollout", "rule", "rule_light", "ruling", "sample", "seat", "serial", "since", "site", "source", "standing",
    "start_day", "state", "status", "subject", "tbl", "title", "topic", "unit", "valid_from", "version", "view", "window", "zone",
}  # fmt: skip
"""Keys, states, days, offices, items: what indexes and the law work by. A number or a name of a citizen has no such column."""
OFFICIALS = {
    "accepted_by", "confirmed_by", "created_by", "decided_by", "drafter", "ended_by", "owner", "responsible", "signer", "uploaded_by", "spoiled_by", "user",
    "who", "withdrawn_by",
}  # fmt: skip
"""Accounts, and who answers for a case: duty is public."""


def sealed() -> list[tuple[Table, list[str]]]:
    return list(resealing.places().items())


def test_every_column_of_text_is_sealed_or_is_known_to_name_nobody() -> None:
    plain = {
        f"{table.name}.{column.name}"
        for table in t.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Text)
    }
    known = {place for place in plain if place.partition(".")[2] in NAMES_OF_THINGS | OFFICIALS}
    assert plain - known == OURS
    for table in ("message", "silence"):
        assert {"person", "name", "text", "title", "reason"} & set(
            t.metadata.tables[table].columns.keys()
        ) <= {name for one, names in sealed() for name in names if one.name == table}


def line(table: Table, number: int, said: dict[str, Any]) -> dict[str, Any]:
    """A row of `table` with `said` in its sealed columns and its indexes."""
    row: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type
        if column.name in said:
            row[column.name] = said[column.name]
        elif isinstance(kind, Blind):
            row[column.name] = (
                str(said[column.name.removesuffix("_index")]) if table.name == "message" else None
            )
        elif isinstance(kind, Boolean):
            row[column.name] = False
        elif isinstance(kind, Integer):
            row[column.name] = number
        else:
            row[column.name] = (
                b"x" if isinstance(kind, LargeBinary) else table.name
            )  # no row belongs to another
    return row


async def write(store: Store, chance: random.Random) -> dict[str, str]:
    """A row in each table that seals anything, each place with somebody of its own. -> `table.column` -> who."""
    whom: dict[str, str] = {}
    async with store.write() as conn:
        for table, names in sealed():
            said: dict[str, Any] = {}
            for name in names:
                surname, given = (
                    chance.choice("王李张赵欧"),
                    "".join(chr(chance.randrange(0x4E00, 0x9FA0)) for _ in "ab"),
                )
                told = f"{surname}{given} 1{chance.randrange(3 * 10**9, 10**10)}"
                whom[f"{table.name}.{name}"] = told
                said[name] = told if isinstance(table.c[name].type, SealedText) else told.encode()
            await conn.execute(insert(table).values(line(table, 7, said)))
    return whom


async def test_whoever_has_the_file_reads_nobody_in_it_and_whoever_has_the_new_key_everybody(
    tmp_path: Path,
) -> None:
    """Each sealed place, before a change of the key, and after it under the new key alone."""
    url, file = await halls.empty(tmp_path), tmp_path / "data.key"
    store = await open_store(url)
    whom = await write(store, random.Random(20261129))
    parts = [part for told in whom.values() for part in told.split(" ")]
    await nobody(store, tmp_path, parts)
    await everybody(store, whom)
    await store.close()
    keys.former(file).write_bytes(file.read_bytes())
    file.write_bytes(os.urandom(32))
    config = CentralConfig(
        mqtt=MqttConfig(host="h"),
        data_dir=tmp_path,
        identity=IdentityConfig(data_key=file),
    )
    done = await reseal.reseal(config, "密钥泄露", lambda _: None)
    assert (set(done.counts), done.spoilt) == (set(whom), 0)
    assert all(renewed >= 1 for _, renewed, _ in done.counts.values())
    keys.former(file).unlink()
    store = await open_store(url)
    await everybody(store, whom)
    await nobody(store, tmp_path, parts)
    async with store.read() as conn:
        person, key = whom["message.person"], whom["message.key"]
        assert await messages.id_of(conn, key) == 7
        assert await conn.scalar(select(t.message.c.id).where(t.message.c.person_index == person)) == 7
        assert (
            await conn.scalar(select(t.message.c.id).where(t.message.c.person_index == person + " ")) is None
        )
    await store.close()


async def nobody(store: Store, folder: Path, parts: list[str]) -> None:
    async with store.read() as conn:
        assert await planted.found(conn, parts) == []
    with closing(sqlite3.connect(folder / "central.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = (folder / "central.db").read_bytes()
    assert [part for part in parts if planted.holds(kept, part)] == []


async def everybody(store: Store, whom: dict[str, str]) -> None:
    read: dict[str, Any] = {}
    async with store.read() as conn:
        for table, names in sealed():
            row = (await conn.execute(select(table).order_by(*table.primary_key.columns).limit(1))).one()
            for name in names:
                value = getattr(row, name)
                assert isinstance(table.c[name].type, Sealed)
                read[f"{table.name}.{name}"] = value if isinstance(value, str) else value.decode()
    assert read == whom
