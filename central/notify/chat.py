"""A group of DingTalk, WeCom, Feishu or any other that apprise knows, by its address; an optional extra."""

from central.core.gateway import Receipt
from central.notify.base import Parcel
from common.core.errors import ConfigError, UnavailableError

_HINT = "请核对群机器人的地址（mingcha message secret chat），写法见 apprise 的说明，如 dingtalk://…、wecombot://…、feishu://…"


class Chat:
    """One group. apprise says only whether it worked, so a refusal is tried again until it is too old."""

    is_repeatable = True
    has_receipts = False
    is_final = False

    def __init__(self, address: str) -> None:
        """Raises ConfigError where apprise is not installed, or does not know such an address."""
        try:
            import apprise
        except ImportError as error:
            raise ConfigError(
                "没有安装群消息组件 apprise", hint="请执行  pip install 'mingcha[messenger]'"
            ) from error
        self._group = apprise.Apprise()
        if not self._group.add(address):
            raise ConfigError("群机器人的地址看不懂", hint=_HINT)

    async def send(self, parcel: Parcel) -> str:
        if not await self._group.async_notify(body=parcel.text, title=parcel.title):
            raise UnavailableError("群消息没有发出", hint=_HINT)
        return parcel.key

    async def receipts(self) -> list[Receipt]:
        return []

    async def check(self) -> str:
        return "群机器人的地址看得懂（是否送达请用  mingcha message test  试发）"

    async def close(self) -> None:
        """Each message has a connection of its own."""
