"""Everything the demonstration's processes find in their folders: keys, certificates, configuration, first rows."""

import json
import secrets
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from argon2 import PasswordHasher
from msgspec import Struct
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import law, scope, tables
from central.store.engine import open_store
from common.address import with_key
from common.clock import Clock, ClockConfig
from provisioning import broker, pki
from provisioning.core.identity import Box
from provisioning.demo import posted, shown
from provisioning.demo.city import ITEMS, SITES
from provisioning.demo.scene import SEAT, Camera

USERS = {
    "supervisor": ("supervisor", "监察员"),
    "supervisor2": ("supervisor", "监察员"),
    "chief": ("chief", "监察领导"),
    "chief2": ("chief", "监察领导"),
    "centre": ("centre", "政务中心"),
    "reviewer": ("reviewer", "法制效能审核"),
    "complaints": ("complaints", "投诉受理员"),
    "complaints2": ("complaints", "投诉受理员"),
    "publisher": ("publisher", "发布员"),
    "releaser": ("releaser", "发布审核员"),
    "leader": ("leader", "领导（只读）"),
    "head": ("head", "部门负责人"),
    "it": ("it", "运维"),
}
"""User name -> role and what it is called: one of each kind of view there is so far, two of those whom four eyes ask for."""
GENERATION = 1
HOST = "127.0.0.1"
RTSP_USER, RTSP_PASSWORD = "monitor", "demo-camera"
"""Of a camera that only this machine reaches."""


class Plan(Struct, frozen=True, kw_only=True):
    """Where everything is. `line_site` reaches the broker through the line that is cut now and then."""

    folder: Path
    web_port: int
    door_port: int
    broker_port: int
    line_port: int
    line_site: str
    live_port: int
    tls: bool
    clock: ClockConfig


class Made(Struct, frozen=True):
    """What the launcher needs to know of it."""

    password: str
    is_workday: Callable[[date], bool]


async def prepare(plan: Plan) -> Made:
    """Write every file and row before a process starts."""
    now_wall = Clock().wall()
    hall = plan.folder / "hall"
    pki.prepare_hall(hall, [HOST], now_wall)
    keys: dict[str, bytes] = {}
    for site in SITES:
        folder = plan.folder / "sites" / site.id
        keys[site.id] = pki.prepare_box(folder, hall, Box(site.id, GENERATION), now_wall)
        (folder / "agent.toml").write_text(_agent_toml(plan, site.id, site.name), "utf-8")
    broker.write_conf(hall / "broker", port=plan.broker_port, bind=HOST)
    broker.write_acl(hall / "broker", [Box(site.id, GENERATION) for site in SITES])
    (hall / "central.toml").write_text(_central_toml(plan), "utf-8")
    (hall / "door.toml").write_text(_door_toml(plan), "utf-8")
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    store = await open_store(
        with_key(f"sqlite+aiosqlite:///{hall / 'data' / 'central.db'}", hall / "data.key")
    )
    try:
        async with store.write() as conn:
            await _write_rows(conn, keys, password, now_wall)
            calendar = await law.calendar(conn)
    finally:
        await store.close()
    return Made(password, calendar.is_workday)


async def _write_rows(conn: AsyncConnection, keys: dict[str, bytes], password: str, now_wall: int) -> None:
    sites = [
        {"id": site.id, "name": site.name, "kind": site.kind, "position": place}
        for place, site in enumerate(SITES)
    ]
    boxes = [
        {"site": site, "generation": GENERATION, "sign_key": key, "state": "active", "created_wall": now_wall}
        for site, key in keys.items()
    ]
    items = [
        {
            "code": item.code,
            "version": 1,
            "content": json.dumps(shown.content(item), ensure_ascii=False),
            "who": "demo",
            "why": "演示",
            "made_wall": now_wall,
        }
        for item in ITEMS
    ]
    hashed = PasswordHasher().hash(password)
    users = [
        {
            "name": name,
            "role": role,
            "password": hashed,
            "must_change": False,
            "disabled": False,
            "created_wall": now_wall,
        }
        for name, (role, _) in USERS.items()
    ]
    for table, rows in (
        (tables.site, sites),
        (tables.box, boxes),
        (tables.item_version, items),
        (tables.user, users),
        (tables.issuer, [_issuer(now_wall)]),
    ):
        await conn.execute(insert(table), rows)
    await posted.write(conn, now_wall)
    await scope.give(conn, "head", [site.id for site in SITES], [])


