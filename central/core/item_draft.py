"""A change of the item catalogue waits for a second person: whoever drafts it does not approve it.

What is published binds the office and is what its cases are timed by (行政许可法 30), so no single account changes it.
"""

from enum import StrEnum


class DraftState(StrEnum):
    """What became of a draft."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"

    @property
    def word(self) -> str:
        return {"waiting": "待审定", "approved": "已生效", "refused": "未通过", "withdrawn": "已撤回"}[
            self.value
        ]


def is_theirs(author: str, who: str, to: DraftState) -> bool:
    """Whether `who` may decide so on a draft of `author`: approving and refusing is another's, withdrawing one's own."""
    return (author == who) is (to is DraftState.WITHDRAWN)
