"""What every message keeps to: integers that can be reckoned with, texts that can be kept and shown, one way to fail.

MessagePack has wider integers than a column, PostgreSQL no NUL in a text, and msgspec lets bad UTF-8 and deep nesting out
as other errors than its own: without these bounds a crafted message would end the process that reads it, or stop the
messages of others that share its transaction, instead of being refused. A terminal obeys control characters: without the
bounds on texts a site would write on the operator's screen.
"""

import re
from typing import Annotated, Any, TypeVar

import msgspec

from common.core.text import is_sound, one_line

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
"""Half of what a column holds: sums and differences of two fit as well."""
LONGEST_WORD, LONGEST_KEY, LONGEST_SAID, LONGEST_TEXT = 200, 400, 2_000, 4_000
Word = Annotated[str, msgspec.Meta(max_length=LONGEST_WORD)]
"""What names or numbers something: an id, a code, a version."""
Key = Annotated[str, msgspec.Meta(max_length=LONGEST_KEY)]
"""Of a row or a case: with site and table it still fits a page of any index, four bytes a character."""
Said = Annotated[str, msgspec.Meta(max_length=LONGEST_SAID)]
"""A sentence for people."""
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
"""What an office wrote into one field."""
_Value = TypeVar("_Value")


def decode(decoder: msgspec.msgpack.Decoder[_Value], raw: bytes) -> _Value:
    """Raises msgspec.DecodeError (a ValueError), whatever the bytes are; its words, which may quote them, can be shown."""
    try:
        value = decoder.decode(raw)
        are_sound = _is_sound(value)
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        kind = type(error) if isinstance(error, msgspec.DecodeError) else msgspec.DecodeError
        raise kind(one_line(error)) from error
    if not are_sound:
        raise msgspec.DecodeError("a control character in a text")
    return value


def _is_sound(value: Any) -> bool:
    """Every text, however deep: looked at as JSON, which the library writes ten times faster than Python walks a record.

    A field that stays bytes (`Raw`) is looked at when it is decoded itself.
    """
    parts = (
        [one for one in msgspec.structs.astuple(value) if type(one) is not msgspec.Raw]
        if isinstance(value, msgspec.Struct)
        else value
    )
    text = msgspec.json.encode(parts).decode()
    return is_sound(text) and ("\\" not in text or _CONTROL.search(text) is None)


_CONTROL = re.compile(r"(?<!\\)(?:\\\\)*\\[bfru]")
"""What JSON makes of a control character that is neither tab nor line feed; a backslash of the text itself is doubled."""
