"""Column types for what may name a person: sealed where it rests, opened where it is read; and the blind index beside it.

A statement names its columns as ever: the key is the engine's (`hold`), and every value is bound to its table and column.
What does not open reaches its reader as `Unopened` or `UnopenedText`, never as an exception: one spoilt value of a list
is one line that says so.
"""

import hashlib
import os
import unicodedata
from collections.abc import Callable
from typing import Any, Self, cast
from weakref import WeakKeyDictionary

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import TypeDecorator

from common.core import crypto
from common.core.crypto import AT_REST, KEY_BYTES, NONCE_BYTES, DamagedError
from common.core.errors import ConfigError
from common.core.mask import SPOILT

_MARK = b"\xc1"
"""Before every sealed value: the one byte that begins neither MessagePack nor UTF-8, so that nobody takes it for content."""
_OVERHEAD = len(_MARK) + NONCE_BYTES + crypto.TAG_BYTES
_TOKEN_BYTES = 16
_WITH_COUNTRY = 13
NAME, PHONE = "name", "phone"
"""Kinds of blind indexes in which several spellings are one."""
PERSON, KEY = "person", "key"
"""Kinds in which every spelling is another: whoever is told something, and the key of a message."""
_Bind = Callable[[Any], bytes | None]
_Open = Callable[[Any], Any]


class Unopened(bytes):
    """A sealed value as it lies in the database, because no key of the hall opens it: damaged, or moved from elsewhere.

    It decodes as nothing, and written back it is what it was.
    """

    __slots__ = ()


class UnopenedText(str):
    """The same of a text: it reads `SPOILT`."""

    __slots__ = ("kept",)
    kept: bytes

    def __new__(cls, kept: bytes) -> Self:
        made = super().__new__(cls, SPOILT)
        made.kept = kept
        return made


class Ring:
    """The data keys of one hall: the first seals, all of them open; one keys the blind index, and goes on to after a change of keys."""

    def __init__(self, keys: list[bytes], index: str = "") -> None:
        """`keys`: 32 random bytes each, the present one first. `index`: id of the one that keys the blind index; the oldest where
        there is none of that id. Raises ConfigError for one of another length.
        """
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ConfigError(
                f"数据密钥不是 {KEY_BYTES} 字节", hint="请从备份恢复数据密钥文件；它损坏了，个人信息就解不开"
            )
        self.ids = [crypto.key_id(key) for key in keys]
        self._aeads = [crypto.cipher(AT_REST, _derived(key, b"MC1 at rest")) for key in keys]
        place = self.ids.index(index) if index in self.ids else -1
        self.index_id = self.ids[place]
        self._index = _derived(keys[place], b"MC1 blind index")

    def sealer(self, place: bytes) -> Callable[[bytes], bytes]:
        """-> seals one value after the other, bound to `place`. No derivation for each: this is the way of every record."""
        encrypt, fresh = self._aeads[0].encrypt, os.urandom

        def seal(plain: bytes) -> bytes:
            nonce = fresh(NONCE_BYTES)
            return _MARK + nonce + encrypt(nonce, plain, place)

        return seal

    def opener(self, place: bytes) -> Callable[[bytes], bytes | None]:
        """-> inverse of `sealer`; None for what does not open."""
        aeads = self._aeads

        def unseal(kept: bytes) -> bytes | None:
            if kept[:1] != _MARK or len(kept) < _OVERHEAD:
                return None
            for aead in aeads:
                try:
                    return crypto.unseal(aead, place, kept[1:])
                except DamagedError:
                    continue
            return None

        return unseal

    def renewer(self, place: bytes) -> Callable[[bytes], bytes | None]:
        """-> of a sealed value: itself where the present key has sealed it, sealed anew where a former one has; None: none has."""
        newest, unseal, seal = self._aeads[0], self.opener(place), self.sealer(place)

        def renew(kept: bytes) -> bytes | None:
            plain = unseal(kept)
            if plain is None:
                return None
            try:
                crypto.unseal(newest, place, kept[1:])
            except DamagedError:
                return seal(plain)
            return kept

        return renew

    def token(self, kind: str, text: str) -> bytes:
        """What stands in a blind index for `text`: equal for equal texts, and told by nobody without the key."""
        said = f"{kind}|{plain_form(kind, text)}".encode()
        return hashlib.blake2b(said, digest_size=_TOKEN_BYTES, key=self._index).digest()


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, None, purpose).derive(key)