def _issuer(now_wall: int) -> dict[str, object]:
    """Who issues the demonstration's documents."""
    return {
        "id": "jcj",
        "valid_from": "2020-01-01",
        "name": "云州市监察局",
        "letterhead": "云州市监察局文件",
        "mark": "云监",
        "printer": "云州市监察局办公室",
        "who": "demo",
        "why": "演示",
        "set_wall": now_wall,
    }


def _mqtt(plan: Plan, port: int) -> str:
    version = 5 if plan.tls else 3
    return f'[mqtt]\nhost = "{HOST}"\nport = {port}\nversion = {version}\ntls = {str(plan.tls).lower()}\n'


def _clock(clock: ClockConfig) -> str:
    return (
        f"[clock]\ndemo_office_at = {clock.demo_office_at}\ndemo_start_wall = {clock.demo_start_wall}\n"
        f"demo_pace = {clock.demo_pace}\ndemo_rest_pace = {clock.demo_rest_pace}\n"
    )


def _agent_toml(plan: Plan, site: str, name: str) -> str:
    port = plan.line_port if site == plan.line_site else plan.broker_port
    return (
        f'site = "{site}"\nname = "{name}"\ngeneration = {GENERATION}\n'
        f'mapping = "{plan.folder / "offices" / site / "mapping.toml"}"\n'
        # An office day passes in two minutes: rounds and statements of completeness keep step with it.
        "[capture]\npoll_secs = 2.0\npass_secs = 2.0\nsweep_secs = 5.0\n"
        f"{_mqtt(plan, port)}{_clock(plan.clock)}"
    )


def add_cameras(folder: Path, cameras: Sequence[Camera], rtsp_port: int) -> None:
    """Write them into their boxes' configuration, and that nobody sits anywhere yet: what the boxes see first is so.

    `rtsp_port`: where the one with sound is served; 0: nowhere, it is a recording like the others.
    """
    for item in cameras:
        box = folder / "sites" / item.site
        text = f'[[camera]]\nid = "{item.id}"\nname = "{item.name}"\n'
        if item.has_sound and rtsp_port:
            text += f'type = "rtsp"\naddress = "rtsp://{HOST}:{rtsp_port}/main"\n'
            text += f'user = "{RTSP_USER}"\npassword_file = "camera"\n'
            (box / "camera").write_text(RTSP_PASSWORD, "utf-8")
        else:
            text += f'type = "file"\npath = "{folder / "cameras" / item.shows.file}"\n'
        if item.seat:
            text += f'[[camera.seat]]\nid = "w2"\nname = "{item.seat}"\nbox = {list(SEAT)}\n'
            (box / "data").mkdir(exist_ok=True)
            (box / "data" / "camera-vacant").write_text(item.id, "utf-8")
        with (box / "agent.toml").open("a", encoding="utf-8") as config:
            config.write(text)


def _central_toml(plan: Plan) -> str:
    embedded = str(not plan.tls).lower()
    live = f"{'wss' if plan.tls else 'ws'}://{HOST}:{plan.live_port}"
    return (
        f"embedded_broker = {embedded}\n[web]\nport = {plan.web_port}\nsecure_cookie = false\n"
        f'[live]\naddress = "{live}"\nhost = "{HOST}"\nport = {plan.live_port}\n'
        f"[public]\nenabled = true\n{_mqtt(plan, plan.broker_port)}{_clock(plan.clock)}"
    )


def _door_toml(plan: Plan) -> str:
    return f'hosts = ["{HOST}", "localhost"]\nport = {plan.door_port}\nsecure_cookie = false\n'
