"""The settings that the hall wishes: taken when signed, tried, kept when what worked before works again, else taken back.

Kept beside the buffer exactly as they were signed. One that was on trial when the process ended is taken back by the
next start: perhaps it was the reason.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from agent.core import trial
from agent.core.trial import Trial, Verdict, Worked
from agent.pace import NONE, Pace
from common.clock import Clock
from common.core import message, order, topics
from common.core.message import Policy

log = structlog.get_logger()

LOOK_SECS = 2.0
TAKEN_BACK = "第 {} 版设置试行后，原先正常的采集或回执没有恢复，已退回"
CUT_OFF = "第 {} 版设置试行时程序重新启动，已退回"


class Keeping:
    """`take` hears a policy, `run` judges its trial."""

    def __init__(
        self,
        folder: Path,
        site: str,
        hall_sign: bytes,
        pace: Pace,
        clock: Clock,
        worked: Callable[[], Worked],
    ) -> None:
        """`worked`: when what last did."""
        self._kept = folder / "policy"
        self._tried = folder / "policy.trial"
        self._refused = folder / "policy.refused"
        self._site = site
        self._hall_sign = hall_sign
        self._pace = pace
        self._clock = clock
        self._worked = worked
        self._trial: Trial | None = None
        self._before = NONE, b""
        self.fault = ""
        self._digest = b""
        self._taken_back = 0, b""
        self._open()

    @property
    def version(self) -> int:
        """In force, or on trial."""
        return self._pace.policy.version

    @property
    def judged(self) -> tuple[int, bytes]:
        """The highest number that was taken, or taken back, and the digest of that policy: only one above is tried."""
        return max((self.version, self._digest), self._taken_back)

    def _open(self) -> None:
        with suppress(OSError, ValueError):
            raw = self._kept.read_bytes()
            self._pace.policy, self._digest = self._decoded(raw), message.signed_identity(raw)
        with suppress(OSError, ValueError):
            version, _, digest = self._refused.read_text().partition(" ")
            self._taken_back = int(version), bytes.fromhex(digest)
        with suppress(OSError, ValueError):
            raw = self._tried.read_bytes()
            self._refuse(self._decoded(raw), message.signed_identity(raw), CUT_OFF)
        self._tried.unlink(missing_ok=True)

    def _decoded(self, raw: bytes) -> Policy:
        return message.decode_signed(Policy, topics.policy(self._site), self._hall_sign, raw)

    def take(self, raw: bytes) -> None:
        """Try it, if it is newer than what is in force and what was taken back. Raises ValueError for what is not signed."""
        policy, digest = self._decoded(raw), message.signed_identity(raw)
        if policy.version <= self.judged[0]:
            return
        why = order.fault(policy, self._site)
        if why:
            self._refuse(policy, digest, f"第 {{}} 版设置不能用：{why}")
            return
        if self._trial is None:
            self._before = self._pace.policy, self._digest
        self._trial = trial.begin(self._clock.mono(), self._worked())
        self._pace.policy, self._digest, self.fault = policy, digest, ""
        _write(self._tried, raw)
        log.info("policy.tried", version=policy.version)

    async def run(self) -> None:
        """For ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECS)

    def look(self) -> None:
        if self._trial is None:
            return
        found = trial.verdict(self._trial, self._clock.mono(), self._worked())
        if found is Verdict.WAIT:
            return
        self._trial, policy, digest = None, self._pace.policy, self._digest
        if found is Verdict.KEEP:
            with suppress(OSError):
                self._tried.replace(self._kept)
            log.info("policy.kept", version=policy.version)
            return
        self._pace.policy, self._digest = self._before
        self._refuse(policy, digest, TAKEN_BACK)
        self._tried.unlink(missing_ok=True)

    def _refuse(self, policy: Policy, digest: bytes, why: str) -> None:
        self._taken_back = max(self._taken_back, (policy.version, digest))
        self.fault = why.format(policy.version)
        _write(self._refused, f"{self._taken_back[0]} {self._taken_back[1].hex()}".encode())
        log.error("policy.refused", version=policy.version, reason=self.fault)


def _write(path: Path, content: bytes) -> None:
    """Whole, or on a full disk not at all: then it is in force until the process ends."""
    part = path.with_name(path.name + ".part")
    with suppress(OSError):
        part.write_bytes(content)
        part.replace(path)
