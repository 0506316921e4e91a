"""Content digest of a source row: keyed BLAKE2b over its raw values in one canonical encoding.

Equal values give equal bytes on every engine, driver and release (golden tests). Two neighbouring values can
never be read as others: each is a tag, a length and its bytes. The key keeps the digest from revealing anything.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from common.core.crypto import keyed_digest
from common.core.errors import RejectedError

BYTES = (bytes, bytearray, memoryview)
_PLAIN: dict[type, tuple[bytes, Callable[[Any], bytes]]] = {
    str: (b"S", lambda value: value.encode("utf-8", "surrogatepass")),
    bytes: (b"B", bytes),
    int: (b"I", lambda value: str(value).encode()),
    datetime: (b"T", lambda value: value.isoformat().encode()),
    type(None): (b"N", lambda _: b""),
}
"""What nearly every value is, found without asking for one type after the other."""


def row_digest(key: bytes, mapping: bytes, values: Iterable[Any]) -> bytes:
    """16 bytes. `mapping` is the fingerprint of the table's mapping: another mapping reads a row anew."""
    return keyed_digest(key, _framed(b"M", mapping) + b"".join(map(encode, values)))


def encode(value: Any) -> bytes:
    """tag | length as 4 bytes big-endian | content. Raises RejectedError for a type without an encoding."""
    plain_kind = _PLAIN.get(type(value))
    if plain_kind is None:
        return _framed(*_content(value))
    tag, content = plain_kind[0], plain_kind[1](value)
    return tag + len(content).to_bytes(4, "big") + content


def _framed(tag: bytes, content: bytes) -> bytes:
    return tag + len(content).to_bytes(4, "big") + content


def _content(value: Any) -> tuple[bytes, bytes]:
    if value is None:
        return b"N", b""
    if isinstance(value, str):
        return b"S", value.encode("utf-8", "surrogatepass")
    if isinstance(value, BYTES):
        return b"B", bytes(value)
    return _number(value) or _temporal(value)


def _number(value: Any) -> tuple[bytes, bytes] | None:
    if isinstance(value, bool | int):
        return b"I", str(int(value)).encode()
    if isinstance(value, float):
        return b"F", repr(value).encode()
    if isinstance(value, Decimal):
        return b"D", plain(value).encode()
    return None


def _temporal(value: Any) -> tuple[bytes, bytes]:
    if isinstance(value, datetime):
        return b"T", value.isoformat().encode()
    if isinstance(value, date):
        return b"d", value.isoformat().encode()
    if isinstance(value, time):
        return b"t", value.isoformat().encode()
    if isinstance(value, timedelta):
        micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        return b"u", str(micros).encode()
    if isinstance(value, UUID):
        return b"S", str(value).encode()
    raise RejectedError(
        f"字段的数据类型不支持：{type(value).__name__}", hint="请在 mapping.toml 去掉该字段，或由视图转为文字"
    )


def plain(value: Decimal) -> str:
    """Decimal with its scale, never in exponent form; minus zero is zero."""
    return format(value if value else abs(value), "f")
