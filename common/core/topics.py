"""The MQTT topic grammar, in one place: `mc/v1/{site}/...`, `mc/v1/central/state` (sync.md 3.1)."""

from common.core.batch import Lane

ROOT = "mc/v1"
CENTRAL_STATE = f"{ROOT}/central/state"


def state(site: str) -> str:
    """Birth and will of a site's agent, retained."""
    return f"{ROOT}/{site}/state"


def heartbeat(site: str) -> str:
    return f"{ROOT}/{site}/hb"


def hello(site: str) -> str:
    return f"{ROOT}/{site}/up/hello"


def lane(site: str, lane: Lane) -> str:
    return f"{ROOT}/{site}/up/{lane.value}"


def media(site: str) -> str:
    """Pictures, each in one message, when nothing else waits."""
    return f"{ROOT}/{site}/up/media"


def filed(site: str) -> str:
    """What the hall did with a picture."""
    return f"{ROOT}/{site}/dn/media"


def welcome(site: str) -> str:
    return f"{ROOT}/{site}/dn/welcome"


def ack(site: str) -> str:
    return f"{ROOT}/{site}/dn/ack"


def command(site: str) -> str:
    """A signed, expiring command to a site's box."""
    return f"{ROOT}/{site}/dn/cmd"


def policy(site: str) -> str:
    """The signed settings that the hall wishes a site's box to have, retained."""
    return f"{ROOT}/{site}/dn/cfg"


def watch(site: str) -> str:
    """What of a site's cameras somebody is looking at now."""
    return f"{ROOT}/{site}/dn/watch"


def dial(site: str, camera: str) -> str:
    """No topic: what a box's first frame on its media connection is signed for."""
    return f"{ROOT}/{site}/media/{camera}"


def downstream(site: str) -> list[str]:
    """What an agent subscribes to: its own down topics (named, not `dn/#`, so that 3.1.1 brokers agree)."""
    return [welcome(site), ack(site), filed(site), command(site), policy(site), watch(site), CENTRAL_STATE]


def upstream(share: str | None) -> list[str]:
    """What an ingest worker subscribes to; `share` spreads batches over workers on MQTT 5."""
    prefix = f"$share/{share}/" if share else ""
    return [f"{prefix}{ROOT}/+/up/+", f"{ROOT}/+/state", f"{ROOT}/+/hb"]


def parse(topic: str) -> tuple[str, str] | None:
    """Topic -> (site, tail such as `up/live`); None if it is not a site's (`mc/v1/+/state` also brings our own)."""
    parts = topic.split("/", 3)
    if len(parts) < 4 or f"{parts[0]}/{parts[1]}" != ROOT or topic == CENTRAL_STATE:
        return None
    return parts[2], parts[3]
