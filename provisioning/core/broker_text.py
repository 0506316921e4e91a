"""The text of `mosquitto.conf` and of its ACL, from the site list (provisioning.md 3.6).

Topics carry the site, users carry the generation: one block per box, so that a replaced box can be confined or
shut out without touching its successor. Who has no block may do nothing.
"""

from collections.abc import Iterable

from common.core import topics
from common.core.batch import Lane
from provisioning.core.identity import Box

# stderr, because Mosquitto's stdout reaches a journal only when 4 KB are full.
_CONF = """\
per_listener_settings false
persistence false
allow_anonymous false
acl_file {folder}/acl
log_dest stderr
max_inflight_messages 100
max_queued_messages 10000
max_queued_bytes 268435456
max_packet_size 1048576
listener {port}{bind}
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.pem
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.3
"""


def conf(folder: str, port: int, bind: str) -> str:
    """`folder` is where acl, ca.pem and server.pem are; `bind` is an address, empty for all."""
    return _CONF.format(folder=folder, port=port, bind=f" {bind}" if bind else "")


def acl(boxes: Iterable[Box], workers: Iterable[str]) -> str:
    """`workers` are the names in the certificates of the hall's ingest workers."""
    blocks = [_block(worker, _INGEST) for worker in workers]
    blocks += [_block(box.name, _allowed(box)) for box in boxes]
    return "\n".join(blocks)


def _block(user: str, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in (f"user {user}", *(f"topic {line}" for line in lines)))


_INGEST = (
    f"read {topics.ROOT}/+/up/+",
    f"read {topics.ROOT}/+/state",
    f"read {topics.ROOT}/+/hb",
    f"write {topics.ROOT}/+/dn/+",
    f"readwrite {topics.CENTRAL_STATE}",
)


def _allowed(box: Box) -> tuple[str, ...]:
    listen = (f"read {topics.ROOT}/{box.site}/dn/#", f"read {topics.CENTRAL_STATE}")
    if box.state == "active":
        return (
            f"write {topics.state(box.site)}",
            f"write {topics.heartbeat(box.site)}",
            f"write {topics.ROOT}/{box.site}/up/#",
            *listen,
        )
    if box.state == "draining":  # may finish its backlog, may not speak for the site
        return (f"write {topics.hello(box.site)}", f"write {topics.lane(box.site, Lane.BULK)}", *listen)
    return ("deny #",)
