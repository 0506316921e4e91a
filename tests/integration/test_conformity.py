"""`mingcha verify --sheet`: a compatibility sheet is believed if the box that it names has signed it."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert

from central.__main__ import cli
from central.store import tables as t
from central.store.engine import open_store
from common.cli import EX_USAGE, code_of
from common.core import conformity
from tests.keyed import keyed
from tests.sender import SIGN_KEY, SIGN_SECRET

LINES = [
    "核对单 mysql spxt@10.3.1.5:3306",
    "✓ 办件 翻页：6 行",
    "✕ 办件 权限：可以改写",
    "✕ 有不合约定的项目，暂不能采集",
]


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    """-> the configuration of a hall that knows two boxes of one site, the first one revoked."""

    async def fill() -> None:
        (tmp_path / "data").mkdir()
        store = await open_store(keyed(tmp_path / "data" / "central.db"))
        boxes = [
            {"site": "s01", "generation": 1, "state": "revoked"},
            {"site": "s01", "generation": 2, "state": "active"},
        ]
        async with store.write() as conn:
            await conn.execute(
                insert(t.site), [{"id": "s01", "name": "青云镇", "kind": "township", "position": 0}]
            )
            rows = [box | {"sign_key": SIGN_KEY, "created_wall": 0} for box in boxes]
            await conn.execute(insert(t.box), rows)
        await store.close()

    asyncio.run(fill())
    path = tmp_path / "central.toml"
    path.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    return path


def sheet(generation: int, secret: bytes = SIGN_SECRET) -> str:
    return "\n".join((*LINES, conformity.signed(secret, "s01", generation, LINES), ""))


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (sheet(2), 0, "✓ 青云镇（s01 的第 2 代机器）签的，签名后没有改动\n  核对单 mysql spxt@10.3.1.5:3306\n  1 项不合约定\n"),
        (sheet(1), 1, "! 青云镇（s01 的第 1 代机器）签的，签名后没有改动；但这台机器已被吊销"),
        (sheet(2).replace("可以改写", "账号不能改写"), 2, "✕ 签名不符：不是 青云镇"),
        (sheet(2, bytes(32)), 2, "✕ 签名不符"),
        (sheet(3), 2, "✕ 没有登记过 s01 的第 3 代机器"),
    ],
)  # fmt: skip
def test_a_sheet_is_held_against_the_key_of_its_box(
    hall: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, said: str
) -> None:
    file = hall.with_name("sheet.txt")
    file.write_text(text, "utf-8")
    assert code_of(cli, ["verify", "--sheet", str(file), "--config", str(hall)]) == code
    assert capsys.readouterr().out.startswith(said)


def test_what_is_no_signed_sheet_is_refused_with_what_to_do(
    hall: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = hall.with_name("sheet.txt")
    for content, said in ((b"\n".join(line.encode() for line in LINES), "末行没有签名"), ("核对单".encode("gbk"), "不是 UTF-8")):  # fmt: skip
        file.write_bytes(content)
        assert code_of(cli, ["verify", "--sheet", str(file), "--config", str(hall)]) == EX_USAGE
        err = capsys.readouterr().err
        assert said in err
        assert "处理：" in err
    missing = ["verify", "--sheet", str(hall.with_name("none.txt")), "--config", str(hall)]
    assert code_of(cli, missing) == EX_USAGE
    assert code_of(cli, [*missing, "--site", "s01"]) == EX_USAGE
