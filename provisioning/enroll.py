"""The door for boxes: the script, the bundle, and a certificate for whoever has a token. A process of its own.

It alone reads the intermediate CA's key. One transaction decides (`core/enrolment.py`) and registers; then the broker
knows the box; then the box is answered, so that its first connection is not refused. A lost answer is asked for again.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import trail
from central.store.engine import Store, open_store
from common import log as logs
from common import process, sealed
from common.clock import Clock
from common.core.errors import ConfigError, UnavailableError, words
from common.core.instant import SECOND, to_us
from common.sdnotify import notify
from provisioning import identities, pki, proofs, registry, releases, rollouts, safekeeping, script
from provisioning.core import enrolment, renewal, token
from provisioning.core.enrolment import Granted, Refusal
from provisioning.core.identity import Box
from provisioning.core.messages import Ask, EnrolRequest, Identity, Offer, Refused, RenewRequest, Report
from provisioning.core.rate import Bucket
from provisioning.proofs import RefusedError
from provisioning.settings import Hall

BODY_BYTES = 64 * 1024
ADDRESSES = 10_000
"""So many buckets are kept before idle ones are forgotten."""
ACL_SECS = 3.0
"""A broker that runs has read its ACL by then; one that does not run reads it when it starts."""
_Asked = TypeVar("_Asked", EnrolRequest, RenewRequest, Ask, Report)
log = structlog.get_logger()


class Door:
    """Answers requests. `register` adds its routes."""

    def __init__(self, hall: Hall, store: Store, clock: Clock) -> None:
        """Raises ConfigError where a key of the hall is missing."""
        self._hall = hall
        self._store = store
        self._clock = clock
        self._ca = pki.load_ca(hall.folder / "ca")
        self._buckets: dict[str, Bucket] = {}

    def register(self, app: web.Application) -> None:
        app.add_routes(
            [
                web.get("/i", self._script),
                web.get("/b/{file}", self._bundle),
                web.post("/enrol", self._enrol),
                web.post("/renew", self._renew),
                web.post("/upgrade", self._upgrade),
            ]
        )

    async def _script(self, _request: web.Request) -> web.Response:
        text = await asyncio.to_thread(script.render, self._hall)
        return web.Response(text=text, content_type="text/x-shellscript", charset="utf-8")

    async def _bundle(self, request: web.Request) -> web.StreamResponse:
        """Part of it too, where an earlier download was cut."""
        for manifest in await asyncio.to_thread(releases.held, self._hall):
            if manifest.file == request.match_info["file"]:
                return web.FileResponse(self._hall.bundles / manifest.file)
        raise web.HTTPNotFound

    async def _enrol(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._enrolled)

    async def _renew(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._renewed)

    async def _upgrade(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._offered)

    async def _answer(
        self, request: web.Request, work: Callable[[bytes, str], Awaitable[Struct]]
    ) -> web.Response:
        address = request.remote or ""
        try:
            self._admit(address)
            answer = await work(await request.read(), address)
        except RefusedError as refused:
            why = refused.refusal
            log.warning("enrol.refused", address=address, reason=why.value)
            said = Refused(error=why.value, message=why.message, fix=why.fix, server_wall=self._clock.wall())
            return web.Response(
                body=msgspec.json.encode(said),
                status=_STATUS.get(why, 403),
                content_type="application/json",
            )
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def _enrolled(self, body: bytes, address: str) -> Identity:
        asked = _decoded(body, EnrolRequest)
        key = proofs.enrolling_key(asked)
        identity = await self._grant(asked, key)
        skew = round((asked.now_wall - self._clock.wall()) / SECOND)
        log.info(
            "box.enrolled",
            site=identity.site,
            generation=identity.generation,
            address=address,
            skew_secs=skew,
        )
        return identity

    async def _renewed(self, body: bytes, address: str) -> Identity:
        """A new certificate for a new key of a box that is active still; how late it comes does not matter."""
        asked, now = _decoded(body, RenewRequest), self._clock.wall()
        leaf, key = proofs.renewing_key(asked, self._ca)
        validity = renewal.Validity(to_us(leaf.not_valid_before_utc), to_us(leaf.not_valid_after_utc))
        async with self._store.write() as conn:
            found = await registry.issued(conn, f"{leaf.serial_number:x}")
            if found is None:
                raise RefusedError(Refusal.UNKNOWN_CERT)
            held, shown, newest = found
            refused = renewal.refusal(held.box, shown, newest, proofs.key_hash(key), validity, now)
            if refused is not None:
                raise RefusedError(refused)
            chain = pki.issue(self._ca, pki.box_subject(held.box), key, now)
            await registry.add_leaf(conn, _leaf(held.box, chain, key, now))
            name = await registry.name_of(conn, held.box.site)
        late = max(0, (now - validity.end_wall) // SECOND)
        log.info(
            "box.renewed", site=held.box.site, generation=held.box.generation, address=address, late_secs=late
        )
        return self._identity(held.box, name, chain)

    async def _offered(self, body: bytes, address: str) -> Offer:
        """What the box says is kept; it gets its job when its turn has come."""
        asked, now = _decoded(body, Ask), self._clock.wall()
        leaf, report = proofs.asking_leaf(asked, self._ca), _decoded(asked.value, Report)
        async with self._store.write() as conn:
            found = await registry.issued(conn, f"{leaf.serial_number:x}")
            if found is None:
                raise RefusedError(Refusal.UNKNOWN_CERT)
            box = found[0].box
            if barred := enrolment.barred(box):
                raise RefusedError(barred)
            await rollouts.heard(conn, box.site, box.generation, report, now)
            if report.escrow is not None:
                await safekeeping.keep(conn, box.site, box.generation, report.escrow, now)
            row = await rollouts.due(conn, box.site, now)
            over = await rollouts.finished(conn)
        await asyncio.to_thread(rollouts.keep_default, self._hall, over)
        if report.outcome is not None:
            log.info(
                "box.upgraded",
                site=box.site,
                release=report.release,
                outcome=report.outcome.standing,
                address=address,
            )
        anew = await asyncio.to_thread(releases.installed_anew, self._hall, report.arch)
        offer = Offer(halls=self._hall.addresses, newest=anew.release if anew else "", server_wall=now)
        if row is None:
            return offer
        manifest = await asyncio.to_thread(rollouts.manifest_of, self._hall, row.release, row.arch)
        if manifest is None:
            return offer
        return replace(offer, job=row.job, manifest=releases.raw(self._hall, manifest))

    def _admit(self, address: str) -> None:
        now = self._clock.mono()
        if len(self._buckets) > ADDRESSES:
            self._buckets = {name: item for name, item in self._buckets.items() if not item.is_idle(now)}
        if not self._buckets.setdefault(address, Bucket()).take(now):
            raise RefusedError(Refusal.BUSY)

    async def _grant(self, asked: EnrolRequest, key: EllipticCurvePublicKey) -> Identity:
        now, digest = self._clock.wall(), token.digest(asked.token)
        async with self._store.write() as conn:
            decided = await _decide(conn, asked, digest, proofs.key_hash(key), now)
            if isinstance(decided, Refusal):
                raise RefusedError(decided)
            chain = pki.issue(self._ca, pki.box_subject(decided.box), key, now)
            await registry.add_leaf(conn, _leaf(decided.box, chain, key, now))
            name = await registry.name_of(conn, decided.box.site)
        async with self._store.read() as conn:
            acl = await registry.publish(conn, self._hall.broker)
        await _until_read(self._hall.broker, acl)
        return self._identity(decided.box, name, chain)

    def _identity(self, box: Box, name: str, chain: bytes) -> Identity:
        return identities.told(self._hall, box.site, box.generation, name, chain, self._clock.wall())


_STATUS = {Refusal.BUSY: 429, Refusal.CSR_BAD: 400, Refusal.POP_FAILED: 400}


def _decoded(body: bytes, kind: type[_Asked]) -> _Asked:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise RefusedError(Refusal.CSR_BAD) from error


async def _decide(
    conn: AsyncConnection, asked: EnrolRequest, digest: bytes, key_hash: bytes, now: int
) -> Granted | Refusal:
    """Decide, and register the decision."""
    ticket = await registry.find_token(conn, digest)
    site = await registry.find_site(conn, ticket.site) if ticket else None
    decided = enrolment.claim(ticket, site, key_hash, now)
    if isinstance(decided, Refusal) or site is None:
        return decided
    machine = msgspec.json.encode(
        {name[:40]: text[:200] for name, text in list(asked.machine.items())[:20]}
    ).decode()
    new: dict[str, object] = {"sign_key": asked.sign_key, "created_wall": now, "machine": machine}
    await registry.burn(conn, digest, decided, now)
    await registry.write_boxes(conn, site.boxes, decided.boxes, new)
    await trail.note(
        conn, now, "登记服务", "box.enrol", decided.box.name, asked.machine.get("machine_id", "")[:200]
    )
    return decided


def _leaf(box: Box, chain: bytes, key: EllipticCurvePublicKey, now: int) -> registry.Leaf:
    leaf = x509.load_pem_x509_certificates(chain)[0]
    ends = int(leaf.not_valid_after_utc.timestamp()) * SECOND
    return registry.Leaf(box, f"{leaf.serial_number:x}", proofs.key_hash(key), now, ends)


async def _until_read(folder: Path, acl: str) -> None:
    """Until the broker that runs beside us says it has read this ACL (`broker_process.py`)."""
    said = folder / "acl.read"
    for _ in range(int(ACL_SECS / 0.05)):
        if not said.exists() or said.read_text() == acl:
            return
        await asyncio.sleep(0.05)


# the process --------------------------------------------------------------------------------------------------


class Options(Struct, frozen=True):
    """`bind`: the address to listen on; empty for all."""

    hall: Hall
    bind: str = ""


def run(options: Options) -> None:
    """Serve until told to stop. Raises ConfigError where a key is missing or the port is taken."""
    logs.configure(level="info", role="enroll")
    process.run(_main(options))


async def _main(options: Options) -> None:
    hall = options.hall
    async with AsyncExitStack() as stack:
        store = await open_store(hall.database_url)
        stack.push_async_callback(store.close)
        app = web.Application(client_max_size=BODY_BYTES, middlewares=[_foreseen])
        Door(hall, store, Clock()).register(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(
            runner, options.bind or None, hall.enrol.port, ssl_context=_tls(sealed.place(hall.door))
        )
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(
                f"登记端口 {hall.enrol.port} 不能使用：{words(error)}",
                hint="登记服务可能已在运行；否则请在 enroll.toml 换一个端口",
            ) from error
        log.info("enrol.started", address=hall.address)
        notify("READY=1")
        while True:
            async with store.write() as conn:  # a database that hangs is no reason to be called alive
                ended = await registry.end_draining(conn, Clock().wall())
            if ended:
                async with store.read() as conn:
                    await registry.publish(conn, hall.broker)
                log.info("box.superseded", boxes=ended)
            notify("WATCHDOG=1")
            await asyncio.sleep(20)


@web.middleware
async def _foreseen(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except UnavailableError as error:
        why = Refusal.BUSY
        log.warning("enrol.refused", address=request.remote or "", reason=str(error))
        said = Refused(
            error=why.value, message=f"市中心的数据库不可用（{error}）", fix=why.fix, server_wall=0
        )
        return web.Response(body=msgspec.json.encode(said), status=503, content_type="application/json")


def _tls(door: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(door)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"读不了登记服务的证书 {door}：{error}", hint="请再执行一次  mingcha central init"
        ) from error
    return context
