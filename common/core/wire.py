"""What every message keeps to: integers that can be reckoned with, texts that a database holds, one way to fail.

MessagePack has wider integers than a column, PostgreSQL no NUL in a text, and msgspec lets bad UTF-8 and deep nesting out
as other errors than its own: without these bounds a crafted message would end the process that reads it, or stop the
messages of others that share its transaction, instead of being refused.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Struct

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
"""Half of what a column holds: sums and differences of two fit as well."""
_Value = TypeVar("_Value")


def decode(decoder: msgspec.msgpack.Decoder[_Value], raw: bytes) -> _Value:
    """Raises msgspec.DecodeError (a ValueError), whatever the bytes are."""
    try:
        value = decoder.decode(raw)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
    if _has_nul(value):
        raise msgspec.DecodeError("NUL in a text")
    return value


def _has_nul(value: Any) -> bool:
    """In any text, however deep."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Struct):
        return any(map(_has_nul, msgspec.structs.astuple(value)))
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(_has_nul, value))
