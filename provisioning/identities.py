"""What the hall tells a box that becomes its site: over the door with a certificate, or on a stick without one."""

from common.config import read_secret
from provisioning import pki
from provisioning.core.messages import Identity
from provisioning.settings import Hall


def told(hall: Hall, site: str, generation: int, name: str, chain: bytes, now_wall: int) -> Identity:
    """`generation` 0 and no `chain`: for a box that enrols later. Raises ConfigError where a key of the hall is missing."""
    enrol, mapping = hall.enrol, hall.mapping(site)
    return Identity(
        site=site,
        name=name,
        generation=generation,
        chain=chain.decode(),
        hall_sign=read_secret(hall.folder / "hall-sign.pub", "市中心的签名公钥"),
        digest_key=pki.digest_key(hall.folder, site),
        mqtt_host=enrol.hosts[0],
        mqtt_port=enrol.mqtt_port,
        mqtt_version=enrol.mqtt_version,
        escrow_key=read_secret(hall.folder / "escrow.pub", "市中心的托管公钥"),
        mapping=mapping.read_text("utf-8") if mapping.exists() else "",
        server_wall=now_wall,
    )