def plain_form(kind: str, text: str) -> str:
    """By which two spellings are the same: no blanks, one width, one case; of a telephone the digits without +86."""
    if kind in {PERSON, KEY}:
        return text
    plain = "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    if kind != PHONE:
        return plain
    digits = "".join(char for char in plain if char.isdecimal())
    return digits[2:] if len(digits) == _WITH_COUNTRY and digits.startswith("86") else digits


_RINGS: WeakKeyDictionary[Dialect, Ring] = WeakKeyDictionary()


def hold(engine: AsyncEngine, ring: Ring) -> None:
    """From now on statements of `engine` seal and open with `ring`."""
    _RINGS[engine.dialect] = ring


def token(dialect: Dialect, kind: str, text: str | None) -> bytes | None:
    """What a `Blind` column of this `kind` holds for `text`; None for nothing, and where there is no key to say it."""
    ring = _RINGS.get(dialect)
    return None if ring is None or text is None else ring.token(kind, text)


def _refused(_: object) -> bytes:
    raise ConfigError(
        "没有数据密钥，不能写入个人信息", hint="请确认 central.toml 的 identity.data_key 指向的文件存在"
    )


class Sealed(TypeDecorator[Any]):
    """Bytes. `place`: `table.column`, which the value is bound to."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def bind_processor(self, dialect: Dialect) -> _Bind:
        ring, lying = _RINGS.get(dialect), self._lying
        seal = ring.sealer(self.place.encode()) if ring is not None else _refused

        def bind(value: Any) -> bytes | None:
            if value is None:
                return None
            kept, plain = lying(value)
            return seal(plain) if kept is None else kept

        return bind

    def result_processor(self, dialect: Dialect, coltype: object) -> _Open:  # noqa: ARG002  SQLAlchemy's
        ring, said = _RINGS.get(dialect), self._said
        unseal = ring.opener(self.place.encode()) if ring is not None else _closed

        def opened(kept: Any) -> Any:
            if kept is None:
                return None
            return said(unseal(kept) if isinstance(kept, bytes) else None, kept)

        return opened

    @staticmethod
    def _lying(value: Any) -> tuple[bytes | None, bytes]:
        """-> (as it lay in the database, of a value that did not open; what is to be sealed)."""
        return (bytes(value), b"") if isinstance(value, Unopened) else (None, value)

    @staticmethod
    def _said(found: bytes | None, kept: Any) -> Any:
        """What its reader gets. `found`: what was sealed; None: it does not open."""
        return Unopened(_as_bytes(kept)) if found is None else found


class SealedText(Sealed):
    """A text, as `Sealed`."""

    cache_ok = True

    @staticmethod
    def _lying(value: Any) -> tuple[bytes | None, bytes]:
        return (value.kept, b"") if isinstance(value, UnopenedText) else (None, value.encode())

    @staticmethod
    def _said(found: bytes | None, kept: Any) -> Any:
        return UnopenedText(_as_bytes(kept)) if found is None else found.decode()


class Blind(TypeDecorator[bytes]):
    """A blind index: a text goes in, as value and in comparisons; its token is what lies there and comes out.

    `kind`: what the texts are, so that a name and a number that are spelt alike are not seen to be.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def bind_processor(self, dialect: Dialect) -> _Bind:
        ring, kind = _RINGS.get(dialect), self.kind

        def bind(value: Any) -> bytes | None:
            if value is None or isinstance(value, bytes):
                return value
            return ring.token(kind, cast("str", value)) if ring is not None else _refused(value)

        return bind


def _closed(_: bytes) -> None:
    """Without a key nothing opens."""


def _as_bytes(kept: Any) -> bytes:
    """Whatever somebody wrote there past the hall."""
    return kept if isinstance(kept, bytes) else str(kept).encode("utf-8", "surrogatepass")
