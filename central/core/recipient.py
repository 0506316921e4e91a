"""Who holds a post for a case, and over which channels each of them is reached."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from central.core.access import Role
from central.core.item import Person
from central.core.ladder import Post
from central.core.message import Channel
from central.core.scope import EVERYTHING, Scope

GROUP = "group"
"""The one group chat of the hall."""


class Account(Struct, frozen=True):
    """An account as a message sees it."""

    name: str
    role: Role
    scope: Scope
    phone: str = ""
    mail: str = ""


class Recipient(Struct, frozen=True):
    """One person with every address; `person` is the account, or `tel:` and the number of somebody without one."""

    person: str
    name: str
    addresses: tuple[tuple[Channel, str], ...]


def holders(
    posts: Sequence[Post], site: str, org: str | None, accounts: Iterable[Account], persons: Iterable[Person]
) -> list[Recipient]:
    """Everybody who holds one of `posts` for a case of `site` and office `org`, each once, in the order of their names.

    Of the catalogue's persons, who are handlers, those without a number cannot be told, and one whose number an account has
    is that account.
    """
    roles = {post.role for post in posts}
    found = {
        one.name: Recipient(one.name, one.name, _addresses(one))
        for one in accounts
        if one.role in roles and _reaches(one.scope, site, org)
    }
    if Post.HANDLER in posts:
        known = {number for one in found.values() for _, number in one.addresses}
        for person in persons:
            number = dialled(person.phone)
            if number and number not in known:
                found[f"tel:{number}"] = Recipient(f"tel:{number}", person.name, ((Channel.SMS, number),))
    if Post.CHAT in posts:
        found[GROUP] = Recipient(GROUP, "群", ((Channel.CHAT, ""),))
    return [found[name] for name in sorted(found)]


def named(names: Collection[str], accounts: Iterable[Account]) -> list[Recipient]:
    """The accounts of these names that reach everything."""
    known = [one for one in accounts if one.name in names and one.scope == EVERYTHING]
    return [Recipient(one.name, one.name, _addresses(one)) for one in known]


def _reaches(scope: Scope, site: str, org: str | None) -> bool:
    return scope.has_site(site) and (scope.orgs is None or org in scope.orgs)


def _addresses(one: Account) -> tuple[tuple[Channel, str], ...]:
    known = ((Channel.SMS, dialled(one.phone)), (Channel.MAIL, one.mail))
    return ((Channel.INBOX, ""), *(pair for pair in known if pair[1]))


def dialled(phone: str) -> str:
    """Digits alone, `+` before a foreign one; empty for what cannot be a number."""
    text = phone.strip()
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    return ("+" if text.startswith("+") else "") + digits if 5 <= len(digits) <= 15 else ""


def contact_fault(phone: str, mail: str) -> str:
    """Why these cannot be somebody's number and mailbox, for people; empty if they can."""
    if phone and not dialled(phone):
        return f"{phone} 不是电话号码：须有 5 至 15 位数字"
    name, at, host = mail.partition("@")
    sound = all(char.isprintable() and char not in " ,;<>" for char in mail)
    if mail and not (name and at and "." in host and "@" not in host and sound):
        return f"{mail} 不是邮箱：写法如 zhang@city.example"
    return ""


def veiled(address: str) -> str:
    """A number or a mailbox as a list shows it: `138****0017`."""
    if "@" in address:
        name, _, host = address.partition("@")
        return f"{name[:1]}***@{host}"
    return f"{address[:3]}****{address[-4:]}" if len(address) >= 9 else "****" if address else ""
