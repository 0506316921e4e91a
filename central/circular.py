"""通报 of a period: counted, drafted, and told to everybody when it has been signed."""

from sqlalchemy.ext.asyncio import AsyncConnection

from central import drafting, telling
from central.core import circular, period
from central.core.circular import Counted
from central.core.document import Kind
from central.core.ladder import Level
from central.core.message import Matter
from central.core.scope import EVERYTHING
from central.correction_paper import Desk
from central.drafting import Draft
from central.statistics import answer, asked_of, cells, heading
from central.store import documents, subjects

MOST_CASES = 500_000


async def count(conn: AsyncConnection, name: str, desk: Desk) -> Counted:
    """The table of a period by site, as the statistics page has it. `conn` was frozen. Raises UsageError."""
    asked = asked_of(name, ["site"], circular.FIGURES, "")
    found = await answer(conn, EVERYTHING, asked, desk.zone, desk.clock.office(), MOST_CASES)
    rows = [cells(asked, row) for row in (*found.rows, found.total)]
    return circular.counted(heading(asked), rows, found.lacking)


async def draft(
    conn: AsyncConnection,
    name: str,
    words: tuple[str, tuple[str, ...], tuple[str, ...]],
    issuer: str,
    drafter: str,
    counted: Counted,
    desk: Desk,
) -> int:
    """`words`: what is said of the period, what is asked for, 抄送. -> number of the draft. Raises as `drafting.leave` does."""
    reason, measures, copies = words
    facts = circular.facts(
        period.parse(name), reason, measures, desk.minute, desk.today, desk.calendar.version
    )
    one = Draft(
        kind=Kind.CIRCULAR,
        subject=circular.subject_of(name),
        facts=facts,
        period=name,
        issuer=issuer,
        copies=copies,
    )
    return await drafting.leave(conn, one, drafter, desk, counted)


async def tell(conn: AsyncConnection, code: str, desk: Desk) -> None:
    """Everybody of every site once: the key is the document's, whatever site somebody belongs to."""
    row = await documents.find(conn, code)
    assert row is not None, code
    matter = Matter(what=f"{row.title}（{row.number_text}）已印发", ask="请登录明察查看。")
    for site in await subjects.sites(conn):
        happening = telling.Happening(
            event=f"document/{code}", level=Level.CIRCULAR, matter=matter, site=site.id
        )
        await telling.tell(conn, happening, desk)
