"""Where a box finds its hall: the addresses it was told, the one that answered last first. A hall that moves says so before."""

import json
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from common.config import read_secret
from common.core.errors import UnavailableError
from provisioning import enrol_client
from provisioning.core.messages import Ask, Offer
from provisioning.files import write_file

_FILE = "hall"
_GROUP = 0o640
_HOST = re.compile(r"(?ms)^(\[mqtt\]\n.*?^host = )(\"[^\"\n]*\")")
"""Of `agent.toml`, as the installation writes it."""


def known(pki: Path) -> list[str]:
    """`https://host:port`, at least one. Raises ConfigError where the box has none."""
    return read_secret(pki / _FILE, "市中心的地址").decode().split()


def asked(pki: Path, body: Ask) -> Offer:
    """What the first of them that answers says; it is the first from now on. Raises as `enrol_client.ask`."""
    addresses = known(pki)
    fault = UnavailableError("没有市中心的地址", hint="请执行市中心印出的命令")
    for address in addresses:
        try:
            offer = enrol_client.ask(
                address,
                "/upgrade",
                pki / "ca.pem",
                body,
                Offer,
                tries=2 if len(addresses) > 1 else enrol_client.TRIES,
            )
        except UnavailableError as error:
            fault = error
            continue
        _write(pki, [address, *(other for other in addresses if other != address)])
        return offer
    raise fault


def follow(pki: Path, config: Path, offer: Offer) -> bool:
    """Keep what the hall says of its addresses. -> True where the agent is to call another than it does: then it is restarted."""
    present = known(pki)[0]
    if offer.halls:
        _write(pki, [present, *(address for address in offer.halls if address != present)])
    ours = {urlsplit(address).hostname or "" for address in known(pki)}
    host, text, before = urlsplit(present).hostname or "", config.read_text("utf-8"), config.stat()
    found = _HOST.search(text)
    if found is None or json.loads(found[2]) == host or json.loads(found[2]) not in ours:
        return False  # as it should be, or as somebody wrote it by hand
    new = _HOST.sub(lambda match: match[1] + json.dumps(host), text, count=1)
    write_file(config, new.encode(), before.st_mode & 0o7777)
    os.chown(config, before.st_uid, before.st_gid)
    return True


def _write(pki: Path, addresses: list[str]) -> None:
    write_file(pki / _FILE, "".join(f"{address}\n" for address in addresses).encode(), _GROUP)
