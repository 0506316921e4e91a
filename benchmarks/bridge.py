"""What a user would pick instead: a Mosquitto on the box that bridges to the hall's, with its persistence on.

Both carry the same records over an outage: first all of them wait, then the hall's side is there. The bridge has neither
TLS nor a database behind it, ours has both. Then a box is killed while its records wait: what the bridge had
acknowledged to the program that published it, and what still arrives.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks import throughput
from benchmarks.figure import Figure, line
from tests import services
from tests.server import HOST, Server, program

ROWS = throughput.ROWS
KILLED_ROWS = 5_000
WAIT_SECS = 120
SETTLE_SECS = 5
"""Nothing more has come for so long: nothing more will."""
TOPIC = "mc/v1/s01/up/bulk"
_CONF = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 0
max_inflight_messages 1000
log_dest none
"""
_BRIDGE = """\
connection hall
address {host}:{port}
topic # out 1
cleansession false
bridge_protocol_version mqttv50
restart_timeout 1
"""


class Plain(Server):
    """A Mosquitto without TLS; `bridged` to a port, if that is not 0."""

    account = "mosquitto"

    def __init__(self, folder: Path, bridged: int = 0) -> None:
        folder.mkdir()
        super().__init__(folder)
        self._program = program("mosquitto", "mosquitto")
        text = _CONF.format(port=self.port, host=HOST, folder=folder)
        (folder / "conf").write_text(text + (_BRIDGE.format(host=HOST, port=bridged) if bridged else ""))
        self.hand_over(folder, folder / "conf")

    def command(self) -> list[str]:
        return [self._program, "-c", str(self.folder / "conf")]

    def answers(self) -> bool:
        try:
            with client(self.port, "probe"):
                return True
        except OSError:
            return False


async def measure() -> AsyncIterator[Figure]:
    async with services.mosquitto([throughput.BOX]) as broker:
        ours, raws = await throughput.catch_up(broker, "sqlite")
    rate, lost = await asyncio.to_thread(_bridge, raws)
    yield line("catch_up_sqlite", ours, "records/s", ("Mosquitto bridge, persistence on", rate), 1)
    yield line(
        "lost_of_5000_acknowledged_after_sigkill_of_the_box",
        0,
        "records",
        ("Mosquitto bridge, persistence on", lost),
        1,
    )


def _bridge(raws: list[bytes]) -> tuple[float, int]:
    """-> (records/s once the hall is there, records lost of `KILLED_ROWS` that were acknowledged)."""
    with services.temporary_folder() as folder:
        folder.chmod(0o755)
        hall = Plain(folder / "hall")
        box = Plain(folder / "box", hall.port)
        try:
            box.start()
            _publish(box.port, raws)
            hall.start()
            began = time.perf_counter()
            with counted(hall.port) as got:
                while len(got) < len(raws) and time.perf_counter() - began < WAIT_SECS:
                    time.sleep(0.001)
                rate = len(got) / (time.perf_counter() - began)
            hall.stop()
            _publish(box.port, raws[:KILLED_ROWS])
            box.kill()
            hall.start()
            with counted(hall.port) as got:
                box.start()
                _settled(got)
            return rate, KILLED_ROWS - len(got)
        finally:
            box.kill()
            hall.kill()


def _publish(port: int, raws: list[bytes]) -> None:
    """Every record a message, each acknowledged."""
    with client(port, "capture") as publisher:
        sent = [publisher.publish(TOPIC, raw, qos=1) for raw in raws]
        for info in sent:
            info.wait_for_publish(WAIT_SECS)


def _settled(got: list[None]) -> None:
    seen, since = -1, time.perf_counter()
    while time.perf_counter() - since < SETTLE_SECS:
        if len(got) != seen:
            seen, since = len(got), time.perf_counter()
        time.sleep(0.05)


@contextmanager
def counted(port: int) -> Iterator[list[None]]:
    """One entry for each message that arrives there."""
    got: list[None] = []
    with client(port, "counter") as subscriber:
        subscriber.on_message = lambda *_: got.append(None)
        subscriber.subscribe(TOPIC, 1)
        yield got


@contextmanager
def client(port: int, name: str) -> Iterator[paho.Client]:
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    made.max_inflight_messages_set(1000)
    made.connect(HOST, port)
    made.loop_start()
    try:
        yield made
    finally:
        made.disconnect()
        made.loop_stop()
