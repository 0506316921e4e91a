"""The doctor says of each engine whether it has been proven on a live server."""

from pathlib import Path

import pytest

from agent import app, doctor
from agent.core.mapping import SourceConfig
from agent.source.base import NOT_PROVEN
from common.health import Status
from tests.contract.vendor import CASES, Vendor, on_kingbase, on_postgresql

AGENT = """
site = "s01"
name = "云溪镇"
generation = 1
[mqtt]
host = "127.0.0.1"
[capture]
secrets_dir = "."
"""


async def said(vendor: Vendor, folder: Path) -> str:
    config = vendor.config
    (folder / "agent.toml").write_text(AGENT, "utf-8")
    (folder / "mapping.toml").write_text(
        f"""
version = 1
[source]
type = "{config.type}"
host = "{config.host}"
port = {config.port}
database = "{config.database}"
user = "{config.user}"
password_file = "password"
[table.case]
from = "{CASES}"
key = ["编号"]
""",
        "utf-8",
    )
    findings, _, _ = await doctor.examine(folder / "agent.toml", only="E-SRC-01")
    (finding,) = (item for item in findings if item.id == "E-SRC-01")
    assert finding.status is Status.OK, finding
    return finding.detail


@pytest.mark.service
async def test_the_doctor_names_an_engine_that_is_not_proven(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert f"kingbase（{NOT_PROVEN}）" in await said(await on_kingbase(request, tmp_path), tmp_path)


@pytest.mark.service
async def test_the_doctor_does_not_name_one_that_is(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    assert NOT_PROVEN not in await said(await on_postgresql(request, tmp_path), tmp_path)


@pytest.mark.parametrize("kind", ["sqlite", "folder", "access"])
def test_files_are_proven(kind: str) -> None:
    assert app.proven(SourceConfig(kind))  # type: ignore[arg-type]
