"""Which typefaces a document is set in. GB/T 9704-2012 names kinds of type; offices own them under several names.

The standard's faces are licensed and come through the hall's font folder. What is missing is replaced by a face that
every hall has, and the page says so: a page in other type looks official and is not what the standard asks for.
"""

from collections.abc import Collection

from msgspec import Struct

from common.core.errors import RejectedError

FANGSONG = (
    "仿宋_GB2312",
    "FangSong_GB2312",
    "FangSong",
    "仿宋",
    "方正仿宋_GBK",
    "FZFangSong-Z02",
    "FandolFang R",
    "FandolFang",
)
BIAOSONG = ("方正小标宋简体", "FZXiaoBiaoSong-B05S", "方正小标宋_GBK", "FZXiaoBiaoSong-B05", "小标宋")
HEITI = ("黑体", "SimHei", "方正黑体_GBK", "FandolHei", "Noto Sans CJK SC", "Source Han Sans SC")
SONGTI = ("宋体", "SimSun", "FandolSong", "Noto Serif CJK SC", "Source Han Serif SC", "AR PL UMing CN")
"""Family names in the order of preference; the last two also stand in for the first two."""


class Faces(Struct, frozen=True):
    """Families for each kind of type, the wanted one first, then the one that has the rare characters."""

    fangsong: tuple[str, ...]
    biaosong: tuple[str, ...]
    heiti: tuple[str, ...]
    songti: tuple[str, ...]
    biaosong_weight: str  # a substitute is set bold
    missing: tuple[str, ...]  # kinds of type that are replaced

    @property
    def notice(self) -> str:
        """What stands at the head of each page; empty where nothing is replaced."""
        if not self.missing:
            return ""
        return f"预览：本机没有{'、'.join(self.missing)}字体，以宋体代替。正式文书请用已装字体的电脑打开可编辑版印制"


def choose(families: Collection[str]) -> Faces:
    """Of the families that are there. Raises RejectedError where no Chinese type is."""
    have = {family.casefold(): family for family in families}

    def of(wanted: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(have[name.casefold()] for name in wanted if name.casefold() in have)

    songti, heiti = of(SONGTI), of(HEITI)
    if not songti:
        raise RejectedError(
            "没有可用的中文字体，文书排不出来",
            hint="请安装 fonts-noto-cjk，或把字体文件放进字体文件夹（central.toml 的 fonts_dir）",
        )
    fangsong, biaosong = of(FANGSONG), of(BIAOSONG)
    return Faces(
        fangsong=(*fangsong[:1], *songti),
        biaosong=(*biaosong[:1], *songti),
        heiti=(*heiti[:1], *songti),
        songti=songti,
        biaosong_weight="regular" if biaosong else "bold",
        missing=tuple(word for word, found in (("仿宋", fangsong), ("小标宋", biaosong)) if not found),
    )
