"""What a box observed of its source that is no row -> what it is in the hall, and in words (PROTOCOL.md, P-OBS). Pure."""

from typing import Any

import msgspec

from common.core.record import Observation
from common.core.state import FindingCode, Observed

_DETAILS = {
    "rows": "{} 行",
    "known": "原有 {} 行",
    "changed": "改了 {} 行",
    "gone": "少了 {} 行",
    "new": "多了 {} 行",
    "pages": "{} 页",
    "page": "第 {} 页",
    "minute": "{} 这一分钟",
    "seconds": "{} 秒",
}


def code_of(said: Observation) -> FindingCode:
    """A missing number may be an insert that was rolled back, a new column is the vendor's affair, and nobody knows what
    an unknown word accuses of."""
    told = {Observed.SOURCE_RESTORED, Observed.BULK_EDIT, Observed.CLOCK_JUMP}
    return FindingCode.T7 if said.code in told else FindingCode.NOTICE


def words_of(said: Observation) -> str:
    """What a box observed, for people; what cannot be read is shown as it is."""
    word = Observed(said.code).word if said.code in set(Observed) else said.code
    if said.code == Observed.NUMBER_MISSING:
        return f"{word}：{said.key}，一直没有出现；可能是录入后撤销，也可能是删除"
    if said.code == Observed.COLUMN_NEW:
        return f"{word}：{said.key}，尚未映射，不采集；请站点技术员决定是否映射"
    try:
        detail = msgspec.json.decode(said.detail, type=dict[str, Any])
    except msgspec.MsgspecError:
        return f"{word}：{said.detail}" if said.detail else word
    tables = detail.get("tables")
    if not (isinstance(tables, dict) and all(isinstance(one, dict) for one in tables.values())):
        return f"{word}：{_said(detail)}"
    del detail["tables"]
    return "；".join(
        [f"{word}：{_said(detail)}", *(f"其中 {table} {_said(one)}" for table, one in tables.items())]
    )


def _said(detail: dict[str, Any]) -> str:
    return "，".join(_DETAILS.get(name, name + " {}").format(detail[name]) for name in detail)
