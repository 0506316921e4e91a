"""`mingcha user`: who may enter the hall, as what, and how far. Whoever has the hall's command line may do this."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central import trail
from central.commands import in_store
from central.core.access import BOUND, PEOPLE, Role
from common.cli import say, say_json
from common.core.errors import UsageError

_NAME = click.argument("name", metavar="用户名")
_SITES = click.option("--site", "sites", multiple=True, metavar="站点", help="只及此站点，可写多次。")
_STATES = {"disabled": "停用", "pending": "待授权", "must_change": "须改密码"}
_ORGS = click.option("--org", "offices", multiple=True, metavar="机构", help="只及此机构及其下级，可写多次。")


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="用户。")
    def user() -> None:
        """Group of commands."""

    _add_accounts(user, config)
    _add_contact(user, config)
    _add_entrance(user, config)
    _add_security(user, config)


def _add_accounts(user: click.Group, config: Callable[[Any], Any]) -> None:
    @user.command("add", help="新建用户，印出一次性密码；首次登录须改密码。")
    @_NAME
    @click.option(
        "--role",
        type=click.Choice([role.value for role in PEOPLE]),
        required=True,
        metavar="角色",
        help=" ".join(f"{role.value}（{role.word}）" for role in PEOPLE),
    )
    @_SITES
    @_ORGS
    @config
    def create(name: str, role: str, sites: tuple[str, ...], offices: tuple[str, ...], path: Path) -> None:
        from central import password
        from central.store import scope, users
        from common.clock import Clock

        secret, chosen = password.one_time(), Role(role)

        async def write(conn: AsyncConnection) -> None:
            await users.add(conn, name, chosen, await password.hash_password(secret), Clock().wall())
            await scope.give(conn, name, list(sites), list(offices))
            await trail.by_hand(conn, "user.add", name, said(chosen, list(sites), list(offices)))

        in_store(path, write)
        say(f"用户 {name}（{chosen.word}）已建立。一次性密码：{secret}")
        if chosen in BOUND and not (sites or offices):
            say(f"! {chosen.word}未指定站点或机构，看不到办件。请执行  mingcha user reach {name} --site …")

    @user.command("list", help="全部用户。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def show(as_json: bool, path: Path) -> None:
        import msgspec

        from central.store import scope, users

        async def read(conn: AsyncConnection) -> list[dict[str, Any]]:
            return [
                {"name": row.name, "role": row.role, "disabled": row.disabled, "must_change": row.must_change}
                | {"pending": row.pending, "factor": row.factor is not None}
                | dict(zip(("sites", "orgs"), await scope.given(conn, row.name), strict=True))
                for row in await users.everyone(conn)
            ]

        found = in_store(path, read)
        if as_json:
            say_json(msgspec.json.encode(found))
            return
        for line in found:
            notes = [word for name, word in _STATES.items() if line[name]]
            reach = "、".join([*line["sites"], *line["orgs"]])
            say(f"{line['name']}\t{Role(line['role']).word}\t{''.join(notes[:1])}\t{reach}".rstrip())

    @user.command("home", help="登记用户所属的机构或站点：不能办理本单位的纠错；不写为不属于被监察单位。")
    @_NAME
    @click.argument("home", metavar="机构或站点", default="")
    @config
    def belong(name: str, home: str, path: Path) -> None:
        from central.store import scope, users

        async def write(conn: AsyncConnection) -> None:
            await users.one(conn, name)
            await scope.settle(conn, name, home)
            await trail.by_hand(conn, "user.home", name, home or "不属于被监察单位")

        in_store(path, write)
        say(f"用户 {name}：{home or '不属于被监察单位'}")

    @user.command("reach", help="限定用户所及的站点与机构；都不写为不限。")
    @_NAME
    @_SITES
    @_ORGS
    @config
    def reach(name: str, sites: tuple[str, ...], offices: tuple[str, ...], path: Path) -> None:
        from central.store import scope, users

        async def write(conn: AsyncConnection) -> str:
            row = await users.one(conn, name)
            await scope.give(conn, name, list(sites), list(offices))
            words = said(Role(row.role), list(sites), list(offices))
            await trail.by_hand(conn, "user.reach", name, words)
            return words

        say(f"用户 {name}：{in_store(path, write)}")


def _add_contact(user: click.Group, config: Callable[[Any], Any]) -> None:
    @user.command("contact", help="登记用户的手机与邮箱，消息发到这里；不写的一项即取消。")
    @_NAME
    @click.option("--phone", default="", metavar="手机", help="数字，可带 + 与短横线。")
    @click.option("--mail", default="", metavar="邮箱", help="电子邮箱。")
    @config
    def contact(name: str, phone: str, mail: str, path: Path) -> None:
        from central.core.recipient import contact_fault, dialled, veiled
        from central.store import users

        fault = contact_fault(phone, mail)
        if fault:
            raise click.UsageError(fault)

        async def write(conn: AsyncConnection) -> None:
            await users.reach_at(conn, name, dialled(phone), mail)
            shown = "、".join(filter(None, [veiled(dialled(phone)), veiled(mail)]))
            await trail.by_hand(conn, "user.contact", name, shown)

        in_store(path, write)
        say(f"用户 {name}：手机 {dialled(phone) or '无'}，邮箱 {mail or '无'}")


def said(role: Role, sites: list[str], offices: list[str]) -> str:
    """A role and how far it reaches, for people."""
    if not sites and not offices:
        return f"{role.word}，{'未指定站点或机构' if role in BOUND else '不限站点与机构'}"
    parts = ["站点 " + "、".join(sites) if sites else "", "机构 " + "、".join(offices) if offices else ""]
    return f"{role.word}，只及{'，'.join(part for part in parts if part)}"


def _add_entrance(user: click.Group, config: Callable[[Any], Any]) -> None:
    @user.command("reset", help="重设一次性密码，并退出其全部登录。")
    @_NAME
    @config
    def reset(name: str, path: Path) -> None:
        from central import password
        from central.store import users

        secret = password.one_time()

        async def write(conn: AsyncConnection) -> None:
            await users.reset(conn, name, await password.hash_password(secret))
            await trail.by_hand(conn, "user.reset", name)

        in_store(path, write)
        say(f"用户 {name} 的一次性密码：{secret}")

    @user.command("enable", help="恢复停用的用户，密码不变。")
    @_NAME
    @config
    def enable(name: str, path: Path) -> None:
        from central.store import users

        async def write(conn: AsyncConnection) -> None:
            await users.enable(conn, name)
            await trail.by_hand(conn, "user.enable", name)

        in_store(path, write)
        say(f"用户 {name} 已恢复")

    @user.command("disable", help="停用用户，并退出其全部登录。")
    @_NAME
    @config
    def disable(name: str, path: Path) -> None:
        from central.store import users

        async def write(conn: AsyncConnection) -> None:
            await users.disable(conn, name)
            await trail.by_hand(conn, "user.disable", name)

        in_store(path, write)
        say(f"用户 {name} 已停用")


def _add_security(user: click.Group, config: Callable[[Any], Any]) -> None:
    def hand(path: Path, name: str, act: str, work: Callable[[AsyncConnection, str], Any]) -> None:
        from central.store import users

        async def write(conn: AsyncConnection) -> None:
            await users.one(conn, name)
            await work(conn, name)
            await trail.by_hand(conn, act, name)

        in_store(path, write)

    @user.command("approve", help="授权在网页上申请的用户或其变更。")
    @_NAME
    @config
    def approve(name: str, path: Path) -> None:
        from central.store import users

        hand(path, name, "user.approve", users.approve)
        say(f"用户 {name} 已授权")

    @user.command("forget", help="取消用户的动态口令（手机丢失或更换），并退出其全部登录。")
    @_NAME
    @config
    def forget(name: str, path: Path) -> None:
        from central.store import users

        hand(path, name, "user.forget", users.forget_factor)
        say(f"用户 {name} 的动态口令已取消")

    @user.command("logout", help="结束用户的全部登录。")
    @_NAME
    @config
    def logout(name: str, path: Path) -> None:
        from central.store import sessions

        hand(path, name, "user.logout", sessions.end_of)
        say(f"用户 {name} 的登录已全部结束")

    @user.command("wall", help="授权一块大屏：印出它的网址，长期有效、只能看总览；再次执行则旧网址作废。")
    @_NAME
    @config
    def wall(name: str, path: Path) -> None:
        import secrets

        from central.store import sessions, users
        from central.web.guard import WALL, digest
        from common.clock import Clock

        token, now_wall = WALL + secrets.token_urlsafe(32), Clock().wall()

        async def write(conn: AsyncConnection) -> None:
            known = {row.name: row.role for row in await users.everyone(conn)}
            if name not in known:
                await users.add_wall(conn, name, now_wall)
            elif known[name] != Role.WALL:
                raise UsageError(f"{name} 是用户的名字", hint="给大屏另取一个名字，如  一号屏")
            await sessions.end_of(conn, name)
            await sessions.begin(conn, digest(token), name, secrets.token_urlsafe(24), now_wall)
            await trail.by_hand(conn, "user.wall", name)

        in_store(path, write)
        say(f"大屏 {name} 的网址（浏览器以它启动，请勿外传）：/wall/{token}")
        say(f"收回：mingcha user logout {name}")
