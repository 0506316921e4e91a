"""schemathesis beside a running hall: the description of its addresses for programs against what they answer.

It runs as a process of its own and sees what `make` has installed in a folder that nobody else sees (`requirements-api.lock`):
in ours its plugin would weigh on every run of pytest.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct

from central.web.api import COOKIE_SCHEME
from central.web.guard import COOKIE
from tests.integration.serving import Served

INSTALLED = Path(sys.prefix) / "api"


class Judged(Struct, frozen=True):
    """`asked`: requests. `wrong`: what schemathesis says of those that were answered otherwise; empty: none."""

    asked: int
    wrong: str


async def run(hall: Served, folder: Path, login: str, count: int, seed: int) -> Judged:
    """Ask each address at most `count` times at random, beside what stands to reason, as the account `login`; `folder`: for its files.

    The description is given as a file, so that the address that shows it is asked too.
    """
    cookies = await hall.session_of(login)
    url = f"{hall.url}/api/v1/openapi.json"
    async with aiohttp.ClientSession(cookies=cookies) as session, session.get(url) as answer:
        (folder / "openapi.json").write_bytes(await answer.read())
    auth = f'[auth.openapi.{COOKIE_SCHEME}]\napi_key = "{cookies[COOKIE]}"\n'
    (folder / "schemathesis.toml").write_text(f"max-stream-events = 1\n{auth}", "utf-8")
    words = (
        *("run", "openapi.json", "--url", hall.url),
        *("--max-examples", str(count), "--seed", str(seed), "--generation-database", "none"),
        *("--continue-on-failure", "--no-color", "--report", "json", "--report-json-path", "report.json"),
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *words),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(INSTALLED)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    report: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
    operations = report["operations"]
    assert operations["tested"] == operations["total"] > 0, report
    return Judged(report["test_cases"]["generated"], said.decode() if process.returncode else "")
