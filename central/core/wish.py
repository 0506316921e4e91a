"""What the hall wishes of a box against what the box reports: is it in use, and if not, why.

A number alone names no policy: a hall that was restored from a backup numbers again what its box has met under the same
numbers. So the box says which is the highest it has judged, and that one's digest.
"""

from enum import Enum

from common.core import message
from common.core.message import Heartbeat, Policy

HIGHEST = 1 << 30
"""Beyond it a box's word of its numbers is no help: the hall's own have 31 bits."""


class Standing(Enum):
    """Of a wished policy."""

    UNKNOWN = "unknown"  # the box has not reported
    USED = "used"
    REFUSED = "refused"
    UNDER_WAY = "under_way"
    PASSED = "passed"  # the box has judged another one of this number or above: it will not take this one


def judged(beat: Heartbeat | None) -> int:
    """The highest number that the box has taken, or taken back: it takes only what is above."""
    return 0 if beat is None else min(HIGHEST, max(beat.policy_seen, beat.policy_version))


def standing(policy: Policy, beat: Heartbeat | None) -> Standing:
    """Of `policy`, the newest wish, at the box that said `beat`. One of before does not name digests."""
    if beat is None:
        return Standing.UNKNOWN
    if judged(beat) < policy.version:
        return Standing.UNDER_WAY
    if judged(beat) > policy.version or beat.policy_digest not in {b"", message.identity(policy)}:
        return Standing.PASSED
    return Standing.USED if beat.policy_version == policy.version else Standing.REFUSED


def words(policy: Policy, beat: Heartbeat | None) -> str:
    """For people: what the box uses, and where that is not what is wished."""
    used = beat.policy_version if beat else 0
    own = f"站点在用第 {used} 版" if used else "站点没有另作限制"
    return {
        Standing.UNKNOWN: "站点没有报告",
        Standing.USED: own,
        Standing.REFUSED: f"与要求不符：站点没有采用，{own}",
        Standing.UNDER_WAY: f"与要求不符：尚未送达，{own}",
        Standing.PASSED: f"与要求不符：{own}，不是这里记下的；市中心可能从备份恢复过，将以新编号重新送达",
    }[standing(policy, beat)]
