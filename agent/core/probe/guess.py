"""One line of a draft: what a field or a property of a table may be, how sure, and why."""

from msgspec import Struct

SURE = 0.7
"""From here on a guess stands in the draft; below it is a comment for a person to fill in."""
STRICT = frozenset({
    "key", "parent", "cursor", "status", "received_at", "accepted_at", "deadline", "finished_at", "started_at", "due_at",
    "recorded_at",
})  # fmt: skip
"""Fields a wrong guess of which would accuse somebody: of two candidates none is taken."""


class Guess(Struct, frozen=True):
    """`columns`: of the source, one for a field. `options`: keys of a mapping's field beside `col`."""

    field: str
    columns: tuple[str, ...]
    confidence: float
    reason: str
    options: dict[str, str] = {}
    enum: dict[str, str] = {}
    unknown: tuple[str, ...] = ()
    """Values that `enum` has no word for."""

    @property
    def sure(self) -> bool:
        return bool(self.columns) and self.confidence >= SURE
