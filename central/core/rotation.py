"""Which pictures a wall shows in turn, as its address says: `?scene=sites,video,score&every=60`. Pure."""

from enum import StrEnum

from msgspec import Struct

from common.core.errors import UsageError

SHORTEST_SECS, LONGEST_SECS, USUAL_SECS = 10, 3600, 60
MOST = 12
"""Pictures of one round; one may come more than once."""


class Scene(StrEnum):
    """A picture of the wall, below its figures."""

    SITES = "sites"
    VIDEO = "video"
    SCORE = "score"

    @property
    def word(self) -> str:
        return {"sites": "站点", "video": "摄像", "score": "评比"}[self.value]


class Round(Struct, frozen=True):
    """`order`: the one that is shown first, those that follow. `every_secs`: how long each is shown; 0: for ever."""

    order: tuple[Scene, ...] = (Scene.SITES,)
    every_secs: int = 0

    @property
    def now(self) -> Scene:
        return self.order[0]

    @property
    def turns(self) -> bool:
        return len(self.order) > 1

    def begun_at(self, place: int) -> str:
        """The address of the same round, begun with its picture number `place`."""
        order = self.order[place:] + self.order[:place]
        return f"/hall?scene={','.join(order)}&every={self.every_secs}"


def asked(scene: str, every: str) -> Round:
    """Of what the address says; of nothing the sites alone. Raises UsageError for what there is not."""
    if not scene:
        return Round()
    names = scene.split(",")
    if len(names) > MOST or not set(names) <= set(Scene):
        may = "、".join(f"{one.value}（{one.word}）" for one in Scene)
        raise UsageError("没有这样的画面", hint=f"scene 写成 sites,video,score：{may}，至多 {MOST} 个")
    secs = (
        USUAL_SECS
        if not every
        else int(every)
        if every.isascii() and every.isdigit() and len(every) < 6
        else 0
    )
    if not SHORTEST_SECS <= secs <= LONGEST_SECS:
        raise UsageError("轮换的间隔不对", hint=f"every 写成秒数，{SHORTEST_SECS} 至 {LONGEST_SECS}")
    return Round(tuple(Scene(name) for name in names), secs)
