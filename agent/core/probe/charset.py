"""Which charset text was really stored in, by what comes out when it is read as each."""

from collections.abc import Sequence

from msgspec import Struct

_HAN = range(0x3400, 0x9FFF + 1)
_ENOUGH = 300
_LEAST = 3
"""Values that are not ASCII, below which nothing is said."""


class Reading(Struct, frozen=True):
    """`charset`: empty where the driver's own reading is right. `lost`: values with characters that are gone."""

    charset: str
    confidence: float
    lost: int
    reason: str


def scored(values: Sequence[str | bytes]) -> Reading:
    """Of one column's values, bytes as they are stored or text as the driver reads it; the first 300 tell."""
    values = values[:_ENOUGH]
    raw = [value for value in values if isinstance(value, bytes) and any(byte > 127 for byte in value)]
    text = [value for value in values if isinstance(value, str) and not value.isascii()]
    if len(raw) >= _LEAST:
        return _of_bytes(raw)
    lost = sum("\ufffd" in value or "??" in value for value in values if isinstance(value, str))
    if len(text) < _LEAST:
        return Reading("", 0.5, lost, "没有足够的汉字可供判断")
    return _of_text(text, lost)


def _of_bytes(raw: list[bytes]) -> Reading:
    good = {name: [_decoded(value, name) for value in raw] for name in ("utf-8", "gb18030", "big5")}
    ratio = {name: sum(text is not None for text in texts) / len(raw) for name, texts in good.items()}
    if ratio["utf-8"] >= 0.98:
        lost = sum("\ufffd" in (text or "") for text in good["utf-8"])
        return Reading("", 0.98, lost, "全部合 UTF-8")
    han = {
        name: sum(_han(text) for text in texts if text) / len(raw)
        for name, texts in good.items()
        if name != "utf-8"
    }
    if ratio["gb18030"] >= 0.95 and han["gb18030"] > 0.8:
        lost = sum(text is None for text in good["gb18030"])
        return Reading(
            "gb18030", 0.95, lost, f"{ratio['utf-8']:.0%} 合 UTF-8，{ratio['gb18030']:.0%} 合 GB18030"
        )
    return Reading("", 0.3, sum(text is None for text in good["utf-8"]), "字节不合 UTF-8，也不合 GB18030")


def _of_text(text: list[str], lost: int) -> Reading:
    """Text that the database believes to be Latin-1 shows as ÐÐÕþ; its bytes tell what it was."""
    if sum(_han(value) for value in text) / len(text) > 0.3:
        return Reading("", 0.98, lost, "读出的汉字正常")
    for name in ("utf-8", "gb18030"):
        mended = [_mended(value, name) for value in text]
        if sum(_han(value) > 0.5 for value in mended if value) / len(text) > 0.9:
            return Reading(name, 0.95, lost, f"按 Latin-1 存放的 {name.upper()}")
    return Reading("", 0.5, lost, "不是汉字")


def _decoded(value: bytes, charset: str) -> str | None:
    try:
        return value.decode(charset)
    except UnicodeDecodeError:
        return None


def _mended(value: str, charset: str) -> str | None:
    for latin in ("cp1252", "latin-1"):
        try:
            return value.encode(latin).decode(charset)
        except UnicodeError:
            continue
    return None


def _han(text: str) -> float:
    """Share of Chinese characters among those that are not ASCII."""
    high = [char for char in text if not char.isascii()]
    return sum(
        ord(char) in _HAN or char in "（）【】，。、：；" or ord(char) > 0x1FFFF for char in high
    ) / max(1, len(high))
