"""A record as this very program reads it.

What lies in a buffer may have been written by a newer program, before it was taken back, or by an older one with texts that
are refused by now. The hall says what becomes of such a record; to the box it teaches nothing, and must not stop it.
"""

import msgspec

from common.core import record
from common.core.record import Record


def readable(seq: int, raw: bytes) -> Record | None:
    """None for what cannot be read, body and all, or says that it is another number's."""
    try:
        item = record.decode_record(raw)
        record.decode_body(item)
    except msgspec.MsgspecError:
        return None
    return item if item.seq == seq else None
