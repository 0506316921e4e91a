"""What every message keeps to: integers that a database holds, and decoding that fails in one way only.

MessagePack has wider integers than a column, and msgspec lets bad UTF-8 and deep nesting out as other errors than
its own: without these bounds a crafted message would end the process that reads it instead of being refused.
"""

from typing import Annotated, TypeVar

import msgspec

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Value = TypeVar("_Value")


def decode(decoder: msgspec.msgpack.Decoder[_Value], raw: bytes) -> _Value:
    """Raises msgspec.DecodeError (a ValueError), whatever the bytes are."""
    try:
        return decoder.decode(raw)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
