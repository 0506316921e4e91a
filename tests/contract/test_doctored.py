"""What the doctor asks of a database server, it asks over one connection: the account has two, and the running agent has the other."""

from pathlib import Path

import pytest

from agent import box, doctor
from common import health
from common.health import Finding, Status
from tests.contract.test_proven import AGENT
from tests.contract.test_table_faults import MAPPING
from tests.contract.vendor import OnMariaDb, OnServer, on_mariadb, on_postgresql


async def limited(vendor: OnServer) -> None:
    """One connection more is refused."""
    if isinstance(vendor, OnMariaDb):
        await vendor.execute(f"ALTER USER {vendor.grantee} WITH MAX_USER_CONNECTIONS 2")
    else:
        await vendor.execute(f"ALTER ROLE {vendor.grantee} CONNECTION LIMIT 2")


async def examined(folder: Path) -> dict[str, Finding]:
    found, _, _ = await doctor.examine(folder / "agent.toml", only="SRC")
    return {item.id: item for item in found}


@pytest.mark.service
@pytest.mark.parametrize("made", [on_mariadb, on_postgresql])
async def test_a_locked_table_takes_no_connection_from_the_other_checks(
    made: object, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL asks for the lock before it looks at the right to write, so that cannot be tried meanwhile."""
    for place, name in ((health, "CHECK_SECS"), (health, "RUN_SECS"), (box, "TURN_SECS")):
        monkeypatch.setattr(place, name, 60.0)  # of a machine that many tests share
    vendor = await (on_mariadb if made is on_mariadb else on_postgresql)(request, tmp_path)
    for table, columns in (
        ("c", f"id VARCHAR(20), v VARCHAR(20), f {vendor.moment}"),
        ("s", "id INTEGER, h VARCHAR(20)"),
    ):
        await vendor.execute(f"CREATE TABLE {vendor.quoted(table)} ({columns})")
        await vendor.execute(f"GRANT SELECT ON {vendor.quoted(table)} TO {vendor.grantee}")
    await limited(vendor)
    (tmp_path / "agent.toml").write_text(AGENT, "utf-8")
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    agent = vendor.source()
    await agent.open()
    try:
        found = await examined(tmp_path)
        assert {item.id: item.detail for item in found.values() if item.status is Status.FAIL} == {}
        async with vendor.locked("c"):
            locked = await examined(tmp_path)
        assert {item.id: item.detail for item in locked.values() if item.status is Status.FAIL} == {}
        skipped = {
            name for name in found if (found[name].status, locked[name].status) == (Status.OK, Status.SKIP)
        }
        assert skipped == (set() if made is on_mariadb else {"E-SRC-03"})
    finally:
        await agent.close()
