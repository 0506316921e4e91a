"""What is proven of each table, and to what a change in it belongs. It outlives a restart: with the index, beside the
rows that it speaks of.
"""

from msgspec.structs import replace

from agent.core import upheaval
from agent.core.mapping import Table
from agent.core.proof import Met, Proof, Walked
from agent.core.upheaval import Upheaval, UpheavalError
from agent.index import Index
from common.core.record import Cause


class Evidence:
    """Of all tables of a site."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._proofs = {table: Proof(walked) for table, walked in index.walked.items()}
        for table, found in index.upheavals.items():
            self.proof(table).upheaval = found

    def proof(self, table: str) -> Proof:
        return self._proofs.setdefault(table, Proof())

    def cause(self, table: Table, *, replaced: bool = False) -> Cause:
        """After a change of the mapping, every row differs until it has been walked; after an upheaval many do. `replaced`: of a row
        without a key that is gone, in whose place another of its case has come."""
        proof = self.proof(table.name)
        if proof.walked is not None and proof.walked.mapping != table.fingerprint:
            return Cause.MAPPING
        if proof.is_upheaval:
            return Cause.RESTORED
        return Cause.REPLACED if replaced else Cause.SOURCE

    def look_out(self, table: Table, same: int, off: int) -> None:
        """Raises UpheavalError where too much differs at once, unless that is known or the mapping has changed."""
        if self.cause(table) is Cause.SOURCE and upheaval.in_page(same + off, off):
            raise UpheavalError

    async def begin(self, table: Table) -> None:
        """Remember by which mapping a table is read that was never walked to its end."""
        if self.proof(table.name).walked is None:
            await self.walked(table, Met(), 0)

    async def walked(self, table: Table, met: Met, newest_id: int, made: str = "") -> None:
        """A walk of `table`, in the making `made`, has come to its end: what it met stands as it is in the index."""
        proof = self.proof(table.name)
        walked = Walked(met.at, newest_id, table.fingerprint, made)
        await self._index.note_walk(table.name, walked)
        proof.walked, proof.upheaval = walked, None

    def is_anew(self, table: str, made: str) -> bool:
        """Whether `made` is another making of `table` than the last finished walk read."""
        walked = self.proof(table).walked
        return walked is not None and bool(made and walked.made) and made != walked.made

    async def noticed(self, table: str, sign: Upheaval) -> None:
        """A sign of one: until it is surveyed nothing is told of the table, after a restart neither."""
        await self._note(table, sign)

    async def told(self, table: str) -> None:
        """It is one, and that is said: until the next finished walk its changes belong to it."""
        found = self.proof(table).upheaval
        if found is not None:
            await self._note(table, replace(found, told=True))

    async def dismissed(self, table: str) -> None:
        """It was none."""
        await self._index.note_upheaval(table, None)
        self.proof(table).upheaval = None

    async def _note(self, table: str, found: Upheaval) -> None:
        await self._index.note_upheaval(table, found)
        self.proof(table).upheaval = found
