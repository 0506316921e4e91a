"""`mingcha verify` beside a running hall: what two boxes really sent is proven, what was changed in the database is named."""

import asyncio
import json
import signal
from typing import Any

import pytest
from sqlalchemy import text

from provisioning.core.identity import Box
from tests import services
from tests.journey.scene import FIRST, Place, command, ended, scene
from tests.journey.together import together

pytestmark = pytest.mark.service


async def verified(place: Place, *args: str) -> tuple[int, dict[str, Any]]:
    code, out, err = await command("mingcha", "verify", "--json", *args, "--config", str(place.hall.config))
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == "mingcha.verify/1"
    return code, found


async def change(place: Place, sql: str) -> None:
    store = await place.hall.store()
    async with store.write() as conn:
        assert (await conn.execute(text(sql))).rowcount == 1
    await store.close()


@together
async def test_what_two_boxes_sent_is_proven_on_sqlite() -> None:
    async with scene([FIRST, Box("s02", 1)]) as place:
        await proven_then_changed(place)


@together
async def test_what_two_boxes_sent_is_proven_on_postgresql() -> None:
    async with (
        services.postgresql(durable=False) as database,
        scene([FIRST, Box("s02", 1)], database.url(await database.create_database())) as place,
    ):
        await proven_then_changed(place)


async def proven_then_changed(place: Place) -> None:
    for site in place.sites:
        site.office.receive(30)
    await place.settled()
    await asyncio.gather(*(ended(site.agent, signal.SIGTERM) for site in place.sites))
    await place.start()  # a new process signs what the one before has sent
    place.office.execute('UPDATE "办件" SET "状态"=9 WHERE "编号"=\'SL00003\'')
    await place.settled()
    await place.stop(*(site.agent for site in place.sites))
    code, found = await verified(place)
    assert (code, found["verdict"]) == (0, "proven")
    assert [site["site"] for site in found["sites"]] == ["s01", "s02"]
    epoch = found["sites"][0]["epochs"][0]
    assert epoch["proven"] > 60
    assert epoch["records"] == epoch["newest"]
    code, out, _ = await command("mingcha", "verify", "--config", str(place.hall.config))
    assert (code, out.splitlines()[0].partition("；")[0]) == (0, "✓ 已证明：没有缺失、错位、改动")
    assert ("待下一次签名" in out) is ("条站点还没有签名" in out.splitlines()[0])
    await change(place, "DELETE FROM record WHERE site='s01' AND seq=9")
    await change(place, """UPDATE "case" SET applicant='另有其人' WHERE site='s02' AND case_key='SL00004'""")
    code, found = await verified(place)
    assert (code, found["verdict"]) == (2, "broken")
    first, second = found["sites"]
    missing = [item for item in first["epochs"][0]["findings"] if item["what"] == "missing"]
    assert [(item["lo"], item["hi"]) for item in missing] == [(9, 9)]
    assert second["epochs"][0]["findings"] == []
    assert [(item["what"], item["detail"]) for item in second["findings"]] == [("case", "applicant")]
    code, out, _ = await command("mingcha", "verify", "--site", "s01", "--config", str(place.hall.config))
    assert code == 2
    assert "✕ 9 号 缺失，没有声明（" in out
    assert (await verified(place, "--site", "s01", "--from", "2001-01-01", "--to", "2001-01-02"))[0] == 0
    code, out, err = await command("mingcha", "verify", "--site", "s9", "--config", str(place.hall.config))
    assert (code, out, "没有站点 s9" in err) == (64, "", True)
