"""What the hall may ask of a box: commands of this site, in time, within their bounds; policies within theirs.

The hall asks itself before it sends, the box before it does.
"""

import re

from common.core.act import Act
from common.core.instant import DAY, MINUTE
from common.core.message import Command, Drawn, Policy
from common.core.state import Outcome

LONGEST = 7 * DAY
"""No command is good for longer: so long a box remembers what it has carried out."""
MOST_MINUTES = 24 * 60
MOST_NUMBERS = 1 << 48
SLOWEST_BULK, FASTEST_BULK = 1024, 1 << 30
MOST_LINGER_MS = 2000
_ARGS = {
    Act.RESYNC: {"first", "last"},
    Act.PAUSE: {"minutes"},
    Act.SUSPEND: {"minutes"},
    Act.STILL: {"plain", "clip"},
}


def refusal(command: Command, site: str, now_wall: int) -> tuple[Outcome, str] | None:
    """Why not, in Chinese; None where it is. `now_wall`: the hall's time."""
    if command.site != site:
        return Outcome.REFUSED, f"这条指令属于站点 {command.site}"
    return _untimely(command, now_wall) or _unsaid(command) or _wrong_args(Act(command.act), command.args)


def _untimely(command: Command, now_wall: int) -> tuple[Outcome, str] | None:
    if command.expires_wall > command.issued_wall + LONGEST:
        return Outcome.REFUSED, "有效期超过七天"
    if now_wall >= command.expires_wall:
        return Outcome.EXPIRED, f"送达时已过期 {(now_wall - command.expires_wall) // MINUTE} 分钟"
    return None


def _unsaid(command: Command) -> tuple[Outcome, str] | None:
    if command.act not in list(Act):
        return Outcome.REFUSED, f"本程序不认识这条指令：{command.act}"
    if command.act in {Act.SUSPEND, Act.STILL} and not command.why.strip():
        return Outcome.REFUSED, "没有说明原因"
    if bool(command.subject) is not (command.act == Act.STILL):
        return Outcome.REFUSED, "取图要写明摄像机，其他指令不写"
    return None


def _wrong_args(act: Act, args: dict[str, int]) -> tuple[Outcome, str] | None:
    unknown = set(args) - _ARGS.get(act, set())
    if unknown:
        return Outcome.REFUSED, f"多余的参数：{'、'.join(sorted(unknown))}"
    if "minutes" in _ARGS.get(act, set()) and not 1 <= args.get("minutes", 0) <= MOST_MINUTES:
        return Outcome.REFUSED, f"minutes 应在 1 至 {MOST_MINUTES} 之间"
    if not {args.get("plain", 0), args.get("clip", 0)} <= {0, 1}:
        return Outcome.REFUSED, "plain 与 clip 应为 0 或 1"
    if act is Act.RESYNC and args and not 1 <= args.get("first", 0) <= args.get("last", 0) <= MOST_NUMBERS:
        return Outcome.REFUSED, "first 与 last 应为 1 起的一段编号"
    return None


_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""As a site may name a camera or a seat."""


def _is_drawn(cameras: list[Drawn]) -> bool:
    """Each camera and seat named once and as a site may name it, each rectangle the right way round."""
    names = [item.camera for item in cameras]
    for item in cameras:
        seats = [seat.id for seat in item.seats]
        names += [f"{item.camera}/{name}" for name in seats]
        if not all(_NAME.fullmatch(name) for name in [item.camera, *seats]):
            return False
        if any(
            box[0] >= box[2] or box[1] >= box[3] for box in [*item.zones, *(one.box for one in item.seats)]
        ):
            return False
    return len(set(names)) == len(names)


def fault(policy: Policy, site: str) -> str:
    """Why it cannot be tried at all, in Chinese; or empty."""
    rules = (
        (policy.site != site, f"属于站点 {policy.site}"),
        (
            policy.bulk_bytes_per_sec != 0 and not SLOWEST_BULK <= policy.bulk_bytes_per_sec <= FASTEST_BULK,
            f"bulk_bytes_per_sec 应为 0，或 {SLOWEST_BULK} 至 {FASTEST_BULK}",
        ),
        (not _is_drawn(policy.cameras), "cameras：区域写得不对，或编号相同"),
        (not 0 <= policy.linger_ms <= MOST_LINGER_MS, f"linger_ms 应在 0 至 {MOST_LINGER_MS} 之间"),
    )
    return next((why for wrong, why in rules if wrong), "")
