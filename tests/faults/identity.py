"""Faults of who a box is: its certificate, and what the hall thinks of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import update

from central.store import tables as t
from common.clock import Clock
from common.core.instant import DAY
from provisioning import pki
from provisioning.core.identity import Box
from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, away, holding, in_hall, other_city
from tests.journey.scene import FIRST, ended


@contextmanager
def node_of(stage: Stage, box: Box, issued_wall: int, ca: pki.Authority | None = None) -> Iterator[None]:
    node = stage.folder / "node.pem"
    with away(node):
        pki.keep_node(
            node, ca or pki.load_ca(stage.place.hall.folder / "ca"), pki.box_subject(box), issued_wall
        )
        yield
        node.unlink()


@fault("私钥不是这张证书的", "E-ID-02", sampled=True)
async def key_of_another(stage: Stage) -> Struck:
    node = stage.folder / "node.pem"
    chain = node.read_bytes().partition(b"-----BEGIN CERTIFICATE-----")
    with holding(node, pki.new_node_key() + chain[1] + chain[2]):
        yield


@fault("证书是别的站点的", "E-ID-02")
async def leaf_of_another(stage: Stage) -> Struck:
    with node_of(stage, Box("s02", 1), Clock().wall()):
        yield


@fault("证书是上一代机器的", "E-ID-02")
async def leaf_of_another_generation(stage: Stage) -> Struck:
    with node_of(stage, Box("s01", 7), Clock().wall()):
        yield


@fault("证书是他市的", "E-ID-03")
async def leaf_of_another_city(stage: Stage) -> Struck:
    with node_of(stage, FIRST, Clock().wall(), other_city(stage)):
        yield


@fault("CA 换成了他市的", "E-ID-03", sampled=True)
async def ca_of_another_city(stage: Stage) -> Struck:
    other_city(stage)
    with holding(stage.folder / "ca.pem", (stage.place.broker.folder / "elsewhere" / "ca.pem").read_bytes()):
        yield


@fault("证书过期", "E-ID-04", sampled=True)
async def leaf_expired(stage: Stage) -> Struck:
    with node_of(stage, FIRST, Clock().wall() - 60 * DAY):
        yield


@fault("证书将到期", "E-ID-04")
async def leaf_ending(stage: Stage) -> Struck:
    with node_of(stage, FIRST, Clock().wall() - 25 * DAY):
        yield


def state_fault(state: str, name: str) -> None:
    """The hall has another opinion of the box."""

    @fault(name, "E-ID-05")
    async def strike(stage: Stage) -> Struck:
        await in_hall(stage, update(t.box).values(state=state))
        yield
        await in_hall(stage, update(t.box).values(state="active"))
        await ended(stage.place.agent, signal.SIGTERM)
        await stage.place.start(stage.place.agent)
        await stage.place.settled()


state_fault("revoked", "机器被吊销")
state_fault("superseded", "机器被接替")
state_fault("retired", "站点停用")
