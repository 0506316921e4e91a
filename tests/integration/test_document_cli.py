"""Documents at the command line: the issuer, a sample, what was issued, and a paper held against it."""

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, update

from central import document
from central.core.document import Kind
from central.paper.press import Press
from central.store import documents
from central.store import tables as t
from central.store.engine import open_store
from common.clock import Clock
from tests.contract.issuing import ZONE, order
from tests.journey.scene import command
from tests.keyed import keyed
from tests.papers import FACTS, SECRET

pytestmark = pytest.mark.service
USAGE = 64


async def test_from_the_issuer_to_a_paper_in_the_hand(tmp_path: Path) -> None:
    (tmp_path / "central.toml").write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    (tmp_path / "operations.key").write_bytes(SECRET)
    (tmp_path / "operations.key").chmod(0o600)

    async def mingcha(*words: str) -> tuple[int, str, str]:
        return await command("mingcha", *words, "--config", str(tmp_path / "central.toml"))

    code, out, _ = await mingcha("document", "verify")
    assert (code, out.strip()) == (0, "✓ 0 份文书与签名相符，文号没有缺漏")
    named = ("--name", "云州市监察局", "--mark", "云监", "--from", "2020-01-01", "--why", "设置")
    code, out, err = await mingcha("issuer", "set", "jcj", *named)
    assert (code, err) == (0, "")
    assert "云监督〔2020〕1号" in out
    code, _, err = await mingcha("issuer", "set", "other", *named)
    assert (code, "机关代字" in err) == (USAGE, True)
    code, out, err = await mingcha("document", "sample", "jcj", "order", "--out", str(tmp_path / "out"))
    assert (code, err) == (0, "")
    assert "预览" in out
    assert (tmp_path / "out" / "order.pdf").read_bytes().startswith(b"%PDF-1.7")

    store = await open_store(keyed(tmp_path / "data" / "central.db"))
    try:
        for place in (1, 2):
            facts = replace(FACTS, answer_by=date.max)
            async with store.write() as conn:
                one = replace(order(f"case/{place}", Kind.ORDER), facts=facts)
                await document.issue(conn, one, SECRET, Clock(), ZONE)
        await document.finish_all(store, Press(tmp_path), SECRET)
        async with store.read() as conn:
            first = (await documents.listed(conn, "", 1))[0]
        paper = tmp_path / "paper.pdf"
        code, out, err = await mingcha("document", "show", first.number_text, "--pdf", str(paper))
        assert (code, err) == (0, "")
        assert first.code in out
        code, out, _ = await mingcha("document", "verify", str(paper))
        assert (code, "✓ 与签发时相符" in out) == (0, True)
        paper.write_bytes(paper.read_bytes() + b"\n")
        code, out, _ = await mingcha("document", "verify", str(paper))
        assert (code, "不是本市签发的文书" in out) == (2, True)
        code, out, _ = await mingcha("document", "list")
        assert [line.split("\t")[3] for line in out.splitlines()] == ["有效", "有效"]

        async with store.write() as conn:
            await conn.execute(update(t.document_file).values(body=b"other"))
            await conn.execute(delete(t.document).where(t.document.c.number == 1))
        code, out, _ = await mingcha("document", "verify")
        assert code == 2
        assert "文号编到 2，文书 1 份" in out
        assert "PDF缺失或被改动" in out
    finally:
        await store.close()
