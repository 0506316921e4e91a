"""What every session with the hall works with, and what outlives it: keys, the comparison of the clocks."""

from agent.buffer import Buffer, Run
from agent.capture import Capture
from agent.collect import CollectState
from agent.config import AgentConfig
from agent.core.trial import Worked
from agent.index import Index
from agent.keeper import Keeper
from agent.link import LinkStatus
from agent.live import Live
from agent.media_lane import MediaLane
from agent.pace import Pace
from agent.policy import Keeping
from agent.remote import Remote
from agent.spool import Spool
from common.clock import Clock
from common.config import read_secret
from common.core import batch, crypto, offset
from common.core.batch import Lane
from common.core.record import SCHEMA


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
        self.spool = Spool(config.stills_path, keeper.seal, config.stills.max_mb << 20)
        self.lane = MediaLane(config.site, self.spool, clock, config.buffer.profile.wire)
        self.live = Live(config, clock, self.sign_secret)
        self.remote = Remote(config, buffer, index, capture, collecting, clock, self.pace)
        self.keeping = Keeping(config.data_dir, config.site, self.hall_sign, self.pace, clock, self._worked)

    def sealed(self, run: Run, lane: Lane, wire_key: bytes, dictionary: str, asked_wall: int) -> bytes:
        """`run` as one payload for the hall whose key is `wire_key`; `dictionary`: by which it is packed, empty: by none."""
        header = batch.Header(
            site=self.config.site,
            epoch=self.buffer.epoch,
            lane=lane,
            first=run.first,
            last=run.last,
            schema=SCHEMA,
            key=crypto.key_id(wire_key),
            alg=self.config.buffer.profile.wire,
            comp="zstd",
            prev_hash=run.prev_hash,
            last_hash=run.last_hash,
            created_wall=asked_wall,
            dict=dictionary,
        )
        return batch.encode(header, run.records, wire_key, self.sign_secret)

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
