"""Where the line to the hall stands: written by the delivery alone, read by status file, heartbeat and doctor."""

import structlog

from agent.core.stall import Stall
from agent.core.sync import Phase
from agent.core.trend import Trend
from common.clock import Clock
from common.core.instant import SECOND

log = structlog.get_logger()

HALL_STOPPED = "市中心程序没有在运行"
HALL_SILENT = "已连上消息服务，市中心没有应答"


class LinkStatus:
    """Lost is said once, recovered once; so is each refusal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.state = Phase.OFFLINE
        self.since_wall = 0
        self.fault = ""
        self.refused = ""
        """Code of PROTOCOL.md, or what the broker's own refusal means: `draining`, `denied`."""
        self.ack_wall = 0
        self.ack_mono: int | None = None
        self.asked_mono: int | None = None
        """When that was sent which the newest receipt answers."""
        self.sent_mono: int | None = None
        self.stall = Stall()
        self.trend = Trend()
        self.untaken = ""
        """What the hall refuses again and again, in Chinese; empty: nothing."""
        self.is_hall_there = False
        """It said so on this connection: what is not answered then does not reach it."""
        self.round_trip = 0
        """Microseconds from what was sent to the hall's answer, the last time; 0: none yet."""

    def away(self, reason: str, hint: str = "") -> None:
        """Broker or hall is not there."""
        if not self.fault:
            log.warning("hall.unavailable", reason=reason, hint=hint)
            self.since_wall = self._clock.wall()
        self.fault = reason

    def connected(self) -> None:
        """The broker is there; of the hall nothing is known yet."""
        self.state = Phase.HELLO
        self.fault = self.fault and HALL_SILENT
        self.trend = Trend()
        self.is_hall_there = False

    def heard(self) -> None:
        """The hall has spoken."""
        now = self._clock.wall()
        if self.fault:
            log.info("hall.recovered", after_secs=round((now - self.since_wall) / SECOND, 1))
        if self.fault or self.state is Phase.HELLO:
            self.since_wall = now
        self.fault = ""

    def refuse(self, code: str) -> None:
        """Empty: we are welcome."""
        if code and self.refused != code:
            log.error("hall.refused", code=code, hint="请联系市中心核对本站点由哪台机器负责")
        self.refused = code
