"""What every session with the hall works with, and what outlives it: keys, the comparison of the clocks."""

from agent.buffer import Buffer
from agent.capture import Capture
from agent.collect import CollectState
from agent.config import AgentConfig
from agent.core.trial import Worked
from agent.index import Index
from agent.keeper import Keeper
from agent.link import LinkStatus
from agent.pace import Pace
from agent.policy import Keeping
from agent.remote import Remote
from common.clock import Clock
from common.config import read_secret
from common.core import offset


class Means:
    """What every session works with."""

    def __init__(
        self,
        config: AgentConfig,
        buffer: Buffer,
        index: Index,
        capture: Capture,
        collecting: CollectState,
        clock: Clock,
        status: LinkStatus,
        keeper: Keeper,
    ) -> None:
        """Raises ConfigError for unreadable keys."""
        self.config = config
        self.buffer = buffer
        self.index = index
        self.capture = capture
        self.collecting = collecting
        self.clock = clock
        self.status = status
        self.keeper = keeper
        self._samples: tuple[offset.Sample, ...] = ()
        self.sign_secret = read_secret(config.identity.sign_key, "本站点的签名私钥")
        self.hall_sign = read_secret(config.identity.hall_sign, "市中心的签名公钥")
        self.pace = Pace(clock)
        self.remote = Remote(config, buffer, index, capture, collecting, clock, self.pace)
        self.keeping = Keeping(config.data_dir, config.site, self.hall_sign, self.pace, clock, self._worked)

    def _worked(self) -> Worked:
        link = self.status
        return Worked(link.ack_mono, link.asked_mono, link.sent_mono, self.collecting.last_ok_mono)

    def compare(self, asked_mono: int, hall_wall: int) -> None:
        """The hall has answered what we sent at `asked_mono`, and named its time."""
        now = self.clock.mono()
        self._samples = offset.measured(self._samples, asked_mono, now, hall_wall)
        self.clock.compare(offset.best(self._samples, now))
        self.status.round_trip = now - asked_mono
        self.remote.compared.set()
