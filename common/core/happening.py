"""The words in which a box writes of itself (P-REC-09)."""

from enum import StrEnum


class Happening(StrEnum):
    """A change of a box's own state: the names of its `event` records."""

    STARTED = "agent.started"
    LINK_LOST = "link.lost"
    LINK_CATCHUP = "link.catchup"
    LINK_STEADY = "link.steady"
    LINK_REFUSED = "link.refused"
    SOURCE_LOST = "source.lost"
    SOURCE_BACK = "source.back"
    CAPTURE_PAUSED = "capture.paused"
    CAPTURE_RESUMED = "capture.resumed"
    BUFFER_FULL = "buffer.full"
    BUFFER_FREE = "buffer.free"
    BUFFER_SALVAGED = "buffer.salvaged"
    OBSERVATIONS_SHED = "observations.shed"
    KEY_LOST = "key.lost"
    KEY_BACK = "key.back"
    POLICY_CHANGED = "policy.changed"
    CAMERAS_ENDED = "cameras.ended"
    CAMERAS_RELEARNED = "cameras.relearned"
    CAMERA_CLOCK_SET = "camera.clock_set"
    STILLS_GIVEN_UP = "stills.given_up"
    CLIP_NOT_MADE = "clip.not_made"

    @property
    def word(self) -> str:
        return _HAPPENING_WORDS[self]


_HAPPENING_WORDS = {
    Happening.STARTED: "程序启动",
    Happening.LINK_LOST: "与市中心断开",
    Happening.LINK_CATCHUP: "与市中心连上，补传积压",
    Happening.LINK_STEADY: "与市中心同步，没有积压",
    Happening.LINK_REFUSED: "被市中心拒绝",
    Happening.SOURCE_LOST: "数据库读不到",
    Happening.SOURCE_BACK: "数据库恢复读取",
    Happening.CAPTURE_PAUSED: "采集被暂停",
    Happening.CAPTURE_RESUMED: "采集恢复",
    Happening.BUFFER_FULL: "缓存已满，停止读库",
    Happening.BUFFER_FREE: "缓存有空间，继续读库",
    Happening.BUFFER_SALVAGED: "损坏缓存抢救完毕",
    Happening.OBSERVATIONS_SHED: "缓存将满时略去提示",
    Happening.KEY_LOST: "主密钥丢失，用替代密钥",
    Happening.KEY_BACK: "主密钥恢复",
    Happening.POLICY_CHANGED: "设置生效",
    Happening.CAMERAS_ENDED: "摄像进程退出",
    Happening.CAMERAS_RELEARNED: "摄像机重新学习",
    Happening.CAMERA_CLOCK_SET: "摄像机校时",
    Happening.STILLS_GIVEN_UP: "放弃未送出的图片",
    Happening.CLIP_NOT_MADE: "没有做成证据短片",
}
